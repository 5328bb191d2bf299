//! Keys of a request as they are hashed and compared with rows.

use crate::features::keys::KeyColumn;
use crate::features::keys::Keys;
use crate::features::schema::DataType;
use crate::features::schema::TableSchema;
use crate::features::segment::KeyHash;
use crate::features::segment::put_key_text;
use crate::features::segment::put_key_word;
use crate::features::table::rows::GROUP;

/// The values of a column of the keys.
pub(super) enum KeyValues<'a> {
    /// Integers as words of 64 bits, extended by their sign.
    Words(Vec<u64>),
    /// The values of a column of texts.
    Texts(&'a arrow_array::StringArray),
}

/// Keys with their hashes.
pub(super) struct HashedKeys<'a> {
    hashes: Vec<u64>,
    /// Set for keys that no row has: with a null, or with an integer beyond the type of the column.
    absent: Option<Vec<bool>>,
    columns: Vec<KeyValues<'a>>,
}

impl<'a> HashedKeys<'a> {
    pub(super) fn new(hash: KeyHash, keys: &'a Keys, schema: &TableSchema) -> Self {
        let columns: Vec<KeyValues<'a>> = keys.columns().iter().map(values_of).collect();
        let mut absent: Option<Vec<bool>> = None;
        for ((column, values), spec) in keys.columns().iter().zip(&columns).zip(schema.key()) {
            let is_absent = |row| column.is_null(row) || !values.fits(row, spec.data_type);
            if column.has_nulls() || !values.fits_all(spec.data_type) {
                let flags = absent.get_or_insert_with(|| vec![false; keys.len()]);
                for (row, flag) in flags.iter_mut().enumerate() {
                    *flag |= is_absent(row);
                }
            }
        }
        let hashes = match columns.as_slice() {
            [KeyValues::Words(words)] => words.iter().map(|word| hash.hash_word(*word)).collect(),
            [KeyValues::Texts(texts)] => (0..keys.len())
                .map(|row| hash.hash_text(texts.value(row)))
                .collect(),
            columns => {
                let mut encoded = Vec::new();
                let hash_row = |row| {
                    encoded.clear();
                    for values in columns {
                        values.encode(row, &mut encoded);
                    }
                    hash.hash(&encoded)
                };
                (0..keys.len()).map(hash_row).collect()
            }
        };
        Self {
            hashes,
            absent,
            columns,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    pub(super) fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    /// Returns the hashes of the group that begins with a key; none behind the last one.
    pub(super) fn group(&self, first: usize) -> &[u64] {
        let hashes = self.hashes.get(first..).unwrap_or_default();
        hashes.get(..GROUP).unwrap_or(hashes)
    }

    /// Returns the integers of keys of one column of them.
    pub(super) fn only_words(&self) -> Option<&[u64]> {
        match self.columns.as_slice() {
            [KeyValues::Words(words)] => Some(words),
            _ => None,
        }
    }

    pub(super) fn columns(&self) -> &[KeyValues<'a>] {
        &self.columns
    }

    /// Returns true if no row has a key.
    pub(super) fn is_absent(&self, row: usize) -> bool {
        self.absent
            .as_ref()
            .is_some_and(|flags| flags.get(row) != Some(&false))
    }
}

fn values_of(column: &KeyColumn) -> KeyValues<'_> {
    match column {
        KeyColumn::Signed(values) => {
            KeyValues::Words(values.values().iter().map(|v| *v as u64).collect())
        }
        KeyColumn::Unsigned(values) => KeyValues::Words(values.values().to_vec()),
        KeyColumn::Text(values) => KeyValues::Texts(values),
    }
}

impl KeyValues<'_> {
    fn encode(&self, row: usize, to: &mut Vec<u8>) {
        match self {
            Self::Words(words) => put_key_word(words.get(row).copied().unwrap_or(0), to),
            Self::Texts(texts) => put_key_text(texts.value(row), to),
        }
    }

    fn fits_all(&self, data_type: DataType) -> bool {
        match self {
            Self::Words(_) if matches!(data_type, DataType::Int64 | DataType::UInt64) => true,
            Self::Words(words) => words.iter().all(|word| word_fits(*word, data_type)),
            Self::Texts(_) => true,
        }
    }

    fn fits(&self, row: usize, data_type: DataType) -> bool {
        match self {
            Self::Words(words) => words
                .get(row)
                .is_some_and(|word| word_fits(*word, data_type)),
            Self::Texts(_) => true,
        }
    }
}

/// Returns true if a column of a type can have an integer.
fn word_fits(word: u64, data_type: DataType) -> bool {
    let signed = word as i64;
    match data_type {
        DataType::Int8 => i8::try_from(signed).is_ok(),
        DataType::Int16 => i16::try_from(signed).is_ok(),
        DataType::Int32 => i32::try_from(signed).is_ok(),
        DataType::UInt8 => u8::try_from(word).is_ok(),
        DataType::UInt16 => u16::try_from(word).is_ok(),
        DataType::UInt32 => u32::try_from(word).is_ok(),
        _ => true,
    }
}
