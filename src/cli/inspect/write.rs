//! The commands that write rows into files: `inspect filter`, `export`, `merge`.

use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_inspect::ExportArgs;
use crate::cli::args_inspect::FilterArgs;
use crate::cli::args_inspect::MergeArgs;
use crate::cli::args_write::WriteArgs;
use crate::cli::bar::Bar;
use crate::cli::commands::home_of;
use crate::cli::exit::Failure;
use crate::cli::inspect::left_out;
use crate::cli::inspect::rejects::Rejects;
use crate::cli::inspect::require_columns;
use crate::cli::inspect::search::pattern;
use crate::cli::inspect::target;
use crate::cli::inspect::targets;
use crate::cli::inspect::tell_columns;
use crate::cli::inspect::threads;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::outputs;
use crate::file_io::IfExists;
use crate::file_io::is_standard_output;
use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::Method;
use crate::inspect::dedup::dedup;
use crate::inspect::output::OutputFormat;
use crate::inspect::output::Plan;
use crate::inspect::output::RowCheck;
use crate::inspect::output::common_columns;
use crate::inspect::output::without_dictionaries;
use crate::inspect::table::Columnar;
use crate::inspect::table::Decoded;
use crate::inspect::table::Scan;
use crate::inspect::table::Selection;
use crate::inspect::table::UnreadColumn;
use crate::progress::Progress;
use crate::registry::Moved;
use crate::registry::Moving;
use crate::registry::Picks;
use crate::registry::RowFileReport;
use crate::registry::RowFiles;
use crate::registry::RowsAs;
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
    /// The columns that are written; none for all.
    pub(super) columns: &'a [String],
    /// What is done with files that are there.
    pub(super) if_exists: IfExists,
    /// What becomes of rows that cannot be written.
    pub(super) args: &'a WriteArgs,
}

/// What came of it.
pub(super) struct Written {
    pub(super) moved: Moved,
    pub(super) files: Vec<RowFileReport>,
    /// Why the first rows that were refused cannot be written.
    refused: Vec<String>,
    /// Where the rows that were refused went.
    rejects: Option<PathBuf>,
    /// Columns whose type is not read, where no others were asked for.
    unread: Vec<UnreadColumn>,
}

impl Written {
    /// Some rows may have been left out, as was asked for, and columns that are not read.
    ///
    /// # Errors
    /// [`Failure::Partial`] with the columns, or with the first of the rows.
    pub(super) fn done(&self) -> Result<(), Failure> {
        if !self.unread.is_empty() {
            let names = self.unread.iter().map(|c| format!("`{}`", c.name));
            let names = names.collect::<Vec<_>>().join(", ");
            return Err(Failure::Partial(format!(
                "what was written lacks columns whose type is not read: {names}"
            )));
        }
        match self.moved.refused {
            0 => Ok(()),
            count => Err(Failure::Partial(format!(
                "{count} row(s) could not be written and were left out: {}",
                self.refused.join("; ")
            ))),
        }
    }
}

/// Whether files may be replaced, before anything is done.
pub(super) fn if_exists(
    paths: &[PathBuf],
    args: &WriteArgs,
    (cli, out): (&Cli, &Out),
) -> Result<IfExists, Failure> {
    let mut may = IfExists::Refuse;
    for path in paths.iter().chain(&args.rejects) {
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
    let if_exists = if_exists(paths, &args.write, (cli, out))?;
    let target = targets(&args.target, cli, out)?;
    require_columns(&target, args.column.as_slice(), out)?;
    let writing = Writing {
        targets: &[target],
        paths,
        columns: &[],
        if_exists,
        args: &args.write,
    };
    let picks =
        Picks::Content(&|batch, row, scratch| pattern.is_hit(batch, row, scratch).then_some(0));
    let written = write(&writing, &picks, out)?;
    tell(&written, began.elapsed().as_secs_f64(), Vec::new(), out)
}

pub(crate) fn export(args: &ExportArgs, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let began = host::instant();
    let paths = std::slice::from_ref(&args.output);
    let if_exists = if_exists(paths, &args.write, (cli, out))?;
    let target = targets(&args.target, cli, out)?;
    require_columns(&target, &args.column, out)?;
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
            let open = |s: &Selection| Ok(target.all_batches(&s.columns));
            let report = dedup(&open, &options, &bar).map_err(|e| target.blame(e))?;
            Some(report.removed)
        }
    };
    let writing = Writing {
        targets: &[target],
        paths,
        columns: &args.column,
        if_exists,
        args: &args.write,
    };
    let written = match removed {
        None => write(&writing, &Picks::All, out)?,
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
    let if_exists = if_exists(paths, &args.write, (cli, out))?;
    let targets: Result<Vec<Target>, Failure> =
        args.targets.iter().map(|t| target(t, cli, out)).collect();
    let writing = Writing {
        targets: &targets?,
        paths,
        columns: &[],
        if_exists,
        args: &args.write,
    };
    let written = write(&writing, &Picks::All, out)?;
    tell(&written, began.elapsed().as_secs_f64(), Vec::new(), out)
}

