//! Key files: a secret key encrypted under a passphrase. Normative: `spec/key-file.md`.

use argon2::Algorithm;
use argon2::Argon2;
use argon2::Params;
use argon2::Version;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::AeadInOut;
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::KeyInit;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::PublisherKey;
use crate::trust::keypair::KeyPair;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::KEY_FILE_BYTES_MAX;
use crate::wire::limits::KEY_LANES_MAX;
use crate::wire::limits::KEY_MEMORY_KIB_MAX;
use crate::wire::limits::KEY_PASSES_MAX;

const BEGIN: &str = "-----BEGIN ALIMENTAR SECRET KEY-----";
const END: &str = "-----END ALIMENTAR SECRET KEY-----";
const MAGIC: [u8; 4] = *b"ALK\x01";
const KDF_ARGON2ID: u8 = 1;
const CIPHER_CHACHA20_POLY1305: u8 = 1;
const HEADER_BYTES: usize = 4 + 1 + 12 + 16 + 1 + 12 + 32;
const SEED_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
const CHECK_BYTES: usize = 8;
const LINE_CHARS: usize = 64;
/// Minimum memory: less protects nothing.
const KEY_MEMORY_KIB_MIN: u32 = 8 << 10;

/// The cost of one guess of the passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Number of passes over the memory.
    pub passes: u32,
    /// Number of lanes.
    pub lanes: u32,
}

impl KeyCost {
    /// The cost of new key files; `spec/key-file.md` has measurements.
    pub const NOW: Self = Self {
        memory_kib: 64 << 10,
        passes: 3,
        lanes: 1,
    };

    fn is_allowed(self) -> bool {
        (KEY_MEMORY_KIB_MIN..=KEY_MEMORY_KIB_MAX).contains(&self.memory_kib)
            && (1..=KEY_PASSES_MAX).contains(&self.passes)
            && (1..=KEY_LANES_MAX).contains(&self.lanes)
    }
}

/// Failure to open a key file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The text lacks the first and last line of a key file.
    #[error("not a key file: it has no line `{BEGIN}`")]
    NotAKeyFile,
    /// The text is cut short or changed.
    #[error("the key file is damaged")]
    Damaged(#[source] DecodeError),
    /// The file asks for a cost outside the limits of this program.
    #[error(
        "the key file asks for {} MiB, {} passes and {} lanes; at most {} MiB, {KEY_PASSES_MAX} and {KEY_LANES_MAX} are allowed, and at least {} MiB",
        .0.memory_kib >> 10, .0.passes, .0.lanes, KEY_MEMORY_KIB_MAX >> 10, KEY_MEMORY_KIB_MIN >> 10
    )]
    Cost(KeyCost),
    /// The passphrase is wrong.
    #[error("wrong passphrase, or the key file was changed on purpose")]
    Passphrase,
    /// The key derivation could not get its memory.
    #[error("the key derivation failed: there is not enough memory")]
    Derivation,
}

impl Classify for KeyFileError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Passphrase => ErrorKind::Denied,
            Self::Derivation => ErrorKind::Io,
            _ => ErrorKind::Integrity,
        }
    }
}

/// A key file that is decoded and not yet opened: its content in the clear.
#[derive(Clone, Debug)]
pub struct LockedKey {
    header: Vec<u8>,
    cost: KeyCost,
    salt: [u8; 16],
    nonce: [u8; 12],
    public_key: PublisherKey,
    sealed: [u8; SEED_BYTES + TAG_BYTES],
}

impl LockedKey {
    /// Encrypts a pair under a passphrase. Salt and nonce must be fresh and random.
    ///
    /// # Errors
    /// [`KeyFileError::Cost`] or [`KeyFileError::Derivation`].
    pub fn lock(
        pair: &KeyPair,
        passphrase: &str,
        cost: KeyCost,
        salt: [u8; 16],
        nonce: [u8; 12],
    ) -> Result<Self, KeyFileError> {
        let public_key = pair.public_key();
        let header = header(cost, &salt, &nonce, &public_key);
        let cipher = cipher(passphrase, cost, &salt)?;
        let mut seed = pair.seed();
        let tag = cipher
            .encrypt_inout_detached(&nonce.into(), &header, seed.as_mut_slice().into())
            .map_err(|_| KeyFileError::Derivation)?;
        let mut sealed = [0; SEED_BYTES + TAG_BYTES];
        let both = seed.iter().chain(tag.iter());
        sealed
            .iter_mut()
            .zip(both)
            .for_each(|(to, from)| *to = *from);
        Ok(Self::of(cost, salt, nonce, public_key, sealed))
    }

    fn of(
        cost: KeyCost,
        salt: [u8; 16],
        nonce: [u8; 12],
        public_key: PublisherKey,
        sealed: [u8; SEED_BYTES + TAG_BYTES],
    ) -> Self {
        Self {
            header: header(cost, &salt, &nonce, &public_key),
            cost,
            salt,
            nonce,
            public_key,
            sealed,
        }
    }

