//! `registry list`: the datasets here, or those of a peer.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::registry::datasets::listed::print_datasets;
use crate::cli::registry::network::connect::connect;
use crate::cli::registry::network::connect::open_net;
use crate::net::PeerAddress;
use crate::protocol::ListFilter;
use crate::trust::Action;
use crate::trust::Trust;
use crate::trust::Verdict;

/// List the datasets
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar list
  alimentar list --all --json")]
pub(crate) struct ListArgs {
    /// Also list datasets of publishers not trusted here, and withdrawn ones
    #[arg(long)]
    all: bool,
    /// List the datasets that this peer shows, instead of those here
    #[arg(long, value_name = "ADDR")]
    peer: Option<PeerAddress>,
}

impl ListArgs {
    /// True if the datasets are those of a peer.
    pub(crate) fn asks_peer(&self) -> bool {
        self.peer.is_some()
    }
}

pub(crate) fn run(ctx: &Context, args: &ListArgs) -> Result<(), Failure> {
    match &args.peer {
        Some(peer) => list_peer(ctx, peer),
        None => list_local(ctx, args.all),
    }
}

/// Lists the datasets here. Without `all`, only those of trusted publishers.
pub(crate) fn list_local(ctx: &Context, all: bool) -> Result<(), Failure> {
    let datasets = ctx.registry()?.publishing().list_summaries()?;
    let (shown, hidden): (Vec<_>, Vec<_>) = datasets.into_iter().partition(|l| {
        let is_trusted = l.decide(Action::List).verdict == Verdict::Accept;
        let is_accepted = l.accepted && l.trust() != Trust::Revoked;
        all || ((is_trusted || is_accepted) && l.withdrawn.is_none())
    });
    if !hidden.is_empty() && ctx.out.is_text() {
        ctx.out.diagnostic(&format!(
            "{} more, not trusted here or withdrawn: `list --all` shows them",
            hidden.len()
        ));
    }
    let nothing = if hidden.is_empty() {
        "No datasets yet: `alimentar registry index PATH` adds one\n"
    } else {
        "Everything here is of publishers not trusted here, or withdrawn\n"
    };
    print_datasets(ctx, shown, nothing)
}

fn list_peer(ctx: &Context, address: &PeerAddress) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let net = open_net(registry)?;
    let peer = connect(ctx, &net, address)?;
    let offers = registry.peers().list_remote(&peer, &ListFilter::All)?;
    let listed: Vec<_> = offers.iter().map(|o| o.listed.summary()).collect();
    print_datasets(ctx, listed, "No datasets to be seen there\n")
}
