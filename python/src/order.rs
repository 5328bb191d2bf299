//! The order of `rows`: a permutation of row numbers by a seed and a content id. `spec/python-rows.md` defines it.

use pyo3::prelude::*;
use sha2::Digest;
use sha2::Sha256;

use crate::failure::Failure;

/// Rows of a block, which stay together until the second step.
const BLOCK_ROWS: u64 = 256;
/// Blocks of a group, whose rows are mixed.
const GROUP_BLOCKS: u64 = 16;
/// Rows of a group without the short block.
const GROUP_ROWS: u64 = BLOCK_ROWS * GROUP_BLOCKS;
/// Most rows that have an order: the numbers of blocks are kept in 32 bits.
const ROWS_MAX: u64 = BLOCK_ROWS << 32;
/// The first bytes of each key.
const DOMAIN: &[u8] = b"alimentar rows 1\0";

/// An order of rows: by their numbers, or by a seed.
#[derive(Debug)]
#[pyclass(module = "alimentar._alimentar")]
pub(crate) struct Order {
    rows: u64,
    shuffled: Option<Shuffled>,
}

#[derive(Debug)]
struct Shuffled {
    /// Key of the groups.
    key: u64,
    /// Numbers of blocks, in their order.
    blocks: Vec<u32>,
    /// Group with the short last block, and the rows that it lacks.
    short: (u64, u64),
    /// The group computed last, and the numbers of its rows.
    group: Option<(u64, Vec<u64>)>,
}

#[pymethods]
impl Order {
    /// Makes the order of `rows` rows with the identity `content`; by their numbers without a seed.
    #[new]
    #[pyo3(signature = (rows, content, seed=None))]
    fn new(rows: u64, content: &[u8], seed: Option<u64>) -> PyResult<Self> {
        if rows > ROWS_MAX {
            return Err(Failure::invalid(format!("{rows} rows are too many for an order")).into());
        }
        let shuffled = seed.map(|seed| Shuffled::new(rows, content, seed));
        Ok(Self { rows, shuffled })
    }

    fn __len__(&self) -> usize {
        usize::try_from(self.rows).unwrap_or(usize::MAX)
    }

    /// Returns the numbers of rows at `count` positions: `first`, `first + step` and so on, as far as there are any.
    fn numbers(&mut self, first: u64, step: u64, count: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        let mut position = first;
        while numbers.len() < count && position < self.rows {
            numbers.push(match &mut self.shuffled {
                None => position,
                Some(shuffled) => shuffled.number(self.rows, position),
            });
            let Some(next) = position.checked_add(step.max(1)) else {
                break;
            };
            position = next;
        }
        numbers
    }
}

impl Shuffled {
    fn new(rows: u64, content: &[u8], seed: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(seed.to_le_bytes());
        hash.update(content);
        let digest = hash.finalize();
        let word = |n: usize| {
            let bytes = digest.get(n * 8..n * 8 + 8);
            bytes.map_or(0, |b| b.iter().rev().fold(0, |w, b| w << 8 | u64::from(*b)))
        };
        let count = rows.div_ceil(BLOCK_ROWS);
        let mut blocks: Vec<u32> = (0..count).filter_map(|b| u32::try_from(b).ok()).collect();
        shuffle(&mut blocks, &mut Stream(word(0)));
        let last = u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX);
        let place = blocks.iter().position(|b| *b == last).unwrap_or(0) as u64;
        Self {
            key: word(1),
            blocks,
            short: (place / GROUP_BLOCKS, count * BLOCK_ROWS - rows),
            group: None,
        }
    }

    /// Returns the number of the row at a position.
    fn number(&mut self, rows: u64, position: u64) -> u64 {
        let (short, lack) = self.short;
        // Behind the group with the short block, all begin so many rows earlier.
        let end_of_short = (short + 1) * GROUP_ROWS - lack;
        let (group, start) = match position < end_of_short {
            true => (position / GROUP_ROWS, position / GROUP_ROWS * GROUP_ROWS),
            false => {
                let group = (position + lack) / GROUP_ROWS;
                (group, group * GROUP_ROWS - lack)
            }
        };
        if self.group.as_ref().is_none_or(|(known, _)| *known != group) {
            self.group = Some((group, self.rows_of(group, rows)));
        }
        let at = usize::try_from(position - start).unwrap_or(usize::MAX);
        let numbers = self.group.as_ref().and_then(|(_, numbers)| numbers.get(at));
        numbers.copied().unwrap_or(position)
    }

    /// Returns the numbers of the rows of a group, in their order.
    fn rows_of(&self, group: u64, rows: u64) -> Vec<u64> {
        let from = usize::try_from(group * GROUP_BLOCKS).unwrap_or(usize::MAX);
        let blocks = self.blocks.iter().skip(from).take(GROUP_BLOCKS as usize);
        let of_block = |block: &u32| {
            let first = u64::from(*block) * BLOCK_ROWS;
            first..(first + BLOCK_ROWS).min(rows)
        };
        let mut numbers: Vec<u64> = blocks.flat_map(of_block).collect();
        shuffle(&mut numbers, &mut Stream(mix(self.key ^ mix(group))));
        numbers
    }
}

/// Numbers of SplitMix64.
struct Stream(u64);

impl Stream {
    /// Returns a number below a bound: the upper half of the product with 64 random bits.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let product = u128::from(mix(self.0)) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(0)
    }
}

/// Mixes 64 bits, as SplitMix64 does with its counter.
fn mix(mut word: u64) -> u64 {
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

/// Shuffles from the end: each element changes places with one before it, or with itself.
fn shuffle<T>(items: &mut [T], stream: &mut Stream) {
    for place in (1..items.len()).rev() {
        let other = stream.below(place as u64 + 1);
        items.swap(place, usize::try_from(other).unwrap_or(place));
    }
}
