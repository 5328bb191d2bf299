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

use std::ffi::OsString;

use clap::Args;
use clap::Command;
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
use crate::cli::named::commands;
use crate::cli::registry::network::look::LookArgs;

/// Look inside data
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    reading: ReadingArgs,
    #[command(flatten)]
    look: LookArgs,
    #[command(subcommand)]
    command: Box<InspectCommand>,
}

commands! {
    #[derive(Debug, Subcommand)]
    enum InspectCommand {
        "info" => Info(info::InfoArgs),
        "lines" => Lines(lines::LinesArgs),
        "search" => Search(search::SearchArgs),
        "stats" => Stats(stats::StatsArgs),
        "lint" => Lint(lint::LintArgs),
        "dedup" => Dedup(Box<dedup::DedupArgs>),
        "overlap" => Overlap(Box<overlap::OverlapArgs>),
        "tokens" => Tokens(tokens::TokensArgs),
        "sample" => Sample(sample::SampleArgs),
        "split" => Split(Box<split::SplitArgs>),
        "filter" => Filter(Box<filter::FilterArgs>),
        "export" => Export(Box<export::ExportArgs>),
        "merge" => Merge(merge::MergeArgs),
        "edit" => Edit(Box<edit::EditArgs>),
        "edits" => Edits(edits::EditsArgs),
    }
}

impl InspectArgs {
    /// Adds the arguments, and of the commands those that are among the words.
    pub(crate) fn augment_named(command: Command, words: &[OsString]) -> Command {
        let command = LookArgs::augment_args(ReadingArgs::augment_args(command));
        InspectCommand::augment_named(command, words)
    }
}

pub(crate) fn run(base: &Context, args: &InspectArgs) -> Result<(), Failure> {
    let ctx = &InspectContext::new(base, &args.reading, &args.look);
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
