//! `inspect`: looking inside data.

mod dedup;
mod info;
mod lines;
mod lint;
mod overlap;
mod rejects;
mod search;
mod split;
mod stats;
mod tokens;
mod write;

use std::io;

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_inspect::InspectCommand;
use crate::cli::args_reading::reading;
use crate::cli::bar::Bar;
use crate::cli::commands::home_of;
use crate::cli::exit::Failure;
use crate::cli::large;
use crate::cli::out::Out;
use crate::inspect::ReadOptions;
use crate::inspect::table::Scan;
use crate::inspect::table::Selection;
use crate::inspect::table::TableError;
use crate::inspect::table::UnreadColumn;
use crate::progress::Progress;
use crate::registry::ColumnNotes;
use crate::registry::Error;
use crate::registry::Target;
use crate::registry::TargetOptions;

pub(crate) use lint::rule_named;

pub(crate) fn run(command: &InspectCommand, cli: &Cli, out: &Out) -> Result<(), Failure> {
    match command {
        InspectCommand::Info(args) => info::run(args, cli, out),
        InspectCommand::Lines(args) => lines::run(args, cli, out),
        InspectCommand::Search(args) => search::run(args, cli, out),
        InspectCommand::Stats(args) => stats::run(args, cli, out),
        InspectCommand::Lint(args) => lint::run(args, cli, out),
        InspectCommand::Dedup(args) => dedup::run(args, cli, out),
        InspectCommand::Tokens(args) => tokens::run(args, cli, out),
        InspectCommand::Sample(args) => split::draw(args, cli, out),
        InspectCommand::Split(args) => split::split(args, cli, out),
        InspectCommand::Overlap(args) => overlap::run(args, cli, out),
        InspectCommand::Filter(args) => write::filter(args, cli, out),
        InspectCommand::Export(args) => write::export(args, cli, out),
        InspectCommand::Merge(args) => write::merge(args, cli, out),
    }
}

fn target(text: &str, cli: &Cli, out: &Out) -> Result<Target, Failure> {
    target_as(text, reading(cli)?, cli, out)
}

fn target_as(text: &str, reading: ReadOptions, cli: &Cli, out: &Out) -> Result<Target, Failure> {
    let home = home_of(cli)?;
    let options = TargetOptions {
        reading,
        allow_large: cli.allow_large,
    };
    match Target::open_with(text, &home, &options) {
        Err(Error::TooLarge { dataset, expansion }) if large::ask(&dataset, expansion, out) => {
            let options = TargetOptions {
                allow_large: true,
                ..options
            };
            Ok(Target::open_with(text, &home, &options)?)
        }
        opened => Ok(opened?),
    }
}

/// Several targets as one.
fn targets(texts: &[String], cli: &Cli, out: &Out) -> Result<Target, Failure> {
    targets_as(texts, reading(cli)?, cli, out)
}

/// The same with every checksum compared.
fn verified_targets(texts: &[String], cli: &Cli, out: &Out) -> Result<Target, Failure> {
    let reading = ReadOptions {
        verify: true,
        ..reading(cli)?
    };
    targets_as(texts, reading, cli, out)
}

fn targets_as(
    texts: &[String],
    reading: ReadOptions,
    cli: &Cli,
    out: &Out,
) -> Result<Target, Failure> {
    let open = |text: &String| target_as(text, reading, cli, out);
    let all: Result<Vec<Target>, Failure> = texts.iter().map(open).collect();
    Target::joined(all?).ok_or(Failure::usage("give a TARGET"))
}

/// Says which columns got other names, and which are in no row.
fn tell_columns(target: &Target, out: &Out) -> Result<ColumnNotes, Failure> {
    let notes = target.column_notes()?;
    for name in &notes.repeated {
        out.diagnostic(&format!(
            "warning: `{}` has `{name}` twice; the second is called `{name}_1`",
            target.name()
        ));
    }
    for name in &notes.not_utf8 {
        out.diagnostic(&format!(
            "warning: the name `{name}` in the header of `{}` is not UTF-8 as it stands; `--encoding latin-1` reads it",
            target.name()
        ));
    }
    for (file, columns, fields) in &notes.wider {
        out.diagnostic(&format!(
            "warning: `{file}` has {columns} column(s), and records with up to {fields} fields; what is beyond is called `column_{}` and so on, and `alimentar inspect lint` counts such records",
            columns + 1
        ));
    }
    for UnreadColumn { name, kind } in &notes.unread {
        out.diagnostic(&format!(
            "warning: column `{name}` of `{}` is left out: its type, {kind}, is not read",
            target.name()
        ));
    }
    Ok(notes)
}

/// The columns that are left out, for JSON.
fn left_out(unread: &[UnreadColumn]) -> Vec<Value> {
    let one = |c: &UnreadColumn| json!({"column": c.name, "type": c.kind});
    unread.iter().map(one).collect()
}

/// Looks whether rows have the columns that were named.
fn require_columns(target: &Target, columns: &[String], out: &Out) -> Result<(), Failure> {
    let bar = Bar::new(out.is_quiet());
    Ok(target.require_columns(columns, threads(), &bar)?)
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get())
}

/// Goes over a target's rows with a bar.
fn scan<T>(
    target: &Target,
    selection: &Selection,
    (phase, out): (&str, &Out),
    go: impl FnOnce(&Scan<'_>) -> Result<T, Ended>,
) -> Result<T, Failure> {
    scan_with(&Bar::new(out.is_quiet()), target, selection, phase, go)
}

/// The same with a bar of the caller's.
fn scan_with<T>(
    bar: &Bar,
    target: &Target,
    selection: &Selection,
    phase: &str,
    go: impl FnOnce(&Scan<'_>) -> Result<T, Ended>,
) -> Result<T, Failure> {
    let batches = target.batches(selection)?;
    bar.phase(phase, Some(target.size_bytes()));
    let scan = Scan {
        batches: &*batches,
        threads: threads(),
        progress: bar,
    };
    go(&scan).map_err(|e| match e {
        Ended::Rows(source) => target.blame(source).into(),
        Ended::Sink(failure) => failure,
    })
}

/// How going over rows ended, if not well.
enum Ended {
    /// Rows could not be had.
    Rows(TableError),
    /// What came of them could not be put anywhere.
    Sink(Failure),
}

impl From<TableError> for Ended {
    fn from(error: TableError) -> Self {
        Self::Rows(error)
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Sink(error.into())
    }
}

/// Says how many rows were longer than what is looked at.
fn tell_truncated(truncated: u64, out: &Out) {
    if truncated > 0 {
        out.diagnostic(&format!(
            "warning: of {truncated} row(s) only the first 64 MiB were looked at"
        ));
    }
}
