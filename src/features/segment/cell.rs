//! A cell of the directory: the rows of a small range of hashes, with a byte of each one's hash.

/// Bytes of a cell. Four fill a cache line.
pub(crate) const CELL_BYTES: usize = 16;
/// Mean number of rows of a cell. With 6, a cell has more rows than tags in one of fifty cases.
pub(crate) const ROWS_PER_CELL: u64 = 6;
/// Rows of a cell that have a tag.
const TAGS: usize = 11;

/// A cell of the directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell([u8; CELL_BYTES]);

impl Cell {
    /// Takes the bytes of a cell.
    #[inline]
    pub(crate) fn of_bytes(bytes: [u8; CELL_BYTES]) -> Self {
        Self(bytes)
    }

    /// Makes the cell of rows that begin at one of a part. `None` for more than 255 rows.
    pub(crate) fn of_rows(first: u32, hashes: impl ExactSizeIterator<Item = u64>) -> Option<Self> {
        let mut bytes = [0; CELL_BYTES];
        let count = u8::try_from(hashes.len()).ok()?;
        let (numbers, tags) = bytes.split_at_mut(CELL_BYTES - TAGS);
        for (to, hash) in tags.iter_mut().zip(hashes) {
            *to = hash as u8;
        }
        for (to, from) in numbers.iter_mut().zip(first.to_le_bytes()) {
            *to = from;
        }
        bytes[4] = count;
        Some(Self(bytes))
    }

    /// Returns the bytes.
    pub(crate) fn bytes(&self) -> &[u8; CELL_BYTES] {
        &self.0
    }

    /// Returns the place of the first row in the part.
    #[inline]
    pub(crate) fn first(&self) -> u32 {
        u32::from_le_bytes([self.0[0], self.0[1], self.0[2], self.0[3]])
    }

    /// Returns the number of rows.
    #[inline]
    pub(crate) fn count(&self) -> u32 {
        u32::from(self.0[4])
    }

    /// Returns a bit for each row that may have a hash. Rows without a tag always may.
    #[inline]
    pub(crate) fn candidates(&self, hash: u64) -> Candidates {
        let tag = hash as u8;
        let mut bits = 0_u32;
        for (n, known) in self.0[CELL_BYTES - TAGS..].iter().enumerate() {
            bits |= u32::from(*known == tag) << n;
        }
        let count = self.count();
        let tagged = count.min(TAGS as u32);
        bits &= (1 << tagged) - 1;
        Candidates {
            first: self.first(),
            bits,
            untagged: tagged..count,
        }
    }
}

/// The rows of a cell that may have a hash, by their places in the part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Candidates {
    first: u32,
    bits: u32,
    untagged: std::ops::Range<u32>,
}

impl Iterator for Candidates {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        let inside = if self.bits != 0 {
            let n = self.bits.trailing_zeros();
            self.bits &= self.bits - 1;
            n
        } else {
            self.untagged.next()?
        };
        self.first.checked_add(inside)
    }
}
