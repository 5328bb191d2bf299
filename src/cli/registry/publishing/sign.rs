//! `registry sign`: publishes a dataset under your key, or writes an in-toto statement about it.

use crate::registry::Listed;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;
use serde::Serialize;

use crate::catalog::Dataset;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::destination::check_file_destination;
use crate::cli::output::destination::write_file;
use crate::cli::registry::publishing::key_pair::KeyArgs;
use crate::cli::registry::publishing::key_pair::open_key_pair;
use crate::cli::registry::reference::find_dataset;
use crate::trust::KeyPair;

/// Sign a dataset: publish it under your key
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar sign train")]
pub(crate) struct SignArgs {
    /// A reference
    reference: String,
    #[command(flatten)]
    key: KeyArgs,
    /// Write a statement for others' tools instead of signing here
    #[arg(long, value_enum)]
    format: Option<StatementFormat>,
    /// The file to write [default: stdout]
    #[arg(short, long, value_name = "FILE", requires = "format")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StatementFormat {
    /// An in-toto statement over the files, in a DSSE envelope
    InToto,
}

#[derive(Serialize)]
struct SignOutput {
    content_id: String,
    publisher: Option<String>,
    publisher_key: String,
    trust: &'static str,
    name: String,
    version: String,
}

#[derive(Serialize)]
struct StatementOutput {
    content_id: String,
    path: String,
}

pub(crate) fn run(ctx: &Context, args: &SignArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let dataset = find_dataset(ctx, &args.reference)?;
    let pair = open_key_pair(ctx, args.key.path())?;
    if let Some(StatementFormat::InToto) = args.format {
        return write_statement(ctx, &dataset, &pair, args.output.as_deref());
    }
    let signed = registry.publishing().sign(&dataset, &pair)?;
    let listed = Listed::of(&registry.trust().store()?, signed);
    let m = &listed.dataset.manifest;
    let id = m.content_id.to_string();
    let text = format!(
        "Signed {}@{} as {}\n",
        m.name,
        m.dataset_version,
        listed.publisher().unwrap_or_default()
    );
    let output = SignOutput {
        content_id: id.clone(),
        publisher: listed.publisher(),
        publisher_key: pair.public_key().to_hex(),
        trust: listed.trust().name(),
        name: m.name.to_string(),
        version: m.dataset_version.to_string(),
    };
    Ok(ctx.out.result(&output, &[id], &text)?)
}

/// Writes an in-toto statement to a file or to stdout.
fn write_statement(
    ctx: &Context,
    dataset: &Dataset,
    pair: &KeyPair,
    path: Option<&Path>,
) -> Result<(), Failure> {
    let if_exists = path.map(|path| check_file_destination(ctx, path));
    let if_exists = if_exists.transpose()?;
    let bar = ctx.progress_bar_if(!ctx.out.is_json());
    let statement = ctx.registry()?.publishing().attest(dataset, pair, &bar)?;
    drop(bar);
    let text = format!("{statement}\n");
    let Some((path, if_exists)) = path.zip(if_exists) else {
        return Ok(ctx.out.bytes(text.as_bytes())?);
    };
    write_file(path, text.as_bytes(), if_exists)?;
    let output = StatementOutput {
        content_id: dataset.manifest.content_id.to_string(),
        path: path.to_string_lossy().into_owned(),
    };
    let text = format!("Wrote {}\n", path.display());
    Ok(ctx.out.beside(Some(path)).result(&output, &[], &text)?)
}
