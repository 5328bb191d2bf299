//! Names and headers of an archive's entries. Normative: `spec/archive.md`.

use serde::Deserialize;
use serde::Serialize;

use crate::archive::error::ArchiveError;
use crate::ident::ChunkId;
use crate::ident::EnvelopeId;
use crate::ident::StatementId;
use crate::ident::TreeId;
use crate::ident::from_hex;
use crate::ident::to_hex;
use crate::manifest::Manifest;
use crate::wire::limits::ARCHIVE_DATASETS_MAX;

/// Bytes of the tar stream in one frame.
pub const FRAME_BYTES: usize = 8 << 20;
/// Bytes of an entry before its content.
pub const ENTRY_HEADER_BYTES: u64 = BLOCK_BYTES as u64;
/// Bytes of a tar block.
pub(super) const BLOCK_BYTES: usize = 512;
/// Version of archives without deltas.
const VERSION: u32 = 1;
/// Version of archives that may hold deltas.
const VERSION_DIFFERENCES: u32 = 2;

/// The dataset of an entry; `None` in an archive of one dataset.
pub type Slot = Option<EnvelopeId>;

/// The name of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryName {
    /// The archive's header.
    Header,
    /// A publisher's statement.
    Statement(StatementId),
    /// A manifest.
    Manifest(Slot),
    /// A manifest's signature.
    Signature(Slot),
    /// A dataset's card.
    Card(Slot),
    /// A node of a tree, by the first bytes of its id. Its hash proves which one.
    Node([u8; 8]),
    /// A chunk, by the first bytes of its id.
    Chunk([u8; 8]),
    /// Chunks as a delta, by the id of the first.
    Delta([u8; 8]),
}

impl EntryName {
    /// Returns the name of a node's entry.
    pub fn node(id: &TreeId) -> Self {
        Self::Node(id.as_bytes().first_chunk().copied().unwrap_or_default())
    }

    /// Returns the name of a chunk's entry.
    pub fn chunk(id: &ChunkId) -> Self {
        Self::Chunk(id.as_bytes().first_chunk().copied().unwrap_or_default())
    }

    /// Returns the name of a delta entry whose chunks begin with this one.
    pub fn delta(first: &ChunkId) -> Self {
        Self::Delta(first.as_bytes().first_chunk().copied().unwrap_or_default())
    }

    /// Returns the path in the tar.
    pub fn path(&self) -> String {
        let below = |slot: &Slot, name: &str| match slot {
            Some(id) => format!("datasets/{id}/{name}"),
            None => name.to_owned(),
        };
        match self {
            Self::Header => "archive.json".to_owned(),
            Self::Statement(id) => format!("statements/{id}.statement"),
            Self::Manifest(slot) => below(slot, "manifest.json"),
            Self::Signature(slot) => below(slot, "signature.bin"),
            Self::Card(slot) => below(slot, "card.md"),
            Self::Node(id) => format!("nodes/{}.node", to_hex(id)),
            Self::Chunk(id) => format!("data/{}.chunk", to_hex(id)),
            Self::Delta(id) => format!("data/{}.difference", to_hex(id)),
        }
    }

    /// Parses a path; `None` for one that no archive has.
    pub fn parse(path: &str) -> Option<Self> {
        let id = |text: &str, ending: &str| text.strip_suffix(ending).map(str::to_owned);
        let name = if let Some(rest) = path.strip_prefix("statements/") {
            Self::Statement(StatementId::parse_hex(&id(rest, ".statement")?)?)
        } else if let Some(rest) = path.strip_prefix("nodes/") {
            Self::Node(from_hex(&id(rest, ".node")?)?)
        } else if let Some(rest) = path.strip_prefix("data/") {
            match id(rest, ".chunk") {
                Some(hex) => Self::Chunk(from_hex(&hex)?),
                None => Self::Delta(from_hex(&id(rest, ".difference")?)?),
            }
        } else {
            let (slot, name) = match path.strip_prefix("datasets/") {
                Some(rest) => {
                    let (hex, name) = rest.split_once('/')?;
                    (Some(EnvelopeId::parse_hex(hex)?), name)
                }
                None => (None, path),
            };
            match name {
                "archive.json" if slot.is_none() => Self::Header,
                "manifest.json" => Self::Manifest(slot),
                "signature.bin" => Self::Signature(slot),
                "card.md" => Self::Card(slot),
                _ => return None,
            }
        };
        // A name has exactly one path: no capitals in its digits.
        (name.path() == path).then_some(name)
    }
}

