//! What columns are like over many rows: who has them, of which types, how often they are empty.
//! Kept for each batch and added up, so that rows can be judged by all the others at the end.

use std::collections::HashMap;

use crate::inspect::lint::scan::excerpt::excerpt;
use crate::wire::limits::LINT_COLUMN_BYTES_MAX;
use crate::wire::limits::LINT_COLUMNS_MAX;
use crate::wire::limits::LINT_KEY_SETS_MAX;

/// What a value is, as far as a column should have one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect::lint) enum Type {
    Null,
    Bool,
    Number,
    Text,
    Array,
    Object,
}

impl Type {
    pub(in crate::inspect::lint) const ALL: [Self; 6] = [
        Self::Null,
        Self::Bool,
        Self::Number,
        Self::Text,
        Self::Array,
        Self::Object,
    ];

    pub(in crate::inspect::lint) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// A row that is an example of something, and what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::inspect::lint) struct ColumnNote {
    pub(in crate::inspect::lint) row: u64,
    pub(in crate::inspect::lint) at: usize,
    pub(in crate::inspect::lint) shown: String,
}

/// How many rows, and the first of them.
#[derive(Clone, Debug, Default)]
pub(in crate::inspect::lint) struct Group {
    pub(in crate::inspect::lint) count: u64,
    pub(in crate::inspect::lint) spots: Vec<ColumnNote>,
}

impl Group {
    pub(in crate::inspect::lint) fn add(&mut self, kept: usize, spot: impl FnOnce() -> ColumnNote) {
        self.count += 1;
        if self.spots.len() < kept {
            self.spots.push(spot());
        }
    }

    /// Puts those of a later batch behind, whose first row has this number.
    pub(in crate::inspect::lint) fn append(&mut self, later: Self, first: u64, kept: usize) {
        self.count += later.count;
        let room = kept.saturating_sub(self.spots.len());
        let spots = later.spots.into_iter().take(room);
        self.spots.extend(spots.map(|mut spot| {
            spot.row += first;
            spot
        }));
    }
}

/// One column.
#[derive(Clone, Debug, Default)]
pub(in crate::inspect::lint) struct Column {
    pub(in crate::inspect::lint) name: String,
    /// Rows that have it.
    pub(in crate::inspect::lint) rows: u64,
    /// By type, in the order of [`Type::ALL`].
    pub(in crate::inspect::lint) types: [Group; 6],
    /// Rows in which it is null, empty or white space.
    pub(in crate::inspect::lint) empty: Group,
    /// Rows in which it is a text that stands for nothing, such as `N/A`.
    pub(in crate::inspect::lint) nothing: Group,
    /// The type of its first value: what needs only one example, being what the rest is like.
    usual: Option<Type>,
}

/// Columns of rows, and which of them stand together.
#[derive(Debug, Default)]
pub(in crate::inspect::lint) struct Columns {
    pub(in crate::inspect::lint) list: Vec<Column>,
    by_name: HashMap<Box<[u8]>, usize>,
    /// Rows that can have columns.
    pub(in crate::inspect::lint) rows: u64,
    /// Rows by the set of their columns, a bit for each. Beyond a number of sets rows are in none,
    /// which costs examples and no count.
    pub(in crate::inspect::lint) sets: HashMap<Box<[u64]>, Group>,
    kept: usize,
    /// The set of the row at hand, and the number of its columns so far.
    set: Vec<u64>,
    in_row: usize,
    /// The columns of the row before, in its order: mostly, this row has the same.
    order: Vec<usize>,
}

impl Columns {
    pub(in crate::inspect::lint) fn new(kept: usize) -> Self {
        Self {
            kept,
            ..Self::default()
        }
    }

    pub(in crate::inspect::lint) fn begin_row(&mut self) {
        self.set.clear();
        self.in_row = 0;
    }

    /// The column of a name that the row has; none where there are too many, and where the row has
    /// it already.
    pub(in crate::inspect::lint) fn enter(&mut self, name: &[u8]) -> Option<usize> {
        let number = match self.order.get(self.in_row) {
            Some(n) if self.list.get(*n).is_some_and(|c| c.name.as_bytes() == name) => *n,
            _ => {
                let number = self.number_of(name)?;
                self.order.truncate(self.in_row);
                self.order.push(number);
                number
            }
        };
        self.in_row += 1;
        let (word, bit) = (number / 64, 1 << (number % 64));
        if self.set.len() <= word {
            self.set.resize(word + 1, 0);
        }
        let word = self.set.get_mut(word)?;
        if *word & bit != 0 {
            return None;
        }
        *word |= bit;
        self.list.get_mut(number)?.rows += 1;
        Some(number)
    }

