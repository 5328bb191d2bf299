//! Whether the home is safe to use: checked before any command that uses it.

use std::path::Path;

use crate::cli::args::Cli;
use crate::cli::args::RegistryCommand;
use crate::cli::args_peers::AccessCommand;
use crate::cli::args_trust::TrustCommand;
use crate::cli::commands::home_of;
use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::registry::Error;
use crate::registry::HomeFault;
use crate::registry::LocalRegistry;
use crate::registry::home_fault;

/// Refuses a home that others may read or write; with `--insecure-home`, says so and goes on.
///
/// # Errors
/// [`Failure::InsecureHome`].
pub(crate) fn check(cli: &Cli, out: &Out) -> Result<(), Failure> {
    let home = home_of(cli)?;
    let Some(fault) = home_fault(&home).map_err(|e| Error::file("read", &home, e))? else {
        return Ok(());
    };
    let (message, hint) = said(&home, fault);
    if cli.insecure_home || matches!(fault, HomeFault::ReadOnly(_)) {
        out.diagnostic(&format!("warning: {message}"));
        return Ok(());
    }
    Err(Failure::InsecureHome { message, hint })
}

/// Makes the home where there is none.
///
/// # Errors
/// A directory that cannot be made, or that holds something else.
pub(crate) fn make(home: &Path) -> Result<(), Failure> {
    LocalRegistry::open(home)?;
    Ok(())
}

/// Refuses a home that is not there, unless the command is one that begins a registry.
///
/// # Errors
/// [`Failure::NoHome`].
pub(crate) fn check_that_it_is_there(command: &RegistryCommand, cli: &Cli) -> Result<(), Failure> {
    let home = home_of(cli)?;
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
    match is_missing && !begins_a_registry(command) {
        true => Err(Failure::NoHome(home)),
        false => Ok(()),
    }
}

/// Whether a command puts something into a registry, or asks others: it makes the home it needs.
fn begins_a_registry(command: &RegistryCommand) -> bool {
    matches!(
        command,
        RegistryCommand::Index(_)
            | RegistryCommand::Import(_)
            | RegistryCommand::Pull(_)
            | RegistryCommand::Sync(_)
            | RegistryCommand::Serve(_)
            | RegistryCommand::Keygen(_)
            | RegistryCommand::Identity { .. }
            | RegistryCommand::Peers(_)
            // Its id is asked for before anything is there, for the lists of others.
            | RegistryCommand::Node
            | RegistryCommand::List { peer: Some(_), .. }
            | RegistryCommand::Trust {
                command: TrustCommand::Add { .. }
            }
            | RegistryCommand::Access {
                command: AccessCommand::Add { .. }
            }
    )
}

/// What is wrong, and the way out.
fn said(home: &Path, fault: HomeFault) -> (String, String) {
    let shown = home.display();
    let quoted = quoted(&shown.to_string());
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

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,@".contains(c);
    match path.chars().all(is_plain) && !path.starts_with('-') {
        true => path.to_owned(),
        false => format!("'{}'", path.replace('\'', "'\\''")),
    }
}
