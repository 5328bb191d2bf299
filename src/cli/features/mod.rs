//! The commands of `features`, over tables of features by key.
//!
//! - `open.rs`: the configuration, and the tables of it; `state.rs`: tables as text and JSON; `served.rs`: a server
//!   that runs
//!
//! The other files are named after their commands.

mod bench;
mod check;
mod get;
mod list;
mod load;
mod open;
mod serve;
pub(in crate::cli) mod served;
mod state;

use clap::Args;
use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::exit::Failure;

/// Tables of features by key, from Parquet partitions: load, get, serve
#[derive(Debug, Args)]
pub(crate) struct FeaturesArgs {
    #[command(subcommand)]
    command: Box<FeaturesCommand>,
}

#[derive(Debug, Subcommand)]
enum FeaturesCommand {
    Check(check::CheckArgs),
    Load(load::LoadArgs),
    List(list::ListArgs),
    Get(get::GetArgs),
    Serve(serve::ServeArgs),
    Bench(bench::BenchArgs),
}

pub(crate) fn run(ctx: &Context, args: &FeaturesArgs) -> Result<(), Failure> {
    match args.command.as_ref() {
        FeaturesCommand::Check(args) => check::run(ctx, args),
        FeaturesCommand::Load(args) => load::run(ctx, args),
        FeaturesCommand::List(args) => list::run(ctx, args),
        FeaturesCommand::Get(args) => get::run(ctx, args),
        FeaturesCommand::Serve(args) => serve::run(ctx, args),
        FeaturesCommand::Bench(args) => bench::run(ctx, args),
    }
}
