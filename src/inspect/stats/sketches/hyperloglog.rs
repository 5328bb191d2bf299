//! How many different values there are, in 16 KiB.
//!
//! `HyperLogLog` (Flajolet, Fusy, Gandouet, Meunier: "HyperLogLog: the analysis of a near-optimal
//! cardinality estimation algorithm", 2007) with the estimator of Ertl ("New cardinality estimation
//! algorithms for HyperLogLog sketches", 2017, algorithm 6), which needs no tables of biases for
//! small numbers. Two sketches are merged register by register, so that the outcome is the same in
//! whatever order and parts values come.

/// Bits of a hash that choose the register.
const BITS: u32 = 14;
/// Values that a register can have.
const RANKS: usize = (64 - BITS) as usize + 2;
/// The standard error of the estimate: 1.04 through the root of the number of registers.
pub const DISTINCT_ERROR: f64 = 1.04 / 128.0;

/// A sketch of a set of hashes.
#[derive(Clone, Debug, Default)]
pub(in crate::inspect::stats) struct Distinct {
    /// Empty until there is a value.
    registers: Vec<u8>,
}

impl Distinct {
    /// Adds a value by its hash.
    #[inline]
    pub(in crate::inspect::stats) fn add(&mut self, hash: u64) {
        if self.registers.is_empty() {
            self.registers = vec![0; 1 << BITS];
        }
        let register = (hash >> (64 - BITS)) as usize;
        // The mark behind the bits ends the run of zeros at the latest.
        let rest = hash << BITS | 1 << (BITS - 1);
        let rank = rest.leading_zeros() as u8 + 1;
        if let Some(highest) = self.registers.get_mut(register) {
            *highest = rank.max(*highest);
        }
    }

    /// Adds all that was added to another.
    pub(in crate::inspect::stats) fn merge(&mut self, other: &Self) {
        if self.registers.is_empty() {
            self.registers.clone_from(&other.registers);
            return;
        }
        for (own, other) in self.registers.iter_mut().zip(&other.registers) {
            *own = (*own).max(*other);
        }
    }

    /// About how many different hashes were added.
    pub(in crate::inspect::stats) fn estimate(&self) -> u64 {
        if self.registers.is_empty() {
            return 0;
        }
        let mut counts = [0_u32; RANKS];
        for rank in &self.registers {
            if let Some(count) = counts.get_mut(usize::from(*rank)) {
                *count += 1;
            }
        }
        let registers = f64::from(1_u32 << BITS);
        let [zero, middle @ .., full] = counts;
        let mut z = registers * tau(1.0 - f64::from(full) / registers);
        for count in middle.iter().rev() {
            z = 0.5 * (z + f64::from(*count));
        }
        z += registers * sigma(f64::from(zero) / registers);
        (registers * registers / (2.0 * std::f64::consts::LN_2) / z).round() as u64
    }
}

fn sigma(x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut x, mut y, mut z) = (x, 1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut x, mut y, mut z) = (x, 1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}
