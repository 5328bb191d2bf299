//! Arguments of the commands that write archives and take them in.

use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;

use crate::cli::args_trust::alias;
use crate::ident::Alias;
use crate::ident::PublisherKey;
use crate::registry::Recipient;

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// References
    pub references: Vec<String>,
    /// Everything here that is not private, withdrawn or kept apart
    #[arg(long)]
    pub all: bool,
    /// Everything with this tag; may be given several times
    #[arg(long = "tag", value_name = "T")]
    pub tags: Vec<String>,
    /// Everything of this publisher; may be given several times
    #[arg(long = "publisher", value_name = "NAME")]
    pub publishers: Vec<String>,
    /// The archive; in an existing directory, one archive a dataset
    #[arg(short, long, value_name = "FILE-or-DIR")]
    pub output: PathBuf,
    /// Leave out what is in this dataset, which the receiver has; may be given several times
    #[arg(long, value_name = "REF")]
    pub since: Vec<String>,
    /// For the registry of this name: leave out what it has by its last receipt, encrypt to the
    /// recipients that were given for it before; everything, where no dataset is named
    #[arg(long, value_name = "NAME", value_parser = alias)]
    pub to: Option<Alias>,
    /// Leave out what the receiver has, by the receipt of its last import; with --to it is kept
    #[arg(long = "for", value_name = "RECEIPT")]
    pub receipt: Option<PathBuf>,
    /// Volumes of at most so many bytes: 4GiB, 700MB
    #[arg(long, value_name = "SIZE", value_parser = crate::cli::archives::size)]
    pub split: Option<u64>,
    /// Encrypt to this age public key; may be given several times; with --to they are kept
    #[arg(long = "recipient", value_name = "age1…")]
    pub recipients: Vec<Recipient>,
    /// Encrypt under a passphrase, given as for keys
    #[arg(long, conflicts_with = "recipients")]
    pub encrypt: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Archives, volumes in any order, or directories of them
    #[arg(required = true, value_name = "FILE-or-DIR")]
    pub paths: Vec<PathBuf>,
    /// Write what is here into this file, for the next export to this registry [default:
    /// alimentar-NODE.receipt beside the archive]
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
    /// Write no receipt
    #[arg(long, conflicts_with = "receipt")]
    pub no_receipt: bool,
    /// Take only what publishers trusted in full have signed
    #[arg(long)]
    pub require_signature: bool,
    /// Only say what would happen
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask about this publisher; may be given several times
    #[arg(long, value_name = "KEYHEX")]
    pub accept_publisher: Vec<PublisherKey>,
    /// A file of age identities that opens encrypted archives, beside those of `registry identity`;
    /// may be given several times
    #[arg(long = "identity", value_name = "FILE")]
    pub identities: Vec<PathBuf>,
    /// Ask for a passphrase that opens encrypted archives
    #[arg(long)]
    pub decrypt: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IdentityCommand {
    /// Make an age identity: others encrypt archives to its public key, and import here opens them
    New {
        /// Beside those that are there, which go on opening archives
        #[arg(long)]
        another: bool,
    },
    /// Show the public keys to which others encrypt archives for this registry
    Show,
}
