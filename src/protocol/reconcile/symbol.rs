//! A coded symbol: the sum of the elements that the mapping puts into it.

use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;

/// A sum of elements; also the difference of two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Symbol {
    /// The elements, by exclusive or.
    pub sum: u64,
    /// Their checksums, by exclusive or.
    pub check: u32,
    /// How many they are; of a difference, how many more. Modulo 2^64.
    pub count: i64,
}

impl Symbol {
    /// Puts an element in, or takes it out with `-1`.
    pub fn put(&mut self, element: u64, check: u32, sign: i64) {
        self.sum ^= element;
        self.check ^= check;
        self.count = self.count.wrapping_add(sign);
    }

    /// What is left when another one is taken out.
    pub fn minus(&self, other: &Self) -> Self {
        Self {
            sum: self.sum ^ other.sum,
            check: self.check ^ other.check,
            count: self.count.wrapping_sub(other.count),
        }
    }

    /// Writes it as the symbol at an index of a set of so many.
    pub(in crate::protocol::reconcile) fn put_to(
        &self,
        w: &mut Writer,
        set_count: u64,
        index: u64,
    ) {
        let off = self.count.wrapping_sub(expected(set_count, index));
        // Zigzag: small whether above or below.
        let off = (off.wrapping_shl(1) ^ (off >> 63)) as u64;
        w.u64(self.sum).u32(self.check).varint(off);
    }

    /// Reads the symbol at an index of a set of so many.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes end or the varint is none.
    pub(in crate::protocol::reconcile) fn read(
        r: &mut Reader<'_>,
        set_count: u64,
        index: u64,
    ) -> Result<Self, DecodeError> {
        let (sum, check, off) = (r.u64()?, r.u32()?, r.varint()?);
        let off = (off >> 1) as i64 ^ -((off & 1) as i64);
        Ok(Self {
            sum,
            check,
            count: expected(set_count, index).wrapping_add(off),
        })
    }
}

/// How many elements a symbol has on the average; what is sent is how far it is off.
fn expected(set_count: u64, index: u64) -> i64 {
    let count = 2 * u128::from(set_count) / (2 + u128::from(index));
    // At most `set_count`; who claims more than there can be is off by as much.
    count as i64
}
