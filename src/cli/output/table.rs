//! Tables for people. On a terminal a table is at most as wide as the terminal.

use std::io;
use std::io::IsTerminal;

use comfy_table::ContentArrangement;
use comfy_table::Table;
use comfy_table::presets::NOTHING;

use crate::cli::output::text::printable;

/// Spaces between two cells.
const GAP: usize = 2;

/// The layout of tables.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TableLayout {
    /// The column at which cells are wrapped; `None` if they are not.
    width: Option<usize>,
    /// Headings are bold.
    has_style: bool,
}

impl TableLayout {
    /// The layout for stdout: a table that is not `wide` fits the terminal.
    pub(crate) fn of_stdout(wide: bool, has_style: bool) -> Self {
        let stdout = io::stdout();
        let columns = if stdout.is_terminal() && !wide {
            let size = rustix::termios::tcgetwinsize(stdout);
            size.ok().map(|size| usize::from(size.ws_col))
        } else {
            None
        };
        Self {
            width: columns.filter(|columns| *columns > 0),
            has_style,
        }
    }
}

/// Formats a table with a line of headings.
pub(crate) fn format_table(layout: TableLayout, head: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |c: &String| printable(c).replace('\n', "\u{fffd}");
    let rows: Vec<Vec<String>> = rows.iter().map(|r| r.iter().map(cell).collect()).collect();
    let widths = measure(head, &rows);
    let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
    let is_plain = rows.iter().flatten().all(|c| c.is_ascii());
    let text = if is_plain && layout.width.is_none_or(|width| total <= width) {
        pad(head, &rows, &widths)
    } else {
        wrap(head, &rows, layout.width)
    };
    match (layout.has_style, text.split_once('\n')) {
        (true, Some((first, rest))) => format!("\u{1b}[1m{first}\u{1b}[0m\n{rest}"),
        _ => text,
    }
}

fn measure(head: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let mut widths: Vec<usize> = head.iter().map(|h| h.len()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    widths
}

/// Pads cells of ASCII that fit.
fn pad(head: &[&str], rows: &[Vec<String>], widths: &[usize]) -> String {
    let mut text = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let begin = text.len();
        for (cell, width) in cells.zip(widths) {
            text += &format!("{cell:width$}  ");
        }
        text.truncate(begin + text.get(begin..).unwrap_or_default().trim_end().len());
        text.push('\n');
    };
    line(&mut head.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    text
}

/// Wraps cells of any script where the table would be wider than the terminal.
fn wrap(head: &[&str], rows: &[Vec<String>], width: Option<usize>) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_content_arrangement(match width {
        Some(_) => ContentArrangement::Dynamic,
        None => ContentArrangement::Disabled,
    });
    if let Some(width) = width {
        // The last column has a gap behind it at its end, which is trimmed.
        table.set_width(u16::try_from(width + GAP).unwrap_or(u16::MAX));
    }
    table.set_header(head.iter().copied());
    for row in rows {
        table.add_row(row.iter());
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut text = String::new();
    for line in table.lines() {
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cells: &[[&str; 2]]) -> Vec<Vec<String>> {
        let row = |row: &[&str; 2]| row.iter().map(|c| (*c).to_owned()).collect();
        cells.iter().map(row).collect()
    }

    #[test]
    fn table_of_ascii_padded_or_wrapped_is_equal() {
        let rows = rows(&[["a", "first"], ["long name", ""], ["", "x"]]);
        let layout = TableLayout::default();
        let text = format_table(layout, &["NAME", "WHAT"], &rows);
        assert_eq!(
            text,
            "NAME       WHAT\na          first\nlong name\n           x\n"
        );
        assert_eq!(wrap(&["NAME", "WHAT"], &rows, None), text);
    }

    #[test]
    fn table_wider_than_terminal_is_wrapped_without_loss() {
        let words = "one two three four five six seven eight nine ten eleven twelve";
        let rows = rows(&[["name", words], ["other", "short"]]);
        let layout = TableLayout {
            width: Some(30),
            has_style: false,
        };
        let text = format_table(layout, &["NAME", "WHAT"], &rows);
        assert!(
            text.lines().all(|line| line.chars().count() <= 30),
            "{text}"
        );
        for word in words.split(' ') {
            assert!(text.contains(word), "{word} {text}");
        }
    }

    #[test]
    fn table_with_wide_letters_keeps_columns_aligned() {
        let rows = rows(&[["日本", "x"], ["abcd", "y"]]);
        let text = format_table(TableLayout::default(), &["A", "B"], &rows);
        assert_eq!(text, "A     B\n日本  x\nabcd  y\n");
    }
}
