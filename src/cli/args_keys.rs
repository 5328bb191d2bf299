//! The arguments of commands about keys.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::KeyArgs;
use crate::cli::args_trust::alias;
use crate::ident::Alias;

#[derive(Debug, Args)]
pub(crate) struct KeygenArgs {
    /// Where to write it [default: key.enc in the registry's directory]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What it is called here [default: me]
    #[arg(long, value_name = "ALIAS", value_parser = alias)]
    pub name: Option<Alias>,
    /// Replace a key that is there: it is lost for ever; asks, and without a terminal wants --yes
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PasswdArgs {
    /// The key file [default: key.enc in the registry's directory]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// A file whose first line is the new passphrase [env: ALIMENTAR_NEW_PASSPHRASE]
    #[arg(long, value_name = "FILE")]
    pub new_passphrase_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// An in-toto statement over the files, in a DSSE envelope
    InToto,
}

#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// A reference
    pub reference: String,
    #[command(flatten)]
    pub key: KeyArgs,
    /// Write a statement for others' tools instead of signing here
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Where to write it [default: stdout]
    #[arg(short, long, value_name = "FILE", requires = "format")]
    pub output: Option<PathBuf>,
}
