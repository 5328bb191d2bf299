//! `documents pack`: packs a store into one file.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;
use crate::documents::DocumentError;
use crate::documents::pack;
use crate::file_io::IfExists;
use crate::registry::Error;

/// Pack a store into a .zds archive, which is a ZIP file
#[derive(Debug, Args)]
#[command(after_help = "The same store gives the same bytes.

Examples:
  alimentar documents pack ./store store.zds")]
pub(crate) struct PackArgs {
    /// The directory of the store
    root: PathBuf,
    /// The archive to write
    archive: PathBuf,
}

#[derive(Serialize)]
pub(super) struct PackOutput {
    pub(super) path: String,
    pub(super) files: u64,
    pub(super) bytes: u64,
}

pub(crate) fn run(ctx: &Context, args: &PackArgs) -> Result<(), Failure> {
    let if_exists = match ctx.global.yes {
        true => IfExists::Replace,
        false => IfExists::Refuse,
    };
    let packed = pack(&args.root, &args.archive, if_exists).map_err(|e| match e {
        DocumentError::File { path, source, .. } if path == args.archive => {
            Error::output(path, source)
        }
        other => other.into(),
    })?;
    let output = PackOutput {
        path: args.archive.display().to_string(),
        files: packed.files,
        bytes: packed.bytes,
    };
    let text = format!(
        "Packed {} files, {}\n",
        packed.files,
        human_bytes(packed.bytes)
    );
    Ok(ctx.out.result(&output, &[], &text)?)
}
