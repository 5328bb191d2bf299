//! Snapshot of the known nodes, for other threads.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;

use serde_json::Value;
use serde_json::json;

use crate::clock::Timestamp;
use crate::ident::NodeId;
use crate::ident::Reference;
use crate::locks::lock;
use crate::protocol::Filter;
use crate::protocol::ServiceRecord;

/// A known node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeView {
    /// The node id, claimed or proven.
    pub node: NodeId,
    /// The addresses, the best first.
    pub addresses: Vec<SocketAddr>,
    /// Number of datasets that it announces.
    pub datasets: Option<u64>,
    /// Bytes of its filter.
    pub filter_bytes: Option<u64>,
    /// The encoded filter, where it arrived.
    pub filter: Option<Arc<[u8]>>,
    /// The time when it was last seen.
    pub last_seen: Option<Timestamp>,
    /// Set if it has proven its key.
    pub is_proven: bool,
}

impl NodeView {
    /// Makes the view of a node from its announcement.
    pub fn seen(record: ServiceRecord, addresses: Vec<SocketAddr>, at: Timestamp) -> Self {
        let summary = record.summary;
        Self {
            node: record.node,
            addresses,
            datasets: summary.as_ref().map(|s| s.datasets),
            filter_bytes: summary.as_ref().map(|s| s.filter_bytes),
            filter: summary.and_then(|s| s.filter).map(Arc::from),
            last_seen: Some(at),
            is_proven: false,
        }
    }

    /// Returns true if the node is worth a request for a reference: its filter admits it, or is unknown.
    pub fn may_have(&self, wanted: &Reference) -> bool {
        let filter = self.filter.as_ref().map(|bytes| Filter::decode(bytes));
        match (filter, wanted) {
            (Some(Ok(filter)), Reference::Content(digits)) => filter.may_contain_prefix(digits),
            _ => true,
        }
    }

    /// Encodes the view for the control socket.
    pub(crate) fn to_json(&self) -> Value {
        let addresses: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        json!({
            "node_id": self.node.to_hex(),
            "addresses": addresses,
            "datasets_available": self.datasets,
            "filter_bytes": self.filter_bytes,
            "filter": self.filter.as_deref().map(crate::ident::to_hex),
            "last_seen": self.last_seen.map(|t| t.0),
            "proven": self.is_proven,
        })
    }

    /// Decodes a view from the control socket.
    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        let number = |key: &str| value.get(key).and_then(Value::as_u64);
        let addresses = value.get("addresses")?.as_array()?.iter();
        let filter = value.get("filter").and_then(Value::as_str);
        let last_seen = value.get("last_seen").and_then(Value::as_i64);
        Some(Self {
            node: NodeId::parse_hex(value.get("node_id")?.as_str()?)?,
            addresses: addresses.filter_map(|a| a.as_str()?.parse().ok()).collect(),
            datasets: number("datasets_available"),
            filter_bytes: number("filter_bytes"),
            filter: filter.and_then(from_hex).map(Arc::from),
            last_seen: last_seen.map(Timestamp),
            is_proven: value
                .get("proven")
                .and_then(Value::as_bool)
                .unwrap_or(false),
        })
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(pair).collect()
}

/// The known nodes at the last update.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot(Arc<Mutex<Vec<NodeView>>>);

impl Snapshot {
    pub(crate) fn all(&self) -> Vec<NodeView> {
        lock(&self.0).clone()
    }

    pub(in crate::net::gossip) fn set(&self, all: Vec<NodeView>) {
        *lock(&self.0) = all;
    }
}
