//! Pages of rows, searches and samples, each within a budget.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::doors::error::DoorError;
use crate::doors::page::limits::PAGE_BYTES_MAX;
use crate::doors::page::limits::READ_COLUMNS_MAX;
use crate::doors::page::limits::ROW_BYTES_MAX;
use crate::doors::page::limits::SAMPLE_BYTES_MAX;
use crate::doors::page::limits::SAMPLE_COLUMNS_MAX;
use crate::doors::page::limits::SAMPLE_ROWS_MAX;
use crate::doors::page::limits::SAMPLE_TIME;
use crate::doors::page::limits::SEARCH_TIME;
use crate::doors::page::limits::SEARCHED_ROWS_MAX;
use crate::doors::page::rows::budget::Deadline;
use crate::doors::page::rows::budget::FrontRows;
use crate::error_kind::Classify as _;
use crate::error_kind::ErrorKind;
use crate::inspect::chat::has_chat;
use crate::inspect::search::Pattern;
use crate::inspect::stats::StatsOptions;
use crate::inspect::stats::StatsReport;
use crate::inspect::stats::stats;
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Cell;
use crate::inspect::table::Decoded;
use crate::inspect::table::NextBatch;
use crate::inspect::table::Row;
use crate::inspect::table::Scratch;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::progress::NoProgress;
use crate::registry::Error;
use crate::registry::Target;
use crate::registry::TargetError;

/// Rows to read.
pub(in crate::doors::page) struct RowQuestion {
    /// Number of the first row.
    pub(in crate::doors::page) from: u64,
    pub(in crate::doors::page) rows_max: usize,
    /// Only rows that match.
    pub(in crate::doors::page) pattern: Option<Pattern>,
}

/// The reason that no more rows were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::doors::page) enum Stop {
    /// There are no more.
    End,
    /// The page is full. Further rows begin with this one.
    Full(u64),
    /// The time or the number of rows is used up. The next row is this one.
    Spent(u64),
}

/// Rows of a page.
pub(in crate::doors::page) struct FoundRows {
    /// Names of the columns, in the order of their occurrence.
    pub(in crate::doors::page) columns: Vec<String>,
    pub(in crate::doors::page) rows: Vec<FoundRow>,
    pub(in crate::doors::page) stop: Stop,
    /// True if rows have messages.
    pub(in crate::doors::page) has_chat: bool,
    /// True if rows are lines of any text.
    pub(in crate::doors::page) is_of_lines: bool,
    /// True if there are columns beyond the greatest number, whose cells are left out.
    pub(in crate::doors::page) has_more_columns: bool,
}

impl FoundRows {
    /// Returns false for lines of a file of unknown form that have zero bytes.
    pub(in crate::doors::page) fn is_text(&self) -> bool {
        let is_zero = |value: &Value| matches!(value, Value::Text(text) if text.contains('\0'));
        let is_binary = |row: &FoundRow| row.cells.iter().any(|(_, value)| is_zero(value));
        !self.is_of_lines || !self.rows.iter().any(is_binary)
    }
}

/// A row.
pub(in crate::doors::page) struct FoundRow {
    pub(in crate::doors::page) number: u64,
    /// Its cells, with the places of their columns.
    pub(in crate::doors::page) cells: Vec<(usize, Value)>,
    /// Its text, if that is JSON.
    pub(in crate::doors::page) json: Option<Vec<u8>>,
    /// Bytes that were left out.
    pub(in crate::doors::page) left_out: u64,
    /// True if the text breaks off or is none of its format.
    pub(in crate::doors::page) is_broken: bool,
}

/// A value of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::doors::page) enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    /// An array or an object, as JSON.
    Nested(String),
}

impl Value {
    fn of(cell: Cell<'_>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match cell {
            Cell::Null => Self::Null,
            Cell::Bool(value) => Self::Bool(value),
            Cell::Number(raw) => Self::Number(text(raw)),
            Cell::Text(raw) => Self::Text(text(raw)),
            Cell::Nested(raw) => Self::Nested(text(raw)),
        }
    }
}

