//! Documents as JSON Lines.

use std::io::Read;
use std::path::Path;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::documents::collection::CollectionArgs;
use crate::cli::exit::Failure;
use crate::documents::DocumentError;
use crate::documents::LineRules;
use crate::documents::RefusedLine;
use crate::documents::StoreOptions;
use crate::documents::format::IndexForm;
use crate::file_io::Input;
use crate::progress::Progress as _;
use crate::registry::Error;

/// Options of commands that store documents.
#[derive(Debug, Args)]
pub(crate) struct BulkArgs {
    /// The field whose value is the id of a document
    #[arg(long, value_name = "FIELD", default_value = "_id")]
    id: String,
    /// Store the other documents where some cannot be stored, and list those
    #[arg(long)]
    skip_invalid: bool,
    /// Number of documents that are made durable together [default: as many as have 16 MiB]
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    #[command(flatten)]
    index: IndexArgs,
}

impl BulkArgs {
    /// The form of the index.
    pub(crate) fn index(&self) -> &IndexArgs {
        &self.index
    }
}

/// The form of the index.
#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    /// Form of index.bin [default: as it is, else binary]; text is for the pure Python reader of others
    #[arg(long = "index", value_name = "FORM", value_parser = ["binary", "text"])]
    form: Option<String>,
}

impl IndexArgs {
    /// The options for a handle that writes.
    pub(crate) fn options(&self) -> StoreOptions {
        match self.form.as_deref() {
            Some("text") => StoreOptions::default().form(IndexForm::Text),
            Some(_) => StoreOptions::default().form(IndexForm::Binary),
            None => StoreOptions::default(),
        }
    }
}

#[derive(Serialize)]
struct BulkOutput {
    id: Option<String>,
    stored: u64,
    /// The first 100,000 of them.
    refused: Vec<Refused>,
    refused_lines: u64,
}

#[derive(Serialize)]
struct Refused {
    line: u64,
    reason: String,
}

/// Stores the documents of a file.
///
/// # Errors
/// [`DocumentError`] with the number of the line; [`Failure::Partial`] if some were skipped.
pub(crate) fn store_lines(
    ctx: &Context,
    at: &CollectionArgs,
    args: &BulkArgs,
    path: &Path,
) -> Result<(), Failure> {
    let input = Input::open(path).map_err(|e| Error::file("read", path, e))?;
    let length = match &input {
        Input::Plain(file) => file.metadata().ok().map(|meta| meta.len()),
        Input::Stream(_) => None,
    };
    let bar = ctx.progress_bar();
    bar.phase("store", length);
    let from: Box<dyn Read> = match input {
        Input::Plain(file) => Box::new(file),
        Input::Stream(stream) => Box::new(stream),
    };
    let mut rules = LineRules::default();
    rules.id.clone_from(&args.id);
    rules.skips_invalid = args.skip_invalid;
    rules.batch = args.batch.map(|n| n.max(1));
    let mut writer = at.open_writer(ctx, &args.index.options())?;
    let report = match writer.put_lines(from, &rules, &bar) {
        Err(DocumentError::Input { source }) => {
            return Err(Error::file("read", path, source).into());
        }
        // After a write that failed nothing more can be written; its cause is the answer.
        other => other?,
    };
    // Those before a document that cannot be stored stay, and are durable.
    writer.finish()?;
    drop(bar);
    let mut refused = report.refused.into_iter();
    if !args.skip_invalid
        && let Some(first) = refused.next()
    {
        if !ctx.out.is_json() && report.stored > 0 {
            let (stored, line) = (report.stored, first.line);
            ctx.out
                .diagnostic(&format!("{stored} documents before line {line} are stored"));
        }
        return Err(Failure::Misused {
            message: format!("line {}: {}", first.line, reason(first.error)),
            hint: "--skip-invalid stores the others and lists those that cannot be".to_owned(),
        });
    }
    let refused = refused.map(|RefusedLine { line, error, .. }| Refused {
        line,
        reason: reason(error),
    });
    let output = BulkOutput {
        id: None,
        stored: report.stored,
        refused: refused.collect(),
        refused_lines: report.refused_lines,
    };
    let text = format!("Stored {} documents\n", output.stored);
    ctx.out.result(&output, &[], &text)?;
    match output.refused.first() {
        None => Ok(()),
        Some(first) => Err(Failure::Partial(format!(
            "{} lines cannot be stored; line {}: {}",
            output.refused_lines, first.line, first.reason
        ))),
    }
}

fn reason(error: DocumentError) -> String {
    Failure::from(error).message()
}
