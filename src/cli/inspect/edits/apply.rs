//! `inspect edits apply`: writes the edited rows into a file.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::exit::Failure;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::edits::result::CountsObject;
use crate::cli::inspect::edits::result::counts_text;
use crate::cli::inspect::write::row_writer::RowWriter;
use crate::cli::inspect::write::row_writer::WriteArgs;
use crate::cli::output::text::printable;
use crate::file_io::is_standard_output;
use crate::registry::EditSession;
use crate::registry::RowAssignment;
use crate::registry::format_of;
use crate::registry::host;

/// Write the edited rows into a file
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect edits apply train.jsonl -o edited.jsonl
  alimentar inspect edits apply train.parquet -o edited.parquet

A file of the same format is copied byte by byte around the edits; `registry commit` makes the next version of a
dataset without a copy. The edits are kept.")]
pub(crate) struct ApplyArgs {
    /// A file, a dataset, or REF:path/in/dataset
    target: String,
    /// The file to write; its ending says in which format, and - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    write: WriteArgs,
}

#[derive(Serialize)]
struct ApplyOutput {
    target: String,
    #[serde(flatten)]
    counts: CountsObject,
    files: Vec<String>,
    seconds: f64,
}

pub(crate) fn run(ctx: &InspectContext<'_>, args: &ApplyArgs) -> Result<(), Failure> {
    let began = host::instant();
    let paths = std::slice::from_ref(&args.output);
    let if_exists = args.write.check_destinations(ctx.base, paths)?;
    let (home, options) = (ctx.base.home()?, ctx.target_options()?);
    let bar = ctx.base.progress_bar();
    let session = EditSession::open(&args.target, &home, &options, &bar)?;
    let target = session.target();
    refuse_in_place(&args.target, &args.output)?;
    let kept = target.kept_format()?;
    let copied = match format_of(&args.output, kept) == kept {
        true => target.copy_bytes(&args.output, if_exists, &bar)?,
        false => None,
    };
    drop(bar);
    let refusals = if copied.is_none() {
        let writer = RowWriter {
            targets: std::slice::from_ref(target),
            paths,
            columns: &[],
            if_exists,
            args: &args.write,
        };
        let written = writer.write(ctx.base, &RowAssignment::All)?;
        written.check_refusals()
    } else {
        Ok(())
    };
    let counts = session.counts()?;
    let output = ApplyOutput {
        target: args.target.clone(),
        counts: counts.into(),
        files: vec![args.output.display().to_string()],
        seconds: began.elapsed().as_secs_f64(),
    };
    let text = format!(
        "{}  {}\n",
        printable(&args.output.display().to_string()),
        counts_text(&counts)
    );
    let data = Some(args.output.as_path()).filter(|path| is_standard_output(path));
    ctx.base
        .out
        .beside(data)
        .result(&output, &output.files, &text)?;
    refusals
}

/// Refuses to write over the edited file: its edits would then be those of another content.
fn refuse_in_place(target: &str, output: &std::path::Path) -> Result<(), Failure> {
    let full = |path: &std::path::Path| path.canonicalize().ok();
    let own = full(std::path::Path::new(target));
    match own.is_some() && own == full(output) {
        true => Err(Failure::Misused {
            message: format!("`{target}` is the edited file"),
            hint: "write another file, then replace this one by it and discard the edits"
                .to_owned(),
        }),
        false => Ok(()),
    }
}
