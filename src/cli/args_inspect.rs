//! The commands that look inside data.

use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use clap::ValueEnum;

use crate::cli::archives::size;
use crate::cli::args_write::WriteArgs;
use crate::cli::inspect::rule_named;
use crate::inspect::dedup::Shingle;
use crate::inspect::lint::RuleId;
use crate::inspect::output::OutputFormat;

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
learnt of where lines and rows are is kept in `cache` in the registry's directory.")]
    Lines(LinesArgs),
    /// Find the rows that a regular expression matches
    #[command(after_help = "Examples:
  alimentar inspect search train.jsonl 'quantum (computing|physics)' --limit 5
  alimentar inspect search train.parquet 'hello' -i --column text
  alimentar inspect search my-dataset '\\p{Greek}{3,}' --count

A row is searched as it is written, or with --column what one column says. Places of matches (`spans`)
count bytes of what was searched.")]
    Search(SearchArgs),
    /// Show figures of every column: types, distinct values, quantiles, lengths, frequent values
    #[command(after_help = "Examples:
  alimentar inspect stats train.jsonl
  alimentar inspect stats my-dataset --column answer --json")]
    Stats(StatsArgs),
    /// Look over rows for what is wrong with them
    #[command(after_help = "Examples:
  alimentar inspect lint train.jsonl
  alimentar inspect lint train.jsonl --rule malformed-json --limit 100
  alimentar inspect lint my-dataset --format sarif > findings.sarif
  alimentar inspect lint --rules

Ends with code 1 when there are errors.")]
    Lint(LintArgs),
    /// Find rows that are the same as others or like them
    #[command(after_help = "Examples:
  alimentar inspect dedup train.jsonl
  alimentar inspect dedup train.jsonl --exact --output unique.jsonl
  alimentar inspect dedup train.jsonl --threshold 0.8 --column text --clusters why.jsonl
  alimentar inspect dedup train.jsonl --simhash --threshold 3 --shingle bytes:4

Every pair is compared on the whole text before it counts. A number above 1 as threshold means --simhash.")]
    Dedup(Box<DedupArgs>),
    /// Find how much of B is in A, such as of an evaluation set in a training set
    #[command(after_help = "Examples:
  alimentar inspect overlap train.jsonl test.jsonl
  alimentar inspect overlap my-dataset gsm8k-test --column question --ngram 8")]
    Overlap(Box<OverlapArgs>),
    /// Count tokens
    #[command(after_help = "Examples:
  alimentar inspect tokens train.jsonl
  alimentar inspect tokens my-dataset --column text --encoding cl100k_base")]
    Tokens(TokensArgs),
    /// Draw rows at random, the same ones for the same seed
    #[command(after_help = "Examples:
  alimentar inspect sample train.jsonl -n 5
  alimentar inspect sample my-dataset -n 1000 --seed 7 -o some.jsonl")]
    Sample(SampleArgs),
    /// Divide rows into train, valid and test by what they say
    #[command(after_help = "Examples:
  alimentar inspect split all.jsonl --ratios 90,5,5 -o parts
  alimentar inspect split my-dataset --ratios 80,20 --by user_id -o parts

Where a row goes does not depend on where it stands or on what rows there are beside it, but that rows that
are alike go to one side.")]
    Split(Box<SplitArgs>),
    /// Write the rows that a regular expression matches
    #[command(after_help = "Examples:
  alimentar inspect filter train.jsonl 'python' -o python.jsonl
  alimentar inspect filter train.parquet '^$' --column answer --invert -o answered.parquet")]
    Filter(Box<FilterArgs>),
    /// Write all rows, or the unique ones, in another format
    #[command(after_help = "Examples:
  alimentar inspect export train.jsonl -o train.parquet
  alimentar inspect export my-dataset --unique -o unique.csv

Formats: .jsonl .csv .tsv .parquet .arrow .arrows .txt; any other ending keeps the format of what is
read. Columns of Parquet and Arrow keep their types in Parquet and Arrow; fields of CSV get a type where
every value keeps what it says.")]
    Export(Box<ExportArgs>),
    /// Write the rows of several files and datasets into one
    #[command(after_help = "Examples:
  alimentar inspect merge a.jsonl b.parquet my-dataset -o all.jsonl")]
    Merge(MergeArgs),
}

