//! A hash of whole rows to 128 bits. It keeps no secret: what it finds is confirmed on the bytes.

use crate::splitmix::mix;

/// 128 bits of any bytes. Every 16 bytes go into both halves, each by a multiplication to 128 bits
/// whose halves are folded together, as wyhash does it (Wang Yi, 2019).
pub(in crate::inspect::dedup) fn hash_128(bytes: &[u8]) -> u128 {
    let mut a = KEYS[0] ^ bytes.len() as u64;
    let mut b = KEYS[1];
    // Two streams that do not wait for each other.
    let (mut c, mut d) = (KEYS[2], KEYS[3]);
    let (blocks, rest) = bytes.as_chunks::<16>();
    let (pairs, odd) = blocks.as_chunks::<2>();
    for [first, second] in pairs {
        (a, b) = step(a, b, first);
        (c, d) = step(c, d, second);
    }
    for block in odd {
        (a, b) = step(a, b, block);
    }
    let other = u128::from(c) << 64 | u128::from(d);
    (a, b) = step(a ^ d.rotate_left(32), b, &other.to_le_bytes());
    let mut last = [0; 16];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    (a, b) = step(a, b, &last);
    let (high, low) = (folded(a ^ KEYS[2], b ^ KEYS[3]), mix(a.rotate_left(29) ^ b));
    u128::from(high) << 64 | u128::from(low)
}

fn step(a: u64, b: u64, block: &[u8; 16]) -> (u64, u64) {
    let whole = u128::from_le_bytes(*block);
    let (x, y) = (whole as u64, (whole >> 64) as u64);
    (
        folded(x ^ a, y ^ KEYS[2]) ^ b.rotate_left(17),
        folded(y ^ b, x ^ KEYS[3]) ^ a.rotate_left(41),
    )
}

fn folded(x: u64, y: u64) -> u64 {
    let product = u128::from(x) * u128::from(y);
    product as u64 ^ (product >> 64) as u64
}

/// Binary digits of pi, of which nobody chose any.
const KEYS: [u64; 4] = [
    0x243f_6a88_85a3_08d3,
    0x1319_8a2e_0370_7344,
    0xa409_3822_299f_31d0,
    0x082e_fa98_ec4e_6c89,
];
