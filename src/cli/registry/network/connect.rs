//! Connections to the peers of a command.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::output::out::Out;
use crate::cli::output::progress_bar::ProgressBar;
use crate::ident::Reference;
use crate::net::DialTarget;
use crate::net::Net;
use crate::net::Peer;
use crate::net::PeerAddress;
use crate::net::select_peers;
use crate::progress::Progress as _;
use crate::protocol::PeerCatalog as _;
use crate::protocol::PeerError;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::NodeError;
use crate::registry::host;

/// The time after which a command with one connection stops waiting for others.
const PATIENCE: Duration = Duration::from_secs(2);

/// Opens the network for requests. A signal ends them.
///
/// # Errors
/// As [`Net::new`].
pub(crate) fn open_net(registry: &LocalRegistry) -> Result<Net, Error> {
    Ok(Net::new(registry)?.until(interrupt::stop_condition()))
}

/// Connects to a peer. Prints the node id if no node was known at the address.
///
/// # Errors
/// As [`Net::connect`].
pub(crate) fn connect(ctx: &Context, net: &Net, address: &PeerAddress) -> Result<Peer, Failure> {
    let bar = ctx.progress_bar();
    bar.phase(&format!("trying {}", address.place()), None);
    connect_with_bar(net, address, ctx.out, &bar)
}

/// Connects to a peer under the bar of the caller.
fn connect_with_bar(
    net: &Net,
    address: &PeerAddress,
    out: Out,
    bar: &ProgressBar,
) -> Result<Peer, Failure> {
    let peer = net.connect(address)?;
    if peer.is_new() && address.node.is_none() && address.called.is_none() && !out.is_quiet() {
        let remark = format!(
            "{} is node {}, from now on: compare it with what `registry node` says there",
            peer.address(),
            peer.node_id()
        );
        bar.suspend(|| out.diagnostic(&remark));
    }
    Ok(peer)
}

/// Connects to the `named` peers. Without names, connects to all peers that are found or known, except
/// those whose filters lack the `wanted` dataset. One connection is enough; the rest are warnings.
///
/// # Errors
/// [`NodeError::NoPeer`], [`Error::Interrupted`], or the first failure if no peer answers.
pub(crate) fn connect_all(
    ctx: &Context,
    net: &Net,
    named: &[PeerAddress],
    wanted: Option<&Reference>,
) -> Result<Vec<Peer>, Failure> {
    let places: Vec<DialTarget> = if named.is_empty() {
        select_peers(ctx.registry()?, wanted, &interrupt::stop_condition())?
    } else {
        named.iter().cloned().map(DialTarget::Typed).collect()
    };
    let mut peers = Vec::new();
    let mut failures: Vec<Failure> = Vec::new();
    for peer in connect_in_parallel(ctx, net, &places) {
        match peer {
            Ok(peer) => peers.push(peer),
            Err(failure) => failures.push(failure),
        }
    }
    if interrupt::is_requested() {
        return Err(Error::Interrupted.into());
    }
    if places.len() > 1 {
        warn_about_silent_peers(ctx.out, &failures, named.is_empty(), places.len());
    }
    match (peers.is_empty(), failures.is_empty()) {
        (false, _) => Ok(peers),
        (true, false) => Err(failures.swap_remove(0)),
        (true, true) => Err(Error::Node(NodeError::NoPeer).into()),
    }
}

/// Connects to all places at once, so that a silent peer does not delay the others.
fn connect_in_parallel(
    ctx: &Context,
    net: &Net,
    places: &[DialTarget],
) -> Vec<Result<Peer, Failure>> {
    let out = ctx.out;
    let (begun, is_met) = (host::instant(), AtomicBool::new(false));
    // After the first connection, silent addresses get little more time.
    let is_enough = || is_met.load(Ordering::Relaxed) && begun.elapsed() > PATIENCE;
    let bar = ctx.progress_bar();
    let trying: Vec<String> = places.iter().map(DialTarget::place).collect();
    bar.phase(&format!("trying {}", trying.join(", ")), None);
    std::thread::scope(|scope| {
        let connect = |place| {
            let (is_met, is_enough, bar) = (&is_met, &is_enough, &bar);
            scope.spawn(move || {
                let peer = connect_at(net, place, is_enough, out, bar);
                is_met.fetch_or(peer.is_ok(), Ordering::Relaxed);
                peer
            })
        };
        let started: Vec<_> = places.iter().map(connect).collect();
        let gone = |_| Failure::from(Error::Node(NodeError::NoPeer));
        let joined = started.into_iter().map(|started| started.join());
        joined.map(|peer| peer.map_err(gone)?).collect()
    })
}

fn connect_at(
    net: &Net,
    place: &DialTarget,
    is_enough: &dyn Fn() -> bool,
    out: Out,
    bar: &ProgressBar,
) -> Result<Peer, Failure> {
    let (node, addresses) = match place {
        DialTarget::Typed(address) => return connect_with_bar(net, address, out, bar),
        DialTarget::Found(node, addresses) => (*node, addresses.clone()),
    };
    let found = net.connect_found(node, addresses, is_enough);
    Ok(found.map_err(|error| match error {
        Error::Peer {
            address,
            source: PeerError::Stopped,
        } => Error::Peer {
            address,
            source: PeerError::Lost("it does not answer".to_owned()),
        },
        other => other,
    })?)
}

/// Warns about peers that are left out: of those that were named, each by itself. Those that were only
/// found share one line, because anybody can forge any number of them.
pub(super) fn warn_about_silent_peers(
    out: Out,
    failures: &[Failure],
    are_found: bool,
    asked: usize,
) {
    match failures {
        [first, _, ..] if are_found => out.diagnostic(&format!(
            "warning: {} of {asked} nodes do not answer, and are left out; one of them: {}",
            failures.len(),
            first.message()
        )),
        several => {
            for failure in several {
                out.diagnostic(&format!("warning: {}", failure.message()));
            }
        }
    }
}
