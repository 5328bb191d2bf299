//! What peers show and are shown: `list --peer`, `share`, `peers`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::catalog::Dataset;
use crate::cli::args_peers::PeersArgs;
use crate::cli::bar::Bar;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::nodes;
use crate::cli::out::Out;
use crate::cli::out::table;
use crate::cli::show;
use crate::clock::Timestamp;
use crate::ident::NodeId;
use crate::ident::Reference;
use crate::keyring;
use crate::net::KnownPeers;
use crate::net::NeighbourView;
use crate::net::Net;
use crate::net::Peer;
use crate::net::PeerAddress;
use crate::net::Whereabouts;
use crate::net::discovery;
use crate::net::nodes_around;
use crate::progress::Progress as _;
use crate::protocol::ListFilter;
use crate::protocol::PeerCatalog as _;
use crate::protocol::PeerError;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::host;

/// How long commands that need peers look for them where no node serves this home.
const LOOK: Duration = Duration::from_millis(1_200);
/// The same where they are what was asked for.
const LOOK_LONGER: Duration = Duration::from_secs(2);

/// What asks peers, until a signal ends it.
pub(crate) fn net(registry: &LocalRegistry) -> Result<Net, Error> {
    Ok(Net::new(registry)?.until(interrupt::stop()))
}

/// Connects to a peer, and says so where nobody was known at its address.
pub(crate) fn connect(net: &Net, address: &PeerAddress, out: &Out) -> Result<Peer, Failure> {
    let bar = Bar::new(out.is_quiet());
    bar.phase(&format!("trying {}", address.place()), None);
    connect_quietly(net, address, (out, &bar))
}

/// The same without a sign of its own that it is under way.
fn connect_quietly(
    net: &Net,
    address: &PeerAddress,
    (out, bar): (&Out, &Bar),
) -> Result<Peer, Failure> {
    let peer = net.connect(address)?;
    if peer.is_new() && address.node.is_none() && address.called.is_none() && !out.is_quiet() {
        let said = format!(
            "{} is node {}, from now on: compare it with what `registry node` says there",
            peer.address(),
            peer.id()
        );
        bar.suspended(|| out.diagnostic(&said));
    }
    Ok(peer)
}

/// The peers that were named; or all that are around or known, of those whose filters do not say
/// that they lack the content. Those that do not answer are left out, as long as one does.
pub(crate) fn connect_all(
    net: &Net,
    registry: &LocalRegistry,
    named: &[PeerAddress],
    (wanted, out): (Option<&Reference>, &Out),
) -> Result<Vec<Peer>, Failure> {
    let mut places: Vec<Whereabouts> = Vec::new();
    places.extend(named.iter().cloned().map(Whereabouts::Typed));
    if named.is_empty() {
        places = unnamed(registry, wanted)?;
    }
    let mut peers = Vec::new();
    let mut failures: Vec<Failure> = Vec::new();
    // One that does not answer keeps nobody waiting for the others.
    let (begun, is_met) = (host::instant(), AtomicBool::new(false));
    // Once somebody is there, addresses at which nobody answers are not waited for much longer.
    let is_enough = || is_met.load(Ordering::Relaxed) && begun.elapsed() > LOOK_LONGER;
    let bar = Bar::new(out.is_quiet());
    let trying: Vec<String> = places.iter().map(Whereabouts::place).collect();
    bar.phase(&format!("trying {}", trying.join(", ")), None);
    let connected: Vec<Result<Peer, Failure>> = std::thread::scope(|scope| {
        let ask = |place| {
            let (is_met, is_enough, bar) = (&is_met, &is_enough, &bar);
            scope.spawn(move || {
                let peer = connect_at(net, place, is_enough, (out, bar));
                is_met.fetch_or(peer.is_ok(), Ordering::Relaxed);
                peer
            })
        };
        let asked: Vec<_> = places.iter().map(ask).collect();
        let gone = |_| Failure::from(Error::NoPeer);
        let joined = asked.into_iter().map(|asked| asked.join());
        joined.map(|peer| peer.map_err(gone)?).collect()
    });
    drop(bar);
    for peer in connected {
        match peer {
            Ok(peer) => peers.push(peer),
            Err(failure) => failures.push(failure),
        }
    }
    if interrupt::was_asked_for() {
        return Err(Error::Interrupted.into());
    }
    if places.len() > 1 {
        warn(&failures, (named.is_empty(), places.len()), out);
    }
    match (peers.is_empty(), failures.is_empty()) {
        (false, _) => Ok(peers),
        (true, false) => Err(failures.swap_remove(0)),
        (true, true) => Err(Error::NoPeer.into()),
    }
}

