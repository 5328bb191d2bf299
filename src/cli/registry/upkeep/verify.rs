//! `registry verify`: checks the bytes, the signature and the trust of a dataset.

use crate::registry::Listed;
use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::registry::reference::find_dataset;
use crate::cli::registry::trust::warning::TrustObject;
use crate::cli::registry::trust::warning::warn_about_dataset;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::trust::Action;
use crate::trust::SignatureState;
use crate::trust::Verdict;

/// Read every byte of a dataset and recompute its hashes
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar verify train
  alimentar verify signed --require-signature")]
pub(crate) struct VerifyArgs {
    /// A reference
    reference: String,
    /// Fail unless a publisher trusted in full signed it
    #[arg(long)]
    require_signature: bool,
}

#[derive(Serialize)]
struct VerifyOutput<'a> {
    content_id: String,
    content: &'static str,
    signature: &'static str,
    #[serde(flatten)]
    trust: TrustObject<'a>,
}

pub(crate) fn run(ctx: &Context, args: &VerifyArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let d = find_dataset(ctx, &args.reference)?;
    let bar = ctx.progress_bar();
    let verified = registry.verify(&d, &bar).map(drop);
    drop(bar);
    let content = match &verified {
        Ok(()) => "ok",
        Err(e) if e.kind() == ErrorKind::Integrity => "corrupt",
        Err(_) => return Ok(verified?),
    };
    let believed = registry.trust().store()?;
    let mut listed = Listed::of(&believed, d.clone());
    listed.policy_input.signature = registry.publishing().signature(&d)?;
    warn_about_dataset(ctx, &listed)?;
    let signature = listed.policy_input.signature;
    let output = VerifyOutput {
        content_id: d.manifest.content_id.to_string(),
        content,
        signature: signature.name(),
        trust: TrustObject::of(&listed),
    };
    let by = listed.publisher().map(|p| format!(" by {p}"));
    let name = &d.manifest.name;
    let text = format!(
        "{name}@{}  content {content}, signature {}{}, trust {}\n",
        d.manifest.dataset_version,
        signature.name(),
        by.unwrap_or_default(),
        listed.trust().name(),
    );
    let id = output.content_id.clone();
    ctx.out.result(&output, &[id], &text)?;
    verified?;
    if signature == SignatureState::Invalid {
        let message = format!("`{name}`: its signature does not hold");
        return Err(Failure::Damaged(message));
    }
    let decision = listed.decide(Action::Require);
    if args.require_signature && decision.verdict != Verdict::Accept {
        let message = format!("`{name}`: {}", listed.reason(Action::Require));
        return Err(match signature {
            SignatureState::None => Failure::NotSigned(message),
            _ => Failure::NotTrusted(message),
        });
    }
    Ok(())
}
