//! The page of peers: the nodes that this one knows.

use std::sync::Arc;

use hyper::StatusCode;

use crate::doors::body::Answer;
use crate::doors::error::DoorError;
use crate::doors::page::facts;
use crate::doors::page::html::At;
use crate::doors::page::html::Html;
use crate::doors::page::layout;
use crate::doors::page::layout::Page;
use crate::doors::page::layout::Part;
use crate::doors::page::limits::PEERS_MAX;
use crate::doors::page::words;
use crate::doors::request::DoorRequest;
use crate::doors::state::Doors;
use crate::net::KnownPeers;
use crate::registry::Error;
use crate::registry::LocalRegistry;

/// A node.
struct Peer {
    name: Option<String>,
    address: String,
    node: String,
}

/// Answers with the nodes whose keys are pinned.
pub(super) async fn answer(doors: &Arc<Doors>, request: &DoorRequest) -> Result<Answer, DoorError> {
    let registry = doors.catalogue.registry().clone();
    let peers = doors.catalogue.blocking(move || known(&registry)).await??;
    let mut html = Html::new();
    html.leaf("h1", &[], "Peers");
    html.leaf("p", &[], "Nodes that this one has met: the key of each was proven in a handshake, and is pinned to its address.");
    match peers.as_slice() {
        [] => {
            html.leaf(
                "p",
                &[At::Lit("class", "note")],
                "This node has met no other yet.",
            );
        }
        peers => table(&mut html, peers),
    }
    let lines = [
        facts::command_line(&["alimentar", "peers"]),
        facts::command_line(&["alimentar", "sync", "--peer", "HOST:PORT"]),
    ];
    facts::commands(&mut html, "On the command line", &lines);
    let page = Page::new("Peers", Part::Peers, html);
    Ok(layout::page(request, StatusCode::OK, page))
}

fn known(registry: &LocalRegistry) -> Result<Vec<Peer>, Error> {
    let names = registry.peers().node_names()?;
    let known = KnownPeers::of(registry).all()?.into_iter();
    let mut peers: Vec<Peer> = known
        .map(|(address, node)| Peer {
            name: names.get(&node).map(ToString::to_string),
            address,
            node: node.to_hex(),
        })
        .collect();
    peers.sort_by(|a, b| (&a.name, &a.address).cmp(&(&b.name, &b.address)));
    Ok(peers)
}

fn table(h: &mut Html, peers: &[Peer]) {
    let region = [
        At::Lit("class", "scroll"),
        At::Lit("tabindex", "0"),
        At::Lit("role", "region"),
        At::Label("Peers"),
    ];
    h.element("div", &region, |h| {
        h.element("table", &[], |h| {
            h.literal(
                "<thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Address</th>\
                 <th scope=\"col\">Node</th></tr></thead>",
            );
            h.element("tbody", &[], |h| {
                for peer in peers.iter().take(PEERS_MAX) {
                    h.element("tr", &[], |h| {
                        h.leaf(
                            "th",
                            &[At::Lit("scope", "row")],
                            peer.name.as_deref().unwrap_or("no name"),
                        );
                        h.leaf("td", &[], &peer.address);
                        h.element("td", &[], |h| {
                            h.leaf("code", &[At::Lit("class", "id")], &peer.node);
                        });
                    });
                }
            });
        });
    });
    if peers.len() > PEERS_MAX {
        let more = words::count_of((peers.len() - PEERS_MAX) as u64, "further node");
        h.leaf("p", &[], &format!("And {more}."));
    }
}
