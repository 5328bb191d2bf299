//! `inspect dedup`: exact and similar duplicates of rows.

use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::inspect::columns::require_columns;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::context::TargetArgs;
use crate::cli::inspect::similarity::near::MatchKind;
use crate::cli::inspect::similarity::near::NearArgs;
use crate::cli::inspect::similarity::near::near_options;
use crate::cli::inspect::similarity::near::round_similarity;
use crate::cli::inspect::write::row_writer::RowWriter;
use crate::cli::inspect::write::row_writer::WriteArgs;
use crate::cli::inspect::write::row_writer::Written;
use crate::cli::output::destination::check_file_destination;
use crate::cli::output::destination::write_file;
use crate::cli::output::out::Out;
use crate::cli::output::text::human_bytes;
use crate::file_io::IfExists;
use crate::file_io::OutputFile;
use crate::file_io::is_standard_output;
use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::DedupReport;
use crate::inspect::dedup::DirectorySpill;
use crate::inspect::dedup::Keep;
use crate::inspect::dedup::SketchCache;
use crate::inspect::dedup::dedup;
use crate::inspect::table::Selection;
use crate::registry::Error;
use crate::registry::RowAssignment;
use crate::registry::SpillDirectory;
use crate::registry::Target;
use crate::registry::host;

/// Find exact and similar duplicates of rows
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect dedup train.jsonl
  alimentar inspect dedup train.jsonl --exact --output unique.jsonl
  alimentar inspect dedup train.jsonl --threshold 0.8 --column text --clusters why.jsonl
  alimentar inspect dedup train.jsonl --simhash --threshold 3 --shingle bytes:4

Every pair is verified on the full text. A threshold above 1 means --simhash.")]
pub(crate) struct DedupArgs {
    #[command(flatten)]
    targets: TargetArgs,
    #[command(flatten)]
    near: NearArgs,
    /// Only rows that are equal, byte for byte
    #[arg(long)]
    exact: bool,
    /// The row that stays of several similar ones: first, longest, or max:COLUMN
    #[arg(long, value_name = "WHICH", default_value = "first", value_parser = parse_keep)]
    keep: KeepArg,
    /// Show the number of rows that stay for each value of this column
    #[arg(long, value_name = "C")]
    source: Option<String>,
    /// Write the rows that stay; the ending says in which format
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write for each removed row the one it duplicates, and their similarity: a line of JSON each
    #[arg(long, value_name = "FILE")]
    clusters: Option<PathBuf>,
    /// Write a bit for each row, 1 if it is removed: the first row is the lowest bit of the first byte
    #[arg(long, value_name = "FILE")]
    bitmask: Option<PathBuf>,
    #[command(flatten)]
    write: WriteArgs,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum KeepArg {
    First,
    Longest,
    Max(String),
}

fn parse_keep(text: &str) -> Result<KeepArg, String> {
    match text {
        "first" => Ok(KeepArg::First),
        "longest" => Ok(KeepArg::Longest),
        _ => match text.strip_prefix("max:") {
            Some(column) if !column.is_empty() => Ok(KeepArg::Max(column.to_owned())),
            _ => Err("first, longest or max:COLUMN".to_owned()),
        },
    }
}

#[derive(Serialize)]
struct DedupOutput<'a> {
    rows: u64,
    unique_rows: u64,
    exact_duplicates: u64,
    near_duplicates: u64,
    clusters: u64,
    largest_cluster: u64,
    seconds: f64,
    pairs_compared: u64,
    rows_sketched: u64,
    spilled_bytes: u64,
    sources: Vec<SourceObject<'a>>,
    files: Vec<String>,
    rows_out: Option<u64>,
    rows_refused: Option<u64>,
}

#[derive(Serialize)]
struct SourceObject<'a> {
    source: &'a str,
    rows: u64,
    kept: u64,
}

/// A line of `--clusters`.
#[derive(Serialize)]
struct ClusterLine {
    row: u64,
    kept: u64,
    kind: MatchKind,
    similarity: f64,
}

/// The rules for files that exist, for each output.
struct Destinations {
    output: IfExists,
    clusters: IfExists,
    bitmask: IfExists,
}

pub(crate) fn run(ctx: &InspectContext<'_>, args: &DedupArgs) -> Result<(), Failure> {
    let began = host::instant();
    let destinations = check_destinations(ctx.base, args)?;
    let target = ctx.open_targets(&args.targets.target)?;
    let mut columns = args.near.columns().to_vec();
    columns.extend(args.source.clone());
    if let KeepArg::Max(column) = &args.keep {
        columns.push(column.clone());
    }
    require_columns(ctx.base, &target, &columns)?;
    let spill = SpillDirectory::create(&ctx.base.home()?)?;
    let cache = target.sketch_cache();
    let options = DedupOptions {
        sketch_cache: cache.as_ref().map(|k| k as &dyn SketchCache),
        size_bytes: Some(target.size_bytes()),
        ..dedup_options(args, spill.spill())?
    };
    let bar = ctx.base.progress_bar();
    let open = |s: &Selection| Ok(target.all_batches(&s.columns));
    let report = dedup(&open, &options, &bar).map_err(|e| target.blame(e))?;
    drop(bar);
    write_side_files(args, &destinations, &report)?;
    let written = write_unique_rows(ctx.base, args, &target, destinations.output, &report)?;
    let seconds = began.elapsed().as_secs_f64();
    let output = DedupOutput::of(&report, written.as_ref(), seconds);
    let text = format_report(
        &report,
        options.sketch_cache.is_some(),
        seconds,
        ctx.base.out,
    );
    let out = ctx.base.out.beside(find_stdout(args));
    out.result(&output, &[report.unique_rows.to_string()], &text)?;
    written.map_or(Ok(()), |written| written.check_refusals())
}

