//! The commands of `documents`, over collections of JSON documents.
//!
//! - `collection.rs`: the arguments ROOT and `-c`; `change/` writes documents, `read/` reads them, `upkeep/` is the rest
//!
//! A file is named after its command.

mod change;
mod collection;
mod read;
mod upkeep;

use clap::Args;
use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::documents::change::delete;
use crate::cli::documents::change::import;
use crate::cli::documents::change::init;
use crate::cli::documents::change::put;
use crate::cli::documents::read::export;
use crate::cli::documents::read::get;
use crate::cli::documents::read::list;
use crate::cli::documents::read::scan;
use crate::cli::documents::read::schema;
use crate::cli::documents::read::stats;
use crate::cli::documents::upkeep::compact;
use crate::cli::documents::upkeep::pack;
use crate::cli::documents::upkeep::reindex;
use crate::cli::documents::upkeep::unpack;
use crate::cli::documents::upkeep::validate;
use crate::cli::exit::Failure;

/// Collections of JSON documents: put, get, delete, scan
#[derive(Debug, Args)]
pub(crate) struct DocumentsArgs {
    #[command(subcommand)]
    command: Box<DocumentsCommand>,
}

#[derive(Debug, Subcommand)]
enum DocumentsCommand {
    Init(init::InitArgs),
    Put(put::PutArgs),
    Get(get::GetArgs),
    Delete(delete::DeleteArgs),
    Scan(scan::ScanArgs),
    List(list::ListArgs),
    Stats(stats::StatsArgs),
    Schema(schema::SchemaArgs),
    Import(import::ImportArgs),
    Export(export::ExportArgs),
    Validate(validate::ValidateArgs),
    Reindex(reindex::ReindexArgs),
    Compact(compact::CompactArgs),
    Pack(pack::PackArgs),
    Unpack(unpack::UnpackArgs),
}

pub(crate) fn run(ctx: &Context, args: &DocumentsArgs) -> Result<(), Failure> {
    match args.command.as_ref() {
        DocumentsCommand::Init(args) => init::run(ctx, args),
        DocumentsCommand::Put(args) => put::run(ctx, args),
        DocumentsCommand::Get(args) => get::run(ctx, args),
        DocumentsCommand::Delete(args) => delete::run(ctx, args),
        DocumentsCommand::Scan(args) => scan::run(ctx, args),
        DocumentsCommand::List(args) => list::run(ctx, args),
        DocumentsCommand::Stats(args) => stats::run(ctx, args),
        DocumentsCommand::Schema(args) => schema::run(ctx, args),
        DocumentsCommand::Import(args) => import::run(ctx, args),
        DocumentsCommand::Export(args) => export::run(ctx, args),
        DocumentsCommand::Validate(args) => validate::run(ctx, args),
        DocumentsCommand::Reindex(args) => reindex::run(ctx, args),
        DocumentsCommand::Compact(args) => compact::run(ctx, args),
        DocumentsCommand::Pack(args) => pack::run(ctx, args),
        DocumentsCommand::Unpack(args) => unpack::run(ctx, args),
    }
}
