//! Files that commands write. The checks run before the work, so that no work is in vain.

use std::path::Path;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::prompt::confirm::ask_yes_no;
use crate::cli::prompt::confirm::can_ask;
use crate::file_io::IfExists;
use crate::file_io::Place;
use crate::file_io::place_of;
use crate::file_io::write_output;
use crate::registry::CheckoutError;
use crate::registry::Error;

/// Finds out if a command may replace a plain file at `path`: with `--yes`, or when the person at the
/// terminal agrees.
///
/// # Errors
/// [`CheckoutError::Exists`] if it may not, and other faults of the place.
pub(crate) fn check_destination(ctx: &Context, path: &Path) -> Result<IfExists, Failure> {
    let place = place_of(path).map_err(|e| Error::output(path, e))?;
    if ctx.global.yes {
        return Ok(IfExists::Replace);
    }
    let Place::Plain(_) = place else {
        return Ok(IfExists::Refuse);
    };
    let question = format!("`{}` exists already. Replace it?", path.display());
    if can_ask(ctx.out) && ask_yes_no(ctx.out, &question) {
        return Ok(IfExists::Replace);
    }
    if interrupt::is_requested() {
        return Err(Error::Interrupted.into());
    }
    Err(Error::Checkout(CheckoutError::Exists(path.to_owned())).into())
}

/// The same for an output that cannot be a directory.
///
/// # Errors
/// As [`check_destination`].
pub(crate) fn check_file_destination(ctx: &Context, path: &Path) -> Result<IfExists, Failure> {
    let if_exists = check_destination(ctx, path)?;
    match place_of(path) {
        Ok(Place::Directory) => {
            let why = std::io::ErrorKind::IsADirectory.into();
            Err(Error::output(path, why).into())
        }
        _ => Ok(if_exists),
    }
}

/// Writes a whole file.
///
/// # Errors
/// [`Error::File`], [`CheckoutError::Exists`].
pub(crate) fn write_file(path: &Path, bytes: &[u8], if_exists: IfExists) -> Result<(), Failure> {
    let written = write_output(path, bytes, if_exists, None);
    Ok(written.map(drop).map_err(|e| Error::output(path, e))?)
}
