//! What is known of the nodes around, for whoever asks from another thread.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde_json::Value;
use serde_json::json;

use crate::clock::Timestamp;
use crate::ident::NodeId;
use crate::ident::Reference;
use crate::protocol::Filter;
use crate::protocol::ServiceRecord;

/// A node around.
#[derive(Clone, Debug, PartialEq)]
pub struct NeighbourView {
    /// Who it is, or claims to be.
    pub node: NodeId,
    /// Where, the best first.
    pub addresses: Vec<SocketAddr>,
    /// How many datasets it says it shows.
    pub datasets: Option<u64>,
    /// Bytes of the filter of what it shows.
    pub filter_bytes: Option<u64>,
    /// The filter, encoded, where it came.
    pub filter: Option<Arc<[u8]>>,
    /// When it was seen last.
    pub last_seen: Option<Timestamp>,
    /// Whether it has proven who it is.
    pub is_proven: bool,
}

impl NeighbourView {
    /// A node as it showed itself.
    pub fn seen(sighting: ServiceRecord, addresses: Vec<SocketAddr>, at: Timestamp) -> Self {
        let shown = sighting.shown;
        Self {
            node: sighting.node,
            addresses,
            datasets: shown.as_ref().map(|s| s.datasets),
            filter_bytes: shown.as_ref().map(|s| s.filter_bytes),
            filter: shown.and_then(|s| s.filter).map(Arc::from),
            last_seen: Some(at),
            is_proven: false,
        }
    }

    /// Whether it is worth asking for what a reference means: its filter says yes, or nothing.
    pub fn may_have(&self, wanted: &Reference) -> bool {
        let filter = self.filter.as_ref().map(|bytes| Filter::decode(bytes));
        match (filter, wanted) {
            (Some(Ok(filter)), Reference::Content(digits)) => filter.may_contain_prefix(digits),
            _ => true,
        }
    }

    /// As the control socket gives it.
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

    /// Reads what the control socket gives.
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

/// The nodes around, as they were a moment ago.
#[derive(Clone, Debug, Default)]
pub(crate) struct View(Arc<Mutex<Vec<NeighbourView>>>);

impl View {
    pub(crate) fn all(&self) -> Vec<NeighbourView> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(in crate::net::gossip) fn set(&self, all: Vec<NeighbourView>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = all;
    }
}
