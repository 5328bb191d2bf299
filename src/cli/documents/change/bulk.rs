//! Documents as JSON Lines.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read as _;
use std::path::Path;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::documents::collection::CollectionArgs;
use crate::cli::exit::Failure;
use crate::documents::DocumentError;
use crate::documents::StoreOptions;
use crate::documents::format::IndexForm;
use crate::documents::format::id_from_field;
use crate::documents::format::limits::LINE_BYTES_MAX;
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
    /// Number of documents that are made durable together
    #[arg(long, value_name = "N", default_value_t = 5000)]
    batch: usize,
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
    refused: Vec<Refused>,
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
    let mut reader: Box<dyn BufRead> = match input {
        Input::Plain(file) => Box::new(BufReader::with_capacity(1 << 20, file)),
        Input::Stream(stream) => Box::new(BufReader::with_capacity(1 << 20, stream)),
    };
    let mut options = args.index.options();
    options.batch_size = args.batch.max(1);
    let mut writer = at.open_writer(ctx, &options)?;
    let (mut line, mut number) = (Vec::new(), 0);
    let mut output = BulkOutput {
        id: None,
        stored: 0,
        refused: Vec::new(),
    };
    loop {
        line.clear();
        let mut limited = (&mut reader).take(LINE_BYTES_MAX as u64);
        let n = limited.read_until(b'\n', &mut line);
        let n = n.map_err(|e| Error::file("read", path, e))?;
        if n == 0 {
            break;
        }
        bar.advance(n as u64);
        number += 1;
        let document = line.trim_ascii();
        if document.is_empty() {
            continue;
        }
        let stored = id_from_field(document, &args.id)
            .map_err(|e| DocumentError::document(&format!("line {number}"), e))
            .and_then(|id| writer.put_raw(&id, document));
        match stored {
            Ok(()) => output.stored += 1,
            Err(e) if args.skip_invalid && e.is_of_document() => output.refused.push(Refused {
                line: number,
                reason: reason(e),
            }),
            // A write failed, and nothing more can be written; its cause is the answer.
            Err(e) if !e.is_of_document() => return Err(e.into()),
            Err(e) => {
                // Those before it stay, and are durable.
                writer.finish()?;
                drop(bar);
                let stored = output.stored;
                if !ctx.out.is_json() && stored > 0 {
                    ctx.out.diagnostic(&format!(
                        "{stored} documents before line {number} are stored"
                    ));
                }
                return Err(at_line(number, e));
            }
        }
    }
    writer.finish()?;
    drop(bar);
    let text = format!("Stored {} documents\n", output.stored);
    ctx.out.result(&output, &[], &text)?;
    match output.refused.first() {
        None => Ok(()),
        Some(first) => Err(Failure::Partial(format!(
            "{} lines cannot be stored; line {}: {}",
            output.refused.len(),
            first.line,
            first.reason
        ))),
    }
}

fn reason(error: DocumentError) -> String {
    Failure::from(error).message()
}

fn at_line(number: u64, error: DocumentError) -> Failure {
    match error.is_of_document() {
        true => Failure::Misused {
            message: format!("line {number}: {}", reason(error)),
            hint: "--skip-invalid stores the others and lists those that cannot be".to_owned(),
        },
        false => error.into(),
    }
}
