//! `registry tag`: adds and removes tags.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::registry::describe::edited::print_edit;
use crate::cli::registry::publishing::key_pair::KeyArgs;
use crate::cli::registry::publishing::key_pair::open_signers_key_pair;
use crate::cli::registry::reference::find_dataset;
use crate::ident::labels;
use crate::registry::Edit;

/// Add and remove a dataset's tags
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar tag train --add speech --remove draft")]
pub(crate) struct TagArgs {
    /// A reference
    reference: String,
    /// A tag to add; may be given several times
    #[arg(long, value_name = "T")]
    add: Vec<String>,
    /// A tag to remove; may be given several times
    #[arg(long, value_name = "T")]
    remove: Vec<String>,
    #[command(flatten)]
    key: KeyArgs,
}

pub(crate) fn run(ctx: &Context, args: &TagArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let edit = Edit {
        add_tags: args.add.clone(),
        remove_tags: args.remove.clone(),
        ..Edit::default()
    };
    let dataset = find_dataset(ctx, &args.reference)?;
    let pair = open_signers_key_pair(ctx, &dataset, args.key.path())?;
    let revised = registry
        .descriptions()
        .revise(&dataset, &edit, pair.as_ref())?;
    let m = &revised.manifest;
    let changed = revised.envelope_id != dataset.envelope_id;
    let text = format!(
        "{} {}@{}  tags: {}\n",
        if changed { "Revised" } else { "Unchanged" },
        m.name,
        m.dataset_version,
        labels(&m.tags).join(", ")
    );
    print_edit(ctx, m, &text)
}
