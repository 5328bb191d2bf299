//! The commands of `registry`, in the groups of `alimentar --help`.
//!
//! A file is named after its command. `reference.rs` has the argument REF, `node_id.rs` NODEID.

mod archives;
mod datasets;
mod describe;
mod elsewhere;
pub(crate) mod fields;
mod intake;
pub(crate) mod network;
mod node_id;
mod publishing;
mod reference;
mod token;
mod trust;
mod upkeep;
mod working_copy;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::named::commands;
use crate::cli::registry::archives::export;
use crate::cli::registry::archives::import;
use crate::cli::registry::datasets::info;
use crate::cli::registry::datasets::list;
use crate::cli::registry::datasets::log;
use crate::cli::registry::datasets::ls;
use crate::cli::registry::datasets::resolve;
use crate::cli::registry::datasets::restore;
use crate::cli::registry::datasets::schema;
use crate::cli::registry::datasets::search;
use crate::cli::registry::datasets::unindex;
use crate::cli::registry::describe::alias;
use crate::cli::registry::describe::card;
use crate::cli::registry::describe::rename;
use crate::cli::registry::describe::set;
use crate::cli::registry::describe::tag;
use crate::cli::registry::intake::index;
use crate::cli::registry::intake::refresh;
use crate::cli::registry::network::access;
use crate::cli::registry::network::node;
use crate::cli::registry::network::peers;
use crate::cli::registry::network::pull;
use crate::cli::registry::network::serve;
use crate::cli::registry::network::share;
use crate::cli::registry::network::sync;
use crate::cli::registry::publishing::identity;
use crate::cli::registry::publishing::keygen;
use crate::cli::registry::publishing::passwd;
use crate::cli::registry::publishing::sign;
use crate::cli::registry::publishing::withdraw;
use crate::cli::registry::upkeep::forget;
use crate::cli::registry::upkeep::fsck;
use crate::cli::registry::upkeep::gc;
use crate::cli::registry::upkeep::stats;
use crate::cli::registry::upkeep::verify;
use crate::cli::registry::working_copy::cat;
use crate::cli::registry::working_copy::checkout;
use crate::cli::registry::working_copy::commit;
use crate::cli::registry::working_copy::diff;
use crate::cli::registry::working_copy::status;
use crate::remote::RemoteUrl;

commands! {
    #[derive(Debug, Subcommand)]
    pub(crate) enum RegistryCommand {
        "index" => Index(index::IndexArgs),
        "refresh" => Refresh(refresh::RefreshArgs),
        "list" => List(list::ListArgs),
        "search" => Search(search::SearchArgs),
        "info" => Info(info::InfoArgs),
        "ls" => Ls(ls::LsArgs),
        "cat" => Cat(cat::CatArgs),
        "resolve" => Resolve(resolve::ResolveArgs),
        "checkout" => Checkout(checkout::CheckoutArgs),
        "status" => Status(status::StatusArgs),
        "commit" => Commit(commit::CommitArgs),
        "verify" => Verify(verify::VerifyArgs),
        "schema" => Schema(schema::SchemaArgs),
        "diff" => Diff(diff::DiffArgs),
        "card" => Card(card::CardArgs),
        "tag" => Tag(tag::TagArgs),
        "set" => Set(set::SetArgs),
        "alias" => Alias(alias::AliasArgs),
        "rename" => Rename(rename::RenameArgs),
        "log" => Log(log::LogArgs),
        "unindex" => Unindex(unindex::UnindexArgs),
        "restore" => Restore(restore::RestoreArgs),
        "forget" => Forget(forget::ForgetArgs),
        "withdraw" => Withdraw(withdraw::WithdrawArgs),
        "keygen" => Keygen(keygen::KeygenArgs),
        "sign" => Sign(sign::SignArgs),
        "passwd" => Passwd(passwd::PasswdArgs),
        "trust" => Trust(trust::TrustArgs),
        "export" => Export(export::ExportArgs),
        "import" => Import(import::ImportArgs),
        "identity" => Identity(identity::IdentityArgs),
        "gc" => Gc(gc::GcArgs),
        "fsck" => Fsck(fsck::FsckArgs),
        "stats" => Stats(stats::StatsArgs),
        "share" => Share(share::ShareArgs),
        "unshare" => Unshare(share::UnshareArgs),
        "serve" => Serve(serve::ServeArgs),
        "access" => Access(access::AccessArgs),
        "token" => Token(token::TokenArgs),
        "peers" => Peers(peers::PeersArgs),
        "sync" => Sync(sync::SyncArgs),
        "pull" => Pull(pull::PullArgs),
        "node" => Node(node::NodeArgs),
    }
}

