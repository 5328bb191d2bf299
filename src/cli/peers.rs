//! What peers show and are shown: `list --peer`, `share`, `access`, `peers`.

use serde_json::Value;
use serde_json::json;

use crate::catalog::Dataset;
use crate::cli::args_peers::AccessCommand;
use crate::cli::args_peers::PeersCommand;
use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::cli::out::table;
use crate::cli::show;
use crate::ident::NodeId;
use crate::net::AccessList;
use crate::net::KnownPeers;
use crate::net::Net;
use crate::net::Peer;
use crate::net::PeerAddress;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::sync::ListFilter;
use crate::sync::PeerCatalog as _;

/// Connects to a peer, and says so where nobody was known at its address.
pub(crate) fn connect(net: &Net, address: &PeerAddress, out: &Out) -> Result<Peer, Failure> {
    let peer = net.connect(address)?;
    if peer.is_new() && address.node.is_none() && !out.is_quiet() {
        out.diagnostic(&format!(
            "{} is node {}, from now on: compare it with what `registry node` says there",
            peer.address(),
            peer.id()
        ));
    }
    Ok(peer)
}

/// The peers that were named, or all that are known. Those that do not answer are left out, as
/// long as one does.
pub(crate) fn connect_all(
    net: &Net,
    registry: &LocalRegistry,
    named: &[PeerAddress],
    out: &Out,
) -> Result<Vec<Peer>, Failure> {
    let mut addresses = named.to_vec();
    if addresses.is_empty() {
        let known = KnownPeers::of(registry).all()?;
        addresses.extend(known.iter().filter_map(|(at, _)| at.parse().ok()));
    }
    let (mut peers, mut first) = (Vec::new(), None);
    // One that does not answer keeps nobody waiting for the others.
    let connected: Vec<Result<Peer, Failure>> = std::thread::scope(|scope| {
        let ask = |address| scope.spawn(move || connect(net, address, out));
        let asked: Vec<_> = addresses.iter().map(ask).collect();
        let gone = |_| Failure::from(Error::NoPeer);
        let joined = asked.into_iter().map(|asked| asked.join());
        joined.map(|peer| peer.map_err(gone)?).collect()
    });
    for peer in connected {
        match peer {
            Ok(peer) => peers.push(peer),
            Err(failure) => {
                if addresses.len() > 1 {
                    out.diagnostic(&format!("warning: {}", failure.message()));
                }
                first.get_or_insert(failure);
            }
        }
    }
    match (peers.is_empty(), first) {
        (false, _) => Ok(peers),
        (true, Some(failure)) => Err(failure),
        (true, None) => Err(Error::NoPeer.into()),
    }
}

pub(crate) fn list(
    registry: &LocalRegistry,
    address: &PeerAddress,
    out: &Out,
) -> Result<(), Failure> {
    let net = Net::new(registry)?;
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

pub(crate) fn access(
    registry: &LocalRegistry,
    command: &AccessCommand,
    out: &Out,
) -> Result<(), Failure> {
    let list = AccessList::of(registry);
    let id = |text: &String| {
        NodeId::parse_hex(text).ok_or(Failure::usage("a node id has 64 hex digits"))
    };
    let changed = match command {
        AccessCommand::Add { node_id } => list.add(id(node_id)?)?,
        AccessCommand::Remove { node_id } => {
            let removed = list.remove(id(node_id)?)?;
            if !removed {
                return Err(Error::NotListed(node_id.clone()).into());
            }
            removed
        }
        AccessCommand::List => false,
    };
    let ids: Vec<String> = list.all()?.iter().map(NodeId::to_hex).collect();
    let text = match ids.is_empty() {
        true => "Nobody is on the list\n".to_owned(),
        false => ids.iter().map(|id| format!("{id}\n")).collect(),
    };
    let object = json!({"access": ids, "changed": changed});
    Ok(out.result(&object, &ids, &text)?)
}

pub(crate) fn peers(
    registry: &LocalRegistry,
    command: Option<&PeersCommand>,
    out: &Out,
) -> Result<(), Failure> {
    let known = KnownPeers::of(registry);
    if let Some(PeersCommand::Forget { address }) = command {
        let place = address.place();
        if !known.forget(address)? {
            return Err(Error::UnknownPeer(place).into());
        }
        let text = format!("Forgot which node was at {place}\n");
        return Ok(out.result(&json!({"address": place, "forgotten": true}), &[], &text)?);
    }
    let pins = known.all()?;
    let object = |(address, id): &(String, NodeId)| {
        json!({
            "node_id": id.to_hex(), "address": address, "datasets_available": Value::Null,
            "filter_bytes": Value::Null, "last_seen": Value::Null,
        })
    };
    let objects: Vec<Value> = pins.iter().map(object).collect();
    let ids: Vec<String> = pins.iter().map(|(_, id)| id.to_hex()).collect();
    let text = match pins.is_empty() {
        true => "No peers are known yet: `registry sync --peer HOST:PORT` meets one\n".to_owned(),
        false => {
            let rows: Vec<Vec<String>> = pins
                .iter()
                .map(|(at, id)| vec![at.clone(), id.to_hex()])
                .collect();
            table(&["ADDRESS", "NODE"], &rows)
        }
    };
    Ok(out.result(&json!({"peers": objects}), &ids, &text)?)
}
