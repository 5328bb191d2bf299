//! Records, tree nodes, file tables, manifests and zstd frames by hand, true or not.

use ed25519_dalek::Signer;
use ed25519_dalek::SigningKey;

use crate::wire::counted;
use crate::wire::varint;

pub fn hash(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A record of `spec/pack.md`; both checksums are right, whatever it says.
pub struct Record {
    pub kind: u8,
    pub codec: u8,
    pub items: Vec<([u8; 32], u32)>,
    pub bases: Vec<[u8; 32]>,
    pub raw: u32,
    pub payload: Vec<u8>,
}

impl Record {
    /// Chunks as they are.
    pub fn of(chunks: &[&[u8]]) -> Self {
        let payload = chunks.concat();
        Self {
            kind: 1,
            codec: 0,
            items: chunks.iter().map(|c| (hash(c), c.len() as u32)).collect(),
            bases: Vec::new(),
            raw: payload.len() as u32,
            payload,
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut front = b"ALR\x01".to_vec();
        front.extend([self.kind, self.codec, 0, 0]);
        front.extend((self.items.len() as u32).to_le_bytes());
        front.extend((self.bases.len() as u32).to_le_bytes());
        front.extend(self.raw.to_le_bytes());
        front.extend((self.payload.len() as u32).to_le_bytes());
        front.extend(0_u64.to_le_bytes());
        front.extend(&hash(&self.payload)[..16]);
        let mut rest = Vec::new();
        for (id, length) in &self.items {
            rest.extend(id);
            rest.extend(length.to_le_bytes());
        }
        self.bases.iter().for_each(|base| rest.extend(base));
        let check = hash(&[&front[..], &rest].concat());
        [&front[..], &check[..8], &rest, &self.payload].concat()
    }

    /// Reads what the program under test sent: codec 0 is all that was asked for.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let number = |at: usize| -> Option<u32> {
            Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
        };
        let (items, bases) = (number(8)? as usize, number(12)? as usize);
        let item = |n: usize| {
            let at = 56 + 36 * n;
            let id = bytes.get(at..at + 32)?.try_into().ok()?;
            Some((id, number(at + 32)?))
        };
        Some(Self {
            kind: *bytes.get(4)?,
            codec: *bytes.get(5)?,
            items: (0..items).map(item).collect::<Option<_>>()?,
            bases: Vec::new(),
            raw: number(16)?,
            payload: bytes.get(56 + 36 * items + 32 * bases..)?.to_vec(),
        })
    }
}

/// A zstd frame (RFC 8878) of so many equal bytes, four bytes for every 128 KiB of them. It says
/// that it has `said` bytes, or nothing.
pub fn bomb(bytes: u64, said: Option<u64>) -> Vec<u8> {
    const BLOCK: u64 = 128 << 10;
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd];
    // A window of 1 MiB; eight bytes of length where there is one.
    frame.extend(match said {
        Some(_) => [0xc0, 0x50],
        None => [0, 0x50],
    });
    frame.extend(said.iter().flat_map(|n| n.to_le_bytes()));
    let blocks = bytes.div_ceil(BLOCK).max(1);
    for n in 0..blocks {
        let size = (bytes - n * BLOCK).min(BLOCK) as u32;
        let header = u32::from(n + 1 == blocks) | 1 << 1 | size << 3;
        frame.extend(&header.to_le_bytes()[..3]);
        frame.push(b'a');
    }
    frame
}

/// The entry of a chunk in a leaf, or of a child in an inner node.
/// Leaves have no `chunks`.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: [u8; 32],
    pub bytes: u64,
    pub chunks: u64,
    pub newlines: u64,
}

/// A node of `spec/chunk-tree.md` that says `count` of its entries.
pub fn node(level: u8, count: u64, entries: &[Entry]) -> Vec<u8> {
    let mut bytes = b"ALT\x01".to_vec();
    bytes.push(level);
    bytes.extend(varint(count));
    for entry in entries {
        bytes.extend(entry.id);
        bytes.extend(varint(entry.bytes));
        if level > 0 {
            bytes.extend(varint(entry.chunks));
        }
        bytes.extend(varint(entry.newlines));
    }
    bytes
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|b| **b == b'\n').count() as u64
}

/// Returns the true entry of a chunk in a leaf.
pub fn chunk_entry(chunk: &[u8]) -> Entry {
    Entry {
        id: hash(chunk),
        bytes: chunk.len() as u64,
        chunks: 1,
        newlines: newlines(chunk),
    }
}

