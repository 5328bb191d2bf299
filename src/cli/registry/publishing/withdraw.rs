//! `registry withdraw`: publishes that a dataset should not be used any more.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;
use crate::cli::output::text::printable;
use crate::cli::prompt::confirm::confirm_destruction;
use crate::cli::registry::publishing::key_pair::KeyArgs;
use crate::cli::registry::publishing::key_pair::open_signers_key_pair;
use crate::cli::registry::reference::find_dataset;
use crate::registry::GcOptions;

/// Publish, signed, that a dataset should not be used any more
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar withdraw signed --reason 'has personal data in it'")]
pub(crate) struct WithdrawArgs {
    /// A reference
    reference: String,
    /// The reason, for those who use it
    #[arg(long)]
    reason: String,
    /// Also remove it from this registry, and free its space; asks, and without a terminal
    /// wants --yes
    #[arg(long)]
    purge: bool,
    #[command(flatten)]
    key: KeyArgs,
}

#[derive(Serialize)]
struct WithdrawOutput<'a> {
    content_id: String,
    withdrawn: bool,
    reason: &'a str,
    purged: bool,
    freed_bytes: u64,
}

pub(crate) fn run(ctx: &Context, args: &WithdrawArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let dataset = find_dataset(ctx, &args.reference)?;
    let (m, reason) = (&dataset.manifest, args.reason.as_str());
    if args.purge {
        let what = format!(
            "the copy of `{}@{}` in this registry: {} in {} file(s), signed with your key",
            m.name,
            m.dataset_version,
            human_bytes(m.size_bytes),
            m.num_files
        );
        confirm_destruction(ctx, &what)?;
    }
    let Some(pair) = open_signers_key_pair(ctx, &dataset, args.key.path())? else {
        return Err(Failure::NotSigned(format!(
            "`{}` is not signed, so nobody has it from here; `registry unindex` takes it out",
            m.name
        )));
    };
    registry.publishing().withdraw(&dataset, &pair, reason)?;
    let mut freed = 0;
    if args.purge {
        registry.removal().purge(&dataset)?;
        let bar = ctx.progress_bar();
        freed = registry
            .maintenance()
            .gc(&GcOptions::default(), &bar)?
            .freed_bytes;
    }
    let output = WithdrawOutput {
        content_id: m.content_id.to_string(),
        withdrawn: true,
        reason,
        purged: args.purge,
        freed_bytes: freed,
    };
    let gave_back = if args.purge {
        format!("; gave back {}", human_bytes(freed))
    } else {
        String::new()
    };
    let text = printable(&format!(
        "Withdrew {}@{}: {reason}{gave_back}\n",
        m.name, m.dataset_version,
    ));
    let id = output.content_id.clone();
    Ok(ctx.out.result(&output, &[id], &text)?)
}
