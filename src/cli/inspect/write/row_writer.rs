//! Writes rows of targets into files, for all commands that do.

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::ValueEnum;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::inspect::columns::LeftOutColumn;
use crate::cli::inspect::columns::warn_about_columns;
use crate::cli::inspect::scan::thread_count;
use crate::cli::inspect::write::rejects::Rejects;
use crate::cli::output::destination::check_file_destination;
use crate::cli::output::out::Out;
use crate::cli::output::progress_bar::ProgressBar;
use crate::cli::output::text::human_bytes;
use crate::file_io::IfExists;
use crate::file_io::is_standard_output;
use crate::inspect::output::NanRule;
use crate::inspect::output::OutputFormat;
use crate::inspect::output::OutputPlan;
use crate::inspect::output::RowCheck;
use crate::inspect::output::common_columns;
use crate::inspect::output::without_dictionaries;
use crate::inspect::table::Batches;
use crate::inspect::table::Columnar;
use crate::inspect::table::Decoded;
use crate::inspect::table::Scan;
use crate::inspect::table::Selection;
use crate::inspect::table::UnreadColumn;
use crate::progress::Progress;
use crate::registry::CopyReport;
use crate::registry::RowAssignment;
use crate::registry::RowCopy;
use crate::registry::RowFileReport;
use crate::registry::RowFiles;
use crate::registry::RowForm;
use crate::registry::Target;
use crate::registry::format_of;
use crate::registry::plan_of;

/// The options of commands that write rows.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct WriteArgs {
    /// The replacement for NaN and infinities, which JSON does not have: null, their names as text, or an
    /// error
    #[arg(long, value_name = "WHAT", default_value = "fail")]
    nan: NanArg,
    /// Leave out rows that cannot be written, list them, and end with code 7
    #[arg(long)]
    skip_malformed: bool,
    /// Write the rows that are left out into this file: a line of JSON each, with the reason
    #[arg(long, value_name = "FILE", requires = "skip_malformed")]
    rejects: Option<PathBuf>,
}

/// The replacement for NaN and infinities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum NanArg {
    /// They become null
    Null,
    /// They become the texts NaN, Infinity and -Infinity
    Text,
    /// They are an error
    #[default]
    Fail,
}

impl NanArg {
    fn rule(self) -> NanRule {
        match self {
            Self::Null => NanRule::Null,
            Self::Text => NanRule::Text,
            Self::Fail => NanRule::Fail,
        }
    }
}

impl WriteArgs {
    /// The file for rows that are left out.
    pub(crate) fn rejects(&self) -> Option<&PathBuf> {
        self.rejects.as_ref()
    }

    /// Checks the outputs of a command before its work.
    ///
    /// # Errors
    /// As [`check_file_destination`].
    pub(crate) fn check_destinations(
        &self,
        ctx: &Context,
        paths: &[PathBuf],
    ) -> Result<IfExists, Failure> {
        let mut if_exists = IfExists::Refuse;
        for path in paths.iter().chain(&self.rejects) {
            if check_file_destination(ctx, path)? == IfExists::Replace {
                if_exists = IfExists::Replace;
            }
        }
        Ok(if_exists)
    }
}

/// Writes rows of targets into files.
pub(crate) struct RowWriter<'a> {
    pub targets: &'a [Target],
    /// The files. A pick says which of them a row goes to.
    pub paths: &'a [PathBuf],
    /// The columns to write; all if empty.
    pub columns: &'a [String],
    /// The rule for files that exist.
    pub if_exists: IfExists,
    pub args: &'a WriteArgs,
}

/// The result of a [`RowWriter`].
pub(crate) struct Written {
    pub moved: CopyReport,
    files: Vec<RowFileReport>,
    /// The reasons for the first rows that were refused.
    refused: Vec<String>,
    /// The file with the rows that were refused.
    rejects: Option<PathBuf>,
    /// Columns of types that cannot be read. Empty if the command names columns.
    unread: Vec<UnreadColumn>,
}

#[derive(Serialize)]
struct WriteOutput {
    rows_in: u64,
    rows_out: u64,
    rows_refused: u64,
    seconds: f64,
    files: Vec<FileObject>,
    left_out: Vec<LeftOutColumn>,
}

#[derive(Serialize)]
struct FileObject {
    path: String,
    rows: u64,
    size_bytes: u64,
}

impl RowWriter<'_> {
    /// Writes the rows that are picked.
    ///
    /// # Errors
    /// Rows that cannot be read or written.
    pub(crate) fn write(
        &self,
        ctx: &Context,
        picks: &RowAssignment<'_>,
    ) -> Result<Written, Failure> {
        write_rows(ctx, self, picks)
    }
}

