//! `registry trust show`.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::parse::parse_alias;
use crate::cli::registry::trust::publisher::print_publisher;
use crate::ident::Alias;

/// Show a publisher: key, fingerprint, words, limits
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar trust show colleague")]
pub(crate) struct ShowArgs {
    /// Its name here
    #[arg(value_parser = parse_alias)]
    name: Alias,
}

pub(super) fn run(ctx: &Context, args: &ShowArgs) -> Result<(), Failure> {
    print_publisher(ctx, &args.name)
}
