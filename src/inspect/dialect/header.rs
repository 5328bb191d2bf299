//! Header detection: decides if the first record of a delimited file names the columns.

use crate::inspect::format::cell_type::CellType;
use crate::inspect::format::cell_type::look;
use crate::inspect::format::infer::InferredType;

/// Comparison of the first record with those below it.
#[derive(Debug)]
pub(super) struct HeaderCheck<'a> {
    first: &'a [Vec<u8>],
    rows: u64,
    columns: Vec<CellsBelow>,
    /// Columns of the current row that repeat the first record's cell.
    again: Vec<usize>,
    /// Rows whose integers form a series of step one. With it, the last integer of the current row
    /// and the step before it.
    series: u64,
    row: IntegerSeries,
}

/// Statistics of the cells below one cell of the first record.
#[derive(Clone, Copy, Debug, Default)]
struct CellsBelow {
    /// The cell above is an integer.
    is_number: bool,
    /// Number of values.
    values: u64,
    /// Number of values equal to the cell of the first record.
    recurring: u64,
    /// Number of values that look like a year.
    years: u64,
}

impl CellsBelow {
    fn of(cell: &[u8]) -> Self {
        Self {
            is_number: whole(cell).is_some(),
            ..Self::default()
        }
    }
}

/// Consecutive integers of one record.
#[derive(Clone, Copy, Debug, Default)]
struct IntegerSeries {
    last: Option<i64>,
    step: Option<i64>,
    count: u32,
    is_broken: bool,
}

impl<'a> HeaderCheck<'a> {
    pub(super) fn new(first: &'a [Vec<u8>]) -> Self {
        Self {
            first,
            rows: 0,
            columns: first.iter().map(|cell| CellsBelow::of(cell)).collect(),
            again: Vec::new(),
            series: 0,
            row: IntegerSeries::default(),
        }
    }

    /// Starts a new row.
    pub(super) fn begin_row(&mut self) {
        self.end_row();
        self.rows += 1;
    }

    /// Adds a cell of the current row in `column`.
    pub(super) fn add(&mut self, column: usize, cell: &[u8]) {
        let (Some(first), Some(below)) = (self.first.get(column), self.columns.get_mut(column))
        else {
            return;
        };
        if cell.is_empty() {
            return;
        }
        below.values += 1;
        if cell == first.as_slice() {
            self.again.push(column);
        }
        // Only cells below numbers are compared.
        if let Some(number) = below.is_number.then(|| whole(cell)).flatten() {
            below.years += u64::from(YEARS.contains(&number));
            self.row.add(number);
        }
    }

    fn end_row(&mut self) {
        let named = self.first.iter().filter(|c| !c.is_empty()).count();
        // A whole repeated header is left over from concatenated files.
        if named == 1 || self.again.len() < named {
            for column in &self.again {
                if let Some(below) = self.columns.get_mut(*column) {
                    below.recurring += 1;
                }
            }
        }
        self.again.clear();
        self.series += u64::from(self.row.is_series());
        self.row = IntegerSeries::default();
    }

    /// Decides if the first record names the columns; `columns` are the types below it. It does in
    /// three cases. A cell of it cannot be a value of its column. All of it is text that is no
    /// value of its column. Or, beside such text, its numbers are years or a series of step one,
    /// and those of the rows are not.
    pub(super) fn finds_header(mut self, columns: &[InferredType]) -> bool {
        self.end_row();
        let mut cells = self.first.iter().filter(|c| !c.is_empty()).peekable();
        if cells.peek().is_none() {
            return false;
        }
        let pairs = self.first.iter().zip(columns);
        if pairs.clone().any(|(cell, column)| is_unlike(cell, column)) {
            return true;
        }
        let recurs = |below: &CellsBelow| below.recurring * RECURRING_SHARE > below.values;
        let named = self.first.iter().zip(&self.columns);
        let names = named.filter(|(cell, _)| is_name(cell));
        let (all, again) = names.fold((0, 0), |(all, again), (_, below)| {
            (all + 1, again + usize::from(recurs(below)))
        });
        if all == 0 || (again > 0 && again * NAMES_PER_VALUE >= all) {
            return false;
        }
        cells.all(|cell| is_name(cell)) || self.has_labels()
    }

    /// Returns true if the numbers of the first record are labels: all distinct, and years or a
    /// series, unlike those of the rows.
    fn has_labels(&self) -> bool {
        let mut cells: Vec<&[u8]> = self.first.iter().map(Vec::as_slice).collect();
        cells.sort_unstable();
        if cells.iter().zip(cells.iter().skip(1)).any(|(a, b)| a == b) {
            return false;
        }
        let mut series = IntegerSeries::default();
        let mut are_years = true;
        for (cell, below) in self.first.iter().zip(&self.columns) {
            if cell.is_empty() || is_name(cell) {
                continue;
            }
            let Some(number) = whole(cell) else {
                return false;
            };
            series.add(number);
            are_years &= YEARS.contains(&number) && below.years * 2 < below.values;
        }
        let is_series = series.is_series() && self.series * 2 < self.rows;
        series.count > 0 && (are_years || is_series)
    }
}

impl IntegerSeries {
    fn add(&mut self, number: i64) {
        if let Some(last) = self.last {
            let step = number.wrapping_sub(last);
            self.is_broken |= step == 0 || self.step.is_some_and(|before| before != step);
            self.step = Some(step);
        }
        self.last = Some(number);
        self.count += 1;
    }

    fn is_series(&self) -> bool {
        self.count > 1 && !self.is_broken
    }
}

/// Returns true if a cell cannot be a value of a column of this type. A number can be text.
fn is_unlike(cell: &[u8], column: &InferredType) -> bool {
    if matches!(
        column,
        InferredType::Null | InferredType::Text | InferredType::Mixed
    ) {
        return false;
    }
    let mut both = column.clone();
    both.merge(InferredType::of_cell(cell));
    // A word such as NaN, alone in its column, says nothing about the column.
    *column != InferredType::NotFinite && both == InferredType::Mixed
}

/// Returns true for text that is clearly no number, such as a code with leading zeros.
fn is_name(cell: &[u8]) -> bool {
    let text = std::str::from_utf8(cell).unwrap_or_default().trim();
    InferredType::of_cell(cell) == InferredType::Text && text.parse::<f64>().is_err()
}

fn whole(cell: &[u8]) -> Option<i64> {
    let text = cell.trim_ascii();
    match look(text) {
        CellType::Number(true) => std::str::from_utf8(text).ok()?.parse().ok(),
        _ => None,
    }
}

/// Integers taken for years.
const YEARS: std::ops::RangeInclusive<i64> = 1800..=2100;
/// A text that makes up at least one in this number of values is a value, not a name.
const RECURRING_SHARE: u64 = 50;
/// A record of names may contain one value per this number of names.
const NAMES_PER_VALUE: usize = 4;
