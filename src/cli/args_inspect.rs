//! The commands that look inside data.

use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum InspectCommand {
    /// Print lines of a text file by their numbers, however large it is
    #[command(after_help = "Examples:
  alimentar inspect lines train.jsonl
  alimentar inspect lines train.jsonl --start 1000000 --count 3 --json

Lines end with a newline, and count from 0, blank ones too. What is learnt of where they are is kept
in `cache/lines` in the registry's directory.")]
    Lines(LinesArgs),
}

#[derive(Debug, Args)]
pub(crate) struct LinesArgs {
    /// A file of text
    pub target: PathBuf,
    /// The first line to print
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub start: u64,
    /// How many lines to print
    #[arg(long, value_name = "M", default_value_t = 10)]
    pub count: u64,
}
