//! Rows that were read: how many, which, and where to go from there.

use crate::doors::page::file::question::Question;
use crate::doors::page::file::question::View;
use crate::doors::page::file::question::asked_view;
use crate::doors::page::html::At;
use crate::doors::page::html::Html;
use crate::doors::page::limits::ROWS_A_PAGE;
use crate::doors::page::links::Link;
use crate::doors::page::rows;
use crate::doors::page::rows::FoundRows;
use crate::doors::page::rows::Stop;
use crate::doors::page::words;

/// Writes the rows in their form, with links to others.
pub(super) fn rows_of(
    h: &mut Html,
    found: &FoundRows,
    place: &Link,
    question: &Question,
    (view, rows): (View, Option<u64>),
) {
    if view == View::Row {
        return single(h, found, place, question.from);
    }
    h.leaf(
        "p",
        &[At::Lit("class", "count"), At::Lit("role", "status")],
        &summary(found, question, rows),
    );
    let mut stop = found.stop;
    match (view, found.rows.as_slice()) {
        (_, []) => {}
        (View::Chat, rows) => {
            h.leaf("h2", &[At::Lit("class", "unseen")], "Rows");
            if let Some(next) = rows::chats(h, rows, place) {
                stop = Stop::Full(next);
            }
        }
        _ => rows::table(
            h,
            found,
            place,
            question.pattern.as_ref().ok().and_then(Option::as_ref),
        ),
    }
    steps(h, stop, place, question, view);
}

/// Writes the links to further rows.
fn steps(h: &mut Html, stop: Stop, place: &Link, question: &Question, view: View) {
    let here = place.clone().with_some("q", &question.words);
    let here = here.with_some("view", asked_view(question, view).unwrap_or_default());
    let at = |row: u64| {
        here.clone().with_some(
            "offset",
            &if row == 0 {
                String::new()
            } else {
                row.to_string()
            },
        )
    };
    let next = match stop {
        Stop::End => None,
        Stop::Full(row) => Some((row, "Next rows")),
        Stop::Spent(row) => Some((row, "Go on with the search")),
    };
    if next.is_none() && question.from == 0 {
        return;
    }
    h.element(
        "nav",
        &[At::Lit("class", "pager"), At::Label("Pages of rows")],
        |h| {
            if question.from > 0 {
                // Earlier matches may be anywhere, and earlier rows are one page away.
                let before = match question.words.is_empty() {
                    true => question.from.saturating_sub(ROWS_A_PAGE as u64),
                    false => 0,
                };
                let name = if question.words.is_empty() {
                    "Previous rows"
                } else {
                    "From the first row"
                };
                h.leaf("a", &[At::Href(&at(before)), At::Lit("rel", "prev")], name);
            }
            if let Some((row, name)) = next {
                h.leaf("a", &[At::Href(&at(row)), At::Lit("rel", "next")], name);
            }
        },
    );
}

/// Returns which rows are shown, and how far a search went.
fn summary(found: &FoundRows, question: &Question, rows: Option<u64>) -> String {
    let shown = found.rows.len() as u64;
    let ends = (found.rows.first(), found.rows.last());
    let of = rows.map_or_else(String::new, |rows| format!(" of {}", words::grouped(rows)));
    if question.words.is_empty() {
        return match ends {
            (Some(first), Some(last)) => format!(
                "Rows {} to {}{of}, counted from 0.",
                words::grouped(first.number),
                words::grouped(last.number)
            ),
            _ if question.from > 0 => "There are no rows from here on.".to_owned(),
            _ => "The file has no rows.".to_owned(),
        };
    }
    let matches = match shown {
        1 => "1 row matches".to_owned(),
        n => format!("{} rows match", words::grouped(n)),
    };
    let from = match question.from {
        0 => String::new(),
        from => format!(" from row {} on", words::grouped(from)),
    };
    match found.stop {
        Stop::End => format!("{matches}{from}, of all rows up to the end."),
        Stop::Full(row) => format!(
            "{matches} before row {}{from}. There are more.",
            words::grouped(row)
        ),
        Stop::Spent(row) => format!(
            "{matches} before row {}{from}. The search stopped there, as far as one page goes.",
            words::grouped(row)
        ),
    }
}

fn single(h: &mut Html, found: &FoundRows, place: &Link, number: u64) {
    h.element("h2", &[], |h| {
        h.text(&format!("Row {}", words::grouped(number)));
    });
    match found.rows.first().filter(|row| row.number == number) {
        None => {
            h.leaf("p", &[At::Lit("class", "note")], "There is no such row.");
        }
        Some(row) => {
            if found.has_chat {
                rows::chat(h, row);
            }
            rows::record(h, found, row);
        }
    }
    h.element(
        "nav",
        &[At::Lit("class", "pager"), At::Label("Rows")],
        |h| {
            if let Some(before) = number.checked_sub(1) {
                let link = place.clone().with("row", &before.to_string());
                h.leaf(
                    "a",
                    &[At::Href(&link), At::Lit("rel", "prev")],
                    "Previous row",
                );
            }
            let start = number - number % ROWS_A_PAGE as u64;
            let all = place.clone().with("offset", &start.to_string());
            h.link(&all, "Rows around it");
            if found.stop != Stop::End {
                let link = place
                    .clone()
                    .with("row", &number.saturating_add(1).to_string());
                h.leaf("a", &[At::Href(&link), At::Lit("rel", "next")], "Next row");
            }
        },
    );
}
