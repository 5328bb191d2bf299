//! Statistics of one column in one thread.

use std::sync::Arc;

use crate::inspect::json::Number as Written;
use crate::inspect::stats::lengths::Lengths;
use crate::inspect::stats::numbers::Numbers;
use crate::inspect::stats::report::ColumnType;
use crate::inspect::stats::report::TypeCounts;
use crate::inspect::stats::sketches::hash::hash;
use crate::inspect::stats::sketches::hyperloglog::Distinct;
use crate::inspect::stats::sketches::misra_gries::DrainedCounts;
use crate::inspect::stats::sketches::misra_gries::FrequentValues;
use crate::inspect::stats::sketches::moments::Moments;
use crate::inspect::stats::texts::Texts;
use crate::inspect::table::base64_length;

/// A column in one thread: order-independent statistics up to the end, and the order-dependent part
/// of the current batch.
#[derive(Debug)]
pub(super) struct ColumnState {
    pub(super) name: Arc<str>,
    pub(super) rows: u64,
    pub(super) types: TypeCounts,
    pub(super) distinct: Distinct,
    pub(super) numbers: Numbers,
    pub(super) texts: Texts,
    pub(super) arrays: Lengths,
    /// Lengths of its binary values.
    pub(super) bytes: Lengths,
    /// Number of texts in a position where dates and timestamps have types of their own.
    pub(super) typed_texts: u64,
    /// Number of texts that are words for NaN or an infinity.
    pub(super) nan_words: u64,
    pub(super) infinite_words: u64,
    /// Last row with this column, so that a repeated key counts once.
    last_row: u64,
    moments: Moments,
    frequent: FrequentValues,
}

/// Order-dependent statistics of a column in one batch.
#[derive(Debug)]
pub(super) struct BatchPart {
    pub(super) name: Arc<str>,
    pub(super) moments: Moments,
    pub(super) counts: DrainedCounts,
}

/// Hash seed that separates numbers from equal texts.
const NUMBERS: u64 = 1;
const TEXTS: u64 = 2;
const BOOLS: u64 = 3;
const BYTES: u64 = 4;

impl ColumnState {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            rows: 0,
            types: TypeCounts::default(),
            distinct: Distinct::default(),
            numbers: Numbers::default(),
            texts: Texts::default(),
            arrays: Lengths::default(),
            bytes: Lengths::default(),
            typed_texts: 0,
            nan_words: 0,
            infinite_words: 0,
            last_row: u64::MAX,
            moments: Moments::default(),
            frequent: FrequentValues::default(),
        }
    }

    /// Records that a row has the column.
    #[inline]
    pub(super) fn record_row(&mut self, row: u64) {
        if self.last_row != row {
            self.last_row = row;
            self.rows += 1;
        }
    }

    pub(super) fn add_null(&mut self) {
        self.types.null += 1;
    }

    pub(super) fn add_bool(&mut self, value: bool) {
        self.types.bool += 1;
        let text: &[u8] = if value { b"true" } else { b"false" };
        self.add_value(hash(BOOLS, text), text);
    }

    /// Adds a number. One beyond the range of doubles is only counted.
    pub(super) fn add_number(&mut self, number: &Written<'_>) {
        let Some(value) = self.numbers.add(number, &mut self.types) else {
            return;
        };
        self.moments.add(value.to_f64());
        self.add_value(hash(NUMBERS, &value.key()), number.raw);
    }

    /// Adds a cell with a word for a non-finite number.
    pub(super) fn add_word(&mut self, text: &[u8], word: &[u8]) {
        if word.to_ascii_lowercase().ends_with(b"nan") {
            self.nan_words += 1
        } else {
            self.infinite_words += 1
        }
        self.add_text(text);
    }

    pub(super) fn add_text(&mut self, text: &[u8]) {
        self.types.text += 1;
        self.texts.add(text);
        self.add_value(hash(TEXTS, text), text);
    }

    /// Adds a text with lone surrogates. `shown` has replacements for them; `own` keeps texts
    /// distinct that look alike.
    pub(super) fn add_broken_text(&mut self, shown: &[u8], own: &[u8]) {
        self.types.text += 1;
        self.texts.add(shown);
        self.add_value(hash(TEXTS, own), shown);
    }

    /// Adds binary data in base64.
    pub(super) fn add_bytes(&mut self, base64: &[u8]) {
        self.types.binary += 1;
        self.bytes.add(base64_length(base64));
        self.add_value(hash(BYTES, base64), base64);
    }

    pub(super) fn add_array(&mut self, length: u64) {
        self.types.array += 1;
        self.arrays.add(length);
    }

    pub(super) fn add_object(&mut self) {
        self.types.object += 1;
    }

    /// Takes the part of the current batch, and starts a new one.
    pub(super) fn take_part(&mut self) -> BatchPart {
        BatchPart {
            name: Arc::clone(&self.name),
            moments: std::mem::take(&mut self.moments),
            counts: self.frequent.drain(),
        }
    }

    /// Merges the statistics of another thread.
    pub(super) fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.types.merge(&other.types);
        self.distinct.merge(&other.distinct);
        self.numbers.merge(&other.numbers);
        self.texts.merge(&other.texts);
        self.arrays.merge(&other.arrays);
        self.bytes.merge(&other.bytes);
        self.typed_texts += other.typed_texts;
        self.nan_words += other.nan_words;
        self.infinite_words += other.infinite_words;
    }

    /// Types of its values. Words such as `nan` in cells count as numbers if all other cells are
    /// numbers.
    pub(super) fn cell_types(&self) -> TypeCounts {
        let mut types = self.types;
        let words = self.nan_words + self.infinite_words;
        let numbers = types.int + types.float;
        let others = types.bool + types.binary + types.array + types.object;
        if words > 0 && types.text == words && numbers > 0 && others == 0 {
            types.text = 0;
            types.float += words;
            types.nan += self.nan_words;
            types.infinite += self.infinite_words;
        }
        types
    }

    /// Type of the column. Texts that are all dates or timestamps get such a type if the format has
    /// it.
    pub(super) fn column_type(&self, types: &TypeCounts) -> ColumnType {
        let times = self.texts.times;
        let column_type = types.column_type();
        if column_type != ColumnType::Text || times < types.text || self.typed_texts < types.text {
            return column_type;
        }
        if self.texts.days == times {
            ColumnType::Date
        } else {
            ColumnType::Timestamp
        }
    }

    #[inline]
    fn add_value(&mut self, hash: u64, text: &[u8]) {
        self.distinct.add(hash);
        self.frequent.add(hash, text);
    }
}
