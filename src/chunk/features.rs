//! Super-features of chunks, for similarity search: they stay the same as long as most of a chunk's
//! bytes do. Normative: `spec/resemblance.md`.
//!
//! A rolling hash of the content selects the sampled positions, as in Odess (Zou and others, "Odess:
//! Speeding up Resemblance Detection for Redundancy Elimination by Fast Content-Defined Sampling", ICDE
//! 2021). The features are maxima of linear transforms; several features make a super-feature (Shilane
//! and others, "WAN Optimized Replication of Backup Datasets Using Stream-Informed Delta Compression",
//! FAST 2012, after Broder 1997).

use crate::splitmix::drawn;
use crate::splitmix::mix;

/// Number of super-features of a chunk. Two chunks that share one are likely to be similar.
pub const SUPER_FEATURES: usize = 3;
/// Number of features in one super-feature.
const FEATURES_EACH: usize = 4;
const FEATURES: usize = SUPER_FEATURES * FEATURES_EACH;
/// Chunks with fewer bytes have no features, because a delta of them saves little.
pub const FEATURE_BYTES_MIN: usize = 2 << 10;
/// A position is a sample where this number of the highest bits of its hash are zero.
const SAMPLE_BITS: u32 = 6;
/// Number of bytes at the front of a chunk that are sampled. The front is where the content set the cut.
/// Sampling the whole chunk would take a tenth of the time of storing it.
const FRONT_BYTES: usize = 2 << 10;
/// Number of bytes that a hash depends on: each byte moves the bits of those before it by one.
const WINDOW_BYTES: usize = 64;
/// Number of parts of a chunk that are hashed side by side, so that the processor does not wait for one
/// sum before it begins the next.
const LANES: usize = 4;

/// The super-features of one chunk.
pub type SuperFeatures = [u64; SUPER_FEATURES];

/// Computes the super-features of a chunk; `None` where it is too short or has no sample.
pub fn super_features(chunk: &[u8]) -> Option<SuperFeatures> {
    if chunk.len() < FEATURE_BYTES_MIN {
        return None;
    }
    let chunk = chunk.get(..FRONT_BYTES).unwrap_or(chunk);
    let mut features = [0_u64; FEATURES];
    let mut is_any = false;
    each_sample(chunk, &mut |hash| {
        is_any = true;
        for (feature, (factor, addend)) in features.iter_mut().zip(&TRANSFORMS) {
            *feature = (*feature).max(hash.wrapping_mul(*factor).wrapping_add(*addend));
        }
    });
    let mut made = [0; SUPER_FEATURES];
    for (made, features) in made.iter_mut().zip(features.chunks(FEATURES_EACH)) {
        *made = features.iter().fold(0, |all, feature| mix(all ^ feature));
    }
    is_any.then_some(made)
}

/// Calls `see` with the hash of each sample, in no fixed order.
/// It hashes parts of the chunk side by side. Each part begins earlier by the number of bytes that a
/// hash depends on.
fn each_sample(chunk: &[u8], see: &mut dyn FnMut(u64)) {
    let part = chunk.len() / LANES;
    let mut hashes = [0_u64; LANES];
    let mut parts = [&[][..]; LANES];
    for (n, (hash, bytes)) in hashes.iter_mut().zip(&mut parts).enumerate() {
        let start = n * part;
        let before = chunk.get(start.saturating_sub(WINDOW_BYTES)..start);
        for byte in before.unwrap_or_default() {
            *hash = rolled(*hash, *byte);
        }
        *bytes = chunk.get(start..start + part).unwrap_or_default();
    }
    let [mut a, mut b, mut c, mut d] = hashes;
    let [first, second, third, fourth] = parts;
    let together = first.iter().zip(second).zip(third).zip(fourth);
    for (((w, x), y), z) in together {
        (a, b) = (rolled(a, *w), rolled(b, *x));
        (c, d) = (rolled(c, *y), rolled(d, *z));
        if counts(a) || counts(b) || counts(c) || counts(d) {
            [a, b, c, d]
                .into_iter()
                .filter(|h| counts(*h))
                .for_each(&mut *see);
        }
    }
    for byte in chunk.get(part * LANES..).unwrap_or_default() {
        d = rolled(d, *byte);
        if counts(d) {
            see(d);
        }
    }
}

