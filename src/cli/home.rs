//! The registry's directory: checks before a command uses it.

use std::path::Path;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::registry::Error;
use crate::registry::HomeFault;
use crate::registry::LocalRegistry;
use crate::registry::home_fault;

/// Refuses a directory that others may read or write. With `--insecure-home` it only warns.
///
/// # Errors
/// [`Failure::InsecureHome`].
pub(crate) fn check_permissions(ctx: &Context) -> Result<(), Failure> {
    let home = ctx.home()?;
    let Some(fault) = home_fault(&home).map_err(|e| Error::file("read", &home, e))? else {
        return Ok(());
    };
    let (message, hint) = describe_fault(&home, fault);
    if ctx.global.insecure_home || matches!(fault, HomeFault::ReadOnly(_)) {
        ctx.out.diagnostic(&format!("warning: {message}"));
        return Ok(());
    }
    Err(Failure::InsecureHome { message, hint })
}

/// Makes the directory if there is none.
///
/// # Errors
/// As [`LocalRegistry::open`].
pub(crate) fn create(home: &Path) -> Result<(), Failure> {
    LocalRegistry::open(home)?;
    Ok(())
}

/// Refuses a path that is no directory, and one that does not exist unless the command makes it.
///
/// # Errors
/// [`Failure::NoHome`], [`Failure::Misused`].
pub(crate) fn check_existence(ctx: &Context, may_create: bool) -> Result<(), Failure> {
    let home = ctx.home()?;
    let is_missing = home
        .symlink_metadata()
        .is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound);
    if home.metadata().is_ok_and(|meta| !meta.is_dir()) {
        return Err(Failure::Misused {
            message: format!(
                "the registry's directory `{}` is not a directory",
                home.display()
            ),
            hint: "name another with --home".to_owned(),
        });
    }
    if is_missing && !may_create {
        return Err(Failure::NoHome(home));
    }
    Ok(())
}

/// The message and the hint for a fault.
fn describe_fault(home: &Path, fault: HomeFault) -> (String, String) {
    let shown = home.display();
    let quoted = quote_for_shell(&shown.to_string());
    match fault {
        HomeFault::Owner(uid) => (
            format!(
                "the registry's directory `{shown}` belongs to another user (uid {uid}), who can change what is trusted here"
            ),
            "use a directory of your own with --home, or --insecure-home to use it all the same"
                .to_owned(),
        ),
        HomeFault::Mode(mode) | HomeFault::ReadOnly(mode) => {
            let what = match mode & 0o022 {
                0 => "others on this machine may look into",
                _ => "others on this machine may write to",
            };
            (
                format!("{what} the registry's directory `{shown}` (mode {mode:04o})"),
                format!("`chmod 700 {quoted}`, or --insecure-home to use it all the same"),
            )
        }
    }
}

/// Quotes a path for a shell.
fn quote_for_shell(path: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,@".contains(c);
    if path.chars().all(is_plain) && !path.starts_with('-') {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}
