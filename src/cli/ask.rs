//! Questions to whoever sits at the terminal.

use crate::cli::args::Cli;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::large::may_ask;
use crate::cli::out::Out;
use crate::file_io::typed_line;
use crate::registry::Error;

/// Asks a question. Only a clear yes is one; a signal that comes instead is none, and ends the
/// command at its next step.
pub(crate) fn is_yes(question: &str, out: &Out) -> bool {
    out.diagnostic(&format!("{question} [y/N]"));
    typed_line().is_ok_and(|line| matches!(line.as_str(), "y" | "Y" | "yes"))
}

/// Asks before something is removed or changed that is more than it looks: `--yes` is a yes. Where
/// nobody can be asked, `unasked` says what would be done and how to ask for it.
pub(crate) fn consent(
    question: &str,
    unasked: &str,
    (cli, out): (&Cli, &Out),
) -> Result<(), Failure> {
    if cli.yes {
        return Ok(());
    }
    if !may_ask(out) {
        return Err(Failure::Unasked(unasked.to_owned()));
    }
    match is_yes(question, out) {
        true => Ok(()),
        false if interrupt::was_asked_for() => Err(Error::Interrupted.into()),
        false => Err(Failure::Declined),
    }
}
