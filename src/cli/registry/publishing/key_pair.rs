//! The key pair that a command signs with.

use std::path::Path;
use std::path::PathBuf;

use clap::Args;

use crate::catalog::Dataset;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::prompt::passphrase::read_key_passphrase;
use crate::ident::PublisherKey;
use crate::keyring;
use crate::registry::Error;
use crate::registry::PublisherError;
use crate::registry::finish_rotation;
use crate::trust::KeyPair;

/// The name of the key file in the registry's directory.
const KEY_FILE: &str = "key.enc";

/// The key file of a command that signs.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// The key file [default: key.enc in the registry's directory]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl KeyArgs {
    pub(crate) fn path(&self) -> Option<&Path> {
        self.key.as_deref()
    }
}

/// Opens the key pair that a command signs with.
///
/// # Errors
/// A missing or damaged key file, a wrong passphrase.
pub(crate) fn open_key_pair(ctx: &Context, given: Option<&Path>) -> Result<KeyPair, Failure> {
    open_key_file(ctx, &find_key_file(ctx, given)?)
}

/// Opens the key pair of the dataset's signer; `None` if the dataset is not signed.
///
/// # Errors
/// As [`open_key_pair`], and [`PublisherError::NotItsPublisher`] for another key.
pub(crate) fn open_signers_key_pair(
    ctx: &Context,
    dataset: &Dataset,
    given: Option<&Path>,
) -> Result<Option<KeyPair>, Failure> {
    let Some(signer) = dataset.manifest.signer else {
        return Ok(None);
    };
    let path = find_key_file(ctx, given)?;
    // The public key is in the clear: a wrong key file is refused without its passphrase.
    let is_signers = keyring::locked(&path).is_ok_and(|l| l.public_key() == signer);
    if !is_signers && (given.is_none() || path.exists()) {
        return Err(Error::Publisher(PublisherError::NotItsPublisher(
            dataset.manifest.name.to_string(),
        ))
        .into());
    }
    open_key_file(ctx, &path).map(Some)
}

/// The public key of the key file in the registry's directory, if there is one.
pub(crate) fn own_public_key(home: &Path) -> Option<PublisherKey> {
    let path = home.join(KEY_FILE);
    finish_rotation(home, &path).ok()?;
    keyring::locked(&path).ok().map(|l| l.public_key())
}

/// Opens a key file with its passphrase.
///
/// # Errors
/// As [`open_key_pair`].
pub(crate) fn open_key_file(ctx: &Context, path: &Path) -> Result<KeyPair, Failure> {
    keyring::locked(path).map_err(Error::from)?;
    let passphrase = read_key_passphrase(ctx)?;
    Ok(KeyPair::load(path, &passphrase).map_err(Error::from)?)
}

/// Finds the key file: of an option, of the settings, or of the registry's directory. Finishes a
/// rotation that was interrupted.
///
/// # Errors
/// A rotation that cannot be finished.
pub(crate) fn find_key_file(ctx: &Context, given: Option<&Path>) -> Result<PathBuf, Failure> {
    let home = ctx.registry()?.home();
    let path = key_file_or_default(home, given.or(ctx.defaults.key.as_deref()));
    finish_rotation(home, &path)?;
    Ok(path)
}

/// The given key file, or the one in the registry's directory.
pub(crate) fn key_file_or_default(home: &Path, given: Option<&Path>) -> PathBuf {
    given.map_or_else(|| home.join(KEY_FILE), Path::to_owned)
}
