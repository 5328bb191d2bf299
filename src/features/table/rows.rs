//! The rows of a group of keys, and a bit for each.

/// Keys of a group: a multiple of 8, so that their bits are whole bytes, and 64 at most. Its cells and rows stay in the
/// first cache.
pub(super) const GROUP: usize = 64;

/// The rows of a group of keys.
pub(super) struct Rows<'a> {
    /// The bytes of each row; none for a key without one.
    rows: [&'a [u8]; GROUP],
    /// The part of each row.
    parts: [usize; GROUP],
    count: usize,
}

impl Default for Rows<'_> {
    fn default() -> Self {
        Self {
            rows: [&[]; GROUP],
            parts: [0; GROUP],
            count: 0,
        }
    }
}

impl<'a> Rows<'a> {
    pub(super) fn rows(&self) -> &[&'a [u8]] {
        self.rows.get(..self.count).unwrap_or_default()
    }

    pub(super) fn parts(&self) -> &[usize] {
        self.parts.get(..self.count).unwrap_or_default()
    }

    pub(super) fn rows_mut(&mut self) -> &mut [&'a [u8]] {
        self.rows.get_mut(..self.count).unwrap_or_default()
    }

    /// Returns a bit for each row that is there.
    pub(super) fn present(&self) -> Bits {
        Bits::of(self.rows(), |row| !row.is_empty())
    }

    /// Forgets rows.
    pub(super) fn forget(&mut self, which: Bits) {
        for (n, row) in self.rows.iter_mut().enumerate() {
            if which.0 >> n & 1 != 0 {
                *row = &[];
            }
        }
    }

    /// Appends a row. A group takes no more than [`GROUP`].
    #[inline]
    pub(super) fn put(&mut self, row: &'a [u8], part: usize) {
        if let (Some(to), Some(to_part)) = (
            self.rows.get_mut(self.count),
            self.parts.get_mut(self.count),
        ) {
            (*to, *to_part) = (row, part);
            self.count += 1;
        }
    }

    pub(super) fn clear(&mut self) {
        self.count = 0;
    }
}

/// A bit for each row of a group, that of the first one the least significant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bits(u64);

impl Bits {
    /// Sets the bits of the items that something holds of.
    #[inline]
    pub(super) fn of<T>(items: &[T], holds: impl Fn(&T) -> bool) -> Self {
        let items = items.iter().take(GROUP).enumerate();
        Self(items.fold(0, |bits, (n, item)| bits | u64::from(holds(item)) << n))
    }

    /// Sets the first bits.
    pub(super) fn first(count: usize) -> Self {
        let unused = GROUP.saturating_sub(count) + 64 - GROUP;
        Self(u64::MAX.checked_shr(unused as u32).unwrap_or(0))
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Appends the bits of a group to those of the groups before it, as Arrow keeps them.
    pub(super) fn append(self, to: &mut Vec<u8>) {
        to.extend(self.0.to_le_bytes().into_iter().take(GROUP / 8));
    }
}
