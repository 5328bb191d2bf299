//! The bounded cursor over encoded bytes.

use thiserror::Error;

/// Failure to decode bytes. It describes the input; the caller knows which input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The input ends before the value does.
    #[error("the bytes end too early")]
    Truncated,
    /// Bytes follow the end of the value.
    #[error("{0} bytes follow the end")]
    Trailing(usize),
    /// The first bytes belong to another format.
    #[error("not a {0}")]
    Magic(&'static str),
    /// A format version this program does not know.
    #[error("format version {0} is newer than this program knows")]
    Version(u32),
    /// A number over its limit.
    #[error("{field} is {value}, more than the limit of {limit}")]
    Limit {
        /// The name of the number.
        field: &'static str,
        /// The number in the input.
        value: u64,
        /// The limit.
        limit: u64,
    },
    /// A value that the format does not allow here.
    #[error("{0} is not valid")]
    Invalid(&'static str),
    /// A checksum does not match.
    #[error("the checksum of {0} does not match")]
    Checksum(&'static str),
}

/// Reads values from the front of a slice, never past its end.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Makes a cursor at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns the number of unread bytes.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Reads the next `n` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left.
    pub fn bytes(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        let (head, tail) = self
            .rest
            .split_at_checked(n)
            .ok_or(DecodeError::Truncated)?;
        self.rest = tail;
        Ok(head)
    }

    /// Reads the next `N` bytes as an array.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, tail) = self
            .rest
            .split_first_chunk()
            .ok_or(DecodeError::Truncated)?;
        self.rest = tail;
        Ok(*head)
    }

    /// Reads one byte.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] at the end.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[b]| b)
    }

    /// Reads two bytes, little-endian.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] near the end.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    /// Reads four bytes, little-endian.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] near the end.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Reads eight bytes, little-endian.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] near the end.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads a LEB128 varint of at most 64 bits, in its shortest form.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], or [`DecodeError::Invalid`] when over-long or over 64 bits.
    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(DecodeError::Invalid("varint"));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                let over_long = byte == 0 && shift > 0;
                return if over_long {
                    Err(DecodeError::Invalid("varint"))
                } else {
                    Ok(value)
                };
            }
        }
        Err(DecodeError::Invalid("varint"))
    }

    /// Reads a varint that counts something.
    ///
    /// # Errors
    /// As [`Reader::varint`], or [`DecodeError::Limit`] when it is over `limit`.
    pub fn count(&mut self, field: &'static str, limit: usize) -> Result<usize, DecodeError> {
        let value = self.varint()?;
        match usize::try_from(value) {
            Ok(n) if n <= limit => Ok(n),
            _ => Err(DecodeError::Limit {
                field,
                value,
                limit: limit as u64,
            }),
        }
    }

    /// Reads bytes behind a varint length of at most `limit`.
    ///
    /// # Errors
    /// As [`Reader::count`] and [`Reader::bytes`].
    pub fn counted(&mut self, field: &'static str, limit: usize) -> Result<&'a [u8], DecodeError> {
        let n = self.count(field, limit)?;
        self.bytes(n)
    }

    /// Checks that the input ends here.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`] when it does not.
    pub fn end(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Trailing(self.rest.len()))
        }
    }
}
