//! `registry set`: changes licence, description, tags and card.

use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::registry::describe::edited::print_edit;
use crate::cli::registry::publishing::key_pair::KeyArgs;
use crate::cli::registry::publishing::key_pair::open_signers_key_pair;
use crate::cli::registry::reference::RefArgs;
use crate::cli::registry::reference::find_dataset;
use crate::registry::Edit;
use crate::registry::differing;

/// Set the description of a dataset: licence, text, tags, card
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar registry set corpus --license CC-BY-4.0 --add-tag speech
  alimentar registry set corpus@1.0.0 --description 'The first hundred hours' --card card.md")]
pub(crate) struct SetArgs {
    #[command(flatten)]
    reference: RefArgs,
    /// Its licence, as an SPDX expression or LicenseRef-NAME; "" removes it
    #[arg(long, value_name = "L")]
    license: Option<String>,
    /// Its description, in Markdown; "" removes it
    #[arg(long, value_name = "D")]
    description: Option<String>,
    /// A tag to add; may be given several times
    #[arg(long, value_name = "T")]
    add_tag: Vec<String>,
    /// A tag to remove; may be given several times
    #[arg(long, value_name = "T")]
    remove_tag: Vec<String>,
    /// A Markdown file that becomes its card
    #[arg(long, value_name = "FILE")]
    card: Option<PathBuf>,
    #[command(flatten)]
    key: KeyArgs,
}

pub(crate) fn run(ctx: &Context, args: &SetArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let dataset = find_dataset(ctx, &args.reference.reference)?;
    let has_tags = !args.add_tag.is_empty() || !args.remove_tag.is_empty();
    let has_words = args.license.is_some() || args.description.is_some() || args.card.is_some();
    if !has_tags && !has_words {
        return Err(Failure::usage(
            "say what to set: --license, --description, --add-tag, --remove-tag or --card",
        ));
    }
    let edit = Edit {
        add_tags: args.add_tag.clone(),
        remove_tags: args.remove_tag.clone(),
        description: args.description.clone(),
        license: args.license.clone(),
        card: args.card.clone(),
        ..Edit::default()
    };
    let pair = open_signers_key_pair(ctx, &dataset, args.key.path())?;
    let revised = registry
        .descriptions()
        .revise(&dataset, &edit, pair.as_ref())?;
    let m = &revised.manifest;
    let label = format!("{}@{}", m.name, m.dataset_version);
    let text = match differing(&dataset.manifest, m).join(", ") {
        nothing if nothing.is_empty() => format!("Unchanged {label}\n"),
        fields => format!("Revised {label}: {fields}\n"),
    };
    print_edit(ctx, m, &text)
}
