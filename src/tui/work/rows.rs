//! Jobs that read rows: opening, pages around a row, rows of a list, rows by number.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::locks::lock;
use crate::registry::RowLayout;
use crate::registry::Target;
use crate::registry::TargetOptions;
use crate::tui::document::Document;
use crate::tui::document::DocumentError;
use crate::tui::document::Page;
use crate::tui::document::PageStart;
use crate::tui::document::RowPlace;
use crate::tui::job::AnswerBody;
use crate::tui::job::Cursor;
use crate::tui::job::ListedRow;
use crate::tui::job::Put;
use crate::tui::job::TargetFacts;
use crate::tui::work::Surroundings;
use crate::tui::work::reporter::Reporter;

/// Opens a target and reads its first page.
pub(super) fn open(
    around: &Surroundings,
    name: &str,
    rows: usize,
    to: &Reporter,
) -> Result<AnswerBody, DocumentError> {
    Ok(AnswerBody::Opened(Box::new(open_facts(
        around, name, rows, to,
    )?)))
}

/// Opens a target as it is now, and makes it the open one.
pub(super) fn open_facts(
    around: &Surroundings,
    name: &str,
    rows: usize,
    to: &Reporter,
) -> Result<TargetFacts, DocumentError> {
    let (target, warning) = match Target::open_with(name, &around.home, &around.options) {
        Ok(target) => (target, None),
        // Edits that do not fit the data are kept, and the data is shown without them.
        Err(error) if around.options.edits => {
            let options = TargetOptions {
                edits: false,
                ..around.options.clone()
            };
            let target = Target::open_with(name, &around.home, &options)?;
            let error = DocumentError::from(error);
            (target, Some(format!("shown without its edits: {error}")))
        }
        Err(error) => return Err(error.into()),
    };
    let document = Arc::new(Document::new(target, &around.home));
    let page = document.page(&PageStart::Front, rows, &BTreeSet::new(), &to.cancel)?;
    let first = document.file(0)?;
    let layout = first.layout();
    let mut facts = TargetFacts {
        name: name.to_owned(),
        format: layout.format.name().to_owned(),
        columns: layout.columns.clone(),
        sizes: document
            .target()
            .files()
            .iter()
            .map(|file| file.size_bytes())
            .collect(),
        rows: document.rows(),
        is_local: document.is_local(),
        is_numbered: layout.rows == RowLayout::Numbered,
        page,
        warning,
    };
    // The rows of a text that is read to its end are all known.
    if facts.page.is_end && facts.rows.is_none() {
        facts.rows = Some(facts.page.rows.len() as u64);
    }
    to.cancel.check()?;
    *lock(&around.document) = Some(document);
    Ok(facts)
}

/// Reads a row with rows before and behind it.
pub(super) fn around(
    document: &Document,
    (place, number): (RowPlace, Option<u64>),
    (before, count): (usize, usize),
    expanded: &BTreeSet<String>,
    to: &Reporter,
) -> Result<AnswerBody, DocumentError> {
    let behind = PageStart::At(place, number);
    let behind = document.page(&behind, count.saturating_sub(before), expanded, &to.cancel)?;
    let mut page = document.page(
        &PageStart::Before(place, number),
        before,
        expanded,
        &to.cancel,
    )?;
    page.rows.extend(behind.rows);
    page.is_end = behind.is_end;
    let put = Put::Replace(Cursor::At(place));
    Ok(AnswerBody::Page {
        page,
        put,
        first: None,
    })
}

/// Reads the rows of a list.
pub(super) fn listed(
    document: &Document,
    rows: &[ListedRow],
    first: usize,
    expanded: &BTreeSet<String>,
    put: Put,
    to: &Reporter,
) -> Result<AnswerBody, DocumentError> {
    let places: Vec<_> = rows
        .iter()
        .map(|row| (row.place, Some(row.number)))
        .collect();
    let read = document.rows_at(&places, expanded, &to.cancel)?;
    let page = Page {
        rows: read,
        is_front: first == 0,
        is_end: false,
    };
    Ok(AnswerBody::Page {
        page,
        put,
        first: Some(first),
    })
}

/// Finds the number of a row.
pub(super) fn number(
    document: &Document,
    place: RowPlace,
    to: &Reporter,
) -> Result<AnswerBody, DocumentError> {
    let start = PageStart::At(place, None);
    let page = document.page(&start, 1, &BTreeSet::new(), &to.cancel)?;
    let number = page.rows.first().and_then(|row| row.number);
    let number = number.ok_or(DocumentError::Cancelled)?;
    Ok(AnswerBody::Number { place, number })
}

/// Finds a row by its number.
pub(super) fn find(
    document: &Document,
    row: u64,
    to: &Reporter,
) -> Result<AnswerBody, DocumentError> {
    to.begin(document.target().size_bytes());
    let place = document.find(row, &to.cancel, &|bytes| to.advance(bytes))?;
    Ok(AnswerBody::Found(place.map(|place| (place, row))))
}

/// Counts all rows.
pub(super) fn count(document: &Document, to: &Reporter) -> Result<AnswerBody, DocumentError> {
    to.begin(document.target().size_bytes());
    let rows = document.count(&to.cancel, &|bytes| to.advance(bytes))?;
    Ok(AnswerBody::Counted(rows))
}
