//! `registry unindex`: takes versions out of the index.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::printable;
use crate::cli::prompt::confirm::require_consent;
use crate::cli::registry::datasets::versions::VersionObject;
use crate::cli::registry::datasets::versions::find_versions;
use crate::cli::registry::datasets::versions::format_versions;
use crate::cli::registry::datasets::versions::ids_of;
use crate::cli::registry::datasets::versions::version_of;
use crate::cli::registry::reference::RefArgs;
use crate::registry::DatasetError;
use crate::registry::Error;
use crate::registry::KEEP_DAYS;

/// Take all versions of a name out of the index, or one version; `restore` undoes it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar registry unindex corpus@1.0.0
  alimentar registry unindex corpus --yes")]
#[command(visible_alias = "rm")]
pub(crate) struct UnindexArgs {
    #[command(flatten)]
    reference: RefArgs,
}

#[derive(Serialize)]
struct UnindexOutput {
    /// The newest of the versions.
    content_id: Option<String>,
    removed: bool,
    name: Option<String>,
    versions: Vec<VersionObject>,
    keep_days: u32,
}

pub(crate) fn run(ctx: &Context, args: &UnindexArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let reference = &args.reference.reference;
    let versions = match find_versions(ctx, reference) {
        Err(Failure::Library(Error::Dataset(
            not_here @ (DatasetError::NotFound(_) | DatasetError::NearMiss { .. }),
        ))) => return forget_partial(ctx, reference, not_here),
        versions => versions?,
    };
    let what = format_versions(&versions);
    if let [first, .., newest] = versions.as_slice() {
        require_consent(
            ctx,
            &format!("Remove {what}?"),
            &format!(
                "`{reference}` means {what}; --yes removes all of them, `{}@{}` only one",
                first.manifest.name,
                version_of(newest)
            ),
        )?;
    }
    registry.removal().remove_all(&versions)?;
    let newest = versions.last().map(|d| &d.manifest);
    let output = UnindexOutput {
        content_id: newest.map(|m| m.content_id.to_string()),
        removed: true,
        name: newest.map(|m| m.name.to_string()),
        versions: VersionObject::all(&versions),
        keep_days: KEEP_DAYS,
    };
    let text = printable(&format!(
        "Removed {what} from the index; `registry restore {reference}` brings {} back, for at least {KEEP_DAYS} days\n",
        if versions.len() == 1 { "it" } else { "them" },
    ));
    Ok(ctx.out.result(&output, &ids_of(&versions), &text)?)
}

/// Forgets a dataset of which only a part is here.
fn forget_partial(ctx: &Context, reference: &str, not_here: DatasetError) -> Result<(), Failure> {
    let peers = ctx.registry()?.peers();
    let Some(partial) = peers.forget_partial(&reference.parse()?)? else {
        return Err(Error::from(not_here).into());
    };
    let m = &partial.manifest;
    let id = m.content_id.to_string();
    let output = UnindexOutput {
        content_id: Some(id.clone()),
        removed: true,
        name: Some(m.name.to_string()),
        versions: Vec::new(),
        keep_days: 0,
    };
    let text = printable(&format!(
        "Forgot the part of {}@{} that was here; `registry gc` frees its space\n",
        m.name, m.dataset_version,
    ));
    Ok(ctx.out.result(&output, &[id], &text)?)
}
