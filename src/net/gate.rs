//! Who is connected, and how many may be.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use quinn::Connection;

use crate::ident::NodeId;
use crate::net::endpoint::send_window;

/// Connections in all.
const CONNECTIONS_MAX: usize = 512;
/// Connections of one peer.
const CONNECTIONS_PER_PEER_MAX: usize = 8;

/// The connections of a serving node.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    next: u64,
    connections: HashMap<u64, (NodeId, Connection)>,
}

/// Holds a connection's place until it is dropped.
pub(crate) struct Place<'a> {
    gate: &'a Gate,
    number: u64,
}

impl Gate {
    /// Whether there is room for one more, whoever it is, beside those at the door.
    pub(crate) fn has_room(&self, at_the_door: usize) -> bool {
        self.inside().connections.len() + at_the_door < CONNECTIONS_MAX
    }

    /// How many are connected.
    pub(crate) fn len(&self) -> usize {
        self.inside().connections.len()
    }

    /// Lets a connection in. What each may have on its way shrinks as there are more.
    pub(crate) fn enter(&self, peer: NodeId, connection: &Connection) -> Option<Place<'_>> {
        let mut inside = self.inside();
        let of_peer = inside.connections.values().filter(|(p, _)| *p == peer);
        if inside.connections.len() >= CONNECTIONS_MAX
            || of_peer.count() >= CONNECTIONS_PER_PEER_MAX
        {
            return None;
        }
        let number = inside.next;
        inside.next += 1;
        inside
            .connections
            .insert(number, (peer, connection.clone()));
        share_out(&inside);
        Some(Place { gate: self, number })
    }

    /// Everybody who is connected, once.
    pub(crate) fn peers(&self) -> Vec<NodeId> {
        let inside = self.inside();
        let mut peers: Vec<NodeId> = inside.connections.values().map(|(p, _)| *p).collect();
        peers.sort_unstable();
        peers.dedup();
        peers
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn share_out(inside: &Inside) {
    let window = send_window(inside.connections.len());
    for (_, connection) in inside.connections.values() {
        connection.set_send_window(window);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut inside = self.gate.inside();
        inside.connections.remove(&self.number);
        share_out(&inside);
    }
}
