//! Which part of a split a row belongs to, by what it says and by nothing else: rows that are added
//! or stand in another order do not move those that are there.
//!
//! A keyed hash of the row, or of one of its columns, is a place between 0 and 1, and the ratios cut
//! that length into parts. Rows that are alike go to one place: see `groups`.

use thiserror::Error;

use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;

/// How rows are divided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitOptions {
    /// How large the parts are in proportion to each other, such as 90, 5 and 5.
    pub ratios: Vec<u32>,
    /// Another seed, another division.
    pub seed: u64,
    /// What rows that must stay together have in common.
    pub by: SplitBy,
}

/// What decides where a row goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SplitBy {
    /// Its whole text.
    Row,
    /// What a column says; the whole text where a row does not have it, or has null there.
    Column(String),
}

/// Why rows cannot be divided so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SplitError {
    /// There are no ratios, or they are all zero.
    #[error("at least one ratio must be more than 0")]
    NoRatio,
}

/// Tells for each row the part that it belongs to.
#[derive(Clone, Debug)]
pub struct Splitter {
    key: [u8; 32],
    by: SplitBy,
    /// Where each part ends, of `whole`.
    ends: Vec<u64>,
    whole: u64,
}

/// Where a row stands between 0 and 1, in units of 2 to the -64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u64);

impl Splitter {
    /// A splitter for these options.
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

    /// Where a row stands.
    pub fn place(&self, shape: &Shape, row: &[u8], scratch: &mut Scratch) -> Place {
        if let SplitBy::Column(column) = &self.by
            && let Some(cell) = shape.cell(row, column, scratch)
            && cell != Cell::Null
        {
            return self.place_of(cell.bytes());
        }
        self.place_of(row)
    }

    /// Where a text stands.
    pub fn place_of(&self, text: &[u8]) -> Place {
        let hash = blake3::keyed_hash(&self.key, text);
        let first = hash.as_bytes().first_chunk().copied();
        Place(u64::from_le_bytes(first.unwrap_or_default()))
    }

    /// The number of the part, from 0, in the order of the ratios.
    pub fn part(&self, place: Place) -> usize {
        let at = (u128::from(place.0) * u128::from(self.whole)) >> 64;
        self.ends.partition_point(|end| u128::from(*end) <= at)
    }
}

/// What the key is derived for. A change moves every row.
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
    fn parts_have_their_ratios() {
        let splitter = splitter(&[90, 5, 0, 5], 1, SplitBy::Row);
        let mut counts = [0_u32; 4];
        for n in 0..100_000 {
            counts[splitter.part(splitter.place_of(format!("row {n}").as_bytes()))] += 1;
        }
        assert!(counts[0].abs_diff(90_000) < 400, "{counts:?}");
        assert!(counts[1].abs_diff(5000) < 300, "{counts:?}");
        assert_eq!(counts[2], 0);
        for (place, part) in [(0, 0), (u64::MAX, 3), (u64::MAX / 10 * 9, 0)] {
            assert_eq!(splitter.part(Place(place)), part);
        }
        let none = SplitOptions {
            ratios: vec![0, 0],
            seed: 1,
            by: SplitBy::Row,
        };
        assert_eq!(Splitter::new(&none).err(), Some(SplitError::NoRatio));
    }

    /// What is promised for ever: a change here moves rows of those who split before.
    #[test]
    fn places_do_not_change() {
        let splitter = splitter(&[1], 0, SplitBy::Row);
        let places: Vec<u64> = [&b""[..], b"a"]
            .iter()
            .map(|t| splitter.place_of(t).0)
            .collect();
        assert_eq!(places, GOLDEN);
    }

    /// As Python's `blake3` says: `blake3(b"a", key=k).digest()[:8]`, little-endian, with the key
    /// `blake3(bytes(8), derive_key_context=CONTEXT).digest()`.
    const GOLDEN: [u64; 2] = [2_135_024_761_972_617_170, 17_851_942_764_103_649_332];

    #[test]
    fn groups_stay_together() {
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
        // Rows without the column are no group.
        let alone: Vec<_> = (0..20).map(|n| part(format!("{{\"n\":{n}}}"))).collect();
        assert!(alone.contains(&0) && alone.contains(&1));
    }
}
