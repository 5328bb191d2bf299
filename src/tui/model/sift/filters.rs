//! Filters, the sort, and which columns are shown.

use crate::inspect::search::Pattern;
use crate::inspect::search::PatternOptions;
use crate::tui::job::Filter;
use crate::tui::job::ListedRow;
use crate::tui::job::Order;
use crate::tui::limits::MATCHES_MAX;

/// Filters and a sort, and the rows that they leave.
#[derive(Debug, Default)]
pub(in crate::tui) struct Sifting {
    pub filters: Vec<Filter>,
    pub sort: Option<(String, Order)>,
    rows: Option<Vec<ListedRow>>,
    /// Number of all rows that passed, also of those that are not kept.
    pub count: u64,
}

impl Sifting {
    /// The rows in their order, if filters or a sort are in force.
    pub(in crate::tui) fn list(&self) -> Option<&[ListedRow]> {
        self.rows.as_deref()
    }

    pub(in crate::tui::model) fn extend(&mut self, rows: &[ListedRow], count: u64) {
        self.count = count;
        if let Some(list) = &mut self.rows {
            let left = MATCHES_MAX.saturating_sub(list.len()).min(rows.len());
            list.extend_from_slice(rows.get(..left).unwrap_or_default());
        }
    }

    pub(in crate::tui::model) fn replace(&mut self, rows: Option<Vec<ListedRow>>) {
        self.count = rows.as_ref().map_or(0, |rows| rows.len() as u64);
        self.rows = rows;
    }
}

/// Compiles an expression as it is typed. Capitals matter only if there are some.
pub(in crate::tui::model) fn compile(
    text: &str,
    column: Option<String>,
    is_inverted: bool,
) -> Result<Filter, String> {
    let options = PatternOptions {
        ignores_case: !text.contains(char::is_uppercase),
        column: column.clone(),
        is_inverted,
    };
    let pattern = Pattern::new(text, options).map_err(|e| e.to_string())?;
    Ok(Filter {
        pattern,
        text: text.to_owned(),
        column,
        is_exact: false,
        is_inverted,
    })
}

/// Makes a filter for one value of a column.
pub(super) fn exactly(value: &str, column: &str, is_inverted: bool) -> Result<Filter, String> {
    let mut escaped = String::from(r"\A");
    for c in value.chars() {
        match c {
            '\n' => escaped += r"\n",
            '\r' => escaped += r"\r",
            _ if c.is_ascii_punctuation() || c == ' ' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped += r"\z";
    let options = PatternOptions {
        ignores_case: false,
        column: Some(column.to_owned()),
        is_inverted,
    };
    let pattern = Pattern::new(&escaped, options).map_err(|e| e.to_string())?;
    Ok(Filter {
        pattern,
        text: value.to_owned(),
        column: Some(column.to_owned()),
        is_exact: true,
        is_inverted,
    })
}

/// Returns the last line of an error about a pattern, which says what is wrong.
pub(in crate::tui::model) fn first_line(error: &str) -> String {
    error.lines().last().unwrap_or_default().trim().to_owned()
}
