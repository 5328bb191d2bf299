//! `inspect dedup`.

use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_inspect::DedupArgs;
use crate::cli::args_inspect::KeepArg;
use crate::cli::args_inspect::NearArgs;
use crate::cli::bar::Bar;
use crate::cli::commands::home_of;
use crate::cli::exit::Failure;
use crate::cli::inspect::require_columns;
use crate::cli::inspect::targets;
use crate::cli::inspect::threads;
use crate::cli::inspect::write;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::out::table;
use crate::cli::outputs;
use crate::file_io::IfExists;
use crate::file_io::OutputFile;
use crate::file_io::is_standard_output;
use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::DedupReport;
use crate::inspect::dedup::DirectorySpill;
use crate::inspect::dedup::Keep;
use crate::inspect::dedup::Likeness;
use crate::inspect::dedup::Measure;
use crate::inspect::dedup::Method;
use crate::inspect::dedup::SketchCache;
use crate::inspect::dedup::Weighting;
use crate::inspect::dedup::dedup;
use crate::inspect::table::Selection;
use crate::registry::Error;
use crate::registry::Picks;
use crate::registry::SpillDirectory;
use crate::registry::host;

/// Bits that may differ between fingerprints where nothing else is said.
const DISTANCE: u32 = 3;
/// The most of them that make sense: unrelated rows differ in half of their bits.
const DISTANCE_MAX: u32 = 16;

pub(crate) fn run(args: &DedupArgs, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let began = host::instant();
    let may = |path: &Option<PathBuf>| match path {
        Some(path) => outputs::may_write_file(path, cli, out),
        None => Ok(IfExists::Refuse),
    };
    let (may_output, may_clusters, may_bitmask) = (
        write::if_exists(args.output.as_slice(), &args.write, (cli, out))?,
        may(&args.clusters)?,
        may(&args.bitmask)?,
    );
    let outputs = [
        &args.output,
        &args.clusters,
        &args.bitmask,
        &args.write.rejects,
    ];
    let data = outputs
        .into_iter()
        .flatten()
        .find(|path| is_standard_output(path));
    let out = &out.beside(data.map(PathBuf::as_path));
    let target = targets(&args.target, cli, out)?;
    let mut columns = args.near.column.clone();
    columns.extend(args.source.clone());
    if let KeepArg::Max(column) = &args.keep {
        columns.push(column.clone());
    }
    require_columns(&target, &columns, out)?;
    let spill = SpillDirectory::create(&home_of(cli)?)?;
    let kept = target.kept_prints();
    let options = DedupOptions {
        prints: kept.as_ref().map(|k| k as &dyn SketchCache),
        size_bytes: Some(target.size_bytes()),
        ..options(args, spill.spill())?
    };
    let bar = Bar::new(out.is_quiet());
    let open = |s: &Selection| Ok(target.all_batches(&s.columns));
    let report = dedup(&open, &options, &bar).map_err(|e| target.blame(e))?;
    drop(bar);
    if let Some(path) = &args.clusters {
        let fail = |e| Failure::from(Error::output(path, e));
        evidence(&report, path, may_clusters).map_err(fail)?;
    }
    if let Some(path) = &args.bitmask {
        let words = report.removed.words().iter();
        let bytes: Vec<u8> = words.flat_map(|word| word.to_le_bytes()).collect();
        let length = usize::try_from(report.rows.div_ceil(8)).unwrap_or(usize::MAX);
        let mask = bytes.get(..length.min(bytes.len())).unwrap_or_default();
        outputs::write(path, mask, may_bitmask)?;
    }
    let mut written = None;
    if let Some(path) = &args.output {
        let writing = write::Writing {
            targets: std::slice::from_ref(&target),
            paths: std::slice::from_ref(path),
            columns: &[],
            if_exists: may_output,
            args: &args.write,
        };
        let keep = |number: u64| (!report.removed.contains(number)).then_some(0);
        written = Some(write::write(&writing, &Picks::Number(&keep), out)?);
    }
    let files = written.iter().flat_map(|written| &written.files);
    let seconds = began.elapsed().as_secs_f64();
    let sources = report
        .sources
        .iter()
        .map(|s| json!({"source": s.source, "rows": s.rows, "kept": s.kept}));
    let answer = json!({
        "rows": report.rows, "unique_rows": report.unique_rows,
        "exact_duplicates": report.exact_duplicates, "near_duplicates": report.near_duplicates,
        "clusters": report.clusters, "largest_cluster": report.largest_cluster,
        "seconds": seconds, "pairs_compared": report.compared, "rows_sketched": report.sketched,
        "spilled_bytes": report.spilled_bytes, "sources": sources.collect::<Vec<_>>(),
        "files": files.map(|f| f.path.display().to_string()).collect::<Vec<_>>(),
        "rows_out": written.as_ref().map(|written| written.moved.rows_out),
        "rows_refused": written.as_ref().map(|written| written.moved.refused),
    });
    out.result(
        &answer,
        &[report.unique_rows.to_string()],
        &text(&report, options.prints.is_some(), seconds),
    )?;
    written.map_or(Ok(()), |written| written.done())
}

