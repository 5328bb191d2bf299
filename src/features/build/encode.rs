//! Rows of a batch as records: hash, order, values of fixed width, bits for nulls, texts.

use std::sync::Mutex;

use arrow_array::Array as _;
use arrow_array::ArrayRef;
use arrow_array::RecordBatch;
use arrow_array::StringArray;
use arrow_array::cast::AsArray as _;

use crate::features::build::columns::Matrix;
use crate::features::build::spill::SpillBuffers;
use crate::features::error::FeatureError;
use crate::features::limits::FEATURE_TEXT_BYTES_MAX;
use crate::features::limits::ROW_BYTES_MAX;
use crate::features::schema::DataType;
use crate::features::schema::TableSchema;
use crate::features::schema::widen;
use crate::features::segment::ColumnFacts;
use crate::features::segment::KeyHash;
use crate::features::segment::put_key_text;
use crate::features::segment::put_key_word;
use crate::locks::lock;

/// Bytes of the hash and the order of a record.
pub(super) const RECORD_HEAD_BYTES: usize = 16;
/// Bytes of the length of a text in the fixed part.
pub(super) const LENGTH_BYTES: usize = 4;

/// The order of the first row of a batch among all rows. A later row replaces an earlier one of the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order(u64);

/// Bits of the number of a batch in its file.
const BATCH_BITS: u32 = 22;
/// Bits of the number of a row in its batch.
const ROW_BITS: u32 = 24;

impl Order {
    /// Returns the order of the first row of a batch; `None` beyond the range.
    pub(super) fn new(file: u64, batch: u64) -> Option<Self> {
        let fits = file < 1 << (64 - BATCH_BITS - ROW_BITS) && batch < 1 << BATCH_BITS;
        fits.then_some(Self((file << BATCH_BITS | batch) << ROW_BITS))
    }
}

/// The place of a column in a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordSlot {
    /// The place of the column in the schema.
    pub(super) place: usize,
    /// The offset in the fixed part.
    pub(super) at: usize,
    /// Bytes in the fixed part.
    pub(super) width: usize,
    /// True for a text, whose bytes follow the fixed part.
    pub(super) is_text: bool,
}

/// Encoder of rows of a table, for any number of threads.
pub(super) struct Encoder {
    schema: TableSchema,
    hash: KeyHash,
    /// The columns in the order of a record: those of the key first.
    slots: Vec<RecordSlot>,
    nulls_at: usize,
    fixed_bytes: usize,
    facts: Mutex<Facts>,
}

/// The facts about all rows until now.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// Those of each column of the schema.
    pub(super) columns: Vec<ColumnFacts>,
    /// Rows that have a key.
    pub(super) rows: u64,
    /// Rows without a key.
    pub(super) null_keys: u64,
}

impl Encoder {
    pub(super) fn new(schema: &TableSchema, seed: [u8; 16]) -> Result<Self, FeatureError> {
        let count = schema.columns().len();
        let mut order = schema.key_places().to_vec();
        order.extend((0..count).filter(|place| !schema.key_places().contains(place)));
        let (mut slots, mut at) = (Vec::with_capacity(count), 0);
        for place in order {
            let data_type = schema.columns().get(place).map(|c| c.data_type);
            let width = data_type.and_then(DataType::width);
            slots.push(RecordSlot {
                place,
                at,
                width: width.unwrap_or(LENGTH_BYTES),
                is_text: width.is_none(),
            });
            at += width.unwrap_or(LENGTH_BYTES);
        }
        let fixed_bytes = at + count.div_ceil(8);
        if fixed_bytes > ROW_BYTES_MAX {
            return Err(FeatureError::Limit {
                what: format!("a row of {fixed_bytes} bytes"),
                limit: format!("{ROW_BYTES_MAX} bytes"),
            });
        }
        let facts = Facts {
            columns: vec![ColumnFacts::default(); count],
            ..Facts::default()
        };
        Ok(Self {
            schema: schema.clone(),
            hash: KeyHash::new(seed),
            slots,
            nulls_at: at,
            fixed_bytes,
            facts: Mutex::new(facts),
        })
    }

