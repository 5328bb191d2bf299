//! Rows as a table.

use crate::doors::page::html::At;
use crate::doors::page::html::Html;
use crate::doors::page::limits::CELL_CHARS_MAX;
use crate::doors::page::limits::CELL_CHARS_MIN;
use crate::doors::page::limits::COLUMNS_MAX;
use crate::doors::page::limits::READ_COLUMNS_MAX;
use crate::doors::page::limits::ROW_CHARS_MAX;
use crate::doors::page::links::Link;
use crate::doors::page::rows::read::FoundRow;
use crate::doors::page::rows::read::FoundRows;
use crate::doors::page::rows::read::Value;
use crate::doors::page::words;
use crate::inspect::search::Pattern;

/// Columns that share the width of a page.
const FEW_COLUMNS: usize = 4;
/// Matches that are marked in a cell.
const MARKS_MAX: usize = 32;

/// Writes rows as a table, whose numbers lead to the rows.
pub(in crate::doors::page) fn table(
    h: &mut Html,
    found: &FoundRows,
    place: &Link,
    pattern: Option<&Pattern>,
) {
    let columns = found.columns.iter().take(COLUMNS_MAX);
    // Many columns get less room each.
    let chars_max = (ROW_CHARS_MAX / columns.len().max(1)).clamp(CELL_CHARS_MIN, CELL_CHARS_MAX);
    let cells = Cells { pattern, chars_max };
    let class = match columns.len() <= FEW_COLUMNS {
        true => "scroll rows few",
        false => "scroll rows",
    };
    let region = [
        At::Lit("class", class),
        At::Lit("tabindex", "0"),
        At::Lit("role", "region"),
        At::Label("Rows"),
    ];
    h.element("div", &region, |h| {
        h.element("table", &[], |h| {
            h.element("thead", &[], |h| {
                h.element("tr", &[], |h| {
                    h.literal("<th scope=\"col\" class=\"number\">Row</th>");
                    for column in columns {
                        h.leaf("th", &[At::Lit("scope", "col")], column);
                    }
                });
            });
            h.element("tbody", &[], |h| {
                for row in &found.rows {
                    h.element("tr", &[], |h| cells.row(h, row, found, place));
                }
            });
        });
    });
    if found.columns.len() > COLUMNS_MAX {
        let more = words::count_of((found.columns.len() - COLUMNS_MAX) as u64, "further column");
        h.leaf(
            "p",
            &[At::Lit("class", "hint")],
            &format!("{more} in each single row."),
        );
    }
    more_columns(h, found);
}

/// Says that columns are left out, where that is so.
pub(super) fn more_columns(h: &mut Html, found: &FoundRows) {
    if found.has_more_columns {
        let shown = words::count_of(READ_COLUMNS_MAX as u64, "column");
        let text = format!("Only the first {shown} are read here; the command line shows all.");
        h.leaf("p", &[At::Lit("class", "hint")], &text);
    }
}

/// The way in which cells are shown.
struct Cells<'a> {
    pattern: Option<&'a Pattern>,
    chars_max: usize,
}

impl Cells<'_> {
    fn row(&self, h: &mut Html, row: &FoundRow, found: &FoundRows, place: &Link) {
        h.element(
            "th",
            &[At::Lit("scope", "row"), At::Lit("class", "number")],
            |h| {
                let number = row.number.to_string();
                h.link(&place.clone().with("row", &number), &number);
                if row.is_broken || row.left_out > 0 {
                    let why = match row.left_out {
                        0 => "This row breaks off or is not of the format of its file.",
                        _ => "This row is too long; only its beginning was read.",
                    };
                    h.literal(" ").leaf(
                        "span",
                        &[At::Lit("class", "badge doubt"), At::Title(why)],
                        "broken",
                    );
                }
            },
        );
        let mut cells: Vec<Option<&Value>> = vec![None; found.columns.len().min(COLUMNS_MAX)];
        for (at, value) in &row.cells {
            if let Some(cell) = cells.get_mut(*at) {
                *cell = Some(value);
            }
        }
        for cell in cells {
            self.cell(h, cell);
        }
    }

    fn cell(&self, h: &mut Html, value: Option<&Value>) {
        match value {
            None => h.literal("<td></td>"),
            Some(Value::Null) => h.literal("<td><span class=\"null\">null</span></td>"),
            Some(Value::Bool(value)) => h.leaf("td", &[], if *value { "true" } else { "false" }),
            Some(Value::Number(text)) => h.element("td", &[At::Lit("class", "number")], |h| {
                self.marked(h, text)
            }),
            Some(Value::Text(text)) => {
                h.element("td", &[At::Lit("class", "text")], |h| self.marked(h, text))
            }
            Some(Value::Nested(text)) => h.element("td", &[At::Lit("class", "text")], |h| {
                h.element("code", &[], |h| self.marked(h, text));
            }),
        };
    }

    /// Writes the beginning of a text, with what matches marked.
    fn marked(&self, h: &mut Html, text: &str) {
        let (shown, left_out) = beginning(text, self.chars_max);
        let spans = match self.pattern {
            Some(pattern) => pattern.spans(shown.as_bytes(), MARKS_MAX),
            None => Vec::new(),
        };
        h.marked(shown, &spans);
        more(h, left_out);
    }
}

/// Writes that a text goes on.
pub(super) fn more(h: &mut Html, left_out: usize) {
    if left_out > 0 {
        let text = format!("… {} more", words::grouped(left_out as u64));
        h.leaf("span", &[At::Lit("class", "more")], &text);
    }
}

/// Returns the first characters of a text, and the number of the others.
pub(super) fn beginning(text: &str, chars_max: usize) -> (&str, usize) {
    match text.char_indices().nth(chars_max) {
        None => (text, 0),
        Some((end, _)) => {
            let (shown, rest) = text.split_at(end);
            (shown, rest.chars().count())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doors::page::rows::read::Stop;
    use crate::inspect::search::PatternOptions;

    #[test]
    fn hostile_names_and_cells_become_text() {
        let hostile = "</td><script>alert(1)</script>";
        let row = FoundRow {
            number: 7,
            cells: vec![(1, Value::Text(format!("a{hostile}"))), (0, Value::Null)],
            json: None,
            left_out: 0,
            is_broken: false,
        };
        let found = FoundRows {
            columns: vec![hostile.to_owned(), "b".to_owned()],
            rows: vec![row],
            stop: Stop::End,
            has_chat: false,
            is_of_lines: false,
            has_more_columns: false,
        };
        let pattern = Pattern::new("script", PatternOptions::default()).unwrap();
        let mut html = Html::new();
        table(&mut html, &found, &Link::literal("/x"), Some(&pattern));
        let markup = String::from_utf8(html.into_bytes()).unwrap();
        assert!(!markup.contains("<script"), "{markup}");
        assert!(
            markup.contains("&lt;<mark>script</mark>&gt;alert"),
            "{markup}"
        );
        assert!(markup.contains("href=\"/x?row=7\""), "{markup}");
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(beginning("äöü", 2), ("äö", 1));
        assert_eq!(beginning("äö", 2), ("äö", 0));
    }
}
