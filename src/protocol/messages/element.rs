//! Elements: short salted hashes of ids, by which nodes compare catalogues. The salt prevents chosen
//! collisions, and recognition of an id elsewhere.

use crate::ident::EnvelopeId;
use crate::ident::StatementId;

/// The random salt of one reconciliation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salt([u8; 16]);

/// The element of one manifest or statement in one reconciliation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element(pub [u8; 8]);

impl Salt {
    /// Makes a salt from random bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the salt's bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Returns the element of a manifest.
    pub fn envelope(&self, id: &EnvelopeId) -> Element {
        self.element(0, id.as_bytes())
    }

    /// Returns the element of a statement.
    pub fn statement(&self, id: &StatementId) -> Element {
        self.element(1, id.as_bytes())
    }

    fn element(&self, kind: u8, id: &[u8; 32]) -> Element {
        let mut key = [0; 32];
        for (to, from) in key.iter_mut().zip(self.0.iter().chain(&self.0)) {
            *to = *from;
        }
        let mut hasher = blake3::Hasher::new_keyed(&key);
        hasher.update(&[kind]).update(id);
        let hash = hasher.finalize();
        Element(hash.as_bytes().first_chunk().copied().unwrap_or_default())
    }
}
