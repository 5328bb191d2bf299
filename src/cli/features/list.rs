//! `features list`: the tables, and the partitions that are loaded.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::features::open::ConfigArgs;
use crate::cli::features::state::TableObject;
use crate::cli::features::state::text_of;

/// List the tables and what is loaded of them
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar features list -c features.yaml
  alimentar features list -c features.yaml --json")]
pub(crate) struct ListArgs {
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Serialize)]
struct ListOutput {
    tables: Vec<TableObject>,
}

pub(crate) fn run(ctx: &Context, args: &ListArgs) -> Result<(), Failure> {
    let opened = args.config.open(ctx)?;
    let tables: Vec<TableObject> = opened.tables.states().into_iter().map(Into::into).collect();
    let text = text_of(ctx.out, tables.iter());
    let names: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
    Ok(ctx.out.result(&ListOutput { tables }, &names, &text)?)
}
