//! `registry gc`: frees the space of data that no dataset needs.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::progress_bar::ProgressBar;
use crate::cli::output::text::human_bytes;
use crate::cli::prompt::confirm::can_ask;
use crate::cli::prompt::confirm::confirm_destruction_on_terminal;
use crate::clock::Timestamp;
use crate::registry::Deferred;
use crate::registry::GcOptions;
use crate::registry::KEEP_DAYS;

/// Free the space of data that no dataset needs
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar gc --dry-run
  alimentar gc")]
pub(crate) struct GcArgs {
    /// Only say what would be freed
    #[arg(long)]
    dry_run: bool,
    /// Keep datasets that were unindexed within this number of days, so that `restore` can bring them
    /// back
    #[arg(long, value_name = "N", default_value_t = KEEP_DAYS)]
    keep_days: u32,
    /// Also give up bytes that a rebuild of the index could not read (`fsck` names them)
    #[arg(long)]
    discard_unreadable: bool,
}

#[derive(Serialize)]
struct GcOutput {
    live_bytes: u64,
    freed_bytes: u64,
    packs_removed: u64,
    packs_rewritten: u64,
    dry_run: bool,
    deferred: Option<&'static str>,
    keep_days: u32,
    kept_back_bytes: u64,
    kept_back_datasets: u64,
    kept_back_until: Option<String>,
}

pub(crate) fn run(ctx: &Context, args: &GcArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let options = GcOptions {
        dry_run: args.dry_run,
        discard_unreadable: args.discard_unreadable,
        keep_days: args.keep_days,
        ..GcOptions::default()
    };
    confirm_collection(ctx, &options)?;
    let bar = ctx.progress_bar();
    let report = registry.maintenance().gc(&options, &bar)?;
    drop(bar);
    let output = GcOutput {
        live_bytes: report.live_bytes,
        freed_bytes: report.freed_bytes,
        packs_removed: report.packs_removed,
        packs_rewritten: report.packs_rewritten,
        dry_run: options.dry_run,
        deferred: report.deferred.map(describe_deferral),
        keep_days: options.keep_days,
        kept_back_bytes: report.kept_back_bytes,
        kept_back_datasets: report.kept_back_datasets,
        kept_back_until: report.kept_back_until.map(|at| Timestamp(at).to_rfc3339()),
    };
    Ok(ctx.out.result(&output, &[], &output.text())?)
}

/// Asks on a terminal before a collection frees something. A script is not asked: the data was removed
/// from the index before, or was never complete.
fn confirm_collection(ctx: &Context, options: &GcOptions) -> Result<(), Failure> {
    if options.dry_run || ctx.global.yes || !can_ask(ctx.out) {
        return Ok(());
    }
    let rehearsal = GcOptions {
        dry_run: true,
        ..*options
    };
    let report = ctx
        .registry()?
        .maintenance()
        .gc(&rehearsal, &ProgressBar::hidden())?;
    if report.freed_bytes == 0 {
        return Ok(());
    }
    let what = format!(
        "the last copy here of {} that no dataset in the index needs",
        human_bytes(report.freed_bytes)
    );
    confirm_destruction_on_terminal(ctx, &what)
}

fn describe_deferral(deferred: Deferred) -> &'static str {
    match deferred {
        Deferred::AnotherCollection => "another collection is under way",
        Deferred::OperationsUnderWay => {
            "operations that began earlier are under way; run it again when they have ended"
        }
        Deferred::Unreadable => {
            "bytes of packs cannot be read and may hold a manifest, so what is needed is not known; `registry fsck` names them, `registry gc --discard-unreadable` gives them up"
        }
        Deferred::NoRoom => {
            "there is no room to move what is needed out of packs with garbage; free space on this disk and run it again"
        }
    }
}

impl GcOutput {
    fn text(&self) -> String {
        let mut text = match self.deferred {
            Some(why) if self.freed_bytes == 0 => format!("Nothing freed: {why}\n"),
            _ => format!(
                "{} {}: {} pack(s) removed, {} rewritten; {} live{}\n",
                if self.dry_run { "Would free" } else { "Freed" },
                human_bytes(self.freed_bytes),
                self.packs_removed,
                self.packs_rewritten,
                human_bytes(self.live_bytes),
                self.deferred.map(|w| format!(" ({w})")).unwrap_or_default(),
            ),
        };
        if let Some(until) = &self.kept_back_until {
            text += &format!(
                "Kept back {} of {} removed dataset(s), which `registry restore` brings back, until {until} at the latest; --keep-days 0 frees it now\n",
                human_bytes(self.kept_back_bytes),
                self.kept_back_datasets,
            );
        }
        text
    }
}
