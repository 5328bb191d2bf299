//! Reader of Thrift's compact protocol, as far as page headers need it (thrift-compact-protocol.md
//! of Apache Thrift).

/// Cursor over encoded bytes.
pub(super) struct CompactReader<'a> {
    rest: &'a [u8],
    length: usize,
}

/// Errors of decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ThriftError {
    /// The bytes end too early.
    Short,
    /// A page exceeds the size limit.
    TooLarge,
    Wrong,
}

/// Type of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FieldType(u8);

impl FieldType {
    pub(super) const LIST: Self = Self(9);
    pub(super) const STRUCT: Self = Self(12);

    /// Boolean value of a field, which its type encodes. Elsewhere a boolean is a byte.
    pub(super) fn is_true(self) -> bool {
        self.0 == 1
    }

    pub(super) fn is_integer(self) -> bool {
        matches!(self.0, 4..=6)
    }
}

impl<'a> CompactReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            length: bytes.len(),
        }
    }

    /// Number of bytes read.
    pub(super) fn at(&self) -> usize {
        self.length - self.rest.len()
    }

    fn byte(&mut self) -> Result<u8, ThriftError> {
        let (first, rest) = self.rest.split_first().ok_or(ThriftError::Short)?;
        self.rest = rest;
        Ok(*first)
    }

    fn pass(&mut self, bytes: u64) -> Result<(), ThriftError> {
        let bytes = usize::try_from(bytes).map_err(|_| ThriftError::Wrong)?;
        self.rest = self.rest.get(bytes..).ok_or(ThriftError::Short)?;
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, ThriftError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(ThriftError::Wrong)
    }

    /// Reads a zigzag integer.
    pub(super) fn integer(&mut self) -> Result<i64, ThriftError> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// Reads the header of the next field: number and type; `None` at the end of the struct. `last`
    /// is the number of the previous field.
    pub(super) fn field(
        &mut self,
        last: &mut i64,
    ) -> Result<Option<(i64, FieldType)>, ThriftError> {
        let byte = self.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        let number = match byte >> 4 {
            0 => self.integer()?,
            step => last.saturating_add(i64::from(step)),
        };
        *last = number;
        Ok(Some((number, FieldType(byte & 0x0f))))
    }

    /// Reads the header of a list: length and element type.
    pub(super) fn list(&mut self) -> Result<(u64, FieldType), ThriftError> {
        let byte = self.byte()?;
        let length = match byte >> 4 {
            15 => self.varint()?,
            length => u64::from(length),
        };
        Ok((length, FieldType(byte & 0x0f)))
    }

    /// Skips the value of a field.
    pub(super) fn skip(&mut self, kind: FieldType, depth: u32) -> Result<(), ThriftError> {
        let depth = depth.checked_sub(1).ok_or(ThriftError::Wrong)?;
        match kind.0 {
            // Booleans of fields are in their types.
            1 | 2 => Ok(()),
            3 => self.pass(1),
            4..=6 => self.varint().map(drop),
            7 => self.pass(8),
            8 => {
                let length = self.varint()?;
                self.pass(length)
            }
            9 | 10 => {
                let (length, kind) = self.list()?;
                for _ in 0..length {
                    self.skip_item(kind, depth)?;
                }
                Ok(())
            }
            11 => self.skip_map(depth),
            12 => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    self.skip(kind, depth)?;
                }
                Ok(())
            }
            _ => Err(ThriftError::Wrong),
        }
    }

    fn skip_map(&mut self, depth: u32) -> Result<(), ThriftError> {
        let length = self.varint()?;
        if length == 0 {
            return Ok(());
        }
        let kinds = self.byte()?;
        for _ in 0..length {
            self.skip_item(FieldType(kinds >> 4), depth)?;
            self.skip_item(FieldType(kinds & 0x0f), depth)?;
        }
        Ok(())
    }

    /// Skips an element of a list; a boolean is a byte there.
    fn skip_item(&mut self, kind: FieldType, depth: u32) -> Result<(), ThriftError> {
        match kind.0 {
            1 | 2 => self.pass(1),
            _ => self.skip(kind, depth),
        }
    }
}