/// Says of each peer that was named why it is left out. Those that were only found on the network
/// get one line together: anybody can make up any number of them.
pub(crate) fn warn(failures: &[Failure], (are_found, asked): (bool, usize), out: &Out) {
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

fn connect_at(
    net: &Net,
    place: &Whereabouts,
    is_enough: &dyn Fn() -> bool,
    (out, bar): (&Out, &Bar),
) -> Result<Peer, Failure> {
    let (node, addresses) = match place {
        Whereabouts::Typed(address) => {
            return connect_quietly(net, address, (out, bar));
        }
        Whereabouts::Found(node, addresses) => (*node, addresses.clone()),
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

/// Whoever is around, and whoever was met before at a typed address.
fn unnamed(
    registry: &LocalRegistry,
    wanted: Option<&Reference>,
) -> Result<Vec<Whereabouts>, Failure> {
    let known = KnownPeers::of(registry).all()?;
    let around = match around(registry, None, LOOK) {
        Ok(around) => around,
        Err(failure) if interrupt::was_asked_for() => return Err(failure),
        // Who was met before can be asked without it.
        Err(_) if !known.is_empty() => Vec::new(),
        Err(failure) => return Err(failure),
    };
    let nodes: BTreeSet<NodeId> = around.iter().map(|n| n.node).collect();
    let lacks = |n: &NeighbourView| wanted.is_some_and(|wanted| !n.may_have(wanted));
    let total = around.len() + known.len();
    let having = around.into_iter().filter(|n| !lacks(n));
    let mut places: Vec<Whereabouts> = having
        .map(|n| Whereabouts::Found(n.node, n.addresses))
        .collect();
    let elsewhere = known.iter().filter(|(_, node)| !nodes.contains(node));
    places.extend(elsewhere.filter_map(|(at, _)| at.parse().ok().map(Whereabouts::Typed)));
    match (places.is_empty(), wanted) {
        // Nobody needs to be asked to know that.
        (true, Some(wanted)) if total > 0 => Err(Error::NotAtPeers(wanted.to_string()).into()),
        _ => Ok(places),
    }
}

/// The nodes around: those that the node serving this home knows of, after `wait`; without one,
/// those that are found within `wait`, or within `look`.
fn around(
    registry: &LocalRegistry,
    wait: Option<Duration>,
    look: Duration,
) -> Result<Vec<NeighbourView>, Failure> {
    let home = registry.home();
    let stop = interrupt::stop();
    if nodes_around(home)?.is_some() {
        if !stop.sleep(wait.unwrap_or_default()) {
            return Err(Error::Interrupted.into());
        }
        return Ok(nodes_around(home)?.unwrap_or_default());
    }
    let own = keyring::node_key(home).map_err(Error::from)?;
    let own = NodeId::new(*own.public_key().as_bytes());
    let found = discovery::look(wait.unwrap_or(look), &stop)?.into_iter();
    let found = found.filter(|(sighting, _)| sighting.node != own);
    Ok(found
        .map(|(sighting, addresses)| NeighbourView::seen(sighting, addresses, host::now()))
        .collect())
}

pub(crate) fn list(
    registry: &LocalRegistry,
    address: &PeerAddress,
    out: &Out,
) -> Result<(), Failure> {
    let net = net(registry)?;
    let peer = connect(&net, address, out)?;
    let offers = registry.list_remote(&peer, &ListFilter::All)?;
    let listed: Vec<_> = offers.iter().map(|o| o.listed.brief()).collect();
    show::print(listed, out, "No datasets to be seen there\n")
}

pub(crate) fn share(registry: &LocalRegistry, d: &Dataset, out: &Out) -> Result<(), Failure> {
    registry.share(d)?;
    said(d, true, "Peers may see", out)
}

pub(crate) fn unshare(registry: &LocalRegistry, d: &Dataset, out: &Out) -> Result<(), Failure> {
    registry.unshare(d)?;
    said(d, false, "Kept from peers:", out)
}

fn said(d: &Dataset, shared: bool, did: &str, out: &Out) -> Result<(), Failure> {
    let m = &d.manifest;
    let id = m.content_id.to_string();
    let text = format!("{did} {}@{}\n", m.name, m.dataset_version);
    Ok(out.result(&json!({"content_id": id, "shared": shared}), &[id], &text)?)
}

pub(crate) fn peers(registry: &LocalRegistry, args: &PeersArgs, out: &Out) -> Result<(), Failure> {
    let known = KnownPeers::of(registry);
    if let Some(command) = &args.command {
        return nodes::run(registry, command, out);
    }
    let names = registry.node_names()?;
    let wait = args.wait.map(Duration::try_from_secs_f64);
    let wait = wait.transpose();
    let wait = wait.map_err(|_| Failure::usage("--wait takes seconds"))?;
    let pins = known.all()?;
    let around = match around(registry, wait, LOOK_LONGER) {
        Ok(around) => around,
        Err(failure) if interrupt::was_asked_for() => return Err(failure),
        Err(failure) => {
            out.diagnostic(&format!("warning: {}", failure.message()));
            Vec::new()
        }
    };
    let mut listed: Vec<Value> = around.iter().map(around_object).collect();
    let nodes: BTreeSet<NodeId> = around.iter().map(|n| n.node).collect();
    let elsewhere = pins.iter().filter(|(_, node)| !nodes.contains(node));
    listed.extend(elsewhere.clone().map(|(address, node)| {
        json!({
            "node_id": node.to_hex(), "address": address, "addresses": [address],
            "datasets_available": Value::Null, "filter_bytes": Value::Null,
            "last_seen": Value::Null, "proven": true,
        })
    }));
    for peer in &mut listed {
        let id = peer["node_id"].as_str().and_then(NodeId::parse_hex);
        let name = id.and_then(|id| names.get(&id));
        peer["name"] = json!(name.map(ToString::to_string));
    }
    let ids = listed.iter().filter_map(|p| p["node_id"].as_str());
    let ids: Vec<String> = ids.map(str::to_owned).collect();
    let text = match listed.is_empty() {
        true => {
            "No peers are around, and none is known: `registry sync --peer HOST:PORT` meets one\n"
                .to_owned()
        }
        false => {
            let seen: BTreeMap<NodeId, &NeighbourView> =
                around.iter().map(|n| (n.node, n)).collect();
            let nodes = around.iter().map(|n| n.node);
            let nodes = nodes.chain(elsewhere.map(|(_, node)| *node));
            let rows: Vec<Vec<String>> = nodes
                .zip(&listed)
                .map(|(node, peer)| row(&node, peer, seen.get(&node).copied()))
                .collect();
            table(&["NAME", "ADDRESS", "DATASETS", "SEEN", "NODE"], &rows)
        }
    };
    Ok(out.result(&json!({"peers": listed}), &ids, &text)?)
}

fn row(node: &NodeId, peer: &Value, seen: Option<&NeighbourView>) -> Vec<String> {
    let none = || "-".to_owned();
    let at = seen.and_then(|n| n.last_seen);
    let ago = at.map(|at| format!("{} s ago", host::now().0.saturating_sub(at.0).max(0)));
    let datasets = seen.and_then(|n| n.datasets).map(|n| n.to_string());
    // Enough to tell them apart; the whole of it is in --json, and what -q prints.
    let short: String = node.to_hex().chars().take(16).chain(['…']).collect();
    let address = peer["address"].as_str().unwrap_or("-").to_owned();
    let name = peer["name"].as_str().unwrap_or("-").to_owned();
    vec![
        name,
        address,
        datasets.unwrap_or_else(none),
        ago.unwrap_or_else(none),
        short,
    ]
}

fn around_object(n: &NeighbourView) -> Value {
    let addresses: Vec<String> = n.addresses.iter().map(ToString::to_string).collect();
    json!({
        "node_id": n.node.to_hex(), "address": addresses.first(), "addresses": addresses,
        "datasets_available": n.datasets, "filter_bytes": n.filter_bytes,
        "last_seen": n.last_seen.map(Timestamp::to_rfc3339), "proven": n.is_proven,
    })
}