/// Reads rows of a file.
///
/// # Errors
/// [`DoorError`] when the file has no rows, or they cannot be read.
pub(in crate::doors::page) fn read_rows(
    target: &Target,
    question: &RowQuestion,
) -> Result<FoundRows, DoorError> {
    let selection = Selection {
        from: question.from,
        nan: true,
        ..Selection::default()
    };
    let batches = target.batches(&selection).map_err(unread)?;
    let mut found = FoundRows {
        columns: target.column_names().map_err(unread)?,
        rows: Vec::new(),
        stop: Stop::End,
        has_chat: false,
        is_of_lines: target.shape().map_err(unread)? == Shape::Text,
        has_more_columns: false,
    };
    found.has_more_columns = found.columns.len() > READ_COLUMNS_MAX;
    found.columns.truncate(READ_COLUMNS_MAX);
    let deadline = Deadline::after(SEARCH_TIME);
    let mut reader = Reader {
        question,
        found: &mut found,
        bytes: 0,
        scratch: (Scratch::default(), Scratch::default()),
    };
    let (mut batch, mut first) = (Batch::default(), question.from);
    loop {
        let is_spent = deadline.is_over() || first - question.from >= SEARCHED_ROWS_MAX;
        if is_spent && first > question.from {
            found.stop = Stop::Spent(first);
            break;
        }
        match batches
            .next(&mut batch)
            .map_err(|e| unread(target.blame(e)))?
        {
            NextBatch::End(_) => break,
            NextBatch::Batch(_) => {}
        }
        if let Some(next) = reader.batch(&batch, first) {
            found.stop = Stop::Full(next);
            break;
        }
        first += batch.count();
    }
    Ok(found)
}

struct Reader<'a> {
    question: &'a RowQuestion,
    found: &'a mut FoundRows,
    bytes: usize,
    scratch: (Scratch, Scratch),
}

impl Reader<'_> {
    /// Takes rows of a batch. Returns the number of the row that has no room.
    fn batch(&mut self, batch: &Batch, first: u64) -> Option<u64> {
        let question = self.question;
        let Some(pattern) = &question.pattern else {
            for row in batch.rows() {
                if self.is_full() {
                    return Some(first + row.index);
                }
                self.row(batch, &row, first);
            }
            return None;
        };
        let mut full = None;
        let mut search = std::mem::take(&mut self.scratch.1);
        pattern.each_hit(batch, &mut search, &mut |row| {
            if self.is_full() {
                full = Some(first + row.index);
                return ControlFlow::Break(());
            }
            self.row(batch, &row, first);
            ControlFlow::Continue(())
        });
        self.scratch.1 = search;
        full
    }

    fn is_full(&self) -> bool {
        self.found.rows.len() >= self.question.rows_max || self.bytes >= PAGE_BYTES_MAX
    }

    fn row(&mut self, batch: &Batch, row: &Row<'_>, first: u64) {
        let text = row
            .text
            .get(..row.text.len().min(ROW_BYTES_MAX))
            .unwrap_or_default();
        self.bytes += text.len();
        let is_json = *batch.shape() == Shape::Json;
        self.found.has_chat |= is_json && has_chat(text);
        let (columns, mut cells) = (&mut self.found.columns, Vec::new());
        let mut is_cut = false;
        let is_whole = batch
            .shape()
            .each_cell(text, &mut self.scratch.0, &mut |name, cell| {
                // Columns mostly come in the same order in every row.
                let at = match columns.get(cells.len()) {
                    Some(column) if column == name => Some(cells.len()),
                    _ => columns.iter().position(|column| column == name),
                };
                let at = at.or_else(|| {
                    let has_room = columns.len() < READ_COLUMNS_MAX;
                    has_room.then(|| {
                        columns.push(name.to_owned());
                        columns.len() - 1
                    })
                });
                is_cut |= at.is_none();
                cells.extend(at.map(|at| (at, Value::of(cell))));
            });
        self.found.has_more_columns |= is_cut;
        self.found.rows.push(FoundRow {
            number: first + row.index,
            cells,
            json: is_json.then(|| text.to_vec()),
            left_out: (row.text.len() - text.len()) as u64,
            is_broken: !is_whole,
        });
    }
}

/// Returns figures of the columns of a file, and true if they are about its front only.
///
/// # Errors
/// As [`read_rows`].
pub(in crate::doors::page) fn sample_figures(
    target: &Target,
) -> Result<(StatsReport, bool), DoorError> {
    let selection = Selection {
        nan: true,
        decoded: Decoded::Shown,
        ..Selection::default()
    };
    let batches: Arc<dyn Batches> = target.batches(&selection).map_err(unread)?;
    let limits = (SAMPLE_ROWS_MAX, SAMPLE_BYTES_MAX);
    let front = FrontRows::new(batches, limits, Deadline::after(SAMPLE_TIME));
    let options = StatsOptions {
        columns_max: SAMPLE_COLUMNS_MAX,
        top: 5,
        ..StatsOptions::default()
    };
    let report = stats(&front, &options, &NoProgress).map_err(|e| unread(target.blame(e)))?;
    Ok((report, front.is_cut()))
}

/// Returns the error of a file whose rows cannot be read.
fn unread(error: Error) -> DoorError {
    match error {
        Error::Target(TargetError::Rows { source, .. }) => {
            let why = format!("its rows cannot be read: {}", source.full_message());
            match source.kind() {
                ErrorKind::Unsupported => DoorError::Invalid(why),
                kind => DoorError::Failed(kind, why),
            }
        }
        Error::Target(TargetError::NoRows(_)) => DoorError::Invalid("it has no rows".to_owned()),
        other => other.into(),
    }
}