impl RegistryCommand {
    /// True if the command makes the registry that it needs: it adds data, or asks others.
    pub(crate) fn may_create_registry(&self) -> bool {
        match self {
            Self::Index(_)
            | Self::Import(_)
            | Self::Pull(_)
            | Self::Sync(_)
            | Self::Serve(_)
            | Self::Keygen(_)
            | Self::Identity(_)
            | Self::Peers(_)
            // The node id goes into the lists of others before the registry has data.
            | Self::Node(_) => true,
            // A URL needs no registry, so the command makes none.
            Self::Ls(args) => args.reference.as_deref().is_some_and(RemoteUrl::looks_like_url),
            Self::Cat(args) => RemoteUrl::looks_like_url(&args.target),
            Self::Card(args) => RemoteUrl::looks_like_url(&args.reference),
            Self::Schema(args) => RemoteUrl::looks_like_url(&args.target),
            Self::List(args) => args.asks_peer(),
            Self::Trust(args) => args.adds_publisher(),
            Self::Access(args) => args.adds_node(),
            Self::Token(args) => args.adds_token(),
            _ => false,
        }
    }
}

pub(crate) fn run(ctx: &Context, command: &RegistryCommand) -> Result<(), Failure> {
    match command {
        RegistryCommand::Index(args) => index::run(ctx, args),
        RegistryCommand::Refresh(args) => refresh::run(ctx, args),
        RegistryCommand::List(args) => list::run(ctx, args),
        RegistryCommand::Search(args) => search::run(ctx, args),
        RegistryCommand::Info(args) => info::run(ctx, args),
        RegistryCommand::Ls(args) => ls::run(ctx, args),
        RegistryCommand::Cat(args) => cat::run(ctx, args),
        RegistryCommand::Resolve(args) => resolve::run(ctx, args),
        RegistryCommand::Checkout(args) => checkout::run(ctx, args),
        RegistryCommand::Status(args) => status::run(ctx, args),
        RegistryCommand::Commit(args) => commit::run(ctx, args),
        RegistryCommand::Verify(args) => verify::run(ctx, args),
        RegistryCommand::Schema(args) => schema::run(ctx, args),
        RegistryCommand::Diff(args) => diff::run(ctx, args),
        RegistryCommand::Card(args) => card::run(ctx, args),
        RegistryCommand::Tag(args) => tag::run(ctx, args),
        RegistryCommand::Set(args) => set::run(ctx, args),
        RegistryCommand::Alias(args) => alias::run(ctx, args),
        RegistryCommand::Rename(args) => rename::run(ctx, args),
        RegistryCommand::Log(args) => log::run(ctx, args),
        RegistryCommand::Unindex(args) => unindex::run(ctx, args),
        RegistryCommand::Restore(args) => restore::run(ctx, args),
        RegistryCommand::Forget(args) => forget::run(ctx, args),
        RegistryCommand::Withdraw(args) => withdraw::run(ctx, args),
        RegistryCommand::Keygen(args) => keygen::run(ctx, args),
        RegistryCommand::Sign(args) => sign::run(ctx, args),
        RegistryCommand::Passwd(args) => passwd::run(ctx, args),
        RegistryCommand::Trust(args) => trust::run(ctx, args),
        RegistryCommand::Export(args) => export::run(ctx, args),
        RegistryCommand::Import(args) => import::run(ctx, args),
        RegistryCommand::Identity(args) => identity::run(ctx, args),
        RegistryCommand::Gc(args) => gc::run(ctx, args),
        RegistryCommand::Fsck(args) => fsck::run(ctx, args),
        RegistryCommand::Stats(args) => stats::run(ctx, args),
        RegistryCommand::Share(args) => share::run(ctx, args),
        RegistryCommand::Unshare(args) => share::run_unshare(ctx, args),
        RegistryCommand::Serve(args) => serve::run(ctx, args),
        RegistryCommand::Access(args) => access::run(ctx, args),
        RegistryCommand::Token(args) => token::run(ctx, args),
        RegistryCommand::Peers(args) => peers::run(ctx, args),
        RegistryCommand::Sync(args) => sync::run(ctx, args),
        RegistryCommand::Pull(args) => pull::run(ctx, args),
        RegistryCommand::Node(args) => node::run(ctx, args),
    }
}