fn options<'a>(args: &DedupArgs, spill: &'a DirectorySpill) -> Result<DedupOptions<'a>, Failure> {
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

/// How rows that are alike are looked for, by what was typed.
pub(super) fn near_options<'a>(
    args: &NearArgs,
    is_exact: bool,
    spill: &'a DirectorySpill,
) -> Result<DedupOptions<'a>, Failure> {
    let usual = DedupOptions::default();
    let is_bits = args.simhash || args.threshold.is_some_and(|k| k > 1.0);
    let (method, threshold) = match args.threshold {
        _ if is_exact => (Method::Exact, usual.threshold),
        None if is_bits => (Method::SimHash { distance: DISTANCE }, usual.threshold),
        Some(k) if is_bits => {
            // A whole number above one can only be a number of bits.
            let distance = (0..=DISTANCE_MAX).find(|bits| f64::from(*bits) == k);
            let wrong = "--threshold is a similarity from 0 to 1, or a number of bits up to 16";
            let distance = distance.ok_or(Failure::usage(wrong))?;
            (Method::SimHash { distance }, usual.threshold)
        }
        similarity => (Method::MinHash, similarity.unwrap_or(usual.threshold)),
    };
    if !(0.0..=1.0).contains(&threshold) {
        return Err(Failure::usage("--threshold is a similarity from 0 to 1"));
    }
    Ok(DedupOptions {
        method,
        shingle: args.shingle,
        threshold,
        measure: match args.containment {
            true => Measure::Containment,
            false => Measure::Jaccard,
        },
        weighting: match args.no_weights {
            true => Weighting::Plain,
            false => Weighting::Rare,
        },
        columns: args.column.clone(),
        budget_bytes: usize::try_from(args.budget).unwrap_or(usize::MAX),
        threads: threads(),
        spill,
        ..usual
    })
}

/// Writes why each row goes, a line of JSON each.
fn evidence(report: &DedupReport, path: &Path, if_exists: IfExists) -> io::Result<()> {
    let mut to = BufWriter::new(OutputFile::create(path, if_exists, None)?);
    for why in &report.evidence {
        let kind = match why.likeness {
            Likeness::Exact => "exact",
            Likeness::Near => "near",
        };
        let line = json!({
            "row": why.removed, "kept": why.kept, "kind": kind,
            "similarity": (f64::from(why.similarity) * 1e4).round() / 1e4,
        });
        writeln!(to, "{line}")?;
    }
    to.into_inner()?.finish().map(drop)
}

fn text(report: &DedupReport, is_kept: bool, seconds: f64) -> String {
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
    if is_kept {
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
        text += &format!("\n{}", table(&["SOURCE", "ROWS", "STAY"], &rows));
    }
    text
}
