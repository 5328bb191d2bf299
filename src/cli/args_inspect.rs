//! The commands that look inside data.

use clap::Args;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum InspectCommand {
    /// Show what a file or dataset is: format, rows, columns
    #[command(after_help = "Examples:
  alimentar inspect info train.parquet
  alimentar inspect info gsm8k@^1 --json")]
    Info(InfoArgs),
    /// Print rows by their numbers, however large the file is
    #[command(after_help = "Examples:
  alimentar inspect lines train.jsonl
  alimentar inspect lines train.jsonl --start 1000000 --count 3 --json
  alimentar inspect lines my-dataset@1.2.0:data/train.parquet --start 5000

Rows count from 0. Lines of text are rows, blank ones too; so are the records of CSV behind the header,
the elements of a JSON array, and the rows of Parquet and Arrow files, which are shown as JSON. What is
learnt of where lines are is kept in `cache/lines` in the registry's directory.")]
    Lines(LinesArgs),
    /// Find the rows that a regular expression matches
    #[command(after_help = "Examples:
  alimentar inspect search train.jsonl 'quantum (computing|physics)' --limit 5
  alimentar inspect search train.parquet -i 'hello' --column text
  alimentar inspect search my-dataset '\\p{Greek}{3,}' --count

A row is searched as it is written, or with --column what one column says. Places of matches (`spans`)
count bytes of what was searched.")]
    Search(SearchArgs),
}

/// What is looked into.
#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// A path, a reference to a dataset, or REF:path/in/dataset
    pub target: String,
}

#[derive(Debug, Args)]
pub(crate) struct LinesArgs {
    /// A path, a reference to a dataset, or REF:path/in/dataset
    pub target: String,
    /// The first row to print
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub start: u64,
    /// How many rows to print
    #[arg(long, value_name = "M", default_value_t = 10)]
    pub count: u64,
}

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// A path, a reference to a dataset, or REF:path/in/dataset
    pub target: String,
    /// A regular expression
    #[arg(value_name = "REGEX")]
    pub pattern: String,
    /// Only say how many rows match
    #[arg(long, conflicts_with = "limit")]
    pub count: bool,
    /// Letters match in either case
    #[arg(short, long)]
    pub ignore_case: bool,
    /// Rows that do not match
    #[arg(long)]
    pub invert: bool,
    /// Stop after so many rows
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Search what this column says; dots lead into nested ones
    #[arg(long, value_name = "C")]
    pub column: Option<String>,
}
