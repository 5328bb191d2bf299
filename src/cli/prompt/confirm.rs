//! Questions with the answer yes or no.

use std::io::IsTerminal as _;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::output::out::Out;
use crate::file_io::typed_line;
use crate::registry::Error;

/// True if a person can answer: stdin is a terminal, and the output is text.
pub(crate) fn can_ask(out: Out) -> bool {
    std::io::stdin().is_terminal() && out.is_text()
}

/// Asks a question. Only a clear yes counts. A signal counts as no, and ends the command at its next
/// step.
pub(crate) fn ask_yes_no(out: Out, question: &str) -> bool {
    out.diagnostic(&format!("{question} [y/N]"));
    typed_line().is_ok_and(|line| matches!(line.as_str(), "y" | "Y" | "yes"))
}

/// Asks before a change that affects more than its words suggest. `--yes` answers the question.
/// `unasked` is the message if nobody can answer.
///
/// # Errors
/// [`Failure::Unasked`], [`Failure::Declined`], [`Error::Interrupted`].
pub(crate) fn require_consent(ctx: &Context, question: &str, unasked: &str) -> Result<(), Failure> {
    if ctx.global.yes {
        return Ok(());
    }
    if !can_ask(ctx.out) {
        return Err(Failure::Unasked(unasked.to_owned()));
    }
    ask_or_decline(ctx.out, question)
}

/// Asks before something is destroyed for good. `what` names it, such as "the secret key in
/// `key.enc`". `--yes` answers the question.
///
/// # Errors
/// [`Failure::Unconfirmed`] if nobody can answer, [`Failure::Declined`], [`Error::Interrupted`].
pub(crate) fn confirm_destruction(ctx: &Context, what: &str) -> Result<(), Failure> {
    if !ctx.global.yes && !can_ask(ctx.out) {
        return Err(Failure::Unconfirmed(what.to_owned()));
    }
    confirm_destruction_on_terminal(ctx, what)
}

/// The same for a command that a script may run without `--yes`: it asks on a terminal only.
///
/// # Errors
/// [`Failure::Declined`], [`Error::Interrupted`].
pub(crate) fn confirm_destruction_on_terminal(ctx: &Context, what: &str) -> Result<(), Failure> {
    if ctx.global.yes || !can_ask(ctx.out) {
        return Ok(());
    }
    ask_or_decline(ctx.out, &format!("This destroys {what}. Go on?"))
}

fn ask_or_decline(out: Out, question: &str) -> Result<(), Failure> {
    if ask_yes_no(out, question) {
        return Ok(());
    }
    if interrupt::is_requested() {
        return Err(Error::Interrupted.into());
    }
    Err(Failure::Declined)
}
