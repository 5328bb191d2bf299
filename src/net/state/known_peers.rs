//! Known peers: `known_peers` pins a key to each typed address. Addresses move and keys do not, so a
//! change is reported and refused until the user accepts it.

use std::path::PathBuf;

use crate::ident::NodeId;
use crate::net::address::PeerAddress;
use crate::protocol::PeerError;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::NodeError;
use crate::registry::line_file;

const FILE: &str = "known_peers";
const LOCK: &str = "known_peers.lock";

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinned {
    /// The pinned key.
    Known,
    /// No key was pinned; this one is from now on.
    New,
}

/// The pins of a home.
#[derive(Clone, Debug)]
pub struct KnownPeers {
    registry: LocalRegistry,
}

impl KnownPeers {
    /// Makes the pins of a registry's home.
    pub fn of(registry: &LocalRegistry) -> Self {
        Self {
            registry: registry.clone(),
        }
    }

    /// Compares the key at an address with the pinned one, and pins it when there is none.
    ///
    /// # Errors
    /// [`Error::Peer`] when the key differs; [`Error::File`] when the file cannot be used.
    pub fn check(&self, address: &PeerAddress, found: NodeId) -> Result<Pinned, Error> {
        let place = address.place();
        let other = |expected| Error::Peer {
            address: place.clone(),
            source: PeerError::OtherNode { expected, found },
        };
        if let Some(expected) = address.node.filter(|expected| *expected != found) {
            return Err(other(expected));
        }
        let _turn = self.registry.exclusive(LOCK)?;
        let mut pins = self.all()?;
        match pins.iter().find(|(at, _)| *at == place) {
            Some((_, expected)) if *expected == found => Ok(Pinned::Known),
            // An id in the address counts as checked.
            Some((_, expected)) if address.node.is_none() => Err(other(*expected)),
            _ => {
                pins.retain(|(at, _)| *at != place);
                pins.push((place.clone(), found));
                self.write(&pins)?;
                Ok(Pinned::New)
            }
        }
    }

    /// Resolves an address in which a node's name stands for its id, or alone for its last address.
    ///
    /// # Errors
    /// [`NodeError::UnknownPeer`] when no node has the name before the `@`; [`Error::File`].
    pub fn named(&self, address: &PeerAddress) -> Result<PeerAddress, Error> {
        if let Some(name) = &address.called {
            let node = self.registry.peers().node_called(name)?;
            let unknown = || Error::Node(NodeError::UnknownPeer(name.to_string()));
            return Ok(PeerAddress {
                node: Some(node.ok_or_else(unknown)?),
                called: None,
                ..address.clone()
            });
        }
        let Ok(name) = address.host.parse() else {
            return Ok(address.clone());
        };
        let Some(node) = self
            .registry
            .peers()
            .node_called(&name)?
            .filter(|_| address.node.is_none())
        else {
            return Ok(address.clone());
        };
        let pins = self.all()?;
        let place = address.place();
        // A host with the same name as the node may be meant too; the node's key is checked
        // in either case.
        let known = pins.iter().filter(|(_, id)| *id == node);
        let at = known.min_by_key(|(at, _)| *at != place);
        let mut found = match at {
            Some((at, _)) => at.parse().unwrap_or_else(|_| address.clone()),
            None => address.clone(),
        };
        found.node = Some(node);
        Ok(found)
    }

    /// Returns every address with its pinned node.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read.
    pub fn all(&self) -> Result<Vec<(String, NodeId)>, Error> {
        line_file::read(&self.path(), |line| {
            let (at, id) = line.split_once(' ')?;
            let at: PeerAddress = at.parse().ok()?;
            Some((at.place(), NodeId::parse_hex(id.trim())?))
        })
    }

    /// Removes the pin of an address and returns true if there was one.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be used.
    pub fn forget(&self, address: &PeerAddress) -> Result<bool, Error> {
        let _turn = self.registry.exclusive(LOCK)?;
        let mut pins = self.all()?;
        let before = pins.len();
        pins.retain(|(at, _)| *at != address.place());
        if pins.len() < before {
            self.write(&pins)?;
        }
        Ok(pins.len() < before)
    }

    fn write(&self, pins: &[(String, NodeId)]) -> Result<(), Error> {
        let lines = pins.iter().map(|(at, id)| format!("{at} {id}\n"));
        let text = "# Which node was found at which address. `alimentar registry peers forget ADDR` removes a line.\n"
            .to_owned()
            + &lines.collect::<String>();
        line_file::write(&self.path(), &text)
    }

    fn path(&self) -> PathBuf {
        self.registry.home().join(FILE)
    }
}
