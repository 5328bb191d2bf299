//! Every command, flag and environment variable, defined once: help, completions and man pages
//! come from here.

use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;

use crate::ident::DatasetName;
use crate::ident::DatasetVersion;

/// A sovereign registry for datasets: index, version, verify and give out, without a cloud
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
#[command(after_help = "Examples:
  alimentar registry index train.jsonl --license MIT
  alimentar registry checkout train@0.1.0 ./copy.jsonl")]
pub(crate) struct Cli {
    /// The registry's directory [default: ~/.alimentar]
    #[arg(long, global = true, env = "ALIMENTAR_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Print JSON on stdout, and errors as JSON on stderr
    #[arg(long, global = true)]
    pub json: bool,
    /// Print ids only, and no progress
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more about what is done
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// No colours, as with NO_COLOR
    #[arg(long, global = true, env = "NO_COLOR", value_parser = is_set)]
    pub no_color: bool,
    /// Answer yes to questions about destroying things
    #[arg(long, global = true)]
    pub yes: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Datasets on this machine
    Registry {
        #[command(subcommand)]
        command: RegistryCommand,
    },
    /// Check that this machine and the registry are in order
    Doctor,
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
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
        /// Also what is kept apart as untrusted (nothing yet)
        #[arg(long)]
        all: bool,
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
    /// List the files of a dataset
    Ls(RefArg),
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
        /// A new file or directory; in an existing directory, a single file goes inside
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
        /// Make this file the card first
        #[arg(long, value_name = "FILE")]
        set: Option<PathBuf>,
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
    },
    /// Give a dataset another name
    Rename {
        /// A reference
        reference: String,
        /// The new name
        name: DatasetName,
    },
    /// List the versions of a name
    Log {
        /// The name
        name: DatasetName,
    },
    /// Take a dataset out of the index; its bytes stay
    Unindex(RefArg),
    /// Give back the space of what no dataset needs
    Gc {
        /// Only say what would be freed
        #[arg(long)]
        dry_run: bool,
    },
    /// Read everything and compare it with its hashes
    Fsck {
        /// Make the index anew from whatever is whole in the packs, when something is wrong
        #[arg(long)]
        repair: bool,
    },
    /// How much the registry holds
    Stats,
}

#[derive(Debug, Args)]
pub(crate) struct RefArg {
    /// alimentar:<id or prefix>, name, name@1.2.0 or name@^1
    pub reference: String,
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
}

/// A variable counts by being there, whatever it says.
fn is_set(value: &str) -> Result<bool, std::convert::Infallible> {
    Ok(!value.is_empty())
}
