//! `documents validate`: checks a collection.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::documents::collection::CollectionArgs;
use crate::cli::exit::Failure;
use crate::documents::Engine;
use crate::documents::FastStore;
use crate::documents::StoreOptions;
use crate::documents::ValidationReport;
use crate::progress::Progress as _;

/// Read a whole collection, and compare the index with it
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 4 where something is wrong. --fix sets aside what is no document, and writes the \
index anew.

Examples:
  alimentar documents validate ./store -c train
  alimentar documents validate ./store -c train --fix"
)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    at: CollectionArgs,
    /// Set aside what is no document, and write the index anew
    #[arg(long)]
    fix: bool,
}

#[derive(Serialize)]
struct ValidateOutput {
    valid: bool,
    documents: u64,
    lines: u64,
    unreadable_lines: u64,
    unreadable: Vec<UnreadableObject>,
    torn_bytes: u64,
    index: Option<String>,
    table_damaged: bool,
}

#[derive(Serialize)]
struct UnreadableObject {
    offset: u64,
    reason: String,
}

pub(crate) fn run(ctx: &Context, args: &ValidateArgs) -> Result<(), Failure> {
    let at = match args.fix {
        true => None,
        false => Some(args.at.read(ctx)?),
    };
    let layout = match &at {
        Some(at) => at.layout.clone(),
        None => args.at.writable(ctx)?,
    };
    layout.require()?;
    if layout.has_files_only() {
        return validate_files(ctx, &Engine::of_layout(layout)?);
    }
    let bar = ctx.progress_bar();
    bar.phase("validate", None);
    if args.fix && !FastStore::validate(&layout)?.is_sound() {
        let store = args.at.open_log(ctx, &StoreOptions::default())?;
        if FastStore::validate(&layout)?.unreadable_lines > 0 {
            store.compact()?;
        }
        store.reindex()?;
    }
    let report = FastStore::validate(&layout)?;
    drop(bar);
    show(ctx, report)
}

fn validate_files(ctx: &Context, engine: &Engine) -> Result<(), Failure> {
    let mut report = ValidationReport::default();
    for id in engine.doc_ids() {
        report.lines += 1;
        match engine.get_document(id) {
            Ok(_) => report.documents += 1,
            Err(e) => {
                report.unreadable_lines += 1;
                report.unreadable.push((0, Failure::from(e).message()));
            }
        }
    }
    show(ctx, report)
}

fn show(ctx: &Context, report: ValidationReport) -> Result<(), Failure> {
    let is_sound = report.is_sound();
    let mut text = format!("{} documents in {} lines\n", report.documents, report.lines);
    for (offset, reason) in &report.unreadable {
        text += &format!("byte {offset}: {reason}\n");
    }
    if report.torn_bytes > 0 {
        text += &format!(
            "{} bytes at the end are the begin of a line\n",
            report.torn_bytes
        );
    }
    if let Some(fault) = &report.index_fault {
        text += &format!("index.bin is not current: {fault}\n");
    }
    if report.has_damaged_table {
        text += "alimentar.idx is damaged; it is made from the log\n";
    }
    let object = |(offset, reason)| UnreadableObject { offset, reason };
    let output = ValidateOutput {
        valid: is_sound,
        documents: report.documents,
        lines: report.lines,
        unreadable_lines: report.unreadable_lines,
        unreadable: report.unreadable.into_iter().map(object).collect(),
        torn_bytes: report.torn_bytes,
        index: report.index_fault,
        table_damaged: report.has_damaged_table,
    };
    ctx.out.result(&output, &[], &text)?;
    match is_sound {
        true => Ok(()),
        false => Err(Failure::Damaged(
            "the collection is not sound; `documents validate --fix` mends it".to_owned(),
        )),
    }
}
