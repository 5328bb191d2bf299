//! What catalogues are compared by: short salted hashes of ids. The salt keeps anybody from
//! making ids that meet, and from recognising them elsewhere.

use crate::ident::EnvelopeId;
use crate::ident::StatementId;

/// Random, new for every reconciliation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salt([u8; 16]);

/// Stands for one manifest or statement in one reconciliation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element(pub [u8; 8]);

impl Salt {
    /// From random bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The element of a manifest.
    pub fn envelope(&self, id: &EnvelopeId) -> Element {
        self.element(0, id.as_bytes())
    }

    /// The element of a statement.
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
