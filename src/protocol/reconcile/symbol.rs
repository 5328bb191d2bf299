//! Coded symbols: the sum of the elements that the mapping puts into a symbol.

use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;

/// A sum of elements, or the difference of two sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Symbol {
    /// Exclusive or of the elements.
    pub sum: u64,
    /// Exclusive or of their checksums.
    pub check: u32,
    /// Number of elements; in a difference, the surplus. Modulo 2^64.
    pub count: i64,
}

impl Symbol {
    /// Adds an element, or removes it with the sign `-1`.
    pub fn put(&mut self, element: u64, check: u32, sign: i64) {
        self.sum ^= element;
        self.check ^= check;
        self.count = self.count.wrapping_add(sign);
    }

    /// Returns the difference of this symbol and another one.
    pub fn minus(&self, other: &Self) -> Self {
        Self {
            sum: self.sum ^ other.sum,
            check: self.check ^ other.check,
            count: self.count.wrapping_sub(other.count),
        }
    }

    /// Writes the symbol at an index of a set with `set_count` elements.
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

    /// Reads the symbol at an index of a set with `set_count` elements.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes end or the varint is malformed.
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

/// Returns the average number of elements in the symbol at an index. The wire carries the
/// deviation from it.
fn expected(set_count: u64, index: u64) -> i64 {
    let count = 2 * u128::from(set_count) / (2 + u128::from(index));
    // At most `set_count`; with an impossible claim, the deviation is impossible too.
    count as i64
}
