//! Whether the first record of a delimited file names the columns.

use crate::inspect::format::cell_type::Look;
use crate::inspect::format::cell_type::look;
use crate::inspect::format::infer::Shape;

/// Compares the first record with those below it.
#[derive(Debug)]
pub(super) struct HeaderCheck<'a> {
    first: &'a [Vec<u8>],
    rows: u64,
    columns: Vec<Below>,
    /// Columns of the row at hand in which the first record's cell comes again.
    again: Vec<usize>,
    /// Rows whose whole numbers go up or down by one step, and the last whole number of the row
    /// at hand with the step before it.
    series: u64,
    row: Series,
}

/// What stands below a cell of the first record.
#[derive(Clone, Copy, Debug, Default)]
struct Below {
    /// The cell above is a whole number.
    is_number: bool,
    /// Values.
    values: u64,
    /// Those that are written as the cell of the first record is.
    recurring: u64,
    /// Those that look like a year.
    years: u64,
}

impl Below {
    fn of(cell: &[u8]) -> Self {
        Self {
            is_number: whole(cell).is_some(),
            ..Self::default()
        }
    }
}

/// Whole numbers of one record that follow each other.
#[derive(Clone, Copy, Debug, Default)]
struct Series {
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
            columns: first.iter().map(|cell| Below::of(cell)).collect(),
            again: Vec::new(),
            series: 0,
            row: Series::default(),
        }
    }

    /// The next cells are of another row.
    pub(super) fn begin_row(&mut self) {
        self.end_row();
        self.rows += 1;
    }

    /// A cell of a row, in the column of this number.
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
        // Only below numbers is there anything to compare.
        if let Some(number) = below.is_number.then(|| whole(cell)).flatten() {
            below.years += u64::from(YEARS.contains(&number));
            self.row.add(number);
        }
    }

    fn end_row(&mut self) {
        let named = self.first.iter().filter(|c| !c.is_empty()).count();
        // A whole header that comes again is what is left of a file that was put behind another.
        if named == 1 || self.again.len() < named {
            for column in &self.again {
                if let Some(below) = self.columns.get_mut(*column) {
                    below.recurring += 1;
                }
            }
        }
        self.again.clear();
        self.series += u64::from(self.row.is_series());
        self.row = Series::default();
    }

    /// Whether the first record names the columns, whose types below it are these: a cell of it
    /// cannot be a value of its column; or all of it is text that is no value of its column; or
    /// beside such text its numbers are years or go up or down by one step, and those of the rows
    /// are not and do not.
    pub(super) fn finds_header(mut self, columns: &[Shape]) -> bool {
        self.end_row();
        let mut cells = self.first.iter().filter(|c| !c.is_empty()).peekable();
        if cells.peek().is_none() {
            return false;
        }
        let pairs = self.first.iter().zip(columns);
        if pairs.clone().any(|(cell, column)| is_unlike(cell, column)) {
            return true;
        }
        let recurs = |below: &Below| below.recurring * RECURRING_SHARE > below.values;
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

    /// Whether the numbers of the first record are labels: all of it is different, and the numbers
    /// are years or a series, which those of the rows are not.
    fn has_labels(&self) -> bool {
        let mut cells: Vec<&[u8]> = self.first.iter().map(Vec::as_slice).collect();
        cells.sort_unstable();
        if cells.iter().zip(cells.iter().skip(1)).any(|(a, b)| a == b) {
            return false;
        }
        let mut series = Series::default();
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

impl Series {
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

/// Whether a cell cannot be a value of a column of this type. A number can be text.
fn is_unlike(cell: &[u8], column: &Shape) -> bool {
    if matches!(column, Shape::Null | Shape::Text | Shape::Mixed) {
        return false;
    }
    let mut both = column.clone();
    both.merge(Shape::of_cell(cell));
    // A word for no finite number says nothing of the column that it stands in alone.
    *column != Shape::NotFinite && both == Shape::Mixed
}

/// Whether a cell is text that nobody would take for a number, such as a code with leading zeros.
fn is_name(cell: &[u8]) -> bool {
    let text = std::str::from_utf8(cell).unwrap_or_default().trim();
    Shape::of_cell(cell) == Shape::Text && text.parse::<f64>().is_err()
}

fn whole(cell: &[u8]) -> Option<i64> {
    let text = cell.trim_ascii();
    match look(text) {
        Look::Number(true) => std::str::from_utf8(text).ok()?.parse().ok(),
        _ => None,
    }
}

/// Numbers that are taken for years.
const YEARS: std::ops::RangeInclusive<i64> = 1800..=2100;
/// A text that is every so many-th value of a column, or more often, is a value and no name.
const RECURRING_SHARE: u64 = 50;
/// One value among so many names does not make a record of values of them.
const NAMES_PER_VALUE: usize = 4;
