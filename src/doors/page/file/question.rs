//! The question about a file: which rows, and in which form.

use crate::doors::request::DoorRequest;
use crate::inspect::search::Pattern;
use crate::inspect::search::PatternOptions;

/// The form in which rows are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Chat,
    Figures,
    Row,
    Table,
}

/// A question about a file.
pub(super) struct Question {
    /// The form that was asked for; `None` for the one that fits.
    pub(super) view: Option<View>,
    pub(super) from: u64,
    pub(super) words: String,
    /// The pattern of the words, or the reason that there is none.
    pub(super) pattern: Result<Option<Pattern>, String>,
}

impl Question {
    pub(super) fn of(request: &DoorRequest) -> Self {
        let number = |name| {
            request
                .param(name)
                .and_then(|text| text.trim().parse::<u64>().ok())
        };
        let words = request.param("q").unwrap_or_default().to_owned();
        let row = number("row");
        let view = match (row, request.param("view")) {
            (Some(_), _) => Some(View::Row),
            (None, Some("columns")) => Some(View::Figures),
            (None, Some("chat")) => Some(View::Chat),
            (None, Some("table")) => Some(View::Table),
            _ => None,
        };
        Self {
            view,
            from: row.or(number("offset")).unwrap_or(0),
            pattern: match (words.is_empty(), row) {
                (false, None) => pattern(&words).map(Some),
                _ => Ok(None),
            },
            words,
        }
    }
}

/// Compiles words as a regular expression. Case counts if some letter is upper-case.
fn pattern(words: &str) -> Result<Pattern, String> {
    let options = PatternOptions {
        ignores_case: !words.chars().any(char::is_uppercase),
        ..PatternOptions::default()
    };
    Pattern::new(words, options).map_err(|e| e.to_string())
}

/// Returns the name of the view, if it was asked for.
pub(super) fn asked_view(question: &Question, view: View) -> Option<&'static str> {
    question.view?;
    match view {
        View::Chat => Some("chat"),
        View::Table => Some("table"),
        View::Figures | View::Row => None,
    }
}
