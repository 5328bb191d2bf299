//! The commands that write rows into files: `inspect filter`, `export`, `merge`.

use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_inspect::ExportArgs;
use crate::cli::args_inspect::FilterArgs;
use crate::cli::args_inspect::MergeArgs;
use crate::cli::bar::Bar;
use crate::cli::commands::home_of;
use crate::cli::exit::Failure;
use crate::cli::inspect::search::pattern;
use crate::cli::inspect::target;
use crate::cli::inspect::tell_truncated;
use crate::cli::inspect::threads;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::outputs;
use crate::file_io::IfExists;
use crate::file_io::is_standard_output;
use crate::inspect::dup::DedupOptions;
use crate::inspect::dup::Method;
use crate::inspect::dup::dedup;
use crate::inspect::output::OutputFormat;
use crate::inspect::output::Plan;
use crate::inspect::table::Scan;
use crate::progress::Progress;
use crate::registry::Moved;
use crate::registry::Picks;
use crate::registry::RowFileReport;
use crate::registry::RowFiles;
use crate::registry::SpillDirectory;
use crate::registry::Target;
use crate::registry::format_of;
use crate::registry::host;
use crate::registry::plan_of;

/// What is written where.
pub(super) struct Writing<'a> {
    /// From where.
    pub(super) targets: &'a [Target],
    /// To where.
    pub(super) paths: &'a [PathBuf],
    /// The columns that are written, where columns are; none for all.
    pub(super) columns: &'a [String],
    /// What is done with files that are there.
    pub(super) if_exists: IfExists,
}

/// What came of it.
pub(super) struct Written {
    pub(super) moved: Moved,
    pub(super) files: Vec<RowFileReport>,
}

/// Whether files may be replaced, before anything is done.
pub(super) fn if_exists(paths: &[PathBuf], cli: &Cli, out: &Out) -> Result<IfExists, Failure> {
    let mut may = IfExists::Refuse;
    for path in paths {
        if outputs::may_write_file(path, cli, out)? == IfExists::Replace {
            may = IfExists::Replace;
        }
    }
    Ok(may)
}

pub(crate) fn filter(args: &FilterArgs, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let began = host::instant();
    let pattern = pattern(
        &args.pattern,
        args.column.as_ref(),
        args.ignore_case,
        args.invert,
    )?;
    let paths = std::slice::from_ref(&args.output);
    let if_exists = if_exists(paths, cli, out)?;
    let target = target(&args.target, cli, out)?;
    let writing = Writing {
        targets: &[target],
        paths,
        columns: &[],
        if_exists,
    };
    let picks =
        Picks::Content(&|batch, row, scratch| pattern.is_hit(batch, row, scratch).then_some(0));
    let written = write(&writing, &picks, out)?;
    tell(&written, began.elapsed().as_secs_f64(), Vec::new(), out)
}

pub(crate) fn export(args: &ExportArgs, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let began = host::instant();
    let paths = std::slice::from_ref(&args.output);
    let if_exists = if_exists(paths, cli, out)?;
    let target = target(&args.target, cli, out)?;
    let removed = match args.unique {
        false => None,
        true => {
            let bar = Bar::new(out.is_quiet());
            let spill = SpillDirectory::create(&home_of(cli)?)?;
            let options = DedupOptions {
                method: Method::Exact,
                threads: threads(),
                size_bytes: Some(target.size_bytes()),
                spill: spill.spill(),
                ..DedupOptions::default()
            };
            let open = |s: &crate::inspect::table::Selection| Ok(target.all_batches(&s.columns));
            let report = dedup(&open, &options, &bar).map_err(|e| target.blame(e))?;
            Some(report.removed)
        }
    };
    let writing = Writing {
        targets: &[target],
        paths,
        columns: &args.column,
        if_exists,
    };
    let written = match removed {
        None => write(&writing, &Picks::Content(&|_, _, _| Some(0)), out)?,
        Some(removed) => {
            let keep = |number: u64| (!removed.contains(number)).then_some(0);
            write(&writing, &Picks::Number(&keep), out)?
        }
    };
    tell(&written, began.elapsed().as_secs_f64(), Vec::new(), out)
}

