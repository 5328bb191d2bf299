//! `registry checkout`, `cat` and `status`: datasets as files, and what became of them.

use std::path::Path;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use crate::catalog::Dataset;
use crate::cli::args::Cli;
use crate::cli::ask;
use crate::cli::ask::is_yes;
use crate::cli::bar::Bar;
use crate::cli::commands::find_target;
use crate::cli::exit::Failure;
use crate::cli::large;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::out::printable;
use crate::cli::outputs;
use crate::registry::Change;
use crate::registry::ChangeKind;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::StatusReport;
use crate::registry::UpdateReport;

pub(crate) fn cat(
    registry: &LocalRegistry,
    target: &str,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    let (dataset, path) = find_target(registry, target)?;
    large::check(registry, &dataset, cli, out)?;
    check_withdrawn(registry, &dataset, cli, out)?;
    let mut stdout = std::io::stdout().lock();
    // No bar: the bytes themselves may be going to the terminal.
    registry.cat(&dataset, path.as_deref(), &mut stdout, &Bar::new(true))?;
    Ok(())
}

/// Warns of a dataset that its publisher has withdrawn, which is used only with `--yes`, or when
/// whoever sits at the terminal says so.
pub(crate) fn check_withdrawn(
    registry: &LocalRegistry,
    dataset: &Dataset,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    let listed = LocalRegistry::listed(&registry.trust()?, dataset.clone());
    let Some(reason) = listed.withdrawn else {
        return Ok(());
    };
    let m = &dataset.manifest;
    let dataset = format!("{}@{}", m.name, m.dataset_version);
    if cli.yes {
        if !out.is_json() {
            out.diagnostic(&format!("warning: `{dataset}` was withdrawn: {reason}"));
        }
        return Ok(());
    }
    let question = format!("`{dataset}` was withdrawn: {reason}. Use it all the same?");
    match ask::can_ask(out) && is_yes(&question, out) {
        true => Ok(()),
        false => Err(Error::Withdrawn { dataset, reason }.into()),
    }
}

pub(crate) fn checkout(
    registry: &LocalRegistry,
    target: &str,
    (dest, update): (&Path, bool),
    (cli, out): (&Cli, &Out),
) -> Result<(), Failure> {
    let started = Instant::now();
    if update {
        return run_update(registry, target, dest, (cli, out));
    }
    let if_exists = outputs::may_write(dest, cli, out)?;
    let out = &out.beside(Some(dest));
    let (dataset, path) = find_target(registry, target)?;
    large::check(registry, &dataset, cli, out)?;
    check_withdrawn(registry, &dataset, cli, out)?;
    let bar = Bar::new(out.is_quiet());
    let report = registry.checkout_over(&dataset, path.as_deref(), (dest, if_exists), &bar)?;
    drop(bar);
    let id = dataset.manifest.content_id.to_string();
    let seconds = started.elapsed().as_secs_f64();
    let object = json!({
        "content_id": id, "files": report.files, "bytes": report.bytes, "seconds": seconds,
    });
    let text = format!(
        "Checked out {}@{}: {} in {} file(s), every chunk verified, {seconds:.2} s\n",
        dataset.manifest.name,
        dataset.manifest.dataset_version,
        human_bytes(report.bytes),
        report.files,
    );
    Ok(out.result(&object, &[id], &text)?)
}

fn run_update(
    registry: &LocalRegistry,
    target: &str,
    dest: &Path,
    (cli, out): (&Cli, &Out),
) -> Result<(), Failure> {
    let started = Instant::now();
    let (dataset, path) = find_target(registry, target)?;
    large::check(registry, &dataset, cli, out)?;
    check_withdrawn(registry, &dataset, cli, out)?;
    let bar = Bar::new(out.is_quiet());
    let update =
        |overwrite| registry.checkout_update(&dataset, path.as_deref(), (dest, overwrite), &bar);
    let report = match update(cli.yes) {
        Err(Error::LocalChanges { root, paths })
            if ask::can_ask(out) && bar.suspended(|| ask_to_overwrite(&root, &paths, out)) =>
        {
            update(true)
        }
        report => report,
    };
    drop(bar);
    let report: UpdateReport = report?;
    let m = &dataset.manifest;
    let (id, seconds) = (m.content_id.to_string(), started.elapsed().as_secs_f64());
    let object = json!({
        "content_id": id, "files": report.files, "bytes": report.bytes, "seconds": seconds,
        "unchanged": report.unchanged, "removed": report.removed, "kept": report.kept,
    });
    let mut text = format!(
        "Updated to {}@{}: {} written in {} file(s), {} unchanged, {} removed, {seconds:.2} s\n",
        m.name,
        m.dataset_version,
        human_bytes(report.bytes),
        report.files,
        report.unchanged,
        report.removed,
    );
    for path in &report.kept {
        text += &printable(&format!("Kept, because it was changed here: {path}\n"));
    }
    Ok(out.result(&object, &[id], &text)?)
}

fn ask_to_overwrite(root: &Path, paths: &[String], out: &Out) -> bool {
    for path in paths.iter().take(10) {
        out.diagnostic(&format!("  {path}"));
    }
    let question = format!(
        "{} file(s) in `{}` were changed. Overwrite them?",
        paths.len(),
        root.display()
    );
    is_yes(&question, out)
}

pub(crate) fn status(
    registry: &LocalRegistry,
    dir: &Path,
    exit_code: bool,
    out: &Out,
) -> Result<(), Failure> {
    let bar = Bar::new(out.is_quiet());
    let report = registry.status(dir, &bar)?;
    drop(bar);
    show(&report, json!({}), exit_code, out)
}

/// Shows what changed in a directory against a dataset.
pub(crate) fn show(
    report: &StatusReport,
    mut object: Value,
    exit_code: bool,
    out: &Out,
) -> Result<(), Failure> {
    let changes: Vec<Value> = report.changes.iter().map(change_object).collect();
    let fields = json!({
        "dataset": report.name, "version": report.version,
        "content_id": report.dataset.to_string(), "root": report.root.to_string_lossy(),
        "part": report.part, "unfinished": report.is_unfinished, "changes": changes,
    });
    crate::cli::show::extend(&mut object, fields);
    let part = match report.part.as_str() {
        "" => String::new(),
        part => format!(":{part}"),
    };
    let mut text = format!(
        "{}@{}{part}  alimentar:{}\n",
        report.name,
        report.version,
        report.dataset.short()
    );
    if report.is_unfinished {
        text += "An update was interrupted; run `registry checkout REF DIR --update` again\n";
    }
    if report.changes.is_empty() {
        text += "Nothing changed\n";
    }
    for change in &report.changes {
        let letter = match change.kind {
            ChangeKind::Added => 'A',
            ChangeKind::Removed => 'D',
            ChangeKind::Renamed => 'R',
            _ => 'M',
        };
        let path = match &change.from {
            Some(from) => format!("{from} -> {}", change.path),
            None => change.path.clone(),
        };
        text += &printable(&format!("{letter}  {path}\n"));
    }
    let paths: Vec<String> = report.changes.iter().map(|c| printable(&c.path)).collect();
    out.result(&object, &paths, &printable(&text))?;
    match exit_code && !report.changes.is_empty() {
        true => Err(Failure::Differs),
        false => Ok(()),
    }
}

fn change_object(change: &Change) -> Value {
    let mut object = json!({
        "path": change.path, "status": change.kind.name(),
        "size_before": change.size_before, "size_now": change.size_now,
    });
    if let Some(from) = &change.from {
        object["from"] = json!(from);
    }
    object
}
