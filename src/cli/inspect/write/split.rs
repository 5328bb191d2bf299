//! `inspect split`: divides rows into train, valid and test.

use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::inspect::columns::require_columns;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::context::TargetArgs;
use crate::cli::inspect::scan::thread_count;
use crate::cli::inspect::write::row_writer::RowWriter;
use crate::cli::inspect::write::row_writer::WriteArgs;
use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::SketchCache;
use crate::inspect::dedup::dedup;
use crate::inspect::output::OutputFormat;
use crate::inspect::sampling::groups::SplitGroups;
use crate::inspect::sampling::split::SplitBy;
use crate::inspect::sampling::split::SplitOptions;
use crate::inspect::sampling::split::Splitter;
use crate::inspect::table::Scan;
use crate::inspect::table::Selection;
use crate::progress::Progress;
use crate::registry::Error;
use crate::registry::RowAssignment;
use crate::registry::SpillDirectory;
use crate::registry::Target;
use crate::registry::host;

/// Divide rows into train, valid and test by their content
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect split all.jsonl --ratios 90,5,5 -o parts
  alimentar inspect split my-dataset --ratios 80,20 --by user_id -o parts

The part of a row depends neither on its place nor on other rows, except that similar rows go to the same
part.")]
pub(crate) struct SplitArgs {
    #[command(flatten)]
    targets: TargetArgs,
    /// The sizes of the parts in proportion to each other
    #[arg(
        long,
        value_name = "A,B,…",
        value_delimiter = ',',
        default_value = "90,5,5"
    )]
    ratios: Vec<u32>,
    /// The directory for train, valid and test
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Another seed gives another division
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Rows with the same value in this column go to the same part
    #[arg(long, value_name = "C")]
    by: Option<String>,
    /// Let similar rows go to different parts; saves the search for them
    #[arg(long)]
    no_groups: bool,
    /// The format of the files, if it differs from the input: jsonl, csv, tsv, parquet, arrow or txt
    #[arg(long, value_name = "FORMAT", value_parser = parse_format)]
    format: Option<OutputFormat>,
    #[command(flatten)]
    write: WriteArgs,
}

fn parse_format(name: &str) -> Result<OutputFormat, String> {
    let known = "jsonl, csv, tsv, parquet, arrow, arrows or txt".to_owned();
    OutputFormat::of_path(&format!(".{name}")).ok_or(known)
}

pub(crate) fn run(ctx: &InspectContext<'_>, args: &SplitArgs) -> Result<(), Failure> {
    let began = host::instant();
    let target = ctx.open_targets(&args.targets.target)?;
    require_columns(ctx.base, &target, args.by.as_slice())?;
    let by = args.by.clone().map_or(SplitBy::Row, SplitBy::Column);
    let has_groups = by == SplitBy::Row && !args.no_groups;
    let options = SplitOptions {
        ratios: args.ratios.clone(),
        seed: args.seed,
        by,
    };
    let no_ratio = "--ratios takes numbers with commas between them, at least one above 0";
    let splitter = Splitter::new(&options).map_err(|_| Failure::usage(no_ratio))?;
    std::fs::create_dir_all(&args.output).map_err(|e| Error::file("create", &args.output, e))?;
    let format = match args.format {
        Some(format) => format,
        None => target.kept_format()?,
    };
    let paths = part_paths(args, format.ending());
    let if_exists = args.write.check_destinations(ctx.base, &paths)?;
    let groups = if has_groups {
        find_groups(ctx.base, &target, &splitter)?
    } else {
        SplitGroups::default()
    };
    let writer = RowWriter {
        targets: std::slice::from_ref(&target),
        paths: &paths,
        columns: &[],
        if_exists,
        args: &args.write,
    };
    let picks = RowAssignment::Both(
        &|batch, row, scratch| splitter.part(splitter.place(batch.shape(), row.text, scratch)),
        &|number| groups.place(number).map(|place| splitter.part(place)),
    );
    let written = writer.write(ctx.base, &picks)?;
    written.print(ctx.base.out, began.elapsed())
}

/// Finds groups of similar rows, which go to the same part.
fn find_groups(
    ctx: &Context,
    target: &Target,
    splitter: &Splitter,
) -> Result<SplitGroups, Failure> {
    let spill = SpillDirectory::create(&ctx.home()?)?;
    let bar = ctx.progress_bar();
    let cache = target.sketch_cache();
    let options = DedupOptions {
        threads: thread_count(),
        size_bytes: Some(target.size_bytes()),
        sketch_cache: cache.as_ref().map(|k| k as &dyn SketchCache),
        spill: spill.spill(),
        ..DedupOptions::default()
    };
    let open = |s: &Selection| Ok(target.all_batches(&s.columns));
    let report = dedup(&open, &options, &bar).map_err(|e| target.blame(e))?;
    let batches = target.all_batches(&[]);
    bar.phase("reading them once more", Some(target.size_bytes()));
    let scan = Scan {
        batches: &*batches,
        threads: thread_count(),
        progress: &bar,
    };
    let groups = SplitGroups::read(&scan, splitter, &report.evidence);
    Ok(groups.map_err(|e| target.blame(e))?)
}

/// The files of the parts: train, valid and test, or numbered parts.
fn part_paths(args: &SplitArgs, ending: &str) -> Vec<PathBuf> {
    let names: &[&str] = match args.ratios.len() {
        1 => &["train"],
        2 => &["train", "test"],
        3 => &["train", "valid", "test"],
        _ => &[],
    };
    let name = |n: usize| match names.get(n) {
        Some(name) => (*name).to_owned(),
        None => format!("part-{n}"),
    };
    let file = |n| args.output.join(format!("{}.{ending}", name(n)));
    (0..args.ratios.len()).map(file).collect()
}
