//! `registry diff`: two datasets by chunks, files and rows; a dataset and a directory by files.

use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::catalog::Dataset;
use crate::cli::args::Cli;
use crate::cli::bar::Bar;
use crate::cli::checkouts;
use crate::cli::commands::find;
use crate::cli::exit::Failure;
use crate::cli::large;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::out::printable;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::registry::Error;
use crate::registry::FileDiff;
use crate::registry::LocalRegistry;
use crate::registry::RowDiff;
use crate::registry::RowSample;

pub(crate) fn run(
    registry: &LocalRegistry,
    (a, b): (&str, &str),
    exit_code: bool,
    (cli, out): (&Cli, &Out),
) -> Result<(), Failure> {
    let a = find(registry, a)?;
    large::check(registry, &a, cli, out)?;
    let path = Path::new(b);
    let Some(b) = other_dataset(registry, b, path)? else {
        let bar = Bar::new(out.is_quiet());
        let report = registry.diff_directory(&a, path, &bar)?;
        drop(bar);
        let object = json!({"a": a.manifest.content_id.to_string(), "b": null});
        return checkouts::show(&report, object, exit_code, out);
    };
    large::check(registry, &b, cli, out)?;
    datasets(registry, (&a, &b), exit_code, out)
}

/// The dataset that is meant by what is typed; `None` for a path that is there. Only what no dataset can be
/// called, or none is, may be a path: an error of the registry is not hidden by one.
fn other_dataset(
    registry: &LocalRegistry,
    typed: &str,
    path: &Path,
) -> Result<Option<Dataset>, Failure> {
    if is_written_as_path(typed) {
        let absent = || Error::file("find", path, rustix::io::Errno::NOENT.into());
        return match path.exists() {
            true => Ok(None),
            false => Err(absent().into()),
        };
    }
    match find(registry, typed) {
        Ok(dataset) => Ok(Some(dataset)),
        Err(Failure::Library(error))
            if path.exists()
                && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid) =>
        {
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

/// Whether somebody who types this means a path, although a dataset may have the name.
fn is_written_as_path(text: &str) -> bool {
    let fronts = ["/", "./", "../"];
    matches!(text, "." | "..") || fronts.iter().any(|f| text.starts_with(f)) || text.ends_with('/')
}

fn datasets(
    registry: &LocalRegistry,
    (a, b): (&Dataset, &Dataset),
    exit_code: bool,
    out: &Out,
) -> Result<(), Failure> {
    let report = registry.diff(a, b)?;
    let bar = Bar::new(out.is_quiet());
    let rows = registry.diff_rows(a, b, &bar)?;
    drop(bar);
    let t = &report.tree;
    let state = |f: &FileDiff| match (&f.a, &f.b) {
        _ if f.from.is_some() => "renamed",
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    };
    let side = |f: &Option<(u64, crate::ident::ContentId)>| f.as_ref().map(|(n, _)| *n);
    let files: Vec<Value> = report
        .files
        .iter()
        .map(|f| {
            let mut object = json!({
                "path": f.path, "status": state(f), "size_a": side(&f.a), "size_b": side(&f.b),
            });
            if let Some(from) = &f.from {
                object["from"] = json!(from);
            }
            object
        })
        .collect();
    let object = json!({
        "a": a.manifest.content_id.to_string(), "b": b.manifest.content_id.to_string(),
        "shared_bytes": t.shared.bytes, "only_a_bytes": t.only_a.bytes,
        "only_b_bytes": t.only_b.bytes, "shared_chunks": t.shared.chunks,
        "only_a_chunks": t.only_a.chunks, "only_b_chunks": t.only_b.chunks, "files": files,
        "rows": rows.iter().map(row_object).collect::<Vec<_>>(),
    });
    let mut text = format!(
        "shared  {} in {} chunks\nonly a  {} in {} chunks\nonly b  {} in {} chunks\n",
        human_bytes(t.shared.bytes),
        t.shared.chunks,
        human_bytes(t.only_a.bytes),
        t.only_a.chunks,
        human_bytes(t.only_b.bytes),
        t.only_b.chunks,
    );
    for f in &report.files {
        let path = match &f.from {
            Some(from) => format!("{from} -> {}", f.path),
            None => f.path.clone(),
        };
        text += &format!("{:<8}{}\n", state(f), printable(&path));
    }
    rows.iter().for_each(|d| text += &row_text(d));
    let paths: Vec<String> = report.files.iter().map(|f| printable(&f.path)).collect();
    out.result(&object, &paths, &text)?;
    match exit_code && a.manifest.content_id != b.manifest.content_id {
        true => Err(Failure::Differs),
        false => Ok(()),
    }
}

fn row_object(diff: &RowDiff) -> Value {
    let side =
        |row: &Option<(u64, String)>| row.as_ref().map(|(n, text)| json!({"n": n, "text": text}));
    let sample = |s: &RowSample| json!({"before": side(&s.before), "after": side(&s.after)});
    let mut object = json!({
        "path": diff.path, "added": diff.added, "removed": diff.removed,
        "changed": diff.changed, "bytes_read": diff.bytes_read,
        "samples": diff.samples.iter().map(sample).collect::<Vec<_>>(),
    });
    if let Some(reason) = &diff.not_compared {
        object["not_compared"] = json!(reason);
    }
    object
}

fn row_text(diff: &RowDiff) -> String {
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
