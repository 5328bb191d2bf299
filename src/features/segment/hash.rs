//! The keyed hash of keys. It multiplies 64-bit words into 128 bits and folds the halves, as wyhash does; the
//! constants and the order are those of the specification, since segments outlive versions of crates.

/// Constants without structure: the first digits of pi.
const C0: u64 = 0x243f_6a88_85a3_08d3;
const C1: u64 = 0x1319_8a2e_0370_7344;
const C2: u64 = 0xa409_3822_299f_31d0;

/// A hash with the seed of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyHash {
    first: u64,
    second: u64,
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

impl KeyHash {
    /// Takes the seed of a segment.
    pub(crate) fn new(seed: [u8; 16]) -> Self {
        let (halves, _) = seed.as_chunks::<8>();
        let half = |n: usize| halves.get(n).map_or(0, |half| u64::from_le_bytes(*half));
        Self {
            first: half(0) ^ C0,
            second: half(1) ^ C1,
        }
    }

    /// Hashes a key of one integer.
    #[inline]
    pub(crate) fn hash_word(self, word: u64) -> u64 {
        fold(fold(word ^ self.first, self.second) ^ self.first, C2 ^ 8)
    }

    /// Hashes a key: words of 8 bytes, the last one filled up with zeros, and the length.
    #[inline]
    pub(crate) fn hash(self, key: &[u8]) -> u64 {
        let (words, rest) = key.as_chunks::<8>();
        let mut state = self.first;
        for word in words {
            state = fold(u64::from_le_bytes(*word) ^ state, self.second) ^ self.first;
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            for (to, from) in last.iter_mut().zip(rest) {
                *to = *from;
            }
            state = fold(u64::from_le_bytes(last) ^ state, self.second) ^ self.first;
        }
        fold(state, C2 ^ key.len() as u64)
    }
}

/// Appends an integer of a key, extended by its sign, as it is hashed.
pub(crate) fn put_key_word(word: u64, to: &mut Vec<u8>) {
    to.extend_from_slice(&word.to_le_bytes());
}

/// Appends a text of a key as it is hashed: with its length, so that texts of several columns are told apart.
pub(crate) fn put_key_text(text: &str, to: &mut Vec<u8>) {
    to.extend_from_slice(&(text.len() as u32).to_le_bytes());
    to.extend_from_slice(text.as_bytes());
}

/// Returns the place of a hash among `count` ones that share the range of hashes evenly.
#[inline]
pub(crate) fn share_of(hash: u64, count: u64) -> u64 {
    ((u128::from(hash) * u128::from(count)) >> 64) as u64
}

/// Returns the part of a hash, and its cell in that part.
#[inline]
pub(crate) fn part_of(hash: u64, parts: u64, cells: u64) -> (usize, u64) {
    let product = u128::from(hash) * u128::from(parts);
    let part = (product >> 64) as usize;
    (part, share_of(product as u64, cells))
}
