//! `registry diff`: compares two datasets, or files at URLs, by chunks, files and rows; or a dataset and
//! a directory by files.

use std::path::Path;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;
use crate::cli::output::text::printable;
use crate::cli::prompt::dataset::check_size;
use crate::cli::registry::elsewhere::url_of;
use crate::cli::registry::network::look::FoundDataset;
use crate::cli::registry::network::look::LookArgs;
use crate::cli::registry::network::look::Looks;
use crate::cli::registry::working_copy::changes::Sides;
use crate::cli::registry::working_copy::changes::print_changes;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::ContentId;
use crate::manifest::TreeDiff;
use crate::registry::DiffInput;
use crate::registry::Error;
use crate::registry::FileDiff;
use crate::registry::RowDiff;
use crate::registry::RowSample;
use crate::remote::RemoteUrl;

/// Compare two datasets, or a dataset with a directory
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar registry diff corpus@1.0.0 corpus@1.1.0
  alimentar registry diff corpus ./corpus
  alimentar registry diff corpus hf://datasets/lab/corpus")]
pub(crate) struct DiffArgs {
    /// A reference or a URL
    a: String,
    /// Another; or a directory or file, to compare with a reference
    b: String,
    /// End with 1 if something differs
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    look: LookArgs,
}

#[derive(Serialize)]
struct DiffOutput<'a> {
    /// Null for what is at a URL.
    a: Option<String>,
    b: Option<String>,
    shared_bytes: u64,
    only_a_bytes: u64,
    only_b_bytes: u64,
    shared_chunks: u64,
    only_a_chunks: u64,
    only_b_chunks: u64,
    files: Vec<FileObject<'a>>,
    rows: Vec<RowDiffObject<'a>>,
}

#[derive(Serialize)]
struct FileObject<'a> {
    path: &'a str,
    status: &'static str,
    size_a: Option<u64>,
    size_b: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
}

#[derive(Serialize)]
struct RowDiffObject<'a> {
    path: &'a str,
    added: u64,
    removed: u64,
    changed: u64,
    bytes_read: u64,
    samples: Vec<SampleObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_compared: Option<&'a str>,
}

#[derive(Serialize)]
struct SampleObject<'a> {
    before: Option<RowObject<'a>>,
    after: Option<RowObject<'a>>,
}

#[derive(Serialize)]
struct RowObject<'a> {
    n: u64,
    text: &'a str,
}

pub(crate) fn run(ctx: &Context, args: &DiffArgs) -> Result<(), Failure> {
    let looks = Looks::new(ctx, &args.look);
    let path = Path::new(&args.b);
    let Some(b) = find_second(&looks, &args.b, path)? else {
        return diff_directory(ctx, &looks, args, path);
    };
    let a = find(&looks, &args.a)?;
    let (a, b) = (input(ctx, a)?, input(ctx, b)?);
    diff_inputs(ctx, &a, &b, args.exit_code)
}

/// A side of the comparison, before anything of it was read.
enum Side {
    Dataset(FoundDataset),
    Url(RemoteUrl),
}

fn find(looks: &Looks<'_>, typed: &str) -> Result<Side, Failure> {
    match url_of(typed)? {
        Some(url) => Ok(Side::Url(url)),
        None => looks.dataset(typed).map(Side::Dataset),
    }
}

