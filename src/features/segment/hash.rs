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
            state = fold(short_word(rest) ^ state, self.second) ^ self.first;
        }
        fold(state, C2 ^ key.len() as u64)
    }

    /// Hashes a key of one text, as [`KeyHash::hash`] does what [`put_key_text`] makes of it.
    #[inline]
    pub(crate) fn hash_text(self, text: &str) -> u64 {
        let length = text.len();
        let (front, rest) = text.as_bytes().split_at(length.min(4));
        let first = u64::from(length as u32) | short_word(front) << 32;
        let mut state = fold(first ^ self.first, self.second) ^ self.first;
        let (words, rest) = rest.as_chunks::<8>();
        for word in words {
            state = fold(u64::from_le_bytes(*word) ^ state, self.second) ^ self.first;
        }
        if !rest.is_empty() {
            state = fold(short_word(rest) ^ state, self.second) ^ self.first;
        }
        fold(state, C2 ^ (length as u64 + 4))
    }
}

/// Returns up to 8 bytes as a word, filled up with zeros. It reads two halves that overlap instead of one byte after the
/// other.
#[inline]
fn short_word(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    if let (Some(low), Some(high)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let high = u64::from(u32::from_le_bytes(*high));
        return u64::from(u32::from_le_bytes(*low)) | high << (8 * (length.min(8) - 4));
    }
    let byte = |at: usize| u64::from(bytes.get(at).copied().unwrap_or(0)) << (8 * at);
    byte(0) | byte(1) | byte(2)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_the_hash_of_its_encoded_bytes() {
        let hash = KeyHash::new(*b"0123456789abcdef");
        let text = "kürbis und apfelmus, von 1 bis 45 bytes";
        for length in (0..=text.len()).filter(|n| text.is_char_boundary(*n)) {
            let mut encoded = Vec::new();
            put_key_text(&text[..length], &mut encoded);
            assert_eq!(hash.hash_text(&text[..length]), hash.hash(&encoded));
        }
    }

    #[test]
    fn word_of_few_bytes_is_that_of_bytes_and_zeros() {
        for length in 0..=8 {
            let bytes = &[1, 2, 3, 4, 5, 6, 7, 8][..length];
            let mut filled = [0; 8];
            filled[..length].copy_from_slice(bytes);
            assert_eq!(short_word(bytes), u64::from_le_bytes(filled));
        }
    }
}
