//! What the nodes around may have, by their filters. A filter that lies costs a request.

use std::collections::BTreeMap;

use crate::ident::ContentId;
use crate::ident::NodeId;
use crate::sync::Filter;
use crate::sync::FilterDigest;
use crate::sync::Sighting;

/// Filters by node; as many as there are nodes in the directory.
#[derive(Default)]
pub(super) struct Filters {
    held: BTreeMap<NodeId, (FilterDigest, Filter)>,
}

impl Filters {
    /// A node says what it shows. Whether its filter has to be asked for.
    pub(super) fn saw(&mut self, sighting: &Sighting) -> bool {
        let Some(shown) = &sighting.shown else {
            self.held.remove(&sighting.node);
            return false;
        };
        let digest = FilterDigest::new(shown.filter_digest);
        if self
            .held
            .get(&sighting.node)
            .is_some_and(|(d, _)| *d == digest)
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

    /// Keeps a node's filter.
    pub(super) fn put(&mut self, node: NodeId, filter: Option<Filter>) {
        if let Some(filter) = filter {
            self.held.insert(node, (filter.digest(), filter));
        }
    }

    pub(super) fn of(&self, node: &NodeId) -> Option<&Filter> {
        self.held.get(node).map(|(_, filter)| filter)
    }

    pub(super) fn forget(&mut self, node: &NodeId) {
        self.held.remove(node);
    }

    /// Whether it is worth asking a node: it says yes, or nothing.
    pub(super) fn may_have(&self, node: &NodeId, content: &ContentId) -> bool {
        self.of(node)
            .is_none_or(|filter| filter.may_contain(content))
    }
}
