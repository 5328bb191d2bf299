//! `registry pull`: fetches a dataset from peers.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::destination::check_destination;
use crate::cli::output::text::human_bytes;
use crate::cli::prompt::dataset::ask_about_size;
use crate::cli::prompt::dataset::check_size;
use crate::cli::registry::network::connect::connect_all;
use crate::cli::registry::network::connect::open_net;
use crate::cli::registry::network::connect::warn_about_silent_peers;
use crate::cli::registry::network::consent::accept_offer;
use crate::file_io::IfExists;
use crate::ident::PublisherKey;
use crate::ident::Reference;
use crate::net::Net;
use crate::net::Peer;
use crate::net::PeerAddress;
use crate::protocol::ChunkSource;
use crate::protocol::PeerCatalog;
use crate::registry::DatasetError;
use crate::registry::Error;
use crate::registry::IntegrityError;
use crate::registry::NodeError;
use crate::registry::peers::AcceptedOffer;
use crate::registry::peers::GivenConsent;
use crate::registry::peers::Offer;
use crate::registry::peers::PullOptions;
use crate::registry::peers::PullReport;

/// Pull a dataset from peers: only the chunks that are not here
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar registry pull corpus --peer 192.168.1.20:8765
  alimentar registry pull corpus@1.2.0 --peer lab-a:8765 --peer lab-b:8765 -o ./corpus.jsonl")]
pub(crate) struct PullArgs {
    /// alimentar:<id or prefix>, name, name@1.2.0 or name@^1
    reference: String,
    /// host:port or nodeid@host:port; may be given several times [default: every peer that is found
    /// or known]
    #[arg(long, value_name = "ADDR")]
    peer: Vec<PeerAddress>,
    /// Also write it here
    #[arg(short, long, value_name = "DEST")]
    output: Option<PathBuf>,
    /// Do not ask about this publisher; may be given several times
    #[arg(long, value_name = "KEYHEX")]
    accept_publisher: Vec<PublisherKey>,
    /// Do not ask about data without a signature
    #[arg(long)]
    accept_unsigned: bool,
}

#[derive(Serialize)]
struct PullOutput<'a> {
    content_id: String,
    name: String,
    version: String,
    trust: &'static str,
    publisher: Option<String>,
    size_bytes: u64,
    chunks_fetched: u64,
    chunks_local: u64,
    bytes_received: u64,
    sources: Vec<SourceObject<'a>>,
    already_here: bool,
    seconds: f64,
}

#[derive(Serialize)]
struct SourceObject<'a> {
    node_id: String,
    address: &'a str,
    chunks: u64,
    bytes_received: u64,
    gave_up: Option<&'a str>,
}

/// The peers that were asked for a dataset, and their best offer.
struct Search {
    peers: Vec<Peer>,
    offer: Offer,
    /// The positions of the peers that have the offer.
    holders: Vec<usize>,
    /// The faults of peers that did not answer.
    faults: Vec<Failure>,
}

pub(crate) fn run(ctx: &Context, args: &PullArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let started = Instant::now();
    let reference: Reference = args.reference.parse()?;
    let if_exists = match &args.output {
        Some(dest) => check_destination(ctx, dest)?,
        None => IfExists::Refuse,
    };
    let net = open_net(registry)?;
    let named = ctx.peers_or_default(&args.peer);
    let found = match find_offer(ctx, &net, &reference, named, Some(&reference)) {
        // Filters are not signed, and anybody on the network can forge them.
        Err(Failure::Library(Error::Node(NodeError::NotAtPeers(_)))) if named.is_empty() => {
            find_offer(ctx, &net, &reference, named, None)?
        }
        found => found?,
    };
    warn_about_silent_peers(ctx.out, &found.faults, named.is_empty(), found.peers.len());
    let given = GivenConsent {
        publishers: &args.accept_publisher,
        unsigned: args.accept_unsigned,
    };
    let (accepted, is_by_person) = accept_offer(ctx, &found.offer, &reference, given, "Pull it")?;
    let holders = found.holders.iter().filter_map(|n| found.peers.get(*n));
    let holders: Vec<&Peer> = holders.collect();
    let report = if registry.peers().holds(&found.offer)? {
        write_held(ctx, args, &found.offer, if_exists)?;
        None
    } else {
        let report = pull_offer(ctx, args, &accepted, &holders, if_exists)?;
        if is_by_person {
            registry.trust().note_accepted(found.offer.manifest())?;
        }
        Some(report)
    };
    let seconds = started.elapsed().as_secs_f64();
    print_pull(ctx, args, &found.offer, report.as_ref(), &holders, seconds)
}

