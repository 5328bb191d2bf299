//! SimHash (Charikar 2002): of every bit of a fingerprint, what most shingles have.

use crate::inspect::dedup::Shingle;
use crate::inspect::dedup::near::shingles::each_shingle;

/// The fingerprint of a text; `None` where it has no shingle. Bits for which as many shingles are
/// as against it are 0.
pub fn simhash(text: &[u8], shingle: Shingle) -> Option<u64> {
    let mut votes = Votes::default();
    each_shingle(text, shingle, |hash| votes.add(hash));
    votes.winner()
}

/// Counts, for each of 64 bits, in how many hashes it is set. The counts of the bits lie across
/// words, the same binary digit of all of them in one, so that one addition is a few operations on
/// words ("bit-sliced"); every four hashes are added together first.
struct Votes {
    total: u64,
    waiting: [u64; 4],
    /// Digits of the counts, lowest first: up to 255.
    digits: [u64; 8],
    /// How much the digits may have become.
    most: u32,
    counts: [u64; 64],
}

impl Default for Votes {
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

impl Votes {
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

    /// Moves the digits into the counts.
    fn count(&mut self) {
        for (bit, count) in self.counts.iter_mut().enumerate() {
            let digits = self.digits.iter().enumerate();
            *count += digits.map(|(n, d)| (d >> bit & 1) << n).sum::<u64>();
        }
        self.digits = [0; 8];
        self.most = 0;
    }

    fn winner(mut self) -> Option<u64> {
        // What waits less than four is filled up with zeros, which are no votes.
        self.add_four();
        self.count();
        let half = self.total / 2;
        let bits = self.counts.iter().enumerate();
        let winner = bits.fold(0, |all, (n, count)| all | u64::from(*count > half) << n);
        (self.total > 0).then_some(winner)
    }
}

/// The sum of three digits, and what is carried.
fn added(a: u64, b: u64, c: u64) -> (u64, u64) {
    (a ^ b ^ c, (a & b) | (c & (a ^ b)))
}
