//! What one reconciliation is keyed with, all of it from its salt.

use crate::protocol::messages::element::Element;
use crate::protocol::messages::element::Salt;

/// Names this use of BLAKE3 among all others.
const CONTEXT: &str = "alimentar/1 reconciliation: mapping, checksums, digest";

/// Stands for a whole set of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogDigest([u8; 16]);

impl CatalogDigest {
    /// From its bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Keys of the mapping, of checksums and of digests.
#[derive(Clone, Debug)]
pub struct Keys {
    mapping: u64,
    check: [u64; 2],
    digest: [u8; 32],
}

impl Keys {
    /// The keys that go with a salt.
    pub fn of(salt: &Salt) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        let mut stream = hasher.update(salt.as_bytes()).finalize_xof();
        let mut word = || {
            let mut bytes = [0; 8];
            stream.fill(&mut bytes);
            u64::from_le_bytes(bytes)
        };
        let (mapping, check) = (word(), [word(), word()]);
        let mut digest = [0; 32];
        stream.fill(&mut digest);
        Self {
            mapping,
            check,
            digest,
        }
    }

    /// What the mapping of an element starts from.
    pub(in crate::protocol::reconcile) fn seed(&self, element: u64) -> u64 {
        element ^ self.mapping
    }

    /// The checksum of an element. Not linear: the sum of some elements is not taken for another
    /// one because their checksums add up to its own.
    pub fn checksum(&self, element: Element) -> u32 {
        let [first, second] = self.check;
        let once = mix(u64::from_le_bytes(element.0) ^ first);
        // Half of it, on purpose.
        mix(once.wrapping_add(second)) as u32
    }

    /// The digest of elements that ascend.
    pub fn digest<'a>(&self, ascending: impl IntoIterator<Item = &'a Element>) -> CatalogDigest {
        let mut hasher = blake3::Hasher::new_keyed(&self.digest);
        let mut block = Vec::with_capacity(BLOCK);
        for element in ascending {
            block.extend_from_slice(&element.0);
            // Hashed in long pieces: eight bytes at a time take three times as long.
            if block.len() >= BLOCK {
                hasher.update(&block);
                block.clear();
            }
        }
        hasher.update(&block);
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        CatalogDigest(digest)
    }
}

const BLOCK: usize = 16 << 10;

/// Spreads every bit over all others; a bijection (Stafford's thirteenth variant of MurmurHash3's
/// finaliser, as in SplitMix64).
pub(in crate::protocol::reconcile) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