fn check_destinations(ctx: &Context, args: &DedupArgs) -> Result<Destinations, Failure> {
    let check = |path: &Option<PathBuf>| match path {
        Some(path) => check_file_destination(ctx, path),
        None => Ok(IfExists::Refuse),
    };
    Ok(Destinations {
        output: args.write.check_destinations(ctx, args.output.as_slice())?,
        clusters: check(&args.clusters)?,
        bitmask: check(&args.bitmask)?,
    })
}

/// The output that goes to stdout, if one does.
fn find_stdout(args: &DedupArgs) -> Option<&Path> {
    let outputs = [
        args.output.as_ref(),
        args.clusters.as_ref(),
        args.bitmask.as_ref(),
        args.write.rejects(),
    ];
    let mut outputs = outputs.into_iter().flatten();
    outputs
        .find(|path| is_standard_output(path))
        .map(PathBuf::as_path)
}

fn dedup_options<'a>(
    args: &DedupArgs,
    spill: &'a DirectorySpill,
) -> Result<DedupOptions<'a>, Failure> {
    Ok(DedupOptions {
        keep: match &args.keep {
            KeepArg::First => Keep::First,
            KeepArg::Longest => Keep::Longest,
            KeepArg::Max(column) => Keep::Maximum(column.clone()),
        },
        source: args.source.clone(),
        ..near_options(&args.near, args.exact, spill)?
    })
}

/// Writes the clusters and the bitmask.
fn write_side_files(
    args: &DedupArgs,
    destinations: &Destinations,
    report: &DedupReport,
) -> Result<(), Failure> {
    if let Some(path) = &args.clusters {
        let fail = |e| Failure::from(Error::output(path, e));
        write_clusters(report, path, destinations.clusters).map_err(fail)?;
    }
    if let Some(path) = &args.bitmask {
        let words = report.removed.words().iter();
        let bytes: Vec<u8> = words.flat_map(|word| word.to_le_bytes()).collect();
        let length = usize::try_from(report.rows.div_ceil(8)).unwrap_or(usize::MAX);
        let mask = bytes.get(..length.min(bytes.len())).unwrap_or_default();
        write_file(path, mask, destinations.bitmask)?;
    }
    Ok(())
}

/// Writes for each removed row the one it duplicates.
fn write_clusters(report: &DedupReport, path: &Path, if_exists: IfExists) -> io::Result<()> {
    let mut to = BufWriter::new(OutputFile::create(path, if_exists, None)?);
    for why in &report.evidence {
        let line = ClusterLine {
            row: why.removed,
            kept: why.kept,
            kind: MatchKind::of(why.likeness),
            similarity: round_similarity(why.similarity),
        };
        // Through a value, which sorts the keys.
        let line = serde_json::to_value(line).map_err(io::Error::other)?;
        writeln!(to, "{line}")?;
    }
    to.into_inner()?.finish().map(drop)
}

/// Writes the rows that stay, if there is an output for them.
fn write_unique_rows(
    ctx: &Context,
    args: &DedupArgs,
    target: &Target,
    if_exists: IfExists,
    report: &DedupReport,
) -> Result<Option<Written>, Failure> {
    let Some(path) = &args.output else {
        return Ok(None);
    };
    let writer = RowWriter {
        targets: std::slice::from_ref(target),
        paths: std::slice::from_ref(path),
        columns: &[],
        if_exists,
        args: &args.write,
    };
    let pick = |number: u64| (!report.removed.contains(number)).then_some(0);
    writer.write(ctx, &RowAssignment::Number(&pick)).map(Some)
}

impl<'a> DedupOutput<'a> {
    fn of(report: &'a DedupReport, written: Option<&Written>, seconds: f64) -> Self {
        let sources = report.sources.iter().map(|s| SourceObject {
            source: &s.source,
            rows: s.rows,
            kept: s.kept,
        });
        Self {
            rows: report.rows,
            unique_rows: report.unique_rows,
            exact_duplicates: report.exact_duplicates,
            near_duplicates: report.near_duplicates,
            clusters: report.clusters,
            largest_cluster: report.largest_cluster,
            seconds,
            pairs_compared: report.compared,
            rows_sketched: report.sketched,
            spilled_bytes: report.spilled_bytes,
            sources: sources.collect(),
            files: written.map(Written::paths).unwrap_or_default(),
            rows_out: written.map(|written| written.moved.rows_out),
            rows_refused: written.map(|written| written.moved.refused),
        }
    }
}

fn format_report(report: &DedupReport, has_cache: bool, seconds: f64, out: Out) -> String {
    let share = |n: u64| 100.0 * n as f64 / report.rows.max(1) as f64;
    let mut text = format!(
        "{} rows, {} stay ({:.1} %), {seconds:.2} s\n  same as another  {}\n  like another     {}\n  clusters         {}, the largest of {} rows\n",
        report.rows,
        report.unique_rows,
        share(report.unique_rows),
        report.exact_duplicates,
        report.near_duplicates,
        report.clusters,
        report.largest_cluster,
    );
    if has_cache {
        text += &format!("  sketched         {}\n", report.sketched);
    }
    if report.spilled_bytes > 0 {
        text += &format!("  put on disk      {}\n", human_bytes(report.spilled_bytes));
    }
    let rows: Vec<Vec<String>> = report
        .sources
        .iter()
        .map(|s| vec![s.source.clone(), s.rows.to_string(), s.kept.to_string()])
        .collect();
    if !rows.is_empty() {
        text += &format!("\n{}", out.table(&["SOURCE", "ROWS", "STAY"], &rows));
    }
    text
}