/// Finds the second side; `None` if the argument is a path that exists. The argument is a path only
/// if no dataset can have that name, or none has: a path hides no error of the registry.
fn find_second(looks: &Looks<'_>, typed: &str, path: &Path) -> Result<Option<Side>, Failure> {
    if is_written_as_path(typed) {
        if path.exists() {
            return Ok(None);
        }
        return Err(Error::file("find", path, rustix::io::Errno::NOENT.into()).into());
    }
    if url_of(typed)?.is_some() || !path.exists() {
        return find(looks, typed).map(Some);
    }
    match looks.held(typed) {
        Ok(dataset) => Ok(Some(Side::Dataset(FoundDataset::Held(Box::new(dataset))))),
        Err(Failure::Library(error))
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid) =>
        {
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

fn diff_directory(
    ctx: &Context,
    looks: &Looks<'_>,
    args: &DiffArgs,
    path: &Path,
) -> Result<(), Failure> {
    if url_of(&args.a)?.is_some() {
        return Err(Failure::Misused {
            message: "a URL is not compared with a path".to_owned(),
            hint: "index one of them, and compare the dataset with the other".to_owned(),
        });
    }
    let a = looks.whole_dataset(&args.a)?;
    check_size(ctx, &a)?;
    let bar = ctx.progress_bar();
    let copies = ctx.registry()?.working_copies();
    let report = copies.diff_directory(&a, path, &bar)?;
    drop(bar);
    let sides = Sides {
        a: a.manifest.content_id.to_string(),
        b: (),
    };
    print_changes(ctx, &report, Some(&sides), args.exit_code)
}

/// Reads what every comparison needs of a side.
fn input(ctx: &Context, side: Side) -> Result<DiffInput, Failure> {
    let bar = ctx.progress_bar();
    Ok(match side {
        Side::Dataset(FoundDataset::Held(dataset)) => {
            check_size(ctx, &dataset)?;
            DiffInput::held(ctx.registry()?, &dataset)?
        }
        Side::Dataset(FoundDataset::Look(look)) => DiffInput::looked(&look, &bar)?,
        Side::Url(url) => DiffInput::elsewhere(ctx.remote()?, &url, &bar)?,
    })
}

/// True if the argument is written as a path. It then is one, even if a dataset has this name.
fn is_written_as_path(text: &str) -> bool {
    let fronts = ["/", "./", "../"];
    matches!(text, "." | "..") || fronts.iter().any(|f| text.starts_with(f)) || text.ends_with('/')
}

fn diff_inputs(
    ctx: &Context,
    a: &DiffInput,
    b: &DiffInput,
    exit_code: bool,
) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let report = registry.comparison().diff_of(a, b)?;
    let bar = ctx.progress_bar();
    let rows = registry.comparison().diff_rows_of(a, b, &bar)?;
    drop(bar);
    let t = &report.tree;
    let output = DiffOutput {
        a: a.content_id().map(|id| id.to_string()),
        b: b.content_id().map(|id| id.to_string()),
        shared_bytes: t.shared.bytes,
        only_a_bytes: t.only_a.bytes,
        only_b_bytes: t.only_b.bytes,
        shared_chunks: t.shared.chunks,
        only_a_chunks: t.only_a.chunks,
        only_b_chunks: t.only_b.chunks,
        files: report.files.iter().map(FileObject::of).collect(),
        rows: rows.iter().map(RowDiffObject::of).collect(),
    };
    let mut text = format_totals(t);
    for f in &report.files {
        let path = match &f.from {
            Some(from) => format!("{from} -> {}", f.path),
            None => f.path.clone(),
        };
        text += &format!("{:<8}{}\n", status_of(f), printable(&path));
    }
    rows.iter().for_each(|d| text += &format_rows(d));
    let paths: Vec<String> = report.files.iter().map(|f| printable(&f.path)).collect();
    ctx.out.result(&output, &paths, &text)?;
    let is_same = match (a.content_id(), b.content_id()) {
        (Some(a), Some(b)) => a == b,
        _ => report.files.is_empty(),
    };
    if exit_code && !is_same {
        return Err(Failure::Differs);
    }
    Ok(())
}

fn status_of(f: &FileDiff) -> &'static str {
    match (&f.a, &f.b) {
        _ if f.from.is_some() => "renamed",
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    }
}

impl<'a> FileObject<'a> {
    fn of(f: &'a FileDiff) -> Self {
        let size = |side: &Option<(u64, ContentId)>| side.as_ref().map(|(n, _)| *n);
        Self {
            path: &f.path,
            status: status_of(f),
            size_a: size(&f.a),
            size_b: size(&f.b),
            from: f.from.as_deref(),
        }
    }
}

impl<'a> RowDiffObject<'a> {
    fn of(diff: &'a RowDiff) -> Self {
        Self {
            path: &diff.path,
            added: diff.added,
            removed: diff.removed,
            changed: diff.changed,
            bytes_read: diff.bytes_read,
            samples: diff.samples.iter().map(SampleObject::of).collect(),
            not_compared: diff.not_compared.as_deref(),
        }
    }
}

impl<'a> SampleObject<'a> {
    fn of(sample: &'a RowSample) -> Self {
        let row = |side: &'a Option<(u64, String)>| {
            side.as_ref().map(|(n, text)| RowObject { n: *n, text })
        };
        Self {
            before: row(&sample.before),
            after: row(&sample.after),
        }
    }
}

fn format_totals(t: &TreeDiff) -> String {
    format!(
        "shared  {} in {} chunks\nonly a  {} in {} chunks\nonly b  {} in {} chunks\n",
        human_bytes(t.shared.bytes),
        t.shared.chunks,
        human_bytes(t.only_a.bytes),
        t.only_a.chunks,
        human_bytes(t.only_b.bytes),
        t.only_b.chunks,
    )
}

fn format_rows(diff: &RowDiff) -> String {
    if let Some(reason) = &diff.not_compared {
        let path = printable(&diff.path);
        return format!("rows of {path}: not compared: {}\n", printable(reason));
    }
    let mut text = format!(
        "rows of {}: {} changed, {} added, {} removed ({} read)\n",
        printable(&diff.path),
        diff.changed,
        diff.added,
        diff.removed,
        human_bytes(diff.bytes_read),
    );
    for sample in &diff.samples {
        let lines = [('-', &sample.before), ('+', &sample.after)];
        for (sign, side) in lines {
            if let Some((n, row)) = side {
                text += &printable(&format!("  {sign} {n}: {row}")).replace('\n', "\u{fffd}");
                text.push('\n');
            }
        }
    }
    text
}
