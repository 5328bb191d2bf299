//! `registry rename`: gives versions another name.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use crate::catalog::Dataset;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::printable;
use crate::cli::prompt::confirm::require_consent;
use crate::cli::registry::datasets::versions::VersionObject;
use crate::cli::registry::datasets::versions::clock_of;
use crate::cli::registry::datasets::versions::find_versions;
use crate::cli::registry::datasets::versions::format_versions;
use crate::cli::registry::datasets::versions::ids_of;
use crate::cli::registry::datasets::versions::version_of;
use crate::cli::registry::publishing::key_pair::KeyArgs;
use crate::cli::registry::publishing::key_pair::open_signers_key_pair;
use crate::ident::DatasetName;

/// Give all versions of a name another name, or one version
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar rename train sentences")]
pub(crate) struct RenameArgs {
    /// A name (all its versions), name@1.2.0, or a content id
    reference: String,
    /// The new name
    name: DatasetName,
    #[command(flatten)]
    key: KeyArgs,
}

#[derive(Serialize)]
struct RenameOutput<'a> {
    /// The newest of the versions.
    content_id: String,
    clock: BTreeMap<String, u64>,
    name: String,
    version: String,
    tags: &'a [String],
    seq: u64,
    versions: Vec<VersionObject>,
}

pub(crate) fn run(ctx: &Context, args: &RenameArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let (reference, name) = (&args.reference, &args.name);
    let versions = find_versions(ctx, reference)?;
    let what = format_versions(&versions);
    if let [first, .., newest] = versions.as_slice() {
        require_consent(
            ctx,
            &format!("Rename {what} to {name}?"),
            &format!(
                "`{reference}` means {what}; --yes renames all of them, `{}@{}` only one",
                first.manifest.name,
                version_of(newest)
            ),
        )?;
    }
    let pair = match versions.iter().find(|d| d.manifest.signer.is_some()) {
        Some(signed) => open_signers_key_pair(ctx, signed, args.key.path())?,
        None => None,
    };
    let renamed = registry
        .descriptions()
        .rename_all(&versions, name, pair.as_ref())?;
    let Some(newest) = renamed.last() else {
        return Ok(());
    };
    let m = &newest.manifest;
    let output = RenameOutput {
        content_id: m.content_id.to_string(),
        clock: clock_of(newest),
        name: m.name.to_string(),
        version: version_of(newest),
        tags: &m.tags,
        seq: m.seq,
        versions: VersionObject::all(&renamed),
    };
    let is_same = |(a, b): (&Dataset, &Dataset)| a.envelope_id == b.envelope_id;
    let text = if versions.iter().zip(&renamed).all(is_same) {
        format!("Unchanged {what}\n")
    } else {
        format!("Renamed {what} to {name}\n")
    };
    Ok(ctx
        .out
        .result(&output, &ids_of(&renamed), &printable(&text))?)
}
