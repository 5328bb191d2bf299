//! Passes over all rows: those that meet filters, and their order by a column.

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Mutex;

use crate::inspect::table::Batch;
use crate::inspect::table::Cell;
use crate::inspect::table::Row;
use crate::inspect::table::Scan;
use crate::inspect::table::Scratch;
use crate::inspect::table::Selection;
use crate::inspect::table::TableError;
use crate::locks::lock;
use crate::locks::threads;
use crate::tui::document::Document;
use crate::tui::document::DocumentError;
use crate::tui::document::RowPlace;
use crate::tui::document::counting::JobProgress;
use crate::tui::job::AnswerBody;
use crate::tui::job::Filter;
use crate::tui::job::ListedRow;
use crate::tui::job::Order;
use crate::tui::limits::MATCHES_MAX;
use crate::tui::limits::SORT_ROWS_MAX;
use crate::tui::work::reporter::Reporter;

/// A row that passed, in its batch: index and offset.
struct Passed<T> {
    index: u64,
    offset: u64,
    value: T,
}

/// Returns true if a row meets the filters.
fn meets(filters: &[Filter], batch: &Batch, row: &Row<'_>, scratch: &mut Scratch) -> bool {
    filters
        .iter()
        .all(|filter| filter.pattern.is_hit(batch, row, scratch))
}

