//! Events of a serving node, as JSON and as sentences.

use std::net::SocketAddr;

use serde::Serialize;

use crate::cli::output::text::human_bytes;
use crate::cli::output::text::json_text;
use crate::cli::output::text::printable;
use crate::doors::RequestEvent;
use crate::ident::NodeId;
use crate::net::Event;

/// The addresses of the doors for clients of other programs.
#[derive(Clone, Debug, Default)]
pub(super) struct DoorUrls {
    /// The hub's API and the page.
    pub(super) http: Option<String>,
    pub(super) s3: Option<String>,
    /// The file of the certificate that this node made.
    pub(super) certificate: Option<String>,
    /// The hash of its public key.
    pub(super) pin: Option<String>,
}

/// An event in JSON.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum EventObject<'a> {
    Ready {
        node_id: String,
        /// The first address.
        addr: Option<String>,
        addrs: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        http: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        s3: Option<&'a str>,
        /// The certificate that this node made, for clients that take a file.
        #[serde(skip_serializing_if = "Option::is_none")]
        certificate: Option<&'a str>,
        /// The same for `curl --pinnedpubkey`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pin: Option<&'a str>,
    },
    Connected {
        peer: String,
        addr: String,
    },
    Refused {
        peer: Option<String>,
        addr: String,
        reason: &'a str,
    },
    Disconnected {
        peer: String,
        addr: String,
        reason: &'a str,
        sent_bytes: u64,
        requests: u64,
    },
    Answered {
        peer: String,
        request: &'a str,
        bytes: u64,
        seconds: f64,
    },
    Failed {
        peer: String,
        request: &'a str,
        error: &'a str,
    },
    Found {
        peer: String,
        addrs: Vec<String>,
    },
    Left {
        peer: String,
    },
    Compared {
        peer: String,
        manifests_received: u64,
        manifests_sent: u64,
    },
    Unreachable {
        peer: String,
        error: &'a str,
    },
    Followed {
        content_id: String,
        dataset: &'a str,
        sources: Vec<String>,
        chunks_fetched: u64,
        seconds: f64,
    },
    NotFollowed {
        content_id: String,
        dataset: &'a str,
        error: &'a str,
    },
    Retired {
        datasets: &'a [String],
    },
    LeftOut {
        of: &'a str,
        count: u64,
    },
    Trouble {
        error: &'a str,
    },
    Stopping,
    Stopped,
}

impl<'a> EventObject<'a> {
    fn of(event: &'a Event, doors: &'a DoorUrls) -> Self {
        match event {
            Event::Ready { node_id, addresses } => {
                let addrs = to_strings(addresses);
                Self::Ready {
                    node_id: node_id.to_hex(),
                    addr: addrs.first().cloned(),
                    addrs,
                    http: doors.http.as_deref(),
                    s3: doors.s3.as_deref(),
                    certificate: doors.certificate.as_deref(),
                    pin: doors.pin.as_deref(),
                }
            }
            Event::Connected { peer, address } => Self::Connected {
                peer: peer.to_hex(),
                addr: address.to_string(),
            },
            Event::Refused {
                peer,
                address,
                reason,
            } => Self::Refused {
                peer: peer.map(|p| p.to_hex()),
                addr: address.to_string(),
                reason,
            },
            Event::Disconnected {
                peer,
                address,
                reason,
                sent_bytes,
                requests,
            } => Self::Disconnected {
                peer: peer.to_hex(),
                addr: address.to_string(),
                reason,
                sent_bytes: *sent_bytes,
                requests: *requests,
            },
            Event::Answered {
                peer,
                request,
                bytes,
                seconds,
            } => Self::Answered {
                peer: peer.to_hex(),
                request,
                bytes: *bytes,
                seconds: *seconds,
            },
            Event::Failed {
                peer,
                request,
                error,
            } => Self::Failed {
                peer: peer.to_hex(),
                request,
                error,
            },
            Event::Found { peer, addresses } => Self::Found {
                peer: peer.to_hex(),
                addrs: to_strings(addresses),
            },
            Event::Left { peer } => Self::Left {
                peer: peer.to_hex(),
            },
            Event::Compared {
                peer,
                received,
                sent,
            } => Self::Compared {
                peer: peer.to_hex(),
                manifests_received: *received,
                manifests_sent: *sent,
            },
            Event::Unreachable { peer, error } => Self::Unreachable {
                peer: peer.to_hex(),
                error,
            },
            Event::Followed {
                content,
                label,
                sources,
                chunks,
                seconds,
            } => Self::Followed {
                content_id: content.to_string(),
                dataset: label,
                sources: sources.iter().map(NodeId::to_hex).collect(),
                chunks_fetched: *chunks,
                seconds: *seconds,
            },
            Event::NotFollowed {
                content,
                label,
                error,
            } => Self::NotFollowed {
                content_id: content.to_string(),
                dataset: label,
                error,
            },
            Event::Retired { labels } => Self::Retired { datasets: labels },
            Event::LeftOut { of, count } => Self::LeftOut { of, count: *count },
            Event::Trouble { what } => Self::Trouble { error: what },
            Event::Stopping => Self::Stopping,
            Event::Stopped => Self::Stopped,
        }
    }
}

