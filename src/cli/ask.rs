//! Questions to whoever sits at the terminal.

use crate::cli::out::Out;
use crate::file_io::typed_line;

/// Asks a question. Only a clear yes is one; a signal that comes instead is none, and ends the
/// command at its next step.
pub(crate) fn is_yes(question: &str, out: &Out) -> bool {
    out.diagnostic(&format!("{question} [y/N]"));
    typed_line().is_ok_and(|line| matches!(line.as_str(), "y" | "Y" | "yes"))
}
