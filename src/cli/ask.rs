//! Questions to whoever sits at the terminal.

use std::io::IsTerminal as _;

use crate::cli::args::Cli;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
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
    if !can_ask(out) {
        return Err(Failure::Unasked(unasked.to_owned()));
    }
    answer(question, out)
}

/// Whether there is a person who can be asked.
pub(crate) fn can_ask(out: &Out) -> bool {
    std::io::stdin().is_terminal() && !out.is_json() && !out.is_quiet()
}

/// Asks before something is destroyed that nothing brings back. `what` says what goes and how much of
/// it, such as "the secret key in `key.enc`". `--yes` answers the question.
///
/// # Errors
/// [`Failure::Unconfirmed`] where nobody can be asked, [`Failure::Declined`] after a no,
/// [`Error::Interrupted`] after a signal.
pub(crate) fn before_destroying(what: &str, cli: &Cli, out: &Out) -> Result<(), Failure> {
    if cli.yes {
        return Ok(());
    }
    if !can_ask(out) {
        return Err(Failure::Unconfirmed(what.to_owned()));
    }
    answer(&format!("This destroys {what}. Go on?"), out)
}

/// The same for what a script may do without `--yes`: it is asked on a terminal only.
///
/// # Errors
/// As [`before_destroying`], without [`Failure::Unconfirmed`].
pub(crate) fn on_terminal(what: &str, cli: &Cli, out: &Out) -> Result<(), Failure> {
    match cli.yes || !can_ask(out) {
        true => Ok(()),
        false => answer(&format!("This destroys {what}. Go on?"), out),
    }
}

fn answer(question: &str, out: &Out) -> Result<(), Failure> {
    match is_yes(question, out) {
        true => Ok(()),
        false if interrupt::was_asked_for() => Err(Error::Interrupted.into()),
        false => Err(Failure::Declined),
    }
}
