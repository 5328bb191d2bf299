//! Keys of one reconciliation, all derived from its salt.

use crate::protocol::messages::element::Element;
use crate::protocol::messages::element::Salt;

/// The key-derivation context of BLAKE3 for this use.
const CONTEXT: &str = "alimentar/1 reconciliation: mapping, checksums, digest";

/// Digest of a set of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogDigest([u8; 16]);

impl CatalogDigest {
    /// Makes the digest from its bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the digest's bytes.
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
    /// Derives the keys of a salt.
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

    /// Returns the start value of an element's mapping.
    pub(in crate::protocol::reconcile) fn seed(&self, element: u64) -> u64 {
        element ^ self.mapping
    }

    /// Returns the checksum of an element. It is not linear, so a sum of elements does not pass for one
    /// element by the sum of their checksums.
    pub fn checksum(&self, element: Element) -> u32 {
        let [first, second] = self.check;
        let once = mix(u64::from_le_bytes(element.0) ^ first);
        // The checksum uses only half of the hash.
        mix(once.wrapping_add(second)) as u32
    }

    /// Returns the digest of ascending elements.
    pub fn digest<'a>(&self, ascending: impl IntoIterator<Item = &'a Element>) -> CatalogDigest {
        let mut hasher = blake3::Hasher::new_keyed(&self.digest);
        let mut block = Vec::with_capacity(BLOCK);
        for element in ascending {
            block.extend_from_slice(&element.0);
            // Long pieces, because eight bytes at a time take three times as long.
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

/// Mixes the bits of a number; a bijection (Stafford's thirteenth variant of MurmurHash3's finaliser, as
/// in SplitMix64).
pub(in crate::protocol::reconcile) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
