//! What the nodes around may have, by their filters. A filter that lies costs a request: anybody
//! can say on the LAN what some node's filter is, so a no only puts a node behind the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ident::ContentId;
use crate::ident::NodeId;
use crate::protocol::Filter;
use crate::protocol::FilterDigest;
use crate::protocol::ServiceRecord;
use crate::wire::limits::FILTERS_BYTES_MAX;

/// Filters by node; as many as there are nodes in the directory, and as fit.
#[derive(Default)]
pub(in crate::net::gossip) struct Filters {
    held: BTreeMap<NodeId, Held>,
}

struct Held {
    digest: FilterDigest,
    filter: Filter,
    /// As it goes over the wire.
    encoded: Arc<[u8]>,
}

impl Filters {
    /// A node says what it shows. Whether its filter has to be asked for.
    pub(in crate::net::gossip) fn saw(&mut self, sighting: &ServiceRecord) -> bool {
        let Some(shown) = &sighting.shown else {
            self.held.remove(&sighting.node);
            return false;
        };
        let digest = FilterDigest::new(shown.filter_digest);
        if self
            .held
            .get(&sighting.node)
            .is_some_and(|held| held.digest == digest)
        {
            return false;
        }
        // What it showed before says nothing about now.
        self.held.remove(&sighting.node);
        match &shown.filter {
            Some(bytes) => {
                self.put(sighting.node, Filter::decode(bytes).ok());
                false
            }
            None => true,
        }
    }

    /// Keeps a node's filter, where there is room for it; who has none says nothing.
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

    /// A node's filter, encoded.
    pub(in crate::net::gossip) fn of(&self, node: &NodeId) -> Option<Arc<[u8]>> {
        self.held.get(node).map(|held| held.encoded.clone())
    }

    /// Forgets those of everybody else.
    pub(in crate::net::gossip) fn keep(&mut self, is_there: impl Fn(&NodeId) -> bool) {
        self.held.retain(|node, _| is_there(node));
    }

    /// Whether it is worth asking a node: it says yes, or nothing.
    pub(in crate::net::gossip) fn may_have(&self, node: &NodeId, content: &ContentId) -> bool {
        let held = self.held.get(node);
        held.is_none_or(|held| held.filter.may_contain(content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_take_no_more_than_there_is_room_for() {
        let ids: Vec<ContentId> = (0..200_000_u32)
            .map(|n| ContentId::new(*blake3::hash(&n.to_le_bytes()).as_bytes()))
            .collect();
        let filter = Filter::build(&ids);
        let bytes = filter.encode().len();
        let mut filters = Filters::default();
        let node = |n: u8| NodeId::new([n; 32]);
        (0..200).for_each(|n| filters.put(node(n), Some(filter.clone())));
        let held = filters.held.len();
        assert!((1..=FILTERS_BYTES_MAX / bytes).contains(&held), "{held}");
        // Who has no room is asked: it says nothing. Room that is given up can be had.
        let other = ContentId::new([7; 32]);
        assert!(!filters.may_have(&node(0), &other) && filters.may_have(&node(199), &other));
        filters.keep(|n| *n == node(3));
        filters.put(node(199), Some(filter));
        assert_eq!(filters.held.len(), 2);
    }
}
