//! `registry trust`: the publishers known here, and their levels of trust. One file for each
//! subcommand; `warning.rs` is for other commands.

mod add;
mod list;
mod publisher;
mod remove;
mod revoke;
mod rotate;
mod show;
pub(crate) mod warning;

use clap::Args;
use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::exit::Failure;

/// The publishers trusted here, and their levels of trust
#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    #[command(subcommand)]
    command: TrustCommand,
}

#[derive(Debug, Subcommand)]
enum TrustCommand {
    Add(add::AddArgs),
    List(list::ListArgs),
    Remove(remove::RemoveArgs),
    Show(show::ShowArgs),
    Rotate(rotate::RotateArgs),
    Revoke(revoke::RevokeArgs),
}

impl TrustArgs {
    pub(crate) fn adds_publisher(&self) -> bool {
        matches!(self.command, TrustCommand::Add(_))
    }
}

pub(crate) fn run(ctx: &Context, args: &TrustArgs) -> Result<(), Failure> {
    match &args.command {
        TrustCommand::Add(args) => add::run(ctx, args),
        TrustCommand::List(args) => list::run(ctx, args),
        TrustCommand::Remove(args) => remove::run(ctx, args),
        TrustCommand::Show(args) => show::run(ctx, args),
        TrustCommand::Rotate(args) => rotate::run(ctx, args),
        TrustCommand::Revoke(args) => revoke::run(ctx, args),
    }
}
