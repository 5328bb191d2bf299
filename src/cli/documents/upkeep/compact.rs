//! `documents compact`: drops what deletions and updates left in the log.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::documents::collection::CollectionArgs;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;
use crate::documents::StoreOptions;
use crate::progress::Progress as _;

/// Drop what deletions and updates left in the log
#[derive(Debug, Args)]
#[command(
    after_help = "Readers in other processes keep what they have open. Lines that are no documents are set \
aside in a file beside the log.

Examples:
  alimentar documents compact ./store -c train"
)]
pub(crate) struct CompactArgs {
    #[command(flatten)]
    at: CollectionArgs,
}

#[derive(Serialize)]
struct CompactOutput {
    documents: u64,
    bytes_before: u64,
    bytes_after: u64,
    set_aside: u64,
}

pub(crate) fn run(ctx: &Context, args: &CompactArgs) -> Result<(), Failure> {
    let bar = ctx.progress_bar();
    bar.phase("compact", None);
    let report = args.at.open_log(ctx, &StoreOptions::default())?.compact()?;
    drop(bar);
    let output = CompactOutput {
        documents: report.documents,
        bytes_before: report.bytes_before,
        bytes_after: report.bytes_after,
        set_aside: report.set_aside,
    };
    let mut text = format!(
        "{} documents in {}, before {}\n",
        report.documents,
        human_bytes(report.bytes_after),
        human_bytes(report.bytes_before)
    );
    if report.set_aside > 0 {
        text += &format!(
            "Set {} lines aside that are no documents\n",
            report.set_aside
        );
    }
    Ok(ctx.out.result(&output, &[], &text)?)
}