/// Asks the `named` peers, or else all whose filters may have the `wanted` dataset.
fn find_offer(
    ctx: &Context,
    net: &Net,
    reference: &Reference,
    named: &[PeerAddress],
    wanted: Option<&Reference>,
) -> Result<Search, Failure> {
    let peers = connect_all(ctx, net, named, wanted)?;
    let catalogs: Vec<&dyn PeerCatalog> = peers.iter().map(|p| p as _).collect();
    let (offer, holders, faults) = ctx
        .registry()?
        .peers()
        .resolve_remote(reference, &catalogs)?;
    Ok(Search {
        peers,
        offer,
        holders,
        faults: faults.into_iter().map(Failure::from).collect(),
    })
}

/// Writes a dataset that is here already to the output, if there is one.
fn write_held(
    ctx: &Context,
    args: &PullArgs,
    offer: &Offer,
    if_exists: IfExists,
) -> Result<(), Failure> {
    let Some(dest) = &args.output else {
        return Ok(());
    };
    let registry = ctx.registry()?;
    let id = offer.manifest().content_id;
    let held = registry.get(&id)?;
    let held = held.ok_or_else(|| Error::Dataset(DatasetError::NotFound(id.to_string())))?;
    let bar = ctx.progress_bar();
    check_size(ctx, &held)?;
    registry
        .working_copies()
        .checkout_over(&held, None, (dest, if_exists), &bar)?;
    Ok(())
}

fn pull_offer(
    ctx: &Context,
    args: &PullArgs,
    accepted: &AcceptedOffer,
    holders: &[&Peer],
    if_exists: IfExists,
) -> Result<PullReport, Failure> {
    let registry = ctx.registry()?;
    let sources: Vec<&dyn ChunkSource> = holders.iter().map(|p| *p as _).collect();
    let mut options = PullOptions {
        output: args.output.clone(),
        allow_large: ctx.global.allow_large,
        if_exists,
        ..PullOptions::default()
    };
    let bar = ctx.progress_bar();
    let pulled = match registry
        .peers()
        .pull(accepted, &sources, options.clone(), &bar)
    {
        Err(Error::Integrity(IntegrityError::TooLarge { dataset, expansion }))
            if bar.suspend(|| ask_about_size(ctx.out, &dataset, expansion)) =>
        {
            options.allow_large = true;
            registry.peers().pull(accepted, &sources, options, &bar)
        }
        pulled => pulled,
    };
    Ok(pulled?)
}

fn print_pull(
    ctx: &Context,
    args: &PullArgs,
    offer: &Offer,
    report: Option<&PullReport>,
    holders: &[&Peer],
    seconds: f64,
) -> Result<(), Failure> {
    let m = offer.manifest();
    let received: u64 = holders.iter().map(|p| p.traffic().received).sum();
    let (fetched, local) = report.map_or((0, 0), |r| (r.chunks_fetched, r.chunks_local));
    let reports = report.map(|r| r.sources.as_slice()).unwrap_or_default();
    let sources = reports.iter().zip(holders);
    let sources = sources.map(|(source, peer)| SourceObject {
        node_id: source.node_id.to_hex(),
        address: &source.address,
        chunks: source.chunks,
        bytes_received: peer.traffic().received,
        gave_up: source.gave_up.as_deref(),
    });
    let output = PullOutput {
        content_id: m.content_id.to_string(),
        name: m.name.to_string(),
        version: m.dataset_version.to_string(),
        trust: offer.listed.trust().name(),
        publisher: offer.listed.publisher(),
        size_bytes: m.size_bytes,
        chunks_fetched: fetched,
        chunks_local: local,
        bytes_received: received,
        sources: sources.collect(),
        already_here: report.is_none(),
        seconds,
    };
    let id = output.content_id.clone();
    let did = match report {
        Some(_) => "Pulled",
        None => "Already here:",
    };
    let by = offer.listed.publisher_short().map(|p| format!(" by {p}"));
    let mut text = format!(
        "{did} {}@{}{}, trust {}: {}, {} received, {fetched} chunks new, {local} here before, {seconds:.2} s\n  {id}\n",
        m.name,
        m.dataset_version,
        by.unwrap_or_default(),
        output.trust,
        human_bytes(m.size_bytes),
        human_bytes(received),
    );
    if output.sources.len() > 1 {
        for source in &output.sources {
            text += &format!(
                "  {} chunks, {} from {}\n",
                source.chunks,
                human_bytes(source.bytes_received),
                source.address
            );
        }
    }
    if !ctx.out.is_quiet() {
        for source in &output.sources {
            if let Some(reason) = source.gave_up {
                ctx.out.diagnostic(&format!(
                    "warning: gave up peer {}: {reason}",
                    source.address
                ));
            }
        }
    }
    let out = ctx.out.beside(args.output.as_deref());
    Ok(out.result(&output, &[id], &text)?)
}
