//! Every command, flag and environment variable, defined once: help, completions and man pages
//! come from here.

use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::builder::FalseyValueParser;

use crate::cli::args_archives::ExportArgs;
use crate::cli::args_archives::ImportArgs;
use crate::cli::args_config::ConfigCommand;
use crate::cli::args_inspect::InspectCommand;
use crate::cli::args_peers::AccessCommand;
use crate::cli::args_peers::PeersArgs;
use crate::cli::args_peers::PullArgs;
use crate::cli::args_peers::ServeArgs;
use crate::cli::args_peers::SyncArgs;
use crate::cli::args_reading::ReadingArgs;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::PublisherKey;
use crate::net::PeerAddress;
use crate::trust::Level;

/// A sovereign registry for datasets: index, version, verify and give out, without a cloud
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Cli {
    /// The registry's directory [default: ~/.alimentar]
    #[arg(long, global = true, env = "ALIMENTAR_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Use a registry's directory that others may read or write
    #[arg(long, global = true, hide_short_help = true)]
    #[arg(env = "ALIMENTAR_INSECURE_HOME", value_parser = FalseyValueParser::new())]
    pub insecure_home: bool,
    /// Print JSON on stdout, and errors as JSON on stderr
    #[arg(long, global = true)]
    pub json: bool,
    /// Print ids only, and no progress
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say on stderr what is done and how long it took; -vv says more [env: RUST_LOG]
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// No colours, as with NO_COLOR
    // Where neither is given it is parsed too: as a variable that is not set.
    #[arg(long, global = true, env = "NO_COLOR", value_parser = is_set, default_value = "")]
    #[arg(hide_short_help = true, hide_env_values = true)]
    pub no_color: bool,
    /// Let tables be wider than the terminal
    #[arg(long, global = true, hide_short_help = true)]
    pub wide: bool,
    /// A file whose first line is the passphrase of the key [env: ALIMENTAR_PASSPHRASE]
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub passphrase_file: Option<PathBuf>,
    /// Answer yes to questions about destroying things
    #[arg(long, global = true)]
    pub yes: bool,
    /// Take datasets from elsewhere however much larger they are than what was sent for them
    #[arg(long, global = true, hide_short_help = true)]
    pub allow_large: bool,
    /// No progress bars; only the settings say so.
    #[arg(skip)]
    pub no_progress: bool,
    /// The key file that the settings name.
    #[arg(skip)]
    pub default_key: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Datasets on this machine: the same commands, as `alimentar registry index` and so on
    Registry {
        #[command(subcommand)]
        command: Box<RegistryCommand>,
    },
    /// Look inside data
    Inspect {
        #[command(flatten)]
        reading: ReadingArgs,
        #[command(subcommand)]
        command: Box<InspectCommand>,
    },
    /// The commands of `registry`, one word deep
    #[command(flatten)]
    Daily(Box<RegistryCommand>),
    /// Check that this machine and the registry are in order
    Doctor,
    /// Read and change the defaults of options
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Say which version of the program this is
    Version,
    /// Help with a command, or with a topic: references, trust, exit-codes, scripting, air-gap
    Help {
        /// A topic, or a command
        words: Vec<String>,
    },
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Say what may be typed next; completion scripts ask
    #[command(hide = true)]
    Complete {
        /// The words of the line
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Write man pages into a directory
    Man {
        /// Where to
        dir: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RegistryCommand {
    /// Put a file or a directory into the registry
    Index(IndexArgs),
    /// List the datasets
    List {
        /// Also what is kept apart: from publishers not trusted here, or withdrawn
        #[arg(long)]
        all: bool,
        /// What this peer shows instead of what is here
        #[arg(long, value_name = "ADDR")]
        peer: Option<PeerAddress>,
    },
    /// Find datasets by what is said of them
    #[command(after_help = "Examples:
  alimentar registry search 'speech license:cc-by-4.0'
  alimentar registry search '\"read aloud\" rows:>10k -noisy'
  alimentar registry search --schema meta.label

Fields: name tag license publisher lang schema text rows size")]
    Search {
        /// Words, \"phrases\", prefi*, -without, field:value
        #[arg(
            required_unless_present = "schema",
            default_value = "",
            hide_default_value = true
        )]
        query: String,
        /// Only datasets with this column; dots go into nested ones
        #[arg(long, value_name = "FIELD")]
        schema: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Show everything about one dataset
    Info(RefArg),
    /// List the files of a dataset; without one, the datasets
    Ls {
        /// A reference
        reference: Option<String>,
    },
    /// Write a dataset's bytes, or one file's, to stdout
    Cat {
        /// REF or REF:path/in/dataset
        target: String,
    },
    /// Print the full content id that a reference means, for a training log
    Resolve(RefArg),
    /// Write a dataset, or one file of it, to disk
    Checkout {
        /// REF or REF:path/in/dataset
        target: String,
        /// A new file or directory; in an existing directory, a single file goes inside; - is standard
        /// output
        dest: PathBuf,
    },
    /// Read every byte of a dataset and recompute its hashes
    Verify {
        /// A reference
        reference: String,
        /// Fail unless a publisher trusted in full signed it
        #[arg(long)]
        require_signature: bool,
    },
    /// Show the columns as a tree, from every value of the dataset
    Schema {
        /// REF or REF:path/in/dataset
        target: String,
    },
    /// Compare two datasets by chunks and files
    Diff {
        /// A reference
        a: String,
        /// Another
        b: String,
    },
    /// Show a dataset's card
    Card {
        /// A reference
        reference: String,
        /// As a web page that is safe to open
        #[arg(long)]
        html: bool,
        /// As Croissant JSON-LD, for tools of machine learning
        #[arg(long, conflicts_with = "html")]
        croissant: bool,
        /// Make this file the card first
        #[arg(long, value_name = "FILE")]
        set: Option<PathBuf>,
        #[command(flatten)]
        key: KeyArgs,
    },
    /// Add and remove a dataset's tags
    Tag {
        /// A reference
        reference: String,
        /// A tag to add; may be given several times
        #[arg(long, value_name = "T")]
        add: Vec<String>,
        /// A tag to remove; may be given several times
        #[arg(long, value_name = "T")]
        remove: Vec<String>,
        #[command(flatten)]
        key: KeyArgs,
    },
    /// Give a dataset another name
    Rename {
        /// A reference
        reference: String,
        /// The new name
        name: DatasetName,
        #[command(flatten)]
        key: KeyArgs,
    },
    /// List the versions of a name
    Log {
        /// The name
        name: DatasetName,
    },
    /// Take a dataset out of the index; its bytes stay
    #[command(visible_alias = "rm")]
    Unindex(RefArg),
    /// Publish, signed, that a dataset should not be used any more
    Withdraw {
        /// A reference
        reference: String,
        /// Why, for those who use it
        #[arg(long)]
        reason: String,
        /// Also take it out of this registry, and give back its space
        #[arg(long)]
        purge: bool,
        #[command(flatten)]
        key: KeyArgs,
    },
    /// Make a key to publish with
    Keygen(KeygenArgs),
    /// Sign a dataset: publish it under your key
    Sign(SignArgs),
    /// Change the passphrase of a key
    Passwd(PasswdArgs),
    /// Who is trusted here, and with what
    Trust {
        #[command(subcommand)]
        command: TrustCommand,
    },
    /// Write datasets into an archive, whole or as the difference to what the receiver has
    #[command(after_help = "Examples:
  alimentar registry export corpus -o corpus.alimentar
  alimentar registry export corpus@1.1.0 --since corpus@1.0.0 -o delta.alimentar
  alimentar registry export --all --for lab-b.receipt --split 4GiB -o stick/all.alimentar")]
    Export(ExportArgs),
    /// Read archives, or every archive in a directory
    Import(ImportArgs),
    /// Give back the space of what no dataset needs
    Gc {
        /// Only say what would be freed
        #[arg(long)]
        dry_run: bool,
        /// Also give up bytes that a rebuild of the index could not read (`fsck` names them)
        #[arg(long)]
        discard_unreadable: bool,
    },
    /// Read everything and compare it with its hashes
    Fsck {
        /// Make the index anew from whatever is whole in the packs, when something is wrong
        #[arg(long)]
        repair: bool,
        /// Fetch what is missing from this peer
        #[arg(long, value_name = "ADDR", requires = "repair")]
        peer: Option<PeerAddress>,
    },
    /// How much the registry holds
    Stats,
    /// Let peers see a dataset, whoever made it
    Share(RefArg),
    /// Keep a dataset from peers
    Unshare(RefArg),
    /// Serve this registry to peers until stopped
    #[command(after_help = "Examples:
  alimentar registry serve
  alimentar registry serve --bind 192.168.1.20 --access listed")]
    Serve(ServeArgs),
    /// Who is served with access `listed`
    Access {
        #[command(subcommand)]
        command: AccessCommand,
    },
    /// List the peers that are around, and those that are known
    Peers(PeersArgs),
    /// Compare catalogues with a peer, and pull what trusted publishers have there
    Sync(SyncArgs),
    /// Pull a dataset from peers: only the chunks that are not here
    #[command(after_help = "Examples:
  alimentar registry pull corpus --peer 192.168.1.20:8765
  alimentar registry pull corpus@1.2.0 --peer lab-a:8765 --peer lab-b:8765 -o ./corpus.jsonl")]
    Pull(PullArgs),
    /// What the node that serves this registry is doing
    Node,
}

#[derive(Debug, Args)]
pub(crate) struct RefArg {
    /// alimentar:<id or prefix>, name, name@1.2.0 or name@^1
    pub reference: String,
}

#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// The key file [default: key.enc in the registry's directory]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct KeygenArgs {
    /// Where to write it [default: key.enc in the registry's directory]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What it is called here [default: me]
    #[arg(long, value_name = "ALIAS")]
    pub name: Option<DatasetName>,
    /// Replace a key that is there: it is lost for ever
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

#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// Trust a publisher, or change how much
    Add {
        /// What it is called here
        name: DatasetName,
        /// Its public key, 64 hex digits
        key: PublisherKey,
        /// What it is trusted with: full, prompt, unknown or revoked
        #[arg(long, default_value = "full", value_parser = level)]
        level: Level,
        /// Only for datasets with such names, * for any characters; may be given several times
        #[arg(long = "only", value_name = "PATTERN")]
        names: Vec<String>,
        /// Only until the end of this day
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
    },
    /// List the publishers known here
    List,
    /// Forget a publisher; what it signed stays, marked
    Remove {
        /// What it is called here
        name: DatasetName,
    },
    /// Show a publisher: key, fingerprint, words, limits
    Show {
        /// What it is called here
        name: DatasetName,
    },
    /// Confirm that a publisher has a new key; with both key files, also publish it
    Rotate {
        /// What it is called here
        name: DatasetName,
        /// The new public key
        new_key: PublisherKey,
        /// The old secret key, to propose the new one to others
        #[arg(long, value_name = "FILE", requires = "new_key_file")]
        key: Option<PathBuf>,
        /// The new secret key
        #[arg(long, value_name = "FILE", requires = "key")]
        new_key_file: Option<PathBuf>,
    },
    /// Accept nothing new from a publisher; with its own key, tell everybody
    Revoke {
        /// What it is called here
        name: DatasetName,
        /// Why
        #[arg(long)]
        reason: String,
        /// The publisher's own secret key
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
}

fn level(text: &str) -> Result<Level, String> {
    Level::from_name(text).ok_or_else(|| "one of full, prompt, unknown, revoked".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    /// A file or a directory
    pub path: PathBuf,
    /// The dataset's name [default: the file's name without ending]
    #[arg(long)]
    pub name: Option<DatasetName>,
    /// Its version [default: the next after the newest of that name, or 0.1.0]
    #[arg(long = "version", value_name = "V")]
    pub dataset_version: Option<DatasetVersion>,
    /// What it is, in Markdown
    #[arg(long)]
    pub description: Option<String>,
    /// Its licence, as an SPDX identifier
    #[arg(long)]
    pub license: Option<String>,
    /// A label; may be given several times
    #[arg(long = "tag", value_name = "T")]
    pub tags: Vec<String>,
    /// A Markdown file that is its card [default: README.md of a directory]
    #[arg(long, value_name = "FILE")]
    pub card: Option<PathBuf>,
    /// Keep it from everybody else
    #[arg(long)]
    pub private: bool,
    /// Leave out paths of a directory that match; may be given several times
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Take the types of columns from all rows of text, not from its first MiB; reads large text twice
    #[arg(long)]
    pub full_schema: bool,
    /// Sign it: publish it under your key
    #[arg(long)]
    pub sign: bool,
    /// The key file to sign with [default: key.enc in the registry's directory]
    #[arg(long, value_name = "FILE", requires = "sign")]
    pub key: Option<PathBuf>,
}

/// A variable counts by being there, whatever it says.
fn is_set(value: &str) -> Result<bool, std::convert::Infallible> {
    Ok(!value.is_empty())
}