/// Returns the true entry of a child with these entries in an inner node.
pub fn child_entry(node: &[u8], entries: &[Entry]) -> Entry {
    Entry {
        id: hash(node),
        bytes: entries.iter().map(|e| e.bytes).sum(),
        chunks: entries.iter().map(|e| e.chunks).sum(),
        newlines: entries.iter().map(|e| e.newlines).sum(),
    }
}

/// The file table of one file.
pub fn file_table(path: &str, size: u64, id: [u8; 32]) -> Vec<u8> {
    let mut bytes = b"ALF\x01".to_vec();
    bytes.extend([1, 0]);
    bytes.extend(counted(path.as_bytes()));
    bytes.extend(varint(size));
    if size >= 2048 {
        bytes.extend(id);
    }
    bytes.extend([0, 0, 0]);
    bytes
}

/// The fields of a manifest that an attack sets.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub name: String,
    pub content_id: [u8; 32],
    pub root: [u8; 32],
    pub table_root: [u8; 32],
    pub table_bytes: u64,
    pub num_files: u64,
    pub size: u64,
    pub description: String,
    pub seq: u64,
    /// Instead of all of the above.
    pub instead: Option<Vec<u8>>,
}

impl Manifest {
    fn json(&self, signer: Option<&SigningKey>) -> Vec<u8> {
        if let Some(bytes) = &self.instead {
            return bytes.clone();
        }
        let signer = match signer {
            Some(key) => format!("\"{}\"", hex(key.verifying_key().as_bytes())),
            None => "null".to_owned(),
        };
        let line = hex(&hash(self.name.as_bytes())[..16]);
        let text = format!(
            r#"{{"version":1,"name":"{}","dataset_version":"1.0.0","dataset_kind":"file","content_id":"{}","chunk_tree_root":"{}","file_table_root":"{}","file_table_bytes":{},"num_files":{},"schema":"","num_rows":0,"size_bytes":{},"description":"{}","license":null,"tags":[],"card":null,"line":"{line}","seq":{},"prev":[],"clock":{{"{}":{}}},"created_at":"2026-01-01T00:00:00Z","signer":{signer}}}"#,
            self.name,
            hex(&self.content_id),
            hex(&self.root),
            hex(&self.table_root),
            self.table_bytes,
            self.num_files,
            self.size,
            self.description,
            self.seq,
            hex(&[7; 32]),
            self.seq,
        );
        text.into_bytes()
    }

    /// In an envelope, signed.
    pub fn signed(&self, key: &SigningKey) -> Vec<u8> {
        let json = self.json(Some(key));
        let signature = sign(key, "alimentar/manifest/1", &json);
        envelope(&json, Some(signature))
    }

    /// In an envelope that nobody signed.
    pub fn unsigned(&self) -> Vec<u8> {
        envelope(&self.json(None), None)
    }
}

/// A signer's key and signature over bytes of a domain.
pub fn sign(key: &SigningKey, domain: &str, bytes: &[u8]) -> [u8; 96] {
    let mut message = vec![domain.len() as u8];
    message.extend(domain.as_bytes());
    message.extend((bytes.len() as u64).to_le_bytes());
    message.extend(bytes);
    let signature = key.sign(&message).to_bytes();
    let mut both = [0; 96];
    both[..32].copy_from_slice(key.verifying_key().as_bytes());
    both[32..].copy_from_slice(&signature);
    both
}

pub fn envelope(manifest: &[u8], signature: Option<[u8; 96]>) -> Vec<u8> {
    let mut bytes = b"ALE\x01".to_vec();
    bytes.extend(counted(manifest));
    match signature {
        Some(signature) => {
            bytes.push(1);
            bytes.extend(signature);
        }
        None => bytes.push(0),
    }
    bytes
}

/// A revocation of a key, by itself or by another.
pub fn revocation(of: &SigningKey, by: &SigningKey) -> Vec<u8> {
    let json = format!(
        r#"{{"version":1,"kind":"revocation","by":"{}","created_at":"2026-01-01T00:00:00Z","reason":"forged","manifests":[]}}"#,
        hex(of.verifying_key().as_bytes())
    );
    let signature = sign(by, "alimentar/statement/1", json.as_bytes());
    let mut bytes = b"ALS\x01".to_vec();
    bytes.extend(counted(json.as_bytes()));
    bytes.push(1);
    bytes.extend(signature);
    bytes
}

/// Bytes that look like chance; the same for the same seed.
pub fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}