    fn number_of(&mut self, name: &[u8]) -> Option<usize> {
        if let Some(number) = self.by_name.get(name) {
            return Some(*number);
        }
        let number = self.list.len();
        if number >= LINT_COLUMNS_MAX || name.len() > LINT_COLUMN_BYTES_MAX {
            return None;
        }
        self.by_name.insert(name.into(), number);
        self.list.push(Column {
            name: String::from_utf8_lossy(name).into_owned(),
            ..Column::default()
        });
        Some(number)
    }

    /// A value stands in a column of a row.
    pub(in crate::inspect::lint) fn value(
        &mut self,
        column: usize,
        of: Type,
        row: u64,
        text: &[u8],
        at: usize,
    ) {
        let kept = self.kept;
        let Some(column) = self.list.get_mut(column) else {
            return;
        };
        if of != Type::Null && column.usual.is_none() {
            column.usual = Some(of);
        }
        let kept = match column.usual == Some(of) {
            true => kept.min(1),
            false => kept,
        };
        if let Some(group) = column.types.get_mut(of as usize) {
            group.add(kept, || spot(row, text, at));
        }
    }

    /// The value is a word for nothing.
    pub(in crate::inspect::lint) fn nothing(
        &mut self,
        column: usize,
        row: u64,
        text: &[u8],
        at: usize,
    ) {
        let kept = self.kept;
        if let Some(column) = self.list.get_mut(column) {
            column.nothing.add(kept, || spot(row, text, at));
        }
    }

    /// The value says nothing.
    pub(in crate::inspect::lint) fn empty(
        &mut self,
        column: usize,
        row: u64,
        text: &[u8],
        at: usize,
    ) {
        let kept = self.kept;
        if let Some(column) = self.list.get_mut(column) {
            column.empty.add(kept, || spot(row, text, at));
        }
    }

    /// The row is over.
    pub(in crate::inspect::lint) fn end_row(&mut self, row: u64, text: &[u8]) {
        self.rows += 1;
        let kept = self.kept;
        if let Some(group) = self.sets.get_mut(self.set.as_slice()) {
            group.add(kept, || spot(row, text, 0));
        } else if self.sets.len() < LINT_KEY_SETS_MAX {
            let mut group = Group::default();
            group.add(kept, || spot(row, text, 0));
            self.sets.insert(self.set.as_slice().into(), group);
        }
    }

    /// Puts those of a later batch behind, whose first row has this number.
    pub(in crate::inspect::lint) fn append(&mut self, later: Self, first: u64) {
        let kept = self.kept;
        self.rows += later.rows;
        let mut numbers = Vec::with_capacity(later.list.len());
        for column in later.list {
            let number = self.number_of(column.name.as_bytes());
            numbers.push(number);
            let Some(own) = number.and_then(|n| self.list.get_mut(n)) else {
                continue;
            };
            own.rows += column.rows;
            own.empty.append(column.empty, first, kept);
            own.nothing.append(column.nothing, first, kept);
            for (own, types) in own.types.iter_mut().zip(column.types) {
                own.append(types, first, kept);
            }
        }
        for (set, group) in later.sets {
            let mut own = Vec::new();
            for number in bits(&set).filter_map(|n| numbers.get(n).copied().flatten()) {
                let word = number / 64;
                own.resize(own.len().max(word + 1), 0);
                if let Some(word) = own.get_mut(word) {
                    *word |= 1 << (number % 64);
                }
            }
            if let Some(known) = self.sets.get_mut(own.as_slice()) {
                known.append(group, first, kept);
            } else if self.sets.len() < LINT_KEY_SETS_MAX {
                let mut fresh = Group::default();
                fresh.append(group, first, kept);
                self.sets.insert(own.into(), fresh);
            }
        }
    }

    /// The first rows whose sets are such.
    pub(in crate::inspect::lint) fn rows_where(
        &self,
        is_such: impl Fn(&[u64]) -> bool,
    ) -> Vec<&ColumnNote> {
        let such = self.sets.iter().filter(|(set, _)| is_such(set));
        let mut spots: Vec<&ColumnNote> = such.flat_map(|(_, group)| &group.spots).collect();
        spots.sort_unstable_by_key(|spot| spot.row);
        spots.truncate(self.kept);
        spots
    }
}

/// Whether a text is a word that stands for no value.
pub(in crate::inspect::lint) fn is_null_word(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 9] = [
        b"n/a", b"na", b"null", b"none", b"nil", b"nan", b"-", b"?", b"#n/a",
    ];
    text.len() <= 4 && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether a column is in a set.
pub(in crate::inspect::lint) fn has(set: &[u64], column: usize) -> bool {
    set.get(column / 64)
        .is_some_and(|word| word >> (column % 64) & 1 == 1)
}

fn bits(set: &[u64]) -> impl Iterator<Item = usize> {
    (0..set.len() * 64).filter(|n| has(set, *n))
}

fn spot(row: u64, text: &[u8], at: usize) -> ColumnNote {
    ColumnNote {
        row,
        at,
        shown: excerpt(text, at),
    }
}
