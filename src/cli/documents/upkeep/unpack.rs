//! `documents unpack`: makes a store from an archive.

use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::documents::upkeep::pack::PackOutput;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;
use crate::documents::DocumentError;
use crate::documents::unpack;
use crate::registry::Error;

/// Make a store from a .zds archive
#[derive(Debug, Args)]
#[command(
    after_help = "The directory must not be there yet. It appears when the whole archive is checked.

Examples:
  alimentar documents unpack packed.zds ./unpacked"
)]
pub(crate) struct UnpackArgs {
    /// The archive
    archive: PathBuf,
    /// The directory to make
    root: PathBuf,
}

pub(crate) fn run(ctx: &Context, args: &UnpackArgs) -> Result<(), Failure> {
    let unpacked = unpack(&args.archive, &args.root, ctx.global.allow_large);
    let unpacked = unpacked.map_err(|e| match e {
        DocumentError::File { path, source, .. } if path == args.root => {
            Error::output(path, source)
        }
        other => other.into(),
    })?;
    let output = PackOutput {
        path: args.root.display().to_string(),
        files: unpacked.files,
        bytes: unpacked.bytes,
    };
    let text = format!(
        "Unpacked {} files, {}\n",
        unpacked.files,
        human_bytes(unpacked.bytes)
    );
    Ok(ctx.out.result(&output, &[], &text)?)
}
