//! splitmix64: numbers that look drawn by chance, and the finaliser that makes them (Steele, Lea and Flood,
//! OOPSLA 2014; its constants by David Stafford). Nothing secret rests on it.

/// Makes every bit depend on every other.
pub(crate) const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The number of this index, from 0, of the generator that begins with 0.
pub(crate) const fn drawn(index: u64) -> u64 {
    mix(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}