/// Passes each row that meets the filters to `each`.
fn each_passed(
    filters: &[Filter],
    batch: &Batch,
    (one, two): (&mut Scratch, &mut Scratch),
    each: &mut dyn FnMut(Row<'_>),
) {
    let Some((first, more)) = filters.split_first() else {
        batch.rows().for_each(each);
        return;
    };
    first.pattern.each_hit(batch, one, &mut |row| {
        if meets(more, batch, &row, two) {
            each(row);
        }
        ControlFlow::Continue(())
    });
}

/// Goes over all files. `value` makes what is kept of a row, `fold` takes the rows in their order.
fn pass<T: Send>(
    document: &Document,
    filters: &[Filter],
    columns: &[String],
    to: &Reporter,
    value: impl Fn(&Batch, &Row<'_>, &mut Scratch) -> T + Sync,
    fold: &mut (dyn FnMut(Vec<(ListedRow, T)>) -> ControlFlow<()> + Send),
) -> Result<(), DocumentError> {
    to.begin(document.target().size_bytes());
    let mut before = 0;
    for number in 0..u32::try_from(document.file_count()).unwrap_or(u32::MAX) {
        let file = document.file(number)?;
        let selection = Selection {
            columns: columns.to_vec(),
            nan: true,
            ..Selection::default()
        };
        let batches = file.target().batches(&selection)?;
        let progress = JobProgress {
            cancel: &to.cancel,
            done: &|bytes| to.advance(bytes),
        };
        let scan = Scan {
            batches: &*batches,
            threads: threads(),
            progress: &progress,
        };
        let has_offsets = file.has_offsets();
        let (mut rows, mut is_over) = (0, false);
        scan.run::<_, _, TableError>(
            || (Scratch::default(), Scratch::default(), Scratch::default()),
            |(one, two, three), batch| {
                let mut passed = Vec::new();
                each_passed(filters, batch, (one, two), &mut |row| {
                    passed.push(Passed {
                        index: row.index,
                        offset: batch.offset() + row.at as u64,
                        value: value(batch, &row, three),
                    });
                });
                Ok(passed)
            },
            |made| {
                let first = made.first;
                rows = first + made.rows;
                let listed = made.value.into_iter().map(|passed| {
                    let own = first + passed.index;
                    let key = if has_offsets { passed.offset } else { own };
                    let place = RowPlace { file: number, key };
                    let row = ListedRow {
                        place,
                        number: before + own,
                    };
                    (row, passed.value)
                });
                let flow = fold(listed.collect());
                is_over = flow.is_break();
                Ok(flow)
            },
        )?;
        if is_over {
            return Ok(());
        }
        before += rows;
    }
    Ok(())
}

/// Columns that all filters name; none if a filter looks at whole rows.
fn columns_of(filters: &[Filter]) -> Vec<String> {
    let columns: Option<Vec<String>> = filters.iter().map(|filter| filter.column.clone()).collect();
    columns.unwrap_or_default()
}

/// Finds the rows that meet the filters, and tells them as they are found.
pub(super) fn scan(
    document: &Document,
    filters: &[Filter],
    to: &Reporter,
) -> Result<AnswerBody, DocumentError> {
    let (mut count, mut kept) = (0_u64, Vec::new());
    let state = Mutex::new((&mut count, &mut kept));
    let began = crate::registry::host::instant();
    let mut told = began;
    let mut kept_all = 0;
    pass(
        document,
        filters,
        &columns_of(filters),
        to,
        |_, _, _| (),
        &mut |rows| {
            let mut state = lock(&state);
            *state.0 += rows.len() as u64;
            let left = MATCHES_MAX.saturating_sub(kept_all);
            state
                .1
                .extend(rows.into_iter().take(left).map(|(row, ())| row));
            // The first ones are shown at once.
            if told.elapsed() >= REPORT || (kept_all == 0 && !state.1.is_empty()) {
                told = crate::registry::host::instant();
                kept_all += state.1.len();
                let rows = std::mem::take(state.1);
                to.answer(AnswerBody::Hits {
                    rows,
                    count: *state.0,
                });
            }
            ControlFlow::Continue(())
        },
    )?;
    to.answer(AnswerBody::Hits { rows: kept, count });
    Ok(AnswerBody::Scanned)
}

/// Time between two reports of matches.
const REPORT: std::time::Duration = std::time::Duration::from_millis(40);

/// The part of a value that a sort compares.
#[derive(Clone, Copy, Debug, PartialEq)]
enum SortKey {
    Number(f64),
    /// The first bytes of a text.
    Text([u8; 16]),
    /// Nothing: always last.
    Missing,
}

impl SortKey {
    fn of(cell: Option<Cell<'_>>) -> Self {
        let text = |bytes: &[u8]| {
            let mut front = [0; 16];
            for (to, from) in front.iter_mut().zip(bytes) {
                *to = *from;
            }
            Self::Text(front)
        };
        let number = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes.trim_ascii()).ok()?;
            text.parse::<f64>().ok().filter(|number| !number.is_nan())
        };
        match cell {
            None | Some(Cell::Null) => Self::Missing,
            Some(Cell::Bool(value)) => Self::Number(f64::from(u8::from(value))),
            Some(Cell::Number(raw)) => number(raw).map_or(Self::Missing, Self::Number),
            Some(Cell::Nested(raw)) => text(raw),
            Some(Cell::Text(raw)) => number(raw).map_or_else(|| text(raw), Self::Number),
        }
    }

    fn compare(&self, other: &Self, order: Order) -> Ordering {
        let compared = match (self, other) {
            (Self::Missing, Self::Missing) => return Ordering::Equal,
            (Self::Missing, _) => return Ordering::Greater,
            (_, Self::Missing) => return Ordering::Less,
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        };
        match order {
            Order::Ascending => compared,
            Order::Descending => compared.reverse(),
        }
    }
}

/// Sorts the rows that meet the filters by a column, within the memory for sorting.
pub(super) fn sort(
    document: &Document,
    column: &str,
    order: Order,
    filters: &[Filter],
    to: &Reporter,
) -> Result<AnswerBody, DocumentError> {
    let mut rows: Vec<(SortKey, ListedRow)> = Vec::new();
    let mut columns = columns_of(filters);
    if !columns.is_empty() || filters.is_empty() {
        columns.push(column.to_owned());
    }
    let mut is_beyond = false;
    pass(
        document,
        filters,
        &columns,
        to,
        |batch, row, scratch| SortKey::of(batch.shape().cell(row.text, column, scratch)),
        &mut |found| {
            rows.extend(found.into_iter().map(|(row, key)| (key, row)));
            is_beyond = rows.len() > SORT_ROWS_MAX;
            match is_beyond {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        },
    )?;
    if is_beyond {
        return Ok(AnswerBody::TooManyRows);
    }
    to.cancel.check()?;
    rows.sort_by(|a, b| a.0.compare(&b.0, order));
    Ok(AnswerBody::Sorted(
        rows.into_iter().map(|(_, row)| row).collect(),
    ))
}
