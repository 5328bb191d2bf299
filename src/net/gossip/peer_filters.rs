//! Filters of the other nodes. A false filter costs a request: any host on the LAN can announce one for
//! a node, so a *no* only puts a node behind the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ident::ContentId;
use crate::ident::NodeId;
use crate::protocol::Filter;
use crate::protocol::FilterDigest;
use crate::protocol::ServiceRecord;
use crate::wire::limits::FILTERS_BYTES_MAX;

/// Filters by node, bounded by the peer table and by their bytes.
#[derive(Default)]
pub(in crate::net::gossip) struct PeerFilters {
    held: BTreeMap<NodeId, Held>,
}

struct Held {
    digest: FilterDigest,
    filter: Filter,
    /// The filter's encoding.
    encoded: Arc<[u8]>,
}

impl PeerFilters {
    /// Takes a node's record. Returns true if its filter has to be requested.
    pub(in crate::net::gossip) fn record_claim(&mut self, record: &ServiceRecord) -> bool {
        let Some(summary) = &record.summary else {
            self.held.remove(&record.node);
            return false;
        };
        let digest = FilterDigest::new(summary.filter_digest);
        if self
            .held
            .get(&record.node)
            .is_some_and(|held| held.digest == digest)
        {
            return false;
        }
        // The earlier filter says nothing about the present.
        self.held.remove(&record.node);
        match &summary.filter {
            Some(bytes) => {
                self.put(record.node, Filter::decode(bytes).ok());
                false
            }
            None => true,
        }
    }

    /// Stores a node's filter, where there is room. A node without one admits every id.
    pub(in crate::net::gossip) fn put(&mut self, node: NodeId, filter: Option<Filter>) {
        let Some(filter) = filter else { return };
        self.held.remove(&node);
        let encoded: Arc<[u8]> = filter.encode().into();
        let others: usize = self.held.values().map(|held| held.encoded.len()).sum();
        if others + encoded.len() <= FILTERS_BYTES_MAX {
            let held = Held {
                digest: filter.digest(),
                filter,
                encoded,
            };
            self.held.insert(node, held);
        }
    }

    /// Returns a node's encoded filter.
    pub(in crate::net::gossip) fn of(&self, node: &NodeId) -> Option<Arc<[u8]>> {
        self.held.get(node).map(|held| held.encoded.clone())
    }

    /// Forgets the filters of all other nodes.
    pub(in crate::net::gossip) fn keep(&mut self, is_there: impl Fn(&NodeId) -> bool) {
        self.held.retain(|node, _| is_there(node));
    }

    /// Returns true if a node is worth a request: its filter admits the id, or is unknown.
    pub(in crate::net::gossip) fn may_have(&self, node: &NodeId, content: &ContentId) -> bool {
        let held = self.held.get(node);
        held.is_none_or(|held| held.filter.may_contain(content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peer_filters_stay_within_their_room() {
        let ids: Vec<ContentId> = (0..200_000_u32)
            .map(|n| ContentId::new(*blake3::hash(&n.to_le_bytes()).as_bytes()))
            .collect();
        let filter = Filter::build(&ids);
        let bytes = filter.encode().len();
        let mut filters = PeerFilters::default();
        let node = |n: u8| NodeId::new([n; 32]);
        (0..200).for_each(|n| filters.put(node(n), Some(filter.clone())));
        let held = filters.held.len();
        assert!((1..=FILTERS_BYTES_MAX / bytes).contains(&held), "{held}");
        // A node without room for its filter is asked. Freed room can be used.
        let other = ContentId::new([7; 32]);
        assert!(!filters.may_have(&node(0), &other) && filters.may_have(&node(199), &other));
        filters.keep(|n| *n == node(3));
        filters.put(node(199), Some(filter));
        assert_eq!(filters.held.len(), 2);
    }
}