/// What is looked into.
#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// Paths, references to datasets, REF:path/in/dataset, or - for standard input; the rows of several
    /// follow each other
    #[arg(required = true, value_name = "TARGET")]
    pub target: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LinesArgs {
    /// Paths, references to datasets, REF:path/in/dataset, or - for standard input; the rows of several
    /// follow each other
    #[arg(required = true, value_name = "TARGET")]
    pub target: Vec<String>,
    /// The first row to print
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub start: u64,
    /// How many rows to print
    #[arg(long, value_name = "M", default_value_t = 10)]
    pub count: u64,
}

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Paths, references to datasets, REF:path/in/dataset, or - for standard input; the rows of several
    /// follow each other
    #[arg(required = true, value_name = "TARGET")]
    pub target: Vec<String>,
    /// A regular expression
    #[arg(value_name = "REGEX")]
    pub pattern: String,
    /// Only say how many rows match
    #[arg(long)]
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

#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Paths, references to datasets, REF:path/in/dataset, or - for standard input; the rows of several
    /// follow each other
    #[arg(required = true, value_name = "TARGET")]
    pub target: Vec<String>,
    /// A regular expression
    #[arg(value_name = "REGEX")]
    pub pattern: String,
    /// The file to write; its ending says in which format
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Letters match in either case
    #[arg(short, long)]
    pub ignore_case: bool,
    /// Rows that do not match
    #[arg(long)]
    pub invert: bool,
    /// Search what this column says; dots lead into nested ones
    #[arg(long, value_name = "C")]
    pub column: Option<String>,
    #[command(flatten)]
    pub write: WriteArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Paths, references to datasets, REF:path/in/dataset, or - for standard input; the rows of several
    /// follow each other
    #[arg(required = true, value_name = "TARGET")]
    pub target: Vec<String>,
    /// The file to write; its ending says in which format
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Leave out rows of which there is the same before
    #[arg(long)]
    pub unique: bool,
    /// Only this column; may be given several times
    #[arg(long, value_name = "C")]
    pub column: Vec<String>,
    #[command(flatten)]
    pub write: WriteArgs,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// Paths and references, whose rows follow each other
    #[arg(required = true)]
    pub targets: Vec<String>,
    /// The file to write; its ending says in which format
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    pub write: WriteArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Paths, references to datasets, REF:path/in/dataset, or - for standard input; the rows of several
    /// follow each other
    #[arg(value_name = "TARGET")]
    pub target: Vec<String>,
    /// Only this rule; may be given several times
    #[arg(long, value_name = "R", value_parser = rule_named)]
    pub rule: Vec<RuleId>,
    /// Not this rule; may be given several times
    #[arg(long, value_name = "R", value_parser = rule_named)]
    pub without: Vec<RuleId>,
    /// Examples of each rule
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub limit: usize,
    /// Look at the text of this column alone; may be given several times
    #[arg(long, value_name = "C")]
    pub column: Vec<String>,
    /// How to print
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<LintFormat>,
    /// List the rules instead
    #[arg(long)]
    pub rules: bool,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LintFormat {
    /// For people, or with --json as JSON
    Text,
    /// SARIF 2.1.0
    Sarif,
}

#[derive(Debug, Args)]
pub(crate) struct DedupArgs {
    /// Paths, references to datasets, REF:path/in/dataset, or - for standard input; the rows of several
    /// follow each other
    #[arg(required = true, value_name = "TARGET")]
    pub target: Vec<String>,
    #[command(flatten)]
    pub near: NearArgs,
    /// Only rows that are the same, byte for byte
    #[arg(long)]
    pub exact: bool,
    /// Which row of several alike stays: first, longest, or max:COLUMN
    #[arg(long, value_name = "WHICH", default_value = "first", value_parser = keep)]
    pub keep: KeepArg,
    /// Say how many rows stay of each value of this column
    #[arg(long, value_name = "C")]
    pub source: Option<String>,
    /// Write the rows that stay; the ending says in which format
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write which row each removed one duplicates, and how closely: a line of JSON each
    #[arg(long, value_name = "FILE")]
    pub clusters: Option<PathBuf>,
    /// Write a bit for each row, 1 where it goes: the first row is the lowest bit of the first byte
    #[arg(long, value_name = "FILE")]
    pub bitmask: Option<PathBuf>,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// How rows that are alike are looked for.
#[derive(Debug, Args)]
pub(crate) struct NearArgs {
    /// How alike rows must be, from 0 to 1; with --simhash, how many bits may differ
    #[arg(long, value_name = "K")]
    pub threshold: Option<f64>,
    /// By SimHash, which finds copies and hardly any rewording, instead of MinHash
    #[arg(long, conflicts_with = "exact")]
    pub simhash: bool,
    /// What texts are cut into: words:N or bytes:N
    #[arg(long, value_name = "KIND:N", value_parser = shingle)]
    pub shingle: Option<Shingle>,
    /// Compare the text of this column; may be given several times
    #[arg(long, value_name = "C")]
    pub column: Vec<String>,
    /// A row is like one that it is contained in
    #[arg(long)]
    pub containment: bool,
    /// Let what very many rows have in common, such as a template, count in full
    #[arg(long)]
    pub no_weights: bool,
    /// Memory that may be used; what is more goes to disk
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = size)]
    pub budget: u64,
}

