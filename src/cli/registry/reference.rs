//! The argument REF: a dataset, or a path in it.

use clap::Args;

use crate::catalog::Dataset;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::ident::Reference;

/// The dataset that a command works on.
#[derive(Debug, Args)]
pub(crate) struct RefArgs {
    /// alimentar:<id or prefix>, name, name@1.2.0, name@1.2, name@^1, name@latest or name@ALIAS
    pub reference: String,
}

/// Finds the dataset of a reference.
///
/// # Errors
/// A reference that is malformed, unknown or ambiguous.
pub(crate) fn find_dataset(ctx: &Context, text: &str) -> Result<Dataset, Failure> {
    let registry = ctx.registry()?;
    Ok(registry.resolve(&text.parse::<Reference>()?)?)
}

/// Finds the dataset of `REF` or `REF:path`, and returns the path.
///
/// # Errors
/// As [`find_dataset`].
pub(crate) fn find_target(
    ctx: &Context,
    target: &str,
) -> Result<(Dataset, Option<String>), Failure> {
    let (scheme, rest) = match target.strip_prefix("alimentar:") {
        Some(rest) => ("alimentar:", rest),
        None => ("", target),
    };
    match rest.split_once(':') {
        Some((reference, path)) => {
            let dataset = find_dataset(ctx, &format!("{scheme}{reference}"))?;
            Ok((dataset, Some(path.to_owned())))
        }
        None => Ok((find_dataset(ctx, target)?, None)),
    }
}
