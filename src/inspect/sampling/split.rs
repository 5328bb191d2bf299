//! Splits of a table. The part of a row depends only on its content: added or reordered rows do not
//! move others.
//!
//! A keyed hash of the row, or of one of its columns, is a position between 0 and 1. The ratios cut
//! this interval into parts. Similar rows share a position: see `groups.rs`.

use thiserror::Error;

use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;

/// Options of a split.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SplitOptions {
    /// Proportions of the parts, such as 90, 5 and 5.
    pub ratios: Vec<u32>,
    /// Seed; another seed gives another division.
    pub seed: u64,
    /// Property shared by rows that must stay together.
    pub by: SplitBy,
}

impl SplitOptions {
    /// Creates options for these proportions and a seed. The whole row decides its part.
    pub fn new(ratios: Vec<u32>, seed: u64) -> Self {
        Self {
            ratios,
            seed,
            by: SplitBy::Row,
        }
    }
}

/// Input of the hash that places a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SplitBy {
    /// The whole text of the row.
    Row,
    /// The value of a column; the whole text if the row lacks it or has null there.
    Column(String),
}

/// Errors of invalid split options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SplitError {
    /// The ratios are missing or all zero.
    #[error("at least one ratio must be more than 0")]
    NoRatio,
}

/// Assigns each row to a part.
#[derive(Clone, Debug)]
pub struct Splitter {
    key: [u8; 32],
    by: SplitBy,
    /// End of each part, as a fraction of `whole`.
    ends: Vec<u64>,
    whole: u64,
}

/// Position of a row between 0 and 1, in units of 2^-64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SplitPosition(u64);

impl Splitter {
    /// Creates a splitter.
    ///
    /// # Errors
    /// [`SplitError::NoRatio`].
    pub fn new(options: &SplitOptions) -> Result<Self, SplitError> {
        let mut whole = 0;
        let ends = options.ratios.iter().map(|ratio| {
            whole += u64::from(*ratio);
            whole
        });
        let ends: Vec<u64> = ends.collect();
        if whole == 0 {
            return Err(SplitError::NoRatio);
        }
        Ok(Self {
            key: blake3::derive_key(CONTEXT, &options.seed.to_le_bytes()),
            by: options.by.clone(),
            ends,
            whole,
        })
    }

    /// Returns the position of a row.
    pub fn place(&self, shape: &Shape, row: &[u8], scratch: &mut Scratch) -> SplitPosition {
        if let SplitBy::Column(column) = &self.by
            && let Some(cell) = shape.cell(row, column, scratch)
            && cell != Cell::Null
        {
            return self.place_of(cell.bytes());
        }
        self.place_of(row)
    }

    /// Returns the position of a text.
    pub fn place_of(&self, text: &[u8]) -> SplitPosition {
        let hash = blake3::keyed_hash(&self.key, text);
        let first = hash.as_bytes().first_chunk().copied();
        SplitPosition(u64::from_le_bytes(first.unwrap_or_default()))
    }

    /// Index of the part at a position, from 0, in the order of the ratios.
    pub fn part(&self, place: SplitPosition) -> usize {
        let at = (u128::from(place.0) * u128::from(self.whole)) >> 64;
        self.ends.partition_point(|end| u128::from(*end) <= at)
    }
}

/// Context of the key derivation. A change moves every row.
const CONTEXT: &str = "alimentar 2026-11-25 split of rows";

#[cfg(test)]
mod tests {
    use super::*;

    fn splitter(ratios: &[u32], seed: u64, by: SplitBy) -> Splitter {
        let options = SplitOptions {
            ratios: ratios.to_vec(),
            seed,
            by,
        };
        Splitter::new(&options).unwrap()
    }

    #[test]
    fn split_parts_match_ratios() {
        let splitter = splitter(&[90, 5, 0, 5], 1, SplitBy::Row);
        let mut counts = [0_u32; 4];
        for n in 0..100_000 {
            counts[splitter.part(splitter.place_of(format!("row {n}").as_bytes()))] += 1;
        }
        assert!(counts[0].abs_diff(90_000) < 400, "{counts:?}");
        assert!(counts[1].abs_diff(5000) < 300, "{counts:?}");
        assert_eq!(counts[2], 0);
        for (place, part) in [(0, 0), (u64::MAX, 3), (u64::MAX / 10 * 9, 0)] {
            assert_eq!(splitter.part(SplitPosition(place)), part);
        }
        let none = SplitOptions {
            ratios: vec![0, 0],
            seed: 1,
            by: SplitBy::Row,
        };
        assert_eq!(Splitter::new(&none).err(), Some(SplitError::NoRatio));
    }

    /// Permanent promise: a change here moves rows of existing splits.
    #[test]
    fn split_positions_never_change() {
        let splitter = splitter(&[1], 0, SplitBy::Row);
        let places: Vec<u64> = [&b""[..], b"a"]
            .iter()
            .map(|t| splitter.place_of(t).0)
            .collect();
        assert_eq!(places, GOLDEN);
    }

    /// By Python's `blake3`: `blake3(b"a", key=k).digest()[:8]`, little-endian, with the key
    /// `blake3(bytes(8), derive_key_context=CONTEXT).digest()`.
    const GOLDEN: [u64; 2] = [2_135_024_761_972_617_170, 17_851_942_764_103_649_332];

    #[test]
    fn split_keeps_groups_together() {
        let splitter = splitter(&[1, 1], 3, SplitBy::Column("user.id".to_owned()));
        let mut scratch = Scratch::default();
        let mut part = |row: String| {
            let place = splitter.place(&Shape::Json, row.as_bytes(), &mut scratch);
            splitter.part(place)
        };
        let mut counts = [0; 2];
        for user in 0..200 {
            let row = |n| format!("{{\"text\":\"{n}\",\"user\":{{\"id\":\"u{user}\"}}}}");
            let first = part(row(0));
            counts[first] += 1;
            assert!((1..20).all(|n| part(row(n)) == first));
        }
        assert!(counts.iter().all(|n| *n > 60));
        // Rows without the column form no group.
        let alone: Vec<_> = (0..20).map(|n| part(format!("{{\"n\":{n}}}"))).collect();
        assert!(alone.contains(&0) && alone.contains(&1));
    }
}