impl Written {
    /// The paths of the files.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.files.iter().map(|f| shown(&f.path)).collect()
    }

    /// Reports rows and columns that were left out.
    ///
    /// # Errors
    /// [`Failure::Partial`] with the columns, or with the first rows.
    pub(crate) fn check_refusals(&self) -> Result<(), Failure> {
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

    /// Prints the result of a command.
    ///
    /// # Errors
    /// As [`Written::check_refusals`].
    pub(crate) fn print(&self, out: Out, time: Duration) -> Result<(), Failure> {
        let seconds = time.as_secs_f64();
        let file = |f: &RowFileReport| FileObject {
            path: shown(&f.path),
            rows: f.rows,
            size_bytes: f.bytes,
        };
        let output = WriteOutput {
            rows_in: self.moved.rows_in,
            rows_out: self.moved.rows_out,
            rows_refused: self.moved.refused,
            seconds,
            files: self.files.iter().map(file).collect(),
            left_out: LeftOutColumn::all(&self.unread),
        };
        let mut text = format!(
            "{} of {} rows, {seconds:.2} s\n",
            output.rows_out, output.rows_in
        );
        for file in &output.files {
            let size = human_bytes(file.size_bytes);
            text += &format!("  {}  {} rows, {size}\n", file.path, file.rows);
        }
        let outputs = self.files.iter().map(|f| &f.path);
        let data = outputs
            .chain(&self.rejects)
            .find(|path| is_standard_output(path));
        let out = out.beside(data.map(PathBuf::as_path));
        out.result(&output, &self.paths(), &text)?;
        self.check_refusals()
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Writes the rows that are picked.
fn write_rows(
    ctx: &Context,
    writing: &RowWriter<'_>,
    picks: &RowAssignment<'_>,
) -> Result<Written, Failure> {
    let format = output_format(writing)?;
    if format == OutputFormat::Text && !writing.columns.is_empty() {
        let why =
            "a text file has no columns: --column goes with csv, tsv, jsonl, parquet or arrow";
        return Err(Failure::usage(why));
    }
    let mut unread = Vec::new();
    for target in writing.targets {
        unread.extend(warn_about_columns(ctx.out, target)?.unread);
    }
    // Columns that were named can be read.
    if !writing.columns.is_empty() {
        unread.clear();
    }
    if format.is_columnar()
        && let Some(columns) = decoded_columns(ctx.out, writing, format)?
    {
        let written = write_decoded(ctx, writing, picks, format, &columns)?;
        return Ok(Written { unread, ..written });
    }
    let bar = ctx.progress_bar();
    let mut plan = OutputPlan::of_columns(writing.columns);
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
            plan_of(
                &scan_of(&*batches, &bar),
                target,
                &check(target)?,
                &mut plan,
            )?;
        }
    }
    if let Some(name) = plan.repeated() {
        ctx.out.diagnostic(&format!(
            "warning: a row has `{name}` twice; the second is written as `{name}_1`"
        ));
    }
    let general = RowCheck {
        format,
        nan: writing.args.nan.rule(),
        is_columnar: false,
    };
    let as_text = RowForm::Text(&general, &plan);
    let mut files = RowFiles::create(writing.paths, &as_text, writing.if_exists)?;
    let mut rejects = Rejects::create(writing.args.rejects(), writing.if_exists)?;
    let mut moved = CopyReport::default();
    for target in writing.targets {
        let batches = target.all(selection());
        bar.phase("writing", Some(target.size_bytes()));
        let mut take = |row: &_| rejects.add(row);
        let mut moving = RowCopy {
            picks,
            check: &check(target)?,
            plan: &plan,
            refused: if writing.args.skip_malformed {
                Some(&mut take)
            } else {
                None
            },
        };
        let more = files.fill(&scan_of(&*batches, &bar), target, &mut moving)?;
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
        rejects: writing.args.rejects().cloned(),
        unread,
    })
}

/// The format of the ending, or else the one that keeps rows as they are.
fn output_format(writing: &RowWriter<'_>) -> Result<OutputFormat, Failure> {
    let otherwise = match writing.targets.first() {
        Some(first) => first.kept_format()?,
        None => OutputFormat::Text,
    };
    let first = writing.paths.first();
    Ok(first.map_or(otherwise, |path| format_of(path, otherwise)))
}

/// The columns of all targets, if all are columnar and have common columns.
fn decoded_columns(
    out: Out,
    writing: &RowWriter<'_>,
    format: OutputFormat,
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
    let common = if format == OutputFormat::Arrow && !is_one_arrow {
        without_dictionaries(&common)
    } else {
        common
    };
    Ok(common.of_names(writing.columns))
}

/// Writes columns without a detour over text.
fn write_decoded(
    ctx: &Context,
    writing: &RowWriter<'_>,
    picks: &RowAssignment<'_>,
    format: OutputFormat,
    columns: &Columnar,
) -> Result<Written, Failure> {
    let bar = ctx.progress_bar();
    let decoded = RowForm::Decoded(format, columns);
    let mut files = RowFiles::create(writing.paths, &decoded, writing.if_exists)?;
    let mut moved = CopyReport::default();
    for target in writing.targets {
        let needs_text = picks.needs_text();
        let batches = target.all(Selection {
            // A pick by content may need other columns.
            columns: if needs_text {
                Vec::new()
            } else {
                writing.columns.to_vec()
            },
            decoded: if needs_text {
                Decoded::Beside
            } else {
                Decoded::Alone
            },
            ..Selection::default()
        });
        bar.phase("writing", Some(target.size_bytes()));
        let schema = &columns.schema;
        let more = files.fill_decoded(&scan_of(&*batches, &bar), target, picks, schema)?;
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

fn scan_of<'a>(batches: &'a dyn Batches, bar: &'a ProgressBar) -> Scan<'a> {
    Scan {
        batches,
        threads: thread_count(),
        progress: bar,
    }
}