/// Which row stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeepArg {
    First,
    Longest,
    Max(String),
}

fn keep(text: &str) -> Result<KeepArg, String> {
    match text {
        "first" => Ok(KeepArg::First),
        "longest" => Ok(KeepArg::Longest),
        _ => match text.strip_prefix("max:") {
            Some(column) if !column.is_empty() => Ok(KeepArg::Max(column.to_owned())),
            _ => Err("first, longest or max:COLUMN".to_owned()),
        },
    }
}

fn shingle(text: &str) -> Result<Shingle, String> {
    let wrong = || "words:N or bytes:N, with N from 1 to 64".to_owned();
    let (kind, n) = text.split_once(':').ok_or_else(wrong)?;
    let n = n.parse::<usize>().ok().filter(|n| (1..=64).contains(n));
    match (kind, n) {
        ("words", Some(n)) => Ok(Shingle::Words(n)),
        ("bytes", Some(n)) => Ok(Shingle::Bytes(n)),
        _ => Err(wrong()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// Paths, references to datasets, REF:path/in/dataset, or - for standard input; the rows of several
    /// follow each other
    #[arg(required = true, value_name = "TARGET")]
    pub target: Vec<String>,
    /// Only this column; may be given several times
    #[arg(long, value_name = "C")]
    pub column: Vec<String>,
    /// Frequent values of each column
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
}

#[derive(Debug, Args)]
pub(crate) struct TokensArgs {
    /// Paths, references to datasets, REF:path/in/dataset, or - for standard input; the rows of several
    /// follow each other
    #[arg(required = true, value_name = "TARGET")]
    pub target: Vec<String>,
    /// Count the text of this column alone; may be given several times
    #[arg(long, value_name = "C")]
    pub column: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SampleArgs {
    /// Paths, references to datasets, REF:path/in/dataset, or - for standard input; the rows of several
    /// follow each other
    #[arg(required = true, value_name = "TARGET")]
    pub target: Vec<String>,
    /// How many rows
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub rows: usize,
    /// Another seed, other rows
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    /// Write them into this file instead; its ending says in which format
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub write: WriteArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SplitArgs {
    /// Paths, references to datasets, REF:path/in/dataset, or - for standard input; the rows of several
    /// follow each other
    #[arg(required = true, value_name = "TARGET")]
    pub target: Vec<String>,
    /// How large the parts are in proportion to each other
    #[arg(
        long,
        value_name = "A,B,…",
        value_delimiter = ',',
        default_value = "90,5,5"
    )]
    pub ratios: Vec<u32>,
    /// The directory for train, valid and test
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Another seed, another division
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    /// Rows that say the same in this column go to the same side
    #[arg(long, value_name = "C")]
    pub by: Option<String>,
    /// Let rows that are alike go to different sides; saves the search for them
    #[arg(long)]
    pub no_groups: bool,
    /// The format of the files, where it is another one: jsonl, csv, tsv, parquet, arrow or txt
    #[arg(long, value_name = "FORMAT", value_parser = output_format)]
    pub format: Option<OutputFormat>,
    #[command(flatten)]
    pub write: WriteArgs,
}

fn output_format(name: &str) -> Result<OutputFormat, String> {
    let known = "jsonl, csv, tsv, parquet, arrow, arrows or txt".to_owned();
    OutputFormat::of_path(&format!(".{name}")).ok_or(known)
}

#[derive(Debug, Args)]
pub(crate) struct OverlapArgs {
    /// A path, a reference to a dataset, REF:path/in/dataset, or - for standard input
    pub a: String,
    /// Another, whose rows are looked for in the first
    pub b: String,
    #[command(flatten)]
    pub near: NearArgs,
    /// Only rows that are the same, byte for byte
    #[arg(long)]
    pub exact: bool,
    /// Also count the rows of B that share as many words in a row with A; 0 not to
    #[arg(long, value_name = "N", default_value_t = 13)]
    pub ngram: usize,
    /// Examples
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: usize,
}
