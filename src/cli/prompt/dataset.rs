//! Questions before a dataset is used that its publisher has withdrawn, or that is far larger than
//! the data sent for it.

use crate::registry::Listed;
use std::io::BufRead;

use crate::catalog::Dataset;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::out::Out;
use crate::cli::output::text::human_bytes;
use crate::cli::prompt::confirm::ask_yes_no;
use crate::cli::prompt::confirm::can_ask;
use crate::registry::DatasetError;
use crate::registry::Error;
use crate::registry::Expansion;

/// Asks if a dataset may take far more space than the data sent for it. Only a clear yes counts.
pub(crate) fn ask_about_size(out: Out, dataset: &str, expansion: Expansion) -> bool {
    if !can_ask(out) {
        return false;
    }
    out.diagnostic(&format!(
        "`{dataset}` claims to be {}, made of {} that repeat. Take the time and space for all of it? [y/N]",
        human_bytes(expansion.claimed_bytes),
        human_bytes(expansion.distinct_bytes)
    ));
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.is_ok() && matches!(line.trim(), "y" | "Y" | "yes")
}

/// Asks before a command reads or writes a whole dataset that is far larger than the data sent for it.
///
/// # Errors
/// `IntegrityError::TooLarge` without a yes.
pub(crate) fn check_size(ctx: &Context, dataset: &Dataset) -> Result<(), Failure> {
    if ctx.global.allow_large {
        return Ok(());
    }
    let Some(expansion) = ctx.registry()?.maintenance().expansion(dataset)? else {
        return Ok(());
    };
    let m = &dataset.manifest;
    if ask_about_size(
        ctx.out,
        &format!("{}@{}", m.name, m.dataset_version),
        expansion,
    ) {
        return Ok(());
    }
    Err(expansion.refused(m).into())
}

/// Asks before a command uses a dataset that its publisher has withdrawn. `--yes` answers the
/// question.
///
/// # Errors
/// [`DatasetError::Withdrawn`] without a yes.
pub(crate) fn check_withdrawal(ctx: &Context, dataset: &Dataset) -> Result<(), Failure> {
    let trust = ctx.registry()?.trust().store()?;
    let listed = Listed::of(&trust, dataset.clone());
    let Some(reason) = listed.withdrawn else {
        return Ok(());
    };
    let m = &dataset.manifest;
    let dataset = format!("{}@{}", m.name, m.dataset_version);
    if ctx.global.yes {
        if !ctx.out.is_json() {
            ctx.out
                .diagnostic(&format!("warning: `{dataset}` was withdrawn: {reason}"));
        }
        return Ok(());
    }
    let question = format!("`{dataset}` was withdrawn: {reason}. Use it all the same?");
    if can_ask(ctx.out) && ask_yes_no(ctx.out, &question) {
        return Ok(());
    }
    Err(Error::Dataset(DatasetError::Withdrawn { dataset, reason }).into())
}
