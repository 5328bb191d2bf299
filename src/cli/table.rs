//! Tables for people: as wide as their cells, but on a terminal no wider than that.

use std::io;
use std::io::IsTerminal;
use std::sync::OnceLock;

use comfy_table::ContentArrangement;
use comfy_table::Table;
use comfy_table::presets::NOTHING;

use crate::cli::out::printable;

/// Columns between two cells.
const GAP: usize = 2;

/// How tables are shown.
#[derive(Clone, Copy, Debug, Default)]
struct Looks {
    /// Columns of the terminal that cells are wrapped at, if they are.
    width: Option<usize>,
    /// Headings are bold.
    is_styled: bool,
}

static LOOKS: OnceLock<Looks> = OnceLock::new();

/// Says once how tables are shown: `is_wide` ones may be wider than the terminal.
pub(crate) fn settle(is_wide: bool, is_styled: bool) {
    let stdout = io::stdout();
    let columns = match stdout.is_terminal() && !is_wide {
        true => rustix::termios::tcgetwinsize(stdout)
            .ok()
            .map(|size| usize::from(size.ws_col)),
        false => None,
    };
    // The first word counts.
    let _ = LOOKS.set(Looks {
        width: columns.filter(|columns| *columns > 0),
        is_styled,
    });
}

/// A table with a line of headings.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let looks = LOOKS.get().copied().unwrap_or_default();
    table_as(looks, head, rows)
}

fn table_as(looks: Looks, head: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |c: &String| printable(c).replace('\n', "\u{fffd}");
    let rows: Vec<Vec<String>> = rows.iter().map(|r| r.iter().map(cell).collect()).collect();
    let widths = widths(head, &rows);
    let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
    let is_plain = rows.iter().flatten().all(|c| c.is_ascii());
    let text = match is_plain && looks.width.is_none_or(|width| total <= width) {
        true => padded(head, &rows, &widths),
        false => wrapped(head, &rows, looks.width),
    };
    match (looks.is_styled, text.split_once('\n')) {
        (true, Some((first, rest))) => format!("\u{1b}[1m{first}\u{1b}[0m\n{rest}"),
        _ => text,
    }
}

fn widths(head: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let mut widths: Vec<usize> = head.iter().map(|h| h.len()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    widths
}

/// Cells of ASCII that fit.
fn padded(head: &[&str], rows: &[Vec<String>], widths: &[usize]) -> String {
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

/// Cells of any script, wrapped where the table would be wider than the terminal.
fn wrapped(head: &[&str], rows: &[Vec<String>], width: Option<usize>) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_content_arrangement(match width {
        Some(_) => ContentArrangement::Dynamic,
        None => ContentArrangement::Disabled,
    });
    if let Some(width) = width {
        // The last column has a gap behind it that nobody sees.
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
    fn plain_table_is_the_same_by_either_way() {
        let rows = rows(&[["a", "first"], ["long name", ""], ["", "x"]]);
        let looks = Looks::default();
        let text = table_as(looks, &["NAME", "WHAT"], &rows);
        assert_eq!(
            text,
            "NAME       WHAT\na          first\nlong name\n           x\n"
        );
        assert_eq!(wrapped(&["NAME", "WHAT"], &rows, None), text);
    }

    #[test]
    fn table_wider_than_the_terminal_is_wrapped_with_nothing_lost() {
        let words = "one two three four five six seven eight nine ten eleven twelve";
        let rows = rows(&[["name", words], ["other", "short"]]);
        let looks = Looks {
            width: Some(30),
            is_styled: false,
        };
        let text = table_as(looks, &["NAME", "WHAT"], &rows);
        assert!(
            text.lines().all(|line| line.chars().count() <= 30),
            "{text}"
        );
        for word in words.split(' ') {
            assert!(text.contains(word), "{word} {text}");
        }
    }

    #[test]
    fn wide_letters_do_not_shift_the_next_column() {
        let rows = rows(&[["日本", "x"], ["abcd", "y"]]);
        let text = table_as(Looks::default(), &["A", "B"], &rows);
        assert_eq!(text, "A     B\n日本  x\nabcd  y\n");
    }
}
