//! `documents export`: writes documents into a file.

use std::io::BufWriter;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::documents::collection::CollectionArgs;
use crate::cli::documents::read::choice::ChoiceArgs;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;
use crate::file_io::IfExists;
use crate::file_io::OutputFile;
use crate::progress::Progress as _;
use crate::registry::Error;

/// Write documents into a file of JSON Lines
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar documents export ./store -c train -o exported.jsonl
  alimentar documents export ./store -c train --where 'age >= 18' -o -")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    at: CollectionArgs,
    /// The file, or `-` for stdout
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    choice: ChoiceArgs,
}

#[derive(Serialize)]
struct ExportOutput {
    path: String,
    documents: u64,
    bytes: u64,
}

pub(crate) fn run(ctx: &Context, args: &ExportArgs) -> Result<(), Failure> {
    let choice = args.choice.scan()?;
    let at = args.at.read(ctx)?;
    let collection = at.open()?;
    let if_exists = match ctx.global.yes {
        true => IfExists::Replace,
        false => IfExists::Refuse,
    };
    let fail = |e| Error::output(&args.output, e);
    let mut file = OutputFile::create(&args.output, if_exists, None).map_err(fail)?;
    let mut documents = 0;
    let bar = ctx.progress_bar();
    bar.phase("export", None);
    {
        let mut to = BufWriter::with_capacity(1 << 20, &mut file);
        for document in collection.scan(&choice)? {
            let document = document?;
            let written = to.write_all(document.as_bytes());
            written.and_then(|()| to.write_all(b"\n")).map_err(fail)?;
            documents += 1;
        }
        to.flush().map_err(fail)?;
    }
    let bytes = file.finish().map_err(fail)?;
    drop(bar);
    let output = ExportOutput {
        path: args.output.display().to_string(),
        documents,
        bytes,
    };
    let text = format!("Wrote {documents} documents, {}\n", human_bytes(bytes));
    let out = ctx.out.beside(Some(&args.output));
    Ok(out.result(&output, &[], &text)?)
}
