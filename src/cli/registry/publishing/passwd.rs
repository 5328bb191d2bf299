//! `registry passwd`: changes the passphrase of a key.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::prompt::passphrase::read_replacement;
use crate::cli::registry::publishing::key_pair::find_key_file;
use crate::cli::registry::publishing::key_pair::open_key_file;
use crate::file_io::IfExists;
use crate::registry::Error;

/// Change the passphrase of a key
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar passwd --new-passphrase-file new-passphrase.txt")]
pub(crate) struct PasswdArgs {
    /// The key file [default: key.enc in the registry's directory]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A file whose first line is the new passphrase [env: ALIMENTAR_NEW_PASSPHRASE]
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

#[derive(Serialize)]
struct PasswdOutput {
    public_key: String,
    path: String,
}

pub(crate) fn run(ctx: &Context, args: &PasswdArgs) -> Result<(), Failure> {
    let path = find_key_file(ctx, args.key.as_deref())?;
    let pair = open_key_file(ctx, &path)?;
    let passphrase = read_replacement(args.new_passphrase_file.as_deref())?;
    pair.save(&path, &passphrase, IfExists::Replace)
        .map_err(Error::from)?;
    let key = pair.public_key().to_hex();
    let output = PasswdOutput {
        public_key: key.clone(),
        path: path.to_string_lossy().into_owned(),
    };
    let text = format!("{} has a new passphrase\n", path.display());
    Ok(ctx.out.result(&output, &[key], &text)?)
}