    pub(super) fn schema(&self) -> &TableSchema {
        &self.schema
    }

    /// Returns the columns in the order of a record.
    pub(super) fn slots(&self) -> &[RecordSlot] {
        &self.slots
    }

    /// Returns the offset of the bits for nulls in the fixed part.
    pub(super) fn nulls_at(&self) -> usize {
        self.nulls_at
    }

    /// Returns the bytes of a record without its texts.
    pub(super) fn record_bytes(&self) -> usize {
        RECORD_HEAD_BYTES + self.fixed_bytes
    }

    /// Returns the number of columns of texts.
    pub(super) fn texts(&self) -> usize {
        self.slots.iter().filter(|slot| slot.is_text).count()
    }

    /// Returns the facts about all rows until now.
    pub(super) fn facts(&self) -> Facts {
        lock(&self.facts).clone()
    }

    /// Encodes the rows of a batch that has all columns by their names.
    ///
    /// # Errors
    /// [`FeatureError::File`] of the spill. The inner error is a sentence about the rows.
    pub(super) fn encode(
        &self,
        batch: &RecordBatch,
        order: Order,
        out: &mut SpillBuffers<'_>,
    ) -> Result<Result<(), String>, FeatureError> {
        let columns = match self.columns(batch) {
            Ok(columns) => columns,
            Err(why) => return Ok(Err(why)),
        };
        let rows = batch.num_rows();
        if rows >= 1 << ROW_BITS {
            return Ok(Err(format!("a batch of {rows} rows")));
        }
        let mut bytes = vec![0; rows * self.fixed_bytes];
        let mut facts = Facts {
            columns: vec![ColumnFacts::default(); columns.len()],
            ..Facts::default()
        };
        if let Err(why) = self.fill(&mut bytes, &columns, &mut facts) {
            return Ok(Err(why));
        }
        let texts = self.slots.iter().filter(|slot| slot.is_text);
        let texts: Vec<&StringArray> = texts
            .filter_map(|slot| columns.get(slot.place))
            .map(|values| values.as_string::<i32>())
            .collect();
        let key = self.key_columns(&columns);
        let mut encoded = Vec::new();
        for (row, fixed) in bytes.chunks_exact(self.fixed_bytes.max(1)).enumerate() {
            if key.iter().any(|values| values.is_null(row)) {
                facts.null_keys += 1;
                continue;
            }
            facts.rows += 1;
            let hash = self.hash_row(&key, row, &mut encoded);
            out.put(hash, order.0 | row as u64, fixed, &texts, row)?;
        }
        lock(&self.facts).add(&facts);
        Ok(Ok(()))
    }