/// Writes the rows that are picked.
pub(super) fn write(
    writing: &Writing<'_>,
    picks: &Picks<'_>,
    out: &Out,
) -> Result<Written, Failure> {
    let format = format(writing)?;
    if format == OutputFormat::Text && !writing.columns.is_empty() {
        let why =
            "a text file has no columns: --column goes with csv, tsv, jsonl, parquet or arrow";
        return Err(Failure::usage(why));
    }
    let mut unread = Vec::new();
    for target in writing.targets {
        unread.extend(tell_columns(target, out)?.unread);
    }
    // Columns that were named are not these.
    if !writing.columns.is_empty() {
        unread.clear();
    }
    if format.is_columnar()
        && let Some(columns) = decoded_columns(writing, format, out)?
    {
        let written = write_decoded(writing, picks, (format, &columns), out)?;
        return Ok(Written { unread, ..written });
    }
    let bar = Bar::new(out.is_quiet());
    let mut plan = Plan::of_columns(writing.columns);
    let check = |target: &Target| {
        Ok::<_, Failure>(RowCheck {
            format,
            nan: writing.args.nan.rule(),
            is_columnar: target.columnar()?.is_some(),
        })
    };
    let selection = || Selection {
        columns: writing.columns.to_vec(),
        nan: true,
        ..Selection::default()
    };
    let mut needs_plan = format.has_columns();
    for target in writing.targets {
        needs_plan |= format == OutputFormat::Jsonl && target.has_records()?;
    }
    if needs_plan {
        for target in writing.targets {
            let batches = target.all(selection());
            bar.phase("looking at columns", Some(target.size_bytes()));
            plan_of(&scan(&*batches, &bar), target, &check(target)?, &mut plan)?;
        }
    }
    if let Some(name) = plan.repeated() {
        out.diagnostic(&format!(
            "warning: a row has `{name}` twice; the second is written as `{name}_1`"
        ));
    }
    let general = RowCheck {
        format,
        nan: writing.args.nan.rule(),
        is_columnar: false,
    };
    let as_text = RowsAs::Text(&general, &plan);
    let mut files = RowFiles::create(writing.paths, &as_text, writing.if_exists)?;
    let mut rejects = Rejects::new(writing.args, writing.if_exists)?;
    let mut moved = Moved::default();
    for target in writing.targets {
        let batches = target.all(selection());
        bar.phase("writing", Some(target.size_bytes()));
        let mut take = |row: &_| rejects.take(row);
        let mut moving = Moving {
            picks,
            check: &check(target)?,
            plan: &plan,
            refused: match writing.args.skip_malformed {
                true => Some(&mut take),
                false => None,
            },
        };
        let more = files.fill(&scan(&*batches, &bar), target, &mut moving)?;
        moved.rows_in += more.rows_in;
        moved.rows_out += more.rows_out;
        moved.refused += more.refused;
    }
    let files = files.commit()?;
    rejects.finish()?;
    Ok(Written {
        moved,
        files,
        refused: rejects.first,
        rejects: writing.args.rejects.clone(),
        unread,
    })
}

/// What the rows are written as: what the ending says, or what keeps them as they are.
fn format(writing: &Writing<'_>) -> Result<OutputFormat, Failure> {
    let otherwise = match writing.targets.first() {
        Some(first) => first.kept_format()?,
        None => OutputFormat::Text,
    };
    let first = writing.paths.first();
    Ok(first.map_or(otherwise, |path| format_of(path, otherwise)))
}

/// The columns of all targets, where all of them are columnar and have columns in common.
fn decoded_columns(
    writing: &Writing<'_>,
    format: OutputFormat,
    out: &Out,
) -> Result<Option<Columnar>, Failure> {
    let mut files = Vec::new();
    for target in writing.targets {
        match target.columnar()? {
            Some(more) => files.extend(more),
            None => return Ok(None),
        }
    }
    let common = match common_columns(&files) {
        Ok(common) => common,
        Err(name) => {
            out.diagnostic(&format!(
                "warning: column `{name}` has several types that have nothing in common; types are those of the values"
            ));
            return Ok(None);
        }
    };
    let is_one_arrow = files.len() == 1 && writing.targets.iter().all(Target::is_arrow);
    let common = match format == OutputFormat::Arrow && !is_one_arrow {
        true => without_dictionaries(&common),
        false => common,
    };
    Ok(common.of_names(writing.columns))
}

fn write_decoded(
    writing: &Writing<'_>,
    picks: &Picks<'_>,
    (format, columns): (OutputFormat, &Columnar),
    out: &Out,
) -> Result<Written, Failure> {
    let bar = Bar::new(out.is_quiet());
    let decoded = RowsAs::Decoded(format, columns);
    let mut files = RowFiles::create(writing.paths, &decoded, writing.if_exists)?;
    let mut moved = Moved::default();
    for target in writing.targets {
        let needs_text = picks.needs_text();
        let batches = target.all(Selection {
            // What decides may be in other columns.
            columns: match needs_text {
                true => Vec::new(),
                false => writing.columns.to_vec(),
            },
            decoded: match needs_text {
                true => Decoded::Beside,
                false => Decoded::Alone,
            },
            ..Selection::default()
        });
        bar.phase("writing", Some(target.size_bytes()));
        let schema = &columns.schema;
        let more = files.fill_decoded(&scan(&*batches, &bar), target, picks, schema)?;
        moved.rows_in += more.rows_in;
        moved.rows_out += more.rows_out;
    }
    Ok(Written {
        moved,
        files: files.commit()?,
        refused: Vec::new(),
        rejects: None,
        unread: Vec::new(),
    })
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
        rows_in,
        rows_out,
        refused,
    } = written.moved;
    let file =
        |f: &RowFileReport| json!({"path": shown(&f.path), "rows": f.rows, "size_bytes": f.bytes});
    let mut answer = json!({
        "rows_in": rows_in, "rows_out": rows_out, "rows_refused": refused, "seconds": seconds,
        "files": written.files.iter().map(file).collect::<Vec<_>>(),
        "left_out": left_out(&written.unread),
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
    let outputs = written.files.iter().map(|f| &f.path);
    let data = outputs
        .chain(&written.rejects)
        .find(|path| is_standard_output(path));
    let out = out.beside(data.map(PathBuf::as_path));
    out.result(&answer, &paths, &text)?;
    written.done()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
