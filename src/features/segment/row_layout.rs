//! Bytes of a row: the columns of the key, the others, and bits for nulls.

use crate::features::error::FeatureError;
use crate::features::limits::ROW_BYTES_MAX;
use crate::features::schema::DataType;
use crate::features::schema::TableSchema;

/// The longest text that stands in the row itself.
const INLINE_BYTES_MAX: usize = 30;
/// Bytes of the place of a text in the heap: its length, and its offset.
const PLACE_BYTES: usize = 12;

/// The way in which the values of a column stand in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    /// The value, of this many bytes, little endian.
    Fixed(usize),
    /// The length of a text in a byte, and room for this many bytes of it.
    Inline(usize),
    /// The length of a text in four bytes, and its offset in the heap of the part in eight.
    Heap,
}

impl Storage {
    /// Returns the bytes in a row.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Fixed(width) => width,
            Self::Inline(room) => 1 + room,
            Self::Heap => PLACE_BYTES,
        }
    }
}

/// The place of a column in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The offset in the row.
    pub(crate) at: usize,
    /// The way in which values stand there.
    pub(crate) storage: Storage,
    /// The number of the bit that is set for null; `None` if no value is null.
    pub(crate) null_bit: Option<usize>,
}

/// The places of all columns in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowLayout {
    /// A slot for each column of the schema, in its order.
    pub(crate) slots: Vec<Slot>,
    /// The offset of the bits for nulls.
    pub(crate) nulls_at: usize,
    /// The bytes of a row.
    pub(crate) bytes: usize,
}

/// The facts about the values of a column that decide on its storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ColumnFacts {
    /// True if a value is null.
    pub(crate) has_nulls: bool,
    /// The length of the longest text.
    pub(crate) longest: usize,
}

impl RowLayout {
    /// Arranges the columns: those of the key first, in its order, and the others in theirs.
    ///
    /// # Errors
    /// [`FeatureError::Limit`] for rows that are too long.
    pub(crate) fn of_facts(
        schema: &TableSchema,
        facts: &[ColumnFacts],
    ) -> Result<Self, FeatureError> {
        let storage = |place: usize| {
            let longest = facts.get(place).map_or(0, |f| f.longest);
            match schema.columns().get(place).map(|c| c.data_type) {
                Some(DataType::Utf8) | None if longest <= INLINE_BYTES_MAX => {
                    Storage::Inline(longest.max(3))
                }
                Some(DataType::Utf8) | None => Storage::Heap,
                Some(other) => Storage::Fixed(other.width().unwrap_or(0)),
            }
        };
        let has_nulls = |place: usize| facts.get(place).is_some_and(|f| f.has_nulls);
        Self::arrange(schema, storage, has_nulls)
    }

    /// Arranges columns with known storages.
    ///
    /// # Errors
    /// [`FeatureError::Limit`] for rows that are too long.
    pub(crate) fn arrange(
        schema: &TableSchema,
        storage: impl Fn(usize) -> Storage,
        has_nulls: impl Fn(usize) -> bool,
    ) -> Result<Self, FeatureError> {
        let count = schema.columns().len();
        let mut order = schema.key_places().to_vec();
        order.extend((0..count).filter(|place| !schema.key_places().contains(place)));
        let mut slots = vec![
            Slot {
                at: 0,
                storage: Storage::Fixed(0),
                null_bit: None,
            };
            count
        ];
        let (mut at, mut bits) = (0, 0);
        for place in order {
            let storage = storage(place);
            if let Some(slot) = slots.get_mut(place) {
                slot.at = at;
                slot.storage = storage;
                slot.null_bit = has_nulls(place).then_some(bits);
            }
            bits += usize::from(has_nulls(place));
            at += storage.bytes();
        }
        let bytes = at + bits.div_ceil(8);
        if bytes > ROW_BYTES_MAX {
            return Err(FeatureError::Limit {
                what: format!("a row of {bytes} bytes"),
                limit: format!("{ROW_BYTES_MAX} bytes"),
            });
        }
        Ok(Self {
            slots,
            nulls_at: at,
            bytes,
        })
    }

    /// Returns true if a column of a row is null.
    #[inline]
    pub(crate) fn is_null(&self, slot: &Slot, row: &[u8]) -> bool {
        slot.null_bit.is_some_and(|bit| {
            let byte = row.get(self.nulls_at + bit / 8);
            byte.is_some_and(|byte| byte >> (bit % 8) & 1 != 0)
        })
    }
}