/// A dataset in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedDataset {
    /// The envelope id, 64 hexadecimal digits.
    pub envelope: String,
    /// The dataset's name.
    pub name: String,
    /// The dataset's version.
    pub version: String,
    /// The content id, 64 hexadecimal digits.
    pub content_id: String,
}

impl ArchivedDataset {
    /// Makes the header's record of a dataset.
    pub fn of(manifest: &Manifest, envelope: &EnvelopeId) -> Self {
        Self {
            envelope: envelope.to_hex(),
            name: manifest.name.to_string(),
            version: manifest.dataset_version.to_string(),
            content_id: manifest.content_id.to_hex(),
        }
    }
}

/// A base: a dataset that the reading registry must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseDataset {
    /// The content id, 64 hexadecimal digits.
    pub content_id: String,
    /// The root of the chunk tree, 64 hexadecimal digits.
    pub chunk_tree_root: String,
    /// The dataset's name in the exporting registry.
    pub name: String,
    /// The dataset's version.
    pub version: String,
}

impl BaseDataset {
    /// Makes the base of a dataset.
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            content_id: manifest.content_id.to_hex(),
            chunk_tree_root: manifest.chunk_tree_root.to_hex(),
            name: manifest.name.to_string(),
            version: manifest.dataset_version.to_string(),
        }
    }
}

/// The archive's header, its first entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveHeader {
    version: u32,
    /// The datasets in the archive.
    pub datasets: Vec<ArchivedDataset>,
    /// The bases of the archive.
    pub base: Vec<BaseDataset>,
}

impl ArchiveHeader {
    /// Makes a header.
    pub fn new(
        datasets: Vec<ArchivedDataset>,
        base: Vec<BaseDataset>,
        may_hold_deltas: bool,
    ) -> Self {
        Self {
            version: if may_hold_deltas {
                VERSION_DIFFERENCES
            } else {
                VERSION
            },
            datasets,
            base,
        }
    }

    /// Returns true if the archive may hold deltas.
    pub fn may_hold_deltas(&self) -> bool {
        self.version == VERSION_DIFFERENCES
    }

    /// Encodes the header as JSON.
    ///
    /// # Errors
    /// [`ArchiveError::Header`], which cannot happen with texts and numbers.
    pub fn encode(&self) -> Result<Vec<u8>, ArchiveError> {
        let mut json = serde_json::to_vec_pretty(self).map_err(ArchiveError::Header)?;
        json.push(b'\n');
        Ok(json)
    }

    /// Decodes the header.
    ///
    /// # Errors
    /// [`ArchiveError`] when it is malformed or of a newer version.
    pub fn decode(json: &[u8]) -> Result<Self, ArchiveError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let version: Version = serde_json::from_slice(json).map_err(ArchiveError::Header)?;
        if !(VERSION..=VERSION_DIFFERENCES).contains(&version.version) {
            return Err(ArchiveError::Version(version.version));
        }
        let header: Self = serde_json::from_slice(json).map_err(ArchiveError::Header)?;
        if header.datasets.is_empty() || header.datasets.len() > ARCHIVE_DATASETS_MAX {
            return Err(ArchiveError::TooMany(header.datasets.len()));
        }
        // As with tar headers: only the bytes that a writer would write.
        if header.encode()? != json {
            return Err(ArchiveError::Corrupt(EntryName::Header.path()));
        }
        Ok(header)
    }
}

/// Returns the header block of an entry. A reader accepts no other bytes.
pub(super) fn tar_header(path: &str, size: u64) -> [u8; BLOCK_BYTES] {
    let mut header = tar::Header::new_ustar();
    // Paths of entries are short and plain; no other path is written.
    let _ = header.set_path(path);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    *header.as_bytes()
}
