//! The commands of `inspect`, which look inside data.
//!
//! - `context.rs`: opens targets; `scan.rs` goes over their rows, `columns.rs` checks their columns
//! - `edits/`: commands that edit rows
//! - `similarity/`: commands that compare rows
//! - `write/`: commands that write rows
//!
//! A file is named after its command.

mod columns;
mod context;
mod edits;
mod info;
mod lines;
mod lint;
pub(super) mod reading;
mod scan;
mod search;
mod similarity;
mod stats;
mod stats_output;
mod tokens;
mod write;

use clap::Args;
use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::edits::edit;
use crate::cli::inspect::reading::ReadingArgs;
use crate::cli::inspect::similarity::dedup;
use crate::cli::inspect::similarity::overlap;
use crate::cli::inspect::write::export;
use crate::cli::inspect::write::filter;
use crate::cli::inspect::write::merge;
use crate::cli::inspect::write::sample;
use crate::cli::inspect::write::split;

/// Look inside data
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    reading: ReadingArgs,
    #[command(subcommand)]
    command: Box<InspectCommand>,
}

#[derive(Debug, Subcommand)]
enum InspectCommand {
    Info(info::InfoArgs),
    Lines(lines::LinesArgs),
    Search(search::SearchArgs),
    Stats(stats::StatsArgs),
    Lint(lint::LintArgs),
    Dedup(Box<dedup::DedupArgs>),
    Overlap(Box<overlap::OverlapArgs>),
    Tokens(tokens::TokensArgs),
    Sample(sample::SampleArgs),
    Split(Box<split::SplitArgs>),
    Filter(Box<filter::FilterArgs>),
    Export(Box<export::ExportArgs>),
    Merge(merge::MergeArgs),
    Edit(Box<edit::EditArgs>),
    Edits(edits::EditsArgs),
}

pub(crate) fn run(base: &Context, args: &InspectArgs) -> Result<(), Failure> {
    let ctx = &InspectContext::new(base, &args.reading);
    match args.command.as_ref() {
        InspectCommand::Info(args) => info::run(ctx, args),
        InspectCommand::Lines(args) => lines::run(ctx, args),
        InspectCommand::Search(args) => search::run(ctx, args),
        InspectCommand::Stats(args) => stats::run(ctx, args),
        InspectCommand::Lint(args) => lint::run(ctx, args),
        InspectCommand::Dedup(args) => dedup::run(ctx, args),
        InspectCommand::Overlap(args) => overlap::run(ctx, args),
        InspectCommand::Tokens(args) => tokens::run(ctx, args),
        InspectCommand::Sample(args) => sample::run(ctx, args),
        InspectCommand::Split(args) => split::run(ctx, args),
        InspectCommand::Filter(args) => filter::run(ctx, args),
        InspectCommand::Export(args) => export::run(ctx, args),
        InspectCommand::Merge(args) => merge::run(ctx, args),
        InspectCommand::Edit(args) => edit::run(ctx, args),
        InspectCommand::Edits(args) => edits::run(ctx, args),
    }
}
