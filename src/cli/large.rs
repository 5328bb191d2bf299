//! Asking about datasets from elsewhere that are far larger than what was sent for them.

use std::io::BufRead;

use crate::catalog::Dataset;
use crate::cli::args::Cli;
use crate::cli::ask::can_ask;
use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::registry::Expansion;
use crate::registry::LocalRegistry;

/// Asks on the terminal, naming both sizes. Only a clear yes is one.
pub(crate) fn ask(dataset: &str, expansion: Expansion, out: &Out) -> bool {
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

/// Asks before a dataset from elsewhere is read or written whole, where it is far larger than what
/// it is made of.
pub(crate) fn check(
    registry: &LocalRegistry,
    dataset: &Dataset,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    if cli.allow_large {
        return Ok(());
    }
    let Some(expansion) = registry.expansion(dataset)? else {
        return Ok(());
    };
    let m = &dataset.manifest;
    match ask(&format!("{}@{}", m.name, m.dataset_version), expansion, out) {
        true => Ok(()),
        false => Err(expansion.refused(m).into()),
    }
}