fn to_strings(addresses: &[SocketAddr]) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}

/// Formats an event as JSON.
pub(super) fn event_json(event: &Event, doors: &DoorUrls) -> String {
    // Through a value, which sorts the keys. Events have no map that could fail.
    let value = serde_json::to_value(EventObject::of(event, doors));
    json_text(&value.unwrap_or_default())
}

/// Formats a request at a door for people.
pub(super) fn request_sentence(event: &RequestEvent) -> String {
    let token = event.token.as_ref().map(|name| format!(" ({name})"));
    let text = format!(
        "{}{} {} {}: {}, {} in {:.3} s{}",
        event.client,
        token.unwrap_or_default(),
        event.method,
        event.path,
        event.status,
        human_bytes(event.bytes),
        event.seconds,
        event
            .error
            .as_ref()
            .map(|e| format!(": {e}"))
            .unwrap_or_default(),
    );
    printable(&text)
}

/// Formats an event for people.
pub(super) fn event_sentence(event: &Event) -> String {
    let short = |id: &NodeId| id.to_hex().chars().take(16).collect::<String>();
    let text = match event {
        Event::Ready { node_id, addresses } => {
            let places: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!("Serving at {} as node {node_id}", places.join(", "))
        }
        Event::Connected { peer, address } => format!("{}… connected from {address}", short(peer)),
        Event::Refused {
            peer,
            address,
            reason,
        } => {
            let who = peer.map(|p| short(&p) + "… ").unwrap_or_default();
            format!("{who}refused at {address}: {reason}")
        }
        Event::Disconnected {
            peer,
            sent_bytes,
            requests,
            reason,
            ..
        } => format!(
            "{}… gone after {requests} requests and {}: {reason}",
            short(peer),
            human_bytes(*sent_bytes)
        ),
        Event::Answered {
            peer,
            request,
            bytes,
            seconds,
        } => format!(
            "{}… {request}: {} in {seconds:.3} s",
            short(peer),
            human_bytes(*bytes)
        ),
        Event::Failed {
            peer,
            request,
            error,
        } => format!("{}… {request} failed here: {error}", short(peer)),
        Event::Found { peer, addresses } => {
            let first = addresses.first().map(ToString::to_string);
            format!("{}… found at {}", short(peer), first.unwrap_or_default())
        }
        Event::Left { peer } => format!("{}… has left", short(peer)),
        Event::Compared {
            peer,
            received,
            sent,
        } => format!(
            "{}… compared catalogues: {received} received, {sent} sent",
            short(peer)
        ),
        Event::Unreachable { peer, error } => format!("{}… not reached: {error}", short(peer)),
        Event::Followed {
            label,
            sources,
            chunks,
            seconds,
            ..
        } => {
            let from: Vec<String> = sources.iter().map(|s| short(s) + "…").collect();
            format!(
                "Followed {label} from {}: {chunks} chunks in {seconds:.2} s",
                from.join(", ")
            )
        }
        Event::NotFollowed { label, error, .. } => {
            format!("Could not fetch {label}, which is followed: {error}")
        }
        Event::Retired { labels } => format!("Gave up {}", labels.join(", ")),
        Event::LeftOut { of, count } => format!("{count} more of \"{of}\", not told one by one"),
        Event::Trouble { what } => format!("Trouble: {what}"),
        Event::Stopping => "Stopping: no new requests".to_owned(),
        Event::Stopped => "Stopped".to_owned(),
    };
    printable(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_json_has_name_and_keys_of_the_specification() {
        let node_id = NodeId::new([7; 32]);
        let ready = Event::Ready {
            node_id,
            addresses: vec![SocketAddr::from(([127, 0, 0, 1], 8765))],
        };
        assert_eq!(
            event_json(&ready, &DoorUrls::default()),
            format!(
                "{{\"addr\":\"127.0.0.1:8765\",\"addrs\":[\"127.0.0.1:8765\"],\"event\":\"ready\",\"node_id\":\"{}\"}}",
                node_id.to_hex()
            )
        );
        let left_out = Event::LeftOut {
            of: "unreachable",
            count: 3,
        };
        assert_eq!(
            event_json(&left_out, &DoorUrls::default()),
            "{\"count\":3,\"event\":\"left_out\",\"of\":\"unreachable\"}"
        );
        assert_eq!(
            event_json(&Event::Stopped, &DoorUrls::default()),
            "{\"event\":\"stopped\"}"
        );
    }
}
