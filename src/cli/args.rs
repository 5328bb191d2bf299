//! Every command, flag and environment variable, defined once: help, completions and man pages
//! come from here.

use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::builder::FalseyValueParser;

use crate::cli::args_archives::ExportArgs;
use crate::cli::args_archives::IdentityCommand;
use crate::cli::args_archives::ImportArgs;
use crate::cli::args_config::ConfigCommand;
use crate::cli::args_describe::AliasArgs;
use crate::cli::args_describe::SetArgs;
use crate::cli::args_inspect::InspectCommand;
use crate::cli::args_keys::KeygenArgs;
use crate::cli::args_keys::PasswdArgs;
use crate::cli::args_keys::SignArgs;
use crate::cli::args_life::ForgetArgs;
use crate::cli::args_life::RestoreArgs;
use crate::cli::args_peers::AccessCommand;
use crate::cli::args_peers::PeersArgs;
use crate::cli::args_peers::PullArgs;
use crate::cli::args_peers::ServeArgs;
use crate::cli::args_peers::SyncArgs;
use crate::cli::args_reading::ReadingArgs;
use crate::cli::args_trust::TrustCommand;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::net::PeerAddress;
use crate::registry::KEEP_DAYS;

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
    /// Write a dataset, or a part of it, to disk
    #[command(after_help = "Examples:
  alimentar registry checkout corpus@1.0.0 ./corpus
  alimentar registry checkout 'corpus:**/*.parquet' ./tables
  alimentar registry checkout corpus ./corpus --update")]
    Checkout {
        /// REF, or behind a colon a file, a directory (its content is written) or a glob (paths are kept):
        /// REF:a/file, REF:sub/, REF:**/*.parquet
        target: String,
        /// A new file or directory; in an existing directory, a single file goes inside; - is standard
        /// output
        dest: PathBuf,
        /// Write into a directory or file that is there, and only what differs; what was changed there is
        /// overwritten only with --yes
        #[arg(long)]
        update: bool,
    },
    /// What changed in a directory since it was checked out or indexed
    #[command(after_help = "Examples:
  alimentar registry status ./corpus
  alimentar registry status --exit-code || echo changed")]
    Status {
        /// A directory or a file that was checked out or indexed, or something inside
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// End with 1 when something changed
        #[arg(long)]
        exit_code: bool,
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
    /// Compare two datasets, or a dataset with a directory
    #[command(after_help = "Examples:
  alimentar registry diff corpus@1.0.0 corpus@1.1.0
  alimentar registry diff corpus ./corpus")]
    Diff {
        /// A reference
        a: String,
        /// Another, or a directory or file
        b: String,
        /// End with 1 when something differs
        #[arg(long)]
        exit_code: bool,
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
    /// Set what is said about a dataset: licence, description, tags, card
    #[command(after_help = "Examples:
  alimentar registry set corpus --license CC-BY-4.0 --add-tag speech
  alimentar registry set corpus@1.0.0 --description 'The first hundred hours' --card card.md")]
    Set(SetArgs),
    /// Give a version a movable name, such as corpus@prod
    #[command(after_help = "Examples:
  alimentar registry alias corpus@prod 1.1.0
  alimentar registry alias --list corpus
  alimentar registry alias --delete corpus@prod")]
    Alias(AliasArgs),
    /// Give all versions of a name another name, or one version
    Rename {
        /// A name (all its versions), name@1.2.0, or a content id
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
    /// Take all versions of a name out of the index, or one version; `restore` undoes it
    #[command(after_help = "Examples:
  alimentar registry unindex corpus@1.0.0
  alimentar registry unindex corpus --yes")]
    #[command(visible_alias = "rm")]
    Unindex(RefArg),
    /// Bring back what was taken out of the index and not collected yet
    #[command(after_help = "Examples:
  alimentar registry restore old-corpus@1.0.0
  alimentar registry restore --list")]
    Restore(RestoreArgs),
    /// Take old versions out of the index, by rules that say what to keep
    #[command(
        after_help = "A version stays if any rule keeps it; the newest of a name always stays, unless --keep-last is 0.

Examples:
  alimentar registry forget --keep-last 3 --keep-within 30d --dry-run
  alimentar registry forget corpus --keep-within 1y6m --keep-tag gold --yes"
    )]
    Forget(ForgetArgs),
    /// Publish, signed, that a dataset should not be used any more
    Withdraw {
        /// A reference
        reference: String,
        /// Why, for those who use it
        #[arg(long)]
        reason: String,
        /// Also take it out of this registry, and give back its space; asks, and without a terminal
        /// wants --yes
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
  alimentar registry export --all --for lab-b.receipt --split 4GiB -o stick/all.alimentar
  alimentar registry export --to lab-b -o stick/for-b.alimentar")]
    Export(ExportArgs),
    /// Read archives, or every archive in a directory
    Import(ImportArgs),
    /// The keys that open archives which others encrypt to this registry
    #[command(after_help = "Examples:
  alimentar registry identity new
  alimentar registry export --to lab-b --recipient age1… -o stick/    # on the other side, with the key that was shown")]
    Identity {
        #[command(subcommand)]
        command: IdentityCommand,
    },
    /// Give back the space of what no dataset needs
    Gc {
        /// Only say what would be freed
        #[arg(long)]
        dry_run: bool,
        /// Leave what was unindexed within so many days, so that `restore` can bring it back
        #[arg(long, value_name = "N", default_value_t = KEEP_DAYS)]
        keep_days: u32,
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
    /// alimentar:<id or prefix>, name, name@1.2.0, name@1.2, name@^1, name@latest or name@ALIAS
    pub reference: String,
}

#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// The key file [default: key.enc in the registry's directory]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    /// A file or a directory
    pub path: PathBuf,
    /// The dataset's name [default: the file's name without ending, where that is a name]
    #[arg(long)]
    pub name: Option<DatasetName>,
    /// Its version [default: the next after the newest of that name, or 0.1.0]
    #[arg(long = "version", value_name = "V")]
    pub dataset_version: Option<DatasetVersion>,
    /// What it is, in Markdown [default: as in the version before]
    #[arg(long)]
    pub description: Option<String>,
    /// Its licence, as an SPDX expression or LicenseRef-NAME [default: as in the card or the version before]
    #[arg(long)]
    pub license: Option<String>,
    /// A label; may be given several times [default: as in the version before]
    #[arg(long = "tag", value_name = "T")]
    pub tags: Vec<String>,
    /// A Markdown file that is its card [default: README.md of a directory, or the card of the version before]
    #[arg(long, value_name = "FILE")]
    pub card: Option<PathBuf>,
    /// Keep it from everybody else
    #[arg(long)]
    pub private: bool,
    /// Leave out paths of a directory that match; may be given several times
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Also follow links that lead out of the directory
    #[arg(long)]
    pub follow_links: bool,
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
