//! SimHash (Charikar 2002): each bit of the fingerprint is the majority of that bit over all
//! shingles.

use crate::inspect::dedup::Shingle;
use crate::inspect::dedup::near::shingles::each_shingle;

/// Returns the fingerprint of a text; `None` without shingles. A tie gives 0.
pub fn simhash(text: &[u8], shingle: Shingle) -> Option<u64> {
    let mut votes = BitCounters::default();
    each_shingle(text, shingle, |hash| votes.add(hash));
    votes.winner()
}

/// Bit-sliced counters, one for each of 64 bits. One word holds the same binary digit of all
/// counters, so one addition is a few word operations. Hashes are added in groups of four.
struct BitCounters {
    total: u64,
    waiting: [u64; 4],
    /// Digits of the counters, lowest first, up to 255.
    digits: [u64; 8],
    /// Upper bound of the digits' value.
    most: u32,
    counts: [u64; 64],
}

impl Default for BitCounters {
    fn default() -> Self {
        Self {
            total: 0,
            waiting: [0; 4],
            digits: [0; 8],
            most: 0,
            counts: [0; 64],
        }
    }
}

impl BitCounters {
    fn add(&mut self, hash: u64) {
        let at = (self.total % 4) as usize;
        if let Some(place) = self.waiting.get_mut(at) {
            *place = hash;
        }
        self.total += 1;
        if at == 3 {
            self.add_four();
        }
    }

    fn add_four(&mut self) {
        let [a, b, c, d] = self.waiting;
        let (sum, twos) = added(a, b, c);
        let (sum, carry) = (sum ^ d, sum & d);
        let (twos, fours) = (twos ^ carry, twos & carry);
        let [d0, d1, d2, rest @ ..] = &mut self.digits;
        let (n0, c0) = (*d0 ^ sum, *d0 & sum);
        let (n1, c1) = added(*d1, twos, c0);
        let (n2, mut carry) = added(*d2, fours, c1);
        (*d0, *d1, *d2) = (n0, n1, n2);
        for digit in rest {
            (*digit, carry) = (*digit ^ carry, *digit & carry);
        }
        self.most += 4;
        if self.most > 250 {
            self.count();
        }
        self.waiting = [0; 4];
    }

    /// Adds the digits to the counts and clears them.
    fn count(&mut self) {
        for (bit, count) in self.counts.iter_mut().enumerate() {
            let digits = self.digits.iter().enumerate();
            *count += digits.map(|(n, d)| (d >> bit & 1) << n).sum::<u64>();
        }
        self.digits = [0; 8];
        self.most = 0;
    }

    fn winner(mut self) -> Option<u64> {
        // Fills the last group of four with zeros, which are no votes.
        self.add_four();
        self.count();
        let half = self.total / 2;
        let bits = self.counts.iter().enumerate();
        let winner = bits.fold(0, |all, (n, count)| all | u64::from(*count > half) << n);
        (self.total > 0).then_some(winner)
    }
}

/// Full adder: the sum of three digits, and the carry.
fn added(a: u64, b: u64, c: u64) -> (u64, u64) {
    (a ^ b ^ c, (a & b) | (c & (a ^ b)))
}
