//! Peer addresses: `host:port`, with the expected key `nodeid@host:port`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::ident::Alias;
use crate::ident::NodeId;

/// The default UDP port of a node.
const DEFAULT_PORT: u16 = 8765;

/// The text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not an address such as 192.168.1.20:8765, or NODEID@lab-b.local:8765 with a node id or a node's name"
)]
pub struct AddressError(String);

/// The address of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddress {
    /// The expected node, where the text names one by id.
    pub node: Option<NodeId>,
    /// The expected node, where the text names one by its local name.
    pub called: Option<Alias>,
    /// A host name or an IP address; IPv6 without brackets.
    pub host: String,
    /// The UDP port.
    pub port: u16,
}

impl PeerAddress {
    /// Returns `host:port`, to which a key is pinned.
    pub fn place(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for PeerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(text.to_owned());
        let (node, called, place) = match text.split_once('@') {
            Some((who, place)) => match NodeId::parse_hex(who) {
                Some(node) => (Some(node), None, place),
                None => (None, Some(who.parse().map_err(|_| wrong())?), place),
            },
            None => (None, None, text),
        };
        let (host, port) = match place.strip_prefix('[') {
            Some(bracketed) => {
                let (host, after) = bracketed.split_once(']').ok_or_else(wrong)?;
                let port = match after {
                    "" => None,
                    after => Some(after.strip_prefix(':').ok_or_else(wrong)?),
                };
                (host, port)
            }
            // More than one colon: an IPv6 address without a port.
            None if place.matches(':').count() > 1 => (place, None),
            None => match place.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            },
        };
        let port = port.map_or(Ok(DEFAULT_PORT), |p| p.parse().map_err(|_| wrong()))?;
        let is_name =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if host.is_empty() || port == 0 || host.len() > 253 || !host.chars().all(is_name) {
            return Err(wrong());
        }
        Ok(Self {
            node,
            called,
            host: host.to_ascii_lowercase(),
            port,
        })
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(node) = self.node {
            write!(f, "{node}@")?;
        } else if let Some(called) = &self.called {
            write!(f, "{called}@")?;
        }
        f.write_str(&self.place())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peer_address_parses_and_displays() {
        let id = "ab".repeat(32);
        for (text, place) in [
            ("10.0.0.7:9000", "10.0.0.7:9000"),
            ("lab-b.local", "lab-b.local:8765"),
            ("Lab:1", "lab:1"),
            ("[fe80::1%eth0]:9000", "[fe80::1%eth0]:9000"),
            ("::1", "[::1]:8765"),
            (&format!("{id}@[::1]:7"), "[::1]:7"),
            ("lab b@10.0.0.7:9000", "10.0.0.7:9000"),
        ] {
            let address: PeerAddress = text.parse().unwrap();
            assert_eq!(address.place(), place);
            assert_eq!(address.to_string().parse(), Ok(address));
        }
        for text in [
            "", ":1", "a:b", "a:0", "a:99999", "x\ny@a:1", "@a:1", "a@b@c:1", "[::1", "[::1]9",
            "a b:1", "a/b:1",
        ] {
            assert!(text.parse::<PeerAddress>().is_err(), "{text}");
        }
    }
}
