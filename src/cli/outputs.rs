//! Where commands may write: asked before the work, so that nothing is done in vain.

use std::io::IsTerminal;
use std::path::Path;

use crate::cli::args::Cli;
use crate::cli::ask::is_yes;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::out::Out;
use crate::file_io::IfExists;
use crate::file_io::Place;
use crate::file_io::place_of;
use crate::file_io::write_output;
use crate::registry::Error;

/// Whether a plain file at the path of an output may be replaced: with `--yes`, or when whoever
/// sits at the terminal says so.
///
/// # Errors
/// [`Error::Exists`] when it may not, and what else is wrong with the place.
pub(crate) fn may_write(path: &Path, cli: &Cli, out: &Out) -> Result<IfExists, Failure> {
    let may_replace = if cli.yes {
        IfExists::Replace
    } else {
        IfExists::Refuse
    };
    let place = place_of(path).map_err(|e| Error::output(path, e))?;
    match place {
        Place::Plain(_) if !cli.yes => match ask(path, out) {
            true => Ok(IfExists::Replace),
            false if interrupt::was_asked_for() => Err(Error::Interrupted.into()),
            false => Err(Error::Exists(path.to_owned()).into()),
        },
        _ => Ok(may_replace),
    }
}

/// The same for an output that can only be a file.
///
/// # Errors
/// As [`may_write`].
pub(crate) fn may_write_file(path: &Path, cli: &Cli, out: &Out) -> Result<IfExists, Failure> {
    let may = may_write(path, cli, out)?;
    match place_of(path) {
        Ok(Place::Directory) => {
            let why = std::io::ErrorKind::IsADirectory.into();
            Err(Error::output(path, why).into())
        }
        _ => Ok(may),
    }
}

/// Writes a whole output.
///
/// # Errors
/// As [`may_write_file`], and what writing meets.
pub(crate) fn write(path: &Path, bytes: &[u8], if_exists: IfExists) -> Result<(), Failure> {
    let written = write_output(path, bytes, if_exists, None);
    Ok(written.map(drop).map_err(|e| Error::output(path, e))?)
}

fn ask(path: &Path, out: &Out) -> bool {
    if !std::io::stdin().is_terminal() || out.is_json() || out.is_quiet() {
        return false;
    }
    is_yes(
        &format!("`{}` exists already. Replace it?", path.display()),
        out,
    )
}
