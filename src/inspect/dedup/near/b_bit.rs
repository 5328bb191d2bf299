//! One bit of each place of a sketch, by which pairs are left out that only chance brought into one
//! bucket, before their texts are read (b-bit minwise hashing: Li and König, WWW 2010).

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::Measure;
use crate::inspect::dedup::near::sketch::SKETCH_PLACES;
use crate::inspect::dedup::near::sketch::Sketch;

/// Bytes of the bits of a row.
pub(in crate::inspect::dedup) const BIT_SKETCH_BYTES: usize = size_of::<u128>();

/// The lowest bit of each place.
pub(in crate::inspect::dedup) fn bits_of(sketch: &Sketch) -> u128 {
    sketch
        .iter()
        .fold(0, |bits, place| bits << 1 | u128::from(place & 1))
}

/// The bits of all rows.
#[derive(Default)]
pub(in crate::inspect::dedup) struct BitSketches {
    /// By the number of the row; none where they are not used.
    rows: Vec<u128>,
    /// Bits in which two rows agree at least that may be as alike as is asked.
    least: u32,
}

impl BitSketches {
    /// For rows with numbers below this. They are not used where all of them had no room in a quarter of
    /// the budget, nor for containment, of which sketches tell nothing.
    pub(in crate::inspect::dedup) fn for_rows(options: &DedupOptions<'_>, numbers: u64) -> Self {
        let count = usize::try_from(numbers).unwrap_or(usize::MAX);
        let is_too_much = count > options.budget_bytes / 4 / BIT_SKETCH_BYTES;
        if is_too_much || options.measure == Measure::Containment {
            return Self::default();
        }
        Self {
            rows: vec![0; count],
            least: least_agreement(options.threshold),
        }
    }

    /// Bytes that they take.
    pub(in crate::inspect::dedup) fn bytes(&self) -> usize {
        self.rows.len() * BIT_SKETCH_BYTES
    }

    pub(in crate::inspect::dedup) fn put(&mut self, row: u32, bits: u128) {
        if let Some(to) = self.rows.get_mut(row as usize) {
            *to = bits;
        }
    }

    /// The bits of a row; the same for all where they are not used.
    pub(in crate::inspect::dedup) fn of(&self, row: u32) -> u128 {
        self.rows.get(row as usize).copied().unwrap_or(0)
    }

    /// Whether rows with these bits may be as alike as is asked.
    pub(in crate::inspect::dedup) fn may_be_alike(&self, a: u128, b: u128) -> bool {
        (!(a ^ b)).count_ones() >= self.least
    }
}

/// Places of rows that are as alike as the threshold agree in as many bits as flips of a coin that falls
/// on one side with (1 + threshold) / 2; three standard deviations fewer are one pair in a thousand.
fn least_agreement(threshold: f64) -> u32 {
    let (places, agree) = (SKETCH_PLACES as f64, (1.0 + threshold) / 2.0);
    let deviation = (places * agree * (1.0 - agree)).sqrt();
    (places * agree - 3.0 * deviation).max(0.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::dedup::near::sketch::sketch;
    use crate::splitmix::mix;

    /// The bits of two sets with so many elements in common of 200 in all.
    fn agreement(shared: u64, seed: u64) -> u32 {
        let element = |n: u64| (mix(seed << 32 | n) >> 32) as u32;
        let side = (200 - shared) / 2;
        let a: Vec<u32> = (0..shared + side).map(element).collect();
        let b = (0..shared).chain(shared + side..200);
        let b: Vec<u32> = b.map(element).collect();
        let bits = |set: &[u32]| bits_of(&sketch(set).unwrap());
        (!(bits(&a) ^ bits(&b))).count_ones()
    }

    #[test]
    fn bits_agree_as_often_as_sets_are_alike() {
        for shared in [0_u64, 40, 100, 160, 200] {
            let all: u32 = (0..400).map(|seed| agreement(shared, seed)).sum();
            let found = f64::from(all) / 400.0 / 128.0;
            let wanted = (1.0 + shared as f64 / 200.0) / 2.0;
            assert!(
                (found - wanted).abs() < 0.01,
                "{shared}: {found}, not {wanted}"
            );
        }
    }

    #[test]
    fn pairs_at_the_threshold_pass_and_strangers_do_not() {
        let options = DedupOptions::default();
        let bits = BitSketches::for_rows(&options, 10);
        let passed = |shared| {
            let passes = |seed: &u64| agreement(shared, *seed) >= bits.least;
            (0..2000_u64).filter(passes).count()
        };
        assert!(passed(100) >= 1980, "{}", passed(100));
        assert_eq!(passed(130), 2000);
        assert!(passed(20) <= 100, "{}", passed(20));
    }

    #[test]
    fn without_room_every_pair_passes() {
        let options = DedupOptions {
            budget_bytes: 1024,
            ..DedupOptions::default()
        };
        let mut bits = BitSketches::for_rows(&options, 1000);
        bits.put(1, u128::MAX);
        assert!(bits.may_be_alike(bits.of(0), bits.of(1)));
        assert!(bits.may_be_alike(0, u128::MAX));
        assert_eq!(bits.bytes(), 0);
    }
}