pub(crate) fn merge(args: &MergeArgs, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let began = host::instant();
    let paths = std::slice::from_ref(&args.output);
    let if_exists = if_exists(paths, cli, out)?;
    let targets: Result<Vec<Target>, Failure> =
        args.targets.iter().map(|t| target(t, cli, out)).collect();
    let writing = Writing {
        targets: &targets?,
        paths,
        columns: &[],
        if_exists,
    };
    let written = write(&writing, &Picks::Content(&|_, _, _| Some(0)), out)?;
    tell(&written, began.elapsed().as_secs_f64(), Vec::new(), out)
}

/// Writes the rows that are picked.
pub(super) fn write(
    writing: &Writing<'_>,
    picks: &Picks<'_>,
    out: &Out,
) -> Result<Written, Failure> {
    let otherwise = match writing.targets.first() {
        Some(first) => OutputFormat::of_shape(&first.shape()?),
        None => OutputFormat::Text,
    };
    let format = |p: &PathBuf| format_of(p, otherwise);
    let needs_plan = writing
        .paths
        .iter()
        .map(format)
        .any(OutputFormat::needs_plan);
    let bar = Bar::new(out.is_quiet());
    let mut plan = Plan::of_columns(writing.columns);
    if needs_plan {
        for target in writing.targets {
            let batches = target.all_batches(writing.columns);
            bar.phase("looking at columns", Some(target.size_bytes()));
            let learnt = plan_of(&scan(&*batches, &bar), target)?;
            plan.merge(&learnt);
        }
    }
    let mut files = RowFiles::create(writing.paths, otherwise, &plan, writing.if_exists)?;
    let mut moved = Moved::default();
    for target in writing.targets {
        let columns = if needs_plan { writing.columns } else { &[] };
        let batches = target.all_batches(columns);
        bar.phase("writing", Some(target.size_bytes()));
        let more = files.fill(&scan(&*batches, &bar), target, picks)?;
        moved.rows_in += more.rows_in;
        moved.rows_out += more.rows_out;
        moved.truncated += more.truncated;
    }
    let files = files.commit()?;
    drop(bar);
    tell_truncated(moved.truncated, out);
    Ok(Written { moved, files })
}

fn scan<'a>(batches: &'a dyn crate::inspect::table::Batches, bar: &'a Bar) -> Scan<'a> {
    Scan {
        batches,
        threads: threads(),
        progress: bar,
    }
}

/// Says what was written; `more` are keys of its own.
pub(super) fn tell(
    written: &Written,
    seconds: f64,
    more: Vec<(&str, Value)>,
    out: &Out,
) -> Result<(), Failure> {
    let Moved {
        rows_in, rows_out, ..
    } = written.moved;
    let file =
        |f: &RowFileReport| json!({"path": shown(&f.path), "rows": f.rows, "size_bytes": f.bytes});
    let mut answer = json!({
        "rows_in": rows_in, "rows_out": rows_out, "seconds": seconds,
        "files": written.files.iter().map(file).collect::<Vec<_>>(),
    });
    if let Some(answer) = answer.as_object_mut() {
        answer.extend(more.into_iter().map(|(k, v)| (k.to_owned(), v)));
    }
    let mut text = format!("{rows_out} of {rows_in} rows, {seconds:.2} s\n");
    for file in &written.files {
        let size = human_bytes(file.bytes);
        text += &format!("  {}  {} rows, {size}\n", shown(&file.path), file.rows);
    }
    let paths: Vec<String> = written.files.iter().map(|f| shown(&f.path)).collect();
    let is_standard = |f: &&RowFileReport| is_standard_output(&f.path);
    let data = written.files.iter().find(is_standard);
    let out = out.beside(data.map(|f| f.path.as_path()));
    Ok(out.result(&answer, &paths, &text)?)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
