//! A quick 64-bit hash of values, for telling them apart in sketches. Nothing that is stored
//! depends on it, and it is not for keeping anybody out.
//!
//! It is the multiply-and-fold of wyhash (Wang Yi, "wyhash", 2019) over two lanes: enough mixing
//! for `HyperLogLog`, at several bytes a cycle.

use std::hash::BuildHasherDefault;
use std::hash::Hasher;

/// The hash of bytes; values of different `tag`s are apart.
#[inline]
pub(in crate::inspect::stats) fn hash(tag: u64, bytes: &[u8]) -> u64 {
    let (mut one, mut two) = (tag ^ KEYS[0], KEYS[1]);
    let (blocks, tail) = bytes.as_chunks::<32>();
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        if let [a, b, c, d] = words {
            one = fold(word(a) ^ KEYS[2], word(b) ^ one);
            two = fold(word(c) ^ KEYS[3], word(d) ^ two);
        }
    }
    let mut last = [0; 32];
    if let Some(room) = last.get_mut(..tail.len()) {
        room.copy_from_slice(tail);
    }
    let (words, _) = last.as_chunks::<8>();
    if let [a, b, c, d] = words {
        one = fold(word(a) ^ KEYS[2], word(b) ^ one);
        two = fold(word(c) ^ KEYS[3], word(d) ^ two);
    }
    let length = bytes.len() as u64;
    fold(one ^ KEYS[0] ^ length, two.rotate_left(32) ^ KEYS[1])
}

#[inline]
fn word(bytes: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*bytes)
}

/// Both halves of the product.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Odd numbers with as many ones as zeros in every byte, which wyhash takes.
const KEYS: [u64; 4] = [
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
    0x8ebc_6af0_9c88_c6e3,
    0x5899_65cc_7537_4cc3,
];

/// For maps whose keys are hashes already.
pub(in crate::inspect::stats) type ByHash = BuildHasherDefault<Given>;

/// Takes numbers as they are.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::inspect::stats) struct Given(u64);

impl Hasher for Given {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash(self.0, bytes);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn write_i32(&mut self, number: i32) {
        // Neighbours must not share the bits that maps look at.
        self.0 = fold(number as u64 ^ KEYS[0], KEYS[1]);
    }
}
