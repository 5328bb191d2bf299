//! Errors of a tool, with the call that helps.

use crate::error_kind::Classify as _;
use crate::error_kind::ErrorKind;
use crate::mcp::limits::ERROR_CHARS_MAX;
use crate::registry::Error;

/// A mistake of the caller or a failure of the work. The assistant reads it.
#[derive(Debug)]
pub(crate) struct ToolError {
    message: String,
    /// The call that leads on, in words.
    next: Option<String>,
}

impl ToolError {
    /// Creates an error without a next call.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            next: None,
        }
    }

    /// Creates the error of a request that was cancelled.
    pub(crate) fn cancelled() -> Self {
        Self::new("cancelled")
    }

    /// Adds the call that helps.
    pub(crate) fn with_next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Returns the text for the assistant, at most [`ERROR_CHARS_MAX`] characters.
    pub(crate) fn text(&self) -> String {
        let mut text = self.message.clone();
        if let Some(next) = &self.next {
            text += "\nNext: ";
            text += next;
        }
        if text.chars().count() <= ERROR_CHARS_MAX {
            return text;
        }
        text.chars()
            .take(ERROR_CHARS_MAX - 1)
            .chain(['…'])
            .collect()
    }
}

/// Returns the message of an error with those of its causes.
fn with_causes(error: &Error) -> String {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        message += &format!(": {error}");
        cause = error.source();
    }
    message
}

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        let next = match error.kind() {
            ErrorKind::NotFound => {
                Some("call dataset_info for the open targets, or search_registry for datasets")
            }
            ErrorKind::Ambiguous => Some("add the version or the publisher to the name"),
            _ => None,
        };
        Self {
            message: with_causes(&error),
            next: next.map(str::to_owned),
        }
    }
}
