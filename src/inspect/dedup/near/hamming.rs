//! All pairs of 64-bit fingerprints of which at most so many bits differ: all of them, and faster
//! than by comparing every two.
//!
//! The bits are cut into blocks. Where at most `distance` bits differ, at least `blocks - distance`
//! blocks are the same, so every choice of so many blocks is a table in which both stand side by
//! side (Manku, Jain and Das Sarma, WWW 2007). Tables are made one after the other.

/// Two fingerprints by their place, the earlier first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NearPair {
    /// Place of the earlier.
    pub first: u32,
    /// Place of the later.
    pub second: u32,
}

/// Shows all pairs at most `distance` bits apart to `found`, each once, in no order, until it says
/// that it has enough by returning false.
pub fn near_pairs(prints: &[u64], distance: u32, found: &mut dyn FnMut(NearPair) -> bool) {
    let masks = tables(prints.len(), distance);
    let mut sorted = Vec::new();
    for (n, mask) in masks.iter().enumerate() {
        let before = masks.get(..n).unwrap_or_default();
        if !table_pairs(prints, *mask, before, distance, &mut sorted, found) {
            return;
        }
    }
}

/// The masks of the tables that cost least for so many fingerprints.
fn tables(count: usize, distance: u32) -> Vec<u64> {
    if distance >= 32 || count < 64 {
        return vec![0];
    }
    let costs = (distance + 1..=(distance + 5).min(64)).filter_map(|blocks| {
        let equal = blocks - distance;
        let tables = choose(blocks, equal);
        let bits = f64::from(64 / blocks * equal);
        let pairs = (count as f64).powi(2) / 2.0 / bits.exp2();
        let cost = tables * (SORT_COST * count as f64 + pairs);
        (tables <= TABLES_MAX).then_some((cost, blocks, equal))
    });
    let best = costs.min_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or_else(|| vec![0], |(_, blocks, equal)| masks(blocks, equal))
}

/// What sorting one fingerprint into a table costs, in comparisons.
const SORT_COST: f64 = 12.0;
const TABLES_MAX: f64 = 2000.0;

fn choose(of: u32, take: u32) -> f64 {
    (0..take).fold(1.0, |all, n| all * f64::from(of - n) / f64::from(n + 1))
}

/// Every choice of `equal` of `blocks` blocks, as the mask of their bits.
fn masks(blocks: u32, equal: u32) -> Vec<u64> {
    let edge = |n: u32| n * 64 / blocks;
    let bits = |n: u32| -> u64 {
        let (from, to) = (edge(n), edge(n + 1));
        (u64::MAX >> (64 - (to - from))) << from
    };
    let mut found = Vec::new();
    let mut chosen = vec![(0_u64, 0_u32, 0_u32)];
    while let Some((mask, taken, next)) = chosen.pop() {
        if taken == equal {
            found.push(mask);
            continue;
        }
        for block in next..blocks {
            chosen.push((mask | bits(block), taken + 1, block + 1));
        }
    }
    found
}

/// The pairs of one table that none before has. False when it is enough.
fn table_pairs(
    prints: &[u64],
    mask: u64,
    before: &[u64],
    distance: u32,
    sorted: &mut Vec<(u64, u32)>,
    found: &mut dyn FnMut(NearPair) -> bool,
) -> bool {
    let starts = sort_into(prints, mask, sorted);
    for ends in starts.windows(2) {
        let [from, to] = *ends else { continue };
        let (from, to) = (from as usize, to as usize);
        let bucket = sorted.get(from..to).unwrap_or_default();
        for (n, (print, first)) in bucket.iter().enumerate() {
            for (other, second) in bucket.get(n + 1..).unwrap_or_default() {
                let differ = print ^ other;
                if differ.count_ones() > distance || differ & mask != 0 {
                    continue;
                }
                if before.iter().any(|earlier| differ & earlier == 0) {
                    continue;
                }
                let (first, second) = (*first.min(second), *first.max(second));
                if !found(NearPair { first, second }) {
                    return false;
                }
            }
        }
    }
    true
}

/// Sorts by a hash of the masked bits, by counting; where each bucket begins, and the end.
fn sort_into(prints: &[u64], mask: u64, sorted: &mut Vec<(u64, u32)>) -> Vec<u32> {
    let width = (usize::BITS - prints.len().leading_zeros()).clamp(1, 22);
    let bucket = |print: u64| {
        let hash = (print & mask).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (hash >> (64 - width)) as usize
    };
    let mut starts = vec![0_u32; (1 << width) + 1];
    for print in prints {
        if let Some(count) = starts.get_mut(bucket(*print) + 1) {
            *count += 1;
        }
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    let mut next = starts.clone();
    sorted.clear();
    sorted.resize(prints.len(), (0, 0));
    for (n, print) in prints.iter().enumerate() {
        let Some(at) = next.get_mut(bucket(*print)) else {
            continue;
        };
        if let Some(place) = sorted.get_mut(*at as usize) {
            *place = (*print, n as u32);
        }
        *at += 1;
    }
    starts
}