    /// Opens the key with the time and memory of its cost.
    ///
    /// # Errors
    /// [`KeyFileError::Passphrase`] when the passphrase is wrong.
    pub fn open(&self, passphrase: &str) -> Result<KeyPair, KeyFileError> {
        let cipher = cipher(passphrase, self.cost, &self.salt)?;
        let (sealed, tag) = self.sealed.split_at(SEED_BYTES);
        let mut seed = Zeroizing::new([0; SEED_BYTES]);
        seed.copy_from_slice(sealed);
        let tag = tag.try_into().map_err(|_| KeyFileError::Passphrase)?;
        cipher
            .decrypt_inout_detached(
                &self.nonce.into(),
                &self.header,
                seed.as_mut_slice().into(),
                tag,
            )
            .map_err(|_| KeyFileError::Passphrase)?;
        let pair = KeyPair::from_seed(&seed);
        // Somebody with the passphrase could have written another key into the header.
        if pair.public_key() == self.public_key {
            Ok(pair)
        } else {
            Err(KeyFileError::Passphrase)
        }
    }

    /// Returns the public key in the file. Only opening proves it.
    pub fn public_key(&self) -> PublisherKey {
        self.public_key
    }

    /// Returns the cost of one guess.
    pub fn cost(&self) -> KeyCost {
        self.cost
    }

    /// Encodes the text of the file.
    pub fn encode(&self) -> String {
        let mut bytes = self.header.clone();
        bytes.extend_from_slice(&self.sealed);
        let check = check(&bytes);
        bytes.extend_from_slice(&check);
        let base64 = STANDARD.encode(bytes);
        let mut text = format!("{BEGIN}\n");
        for line in base64.as_bytes().chunks(LINE_CHARS) {
            text.extend(line.iter().map(|c| char::from(*c)));
            text.push('\n');
        }
        text + END + "\n"
    }

    /// Decodes the text of a file, without opening it and without its memory.
    ///
    /// # Errors
    /// [`KeyFileError`] when it is not a key file, is damaged, or has a cost outside the limits.
    pub fn decode(text: &[u8]) -> Result<Self, KeyFileError> {
        if text.len() > KEY_FILE_BYTES_MAX {
            return Err(KeyFileError::NotAKeyFile);
        }
        let text = std::str::from_utf8(text).map_err(|_| KeyFileError::NotAKeyFile)?;
        let inside = text.trim().strip_prefix(BEGIN);
        let inside = inside.ok_or(KeyFileError::NotAKeyFile)?;
        let damaged = |what| KeyFileError::Damaged(DecodeError::Invalid(what));
        let inside = inside.strip_suffix(END).ok_or(damaged("last line"))?;
        let base64: String = inside
            .chars()
            .filter(|c| !c.is_ascii_whitespace())
            .collect();
        let bytes = STANDARD.decode(base64).map_err(|_| damaged("base64"))?;
        Self::fields(&bytes)
            .map_err(KeyFileError::Damaged)?
            .allowed()
    }

    fn fields(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (rest, found) = bytes
            .split_last_chunk::<CHECK_BYTES>()
            .ok_or(DecodeError::Truncated)?;
        let mut r = Reader::new(rest);
        if r.array::<4>()? != MAGIC {
            return Err(DecodeError::Magic("key file"));
        }
        if check(rest) != *found {
            return Err(DecodeError::Checksum("the key file"));
        }
        if r.u8()? != KDF_ARGON2ID {
            return Err(DecodeError::Invalid("key derivation"));
        }
        let cost = KeyCost {
            memory_kib: r.u32()?,
            passes: r.u32()?,
            lanes: r.u32()?,
        };
        let salt = r.array()?;
        if r.u8()? != CIPHER_CHACHA20_POLY1305 {
            return Err(DecodeError::Invalid("cipher"));
        }
        let (nonce, public_key) = (r.array()?, PublisherKey::new(r.array()?));
        let sealed = r.array()?;
        r.end()?;
        Ok(Self::of(cost, salt, nonce, public_key, sealed))
    }

    fn allowed(self) -> Result<Self, KeyFileError> {
        if self.cost.is_allowed() {
            Ok(self)
        } else {
            Err(KeyFileError::Cost(self.cost))
        }
    }
}

fn header(cost: KeyCost, salt: &[u8; 16], nonce: &[u8; 12], key: &PublisherKey) -> Vec<u8> {
    let mut w = Writer::new();
    w.bytes(&MAGIC).u8(KDF_ARGON2ID);
    w.u32(cost.memory_kib).u32(cost.passes).u32(cost.lanes);
    w.bytes(salt).u8(CIPHER_CHACHA20_POLY1305).bytes(nonce);
    w.bytes(key.as_bytes());
    debug_assert_eq!(w.as_bytes().len(), HEADER_BYTES);
    w.into_bytes()
}

fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let hash = blake3::hash(bytes);
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

fn cipher(
    passphrase: &str,
    cost: KeyCost,
    salt: &[u8; 16],
) -> Result<ChaCha20Poly1305, KeyFileError> {
    if !cost.is_allowed() {
        return Err(KeyFileError::Cost(cost));
    }
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(SEED_BYTES))
        .map_err(|_| KeyFileError::Cost(cost))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut key = Zeroizing::new([0; SEED_BYTES]);
    argon2
        .hash_password_into(passphrase.as_bytes(), salt, key.as_mut_slice())
        .map_err(|_| KeyFileError::Derivation)?;
    ChaCha20Poly1305::new_from_slice(key.as_slice()).map_err(|_| KeyFileError::Derivation)
}

/// Makes the text of a key file with another cost or key in its header, and a valid checksum.
#[cfg(test)]
pub(super) fn forged(locked: &LockedKey, cost: KeyCost, public_key: PublisherKey) -> String {
    LockedKey::of(cost, locked.salt, locked.nonce, public_key, locked.sealed).encode()
}