    /// Finds the columns of a batch by name, in the order of the schema, in the types of the schema.
    fn columns(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>, String> {
        let columns = self.schema.columns().iter().map(|column| {
            let values = batch.column_by_name(&column.name);
            let values = values.ok_or_else(|| format!("there is no column `{}`", column.name))?;
            widen(values, column).map_err(|why| format!("column `{}`: {why}", column.name))
        });
        columns.collect()
    }

    fn fill(
        &self,
        bytes: &mut [u8],
        columns: &[ArrayRef],
        facts: &mut Facts,
    ) -> Result<(), String> {
        let mut matrix = Matrix {
            bytes,
            stride: self.fixed_bytes.max(1),
        };
        for (bit, slot) in self.slots.iter().enumerate() {
            let column = self.schema.columns().get(slot.place);
            let both = column.zip(columns.get(slot.place));
            let Some((column, values)) = both else {
                continue;
            };
            let in_column = |why: String| format!("column `{}`: {why}", column.name);
            matrix
                .put(slot.at, column.data_type, values)
                .map_err(in_column)?;
            let is_key = bit < self.schema.key_places().len();
            let known = facts.columns.get_mut(slot.place);
            if values.null_count() > 0 && !is_key {
                if !column.is_nullable {
                    return Err(in_column(
                        "it has a null, which the configuration forbids".to_owned(),
                    ));
                }
                let at = self.nulls_at + bit / 8;
                for (row, record) in matrix.bytes.chunks_exact_mut(matrix.stride).enumerate() {
                    if let Some(byte) = record.get_mut(at).filter(|_| values.is_null(row)) {
                        *byte |= 1 << (bit % 8);
                    }
                }
            }
            if let Some(known) = known {
                known.has_nulls = values.null_count() > 0 && !is_key;
                if slot.is_text {
                    let texts = values.as_string::<i32>();
                    let lengths = texts.offsets().windows(2).map(|pair| pair[1] - pair[0]);
                    known.longest = lengths
                        .max()
                        .and_then(|n| usize::try_from(n).ok())
                        .unwrap_or(0);
                    if known.longest > FEATURE_TEXT_BYTES_MAX {
                        let most = FEATURE_TEXT_BYTES_MAX;
                        return Err(in_column(format!(
                            "it has a text of more than {most} bytes"
                        )));
                    }
                }
            }
        }
        Ok(())
    }

    fn key_columns<'a>(&self, columns: &'a [ArrayRef]) -> Vec<KeyValues<'a>> {
        let places = self.schema.key_places().iter();
        let both =
            places.filter_map(|place| self.schema.columns().get(*place).zip(columns.get(*place)));
        both.map(|(column, values)| KeyValues::new(column.data_type, values))
            .collect()
    }

    fn hash_row(&self, key: &[KeyValues<'_>], row: usize, encoded: &mut Vec<u8>) -> u64 {
        if let [KeyValues::Words(words, _)] = key {
            return self.hash.hash_word(words.get(row).copied().unwrap_or(0));
        }
        encoded.clear();
        for values in key {
            values.encode(row, encoded);
        }
        self.hash.hash(encoded)
    }
}

impl Facts {
    fn add(&mut self, other: &Self) {
        for (known, more) in self.columns.iter_mut().zip(&other.columns) {
            known.has_nulls |= more.has_nulls;
            known.longest = known.longest.max(more.longest);
        }
        self.rows += other.rows;
        self.null_keys += other.null_keys;
    }
}

/// The values of a column of keys, as they are hashed.
enum KeyValues<'a> {
    /// Integers as words of 64 bits, extended by their sign, and the array for its nulls.
    Words(Vec<u64>, &'a ArrayRef),
    /// The values of a column of texts.
    Texts(&'a StringArray),
}

impl<'a> KeyValues<'a> {
    fn new(data_type: DataType, values: &'a ArrayRef) -> Self {
        use arrow_array::types::*;
        macro_rules! words {
            ($t:ty, $wide:ty) => {
                values
                    .as_primitive::<$t>()
                    .values()
                    .iter()
                    .map(|v| <$wide>::from(*v) as u64)
                    .collect()
            };
        }
        let words = match data_type {
            DataType::Int8 => words!(Int8Type, i64),
            DataType::Int16 => words!(Int16Type, i64),
            DataType::Int32 => words!(Int32Type, i64),
            DataType::Int64 => words!(Int64Type, i64),
            DataType::UInt8 => words!(UInt8Type, u64),
            DataType::UInt16 => words!(UInt16Type, u64),
            DataType::UInt32 => words!(UInt32Type, u64),
            DataType::UInt64 => words!(UInt64Type, u64),
            _ => return Self::Texts(values.as_string()),
        };
        Self::Words(words, values)
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Words(_, values) => values.is_null(row),
            Self::Texts(values) => values.is_null(row),
        }
    }

    fn encode(&self, row: usize, to: &mut Vec<u8>) {
        match self {
            Self::Words(words, _) => put_key_word(words.get(row).copied().unwrap_or(0), to),
            Self::Texts(texts) => put_key_text(texts.value(row), to),
        }
    }
}