fn rolled(hash: u64, byte: u8) -> u64 {
    let gear = GEAR.get(usize::from(byte)).copied().unwrap_or(0);
    (hash << 1).wrapping_add(gear)
}

fn counts(hash: u64) -> bool {
    hash >> (u64::BITS - SAMPLE_BITS) == 0
}

/// The gear table: a number for each byte, the first 256 of splitmix64.
static GEAR: [u64; 256] = {
    let mut gear = [0; 256];
    let mut n = 0;
    while n < 256 {
        gear[n] = drawn(n as u64);
        n += 1;
    }
    gear
};

/// An odd factor and an addend for each feature: the next 24 numbers of splitmix64.
static TRANSFORMS: [(u64, u64); FEATURES] = {
    let mut transforms = [(0, 0); FEATURES];
    let mut n = 0;
    while n < FEATURES {
        let at = 256 + 2 * n as u64;
        transforms[n] = (drawn(at) | 1, drawn(at + 1));
        n += 1;
    }
    transforms
};

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: usize, seed: u64) -> Vec<u8> {
        let word = |n: usize| format!("{:x} ", drawn(seed + n as u64) >> 40);
        (0..words).map(word).collect::<String>().into_bytes()
    }

    /// Collects all samples, one byte after the other.
    fn naive(chunk: &[u8]) -> Vec<u64> {
        let mut hash = 0;
        let hashes = chunk.iter().map(|byte| {
            hash = rolled(hash, *byte);
            hash
        });
        let mut found: Vec<u64> = hashes.filter(|h| counts(*h)).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn features_of_parallel_parts_equal_sequential_ones() {
        for length in [2048, 2049, 2051, 5000, 16_384, 65_535] {
            let mut bytes = text(length, 1);
            bytes.truncate(length);
            let mut found = Vec::new();
            each_sample(&bytes, &mut |hash| found.push(hash));
            found.sort_unstable();
            assert_eq!(found, naive(&bytes));
            assert!(found.len() > length / 256, "{}", found.len());
        }
    }

    #[test]
    fn features_are_shared_after_small_edits_and_not_by_unrelated_chunks() {
        let (mut kept, mut shared) = (0, 0);
        for seed in 0..200_u64 {
            let chunk = text(2500, seed << 20);
            let mut edited = chunk.clone();
            let at = drawn(seed) as usize % (chunk.len() - 20);
            edited.splice(at..at + 7, *b"another word");
            let of = |bytes: &[u8]| super_features(bytes).unwrap();
            let agree = |a: SuperFeatures, b: SuperFeatures| a.iter().zip(b).any(|(a, b)| *a == b);
            kept += usize::from(agree(of(&chunk), of(&edited)));
            shared += usize::from(agree(of(&chunk), of(&text(2500, (seed + 500) << 20))));
        }
        assert!(kept >= 195, "{kept}");
        assert_eq!(shared, 0);
    }

    #[test]
    fn features_of_short_and_uniform_chunks_are_defined() {
        assert_eq!(super_features(&[7; FEATURE_BYTES_MIN - 1]), None);
        for byte in 0..=255 {
            let _ = super_features(&[byte; FEATURE_BYTES_MIN]);
        }
    }

    /// Compares the features with `spec/vectors/resemblance.txt`.
    #[test]
    fn features_match_the_test_vectors() {
        let vectors = include_str!("../../spec/vectors/resemblance.txt");
        let mut count = 0;
        for line in vectors.lines().filter(|line| !line.starts_with('#')) {
            let (numbers, features) = line.split_once(" | ").unwrap();
            let numbers: Vec<u64> = numbers.split(' ').map(|n| n.parse().unwrap()).collect();
            let [bytes, seed] = numbers[..] else {
                panic!("two numbers in {line}");
            };
            let chunk: Vec<u8> = (0..bytes).map(|n| (drawn(seed + n) >> 56) as u8).collect();
            let made = super_features(&chunk).unwrap();
            let made = made.map(|f| format!("{f:016x}")).join(" ");
            assert_eq!(made, features, "{line}");
            count += 1;
        }
        assert_eq!(count, 3);
    }
}
