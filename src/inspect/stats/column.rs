//! What a thread knows of one column.

use std::sync::Arc;

use crate::inspect::json::Number as Written;
use crate::inspect::stats::lengths::Lengths;
use crate::inspect::stats::numbers::Numbers;
use crate::inspect::stats::report::ColumnType;
use crate::inspect::stats::report::TypeCounts;
use crate::inspect::stats::sketches::hash::hash;
use crate::inspect::stats::sketches::hyperloglog::Distinct;
use crate::inspect::stats::sketches::misra_gries::Counts;
use crate::inspect::stats::sketches::misra_gries::Frequent;
use crate::inspect::stats::sketches::moments::Moments;
use crate::inspect::stats::texts::Texts;
use crate::inspect::table::base64_length;

/// A column as one thread sees it: figures for which the order of rows does not matter, which are
/// kept to the end, and those of the batch at hand.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: Arc<str>,
    pub(super) rows: u64,
    pub(super) types: TypeCounts,
    pub(super) distinct: Distinct,
    pub(super) numbers: Numbers,
    pub(super) texts: Texts,
    pub(super) arrays: Lengths,
    /// Lengths of its values that are bytes.
    pub(super) bytes: Lengths,
    /// Texts at a place where dates and points in time have a type of their own.
    pub(super) typed_texts: u64,
    /// Of the texts, words for NaN and for infinities.
    pub(super) nan_words: u64,
    pub(super) infinite_words: u64,
    /// The last row that had it, so that a key that stands twice is one.
    last_row: u64,
    moments: Moments,
    frequent: Frequent,
}

/// What a batch has of a column for which the order of rows matters.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: Arc<str>,
    pub(super) moments: Moments,
    pub(super) counts: Counts,
}

/// Keeps numbers apart from texts that are written like them.
const NUMBERS: u64 = 1;
const TEXTS: u64 = 2;
const BOOLS: u64 = 3;
const BYTES: u64 = 4;

impl Column {
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
            frequent: Frequent::default(),
        }
    }

    /// A row has it.
    #[inline]
    pub(super) fn meet(&mut self, row: u64) {
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

    /// Adds a number. One beyond all doubles is counted and has no part in anything else.
    pub(super) fn add_number(&mut self, number: &Written<'_>) {
        let Some(value) = self.numbers.add(number, &mut self.types) else {
            return;
        };
        self.moments.add(value.to_f64());
        self.add_value(hash(NUMBERS, &value.key()), number.raw);
    }

    /// Adds a cell that is a word for a number that is not finite.
    pub(super) fn add_word(&mut self, text: &[u8], word: &[u8]) {
        match word.to_ascii_lowercase().ends_with(b"nan") {
            true => self.nan_words += 1,
            false => self.infinite_words += 1,
        }
        self.add_text(text);
    }

    pub(super) fn add_text(&mut self, text: &[u8]) {
        self.types.text += 1;
        self.texts.add(text);
        self.add_value(hash(TEXTS, text), text);
    }

    /// Adds a text with half characters, which is shown with others in their place; these bytes
    /// tell it from others that are shown the same.
    pub(super) fn add_broken_text(&mut self, shown: &[u8], own: &[u8]) {
        self.types.text += 1;
        self.texts.add(shown);
        self.add_value(hash(TEXTS, own), shown);
    }

    /// Adds bytes, which are written as base64.
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

    /// What the batch had, which begins anew.
    pub(super) fn take_part(&mut self) -> Part {
        Part {
            name: Arc::clone(&self.name),
            moments: std::mem::take(&mut self.moments),
            counts: self.frequent.drain(),
        }
    }

    /// Adds all that another thread knows of it.
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

    /// The types of its values. Words such as `nan` in cells are numbers where all others are.
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

    /// The type of the column. Texts that are all dates or points in time have one of their own where
    /// the format has such types.
    pub(super) fn column_type(&self, types: &TypeCounts) -> ColumnType {
        let times = self.texts.times;
        let column_type = types.column_type();
        if column_type != ColumnType::Text || times < types.text || self.typed_texts < types.text {
            return column_type;
        }
        match self.texts.days == times {
            true => ColumnType::Date,
            false => ColumnType::Timestamp,
        }
    }

    #[inline]
    fn add_value(&mut self, hash: u64, text: &[u8]) {
        self.distinct.add(hash);
        self.frequent.add(hash, text);
    }
}
