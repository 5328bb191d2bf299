//! splitmix64: a pseudo-random generator and its finaliser (Steele, Lea and Flood, OOPSLA 2014;
//! constants by David Stafford). It is not cryptographic.

/// Mixes the bits of a number: each input bit affects every output bit.
pub(crate) const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Returns the number at this index, from 0, of the generator with seed 0.
pub(crate) const fn drawn(index: u64) -> u64 {
    mix(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}
