//! `known_peers`: which key was at an address that a person typed. Addresses move; keys do not,
//! so a change is shown and refused until somebody says that it is right.

use std::path::PathBuf;

use crate::ident::NodeId;
use crate::keyring::IfExists;
use crate::keyring::write_aside;
use crate::net::address::PeerAddress;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::sync::PeerError;
use crate::wire::limits::NODE_FILE_BYTES_MAX;

const FILE: &str = "known_peers";
const LOCK: &str = "known_peers.lock";

/// What became of a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinned {
    /// The same key as always.
    Known,
    /// Nobody was known there: this key is, from now on.
    New,
}

/// The pins of a home.
#[derive(Clone, Debug)]
pub struct KnownPeers {
    registry: LocalRegistry,
}

impl KnownPeers {
    /// The pins of a registry's home.
    pub fn of(registry: &LocalRegistry) -> Self {
        Self {
            registry: registry.clone(),
        }
    }

    /// Compares who is at an address with who was, and remembers who is when nobody was.
    ///
    /// # Errors
    /// [`Error::Peer`] when it is somebody else; [`Error::File`] when the file cannot be used.
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
            // Whoever gives the id with the address has checked it.
            Some((_, expected)) if address.node.is_none() => Err(other(*expected)),
            _ => {
                pins.retain(|(at, _)| *at != place);
                pins.push((place.clone(), found));
                self.write(&pins)?;
                Ok(Pinned::New)
            }
        }
    }

    /// Every address and who was there.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read.
    pub fn all(&self) -> Result<Vec<(String, NodeId)>, Error> {
        let path = self.path();
        let text = match std::fs::read(&path) {
            Ok(bytes) if bytes.len() <= NODE_FILE_BYTES_MAX => bytes,
            Ok(_) => {
                let long = std::io::Error::other("it is too long");
                return Err(Error::file("read", &path, long));
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(Error::file("read", &path, e)),
        };
        let text = String::from_utf8_lossy(&text);
        let mut pins = Vec::new();
        for (n, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let pin = line.split_once(' ').and_then(|(at, id)| {
                let at: PeerAddress = at.parse().ok()?;
                Some((at.place(), NodeId::parse_hex(id.trim())?))
            });
            // A line that is not understood might be the pin that matters.
            let wrong = || std::io::Error::other(format!("line {} is not a pin", n + 1));
            pins.push(pin.ok_or_else(|| Error::file("read", &path, wrong()))?);
        }
        Ok(pins)
    }

    /// Forgets who was at an address. Whether anybody was.
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
        let path = self.path();
        write_aside(&path, text.as_bytes(), None, IfExists::Replace)
            .map_err(|e| Error::file("write", &path, e))
    }

    fn path(&self) -> PathBuf {
        self.registry.home().join(FILE)
    }
}
