//! Peer selection: the peers to ask for a dataset, and their order. The functions take what is known
//! about peers as values, and open no connection.

use std::collections::BTreeSet;

use crate::ident::NodeId;
use crate::ident::Reference;
use crate::protocol::Random;
use crate::registry::error::Error;
use crate::registry::error::node::NodeError;

/// A node that a request may go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCandidate<P> {
    /// The node id.
    pub node: NodeId,
    /// The place to connect to.
    pub place: P,
    /// False if the node's filter excludes the wanted dataset.
    pub may_have: bool,
}

/// Selects the peers for a request that names none: the nodes found on this network, then the known
/// peers that are not among these. Leaves out nodes that cannot have the `wanted` dataset.
///
/// # Errors
/// [`NodeError::NotAtPeers`] if there are peers, and none may have the dataset.
pub fn select<P>(
    found: Vec<PeerCandidate<P>>,
    known: Vec<PeerCandidate<P>>,
    wanted: Option<&Reference>,
) -> Result<Vec<P>, Error> {
    let total = found.len() + known.len();
    let nodes: BTreeSet<NodeId> = found.iter().map(|c| c.node).collect();
    let elsewhere = known.into_iter().filter(|c| !nodes.contains(&c.node));
    let all = found.into_iter().chain(elsewhere);
    let places: Vec<P> = all.filter(|c| c.may_have).map(|c| c.place).collect();
    match (places.is_empty(), wanted) {
        // The filters say so; no connection is needed.
        (true, Some(wanted)) if total > 0 => {
            Err(Error::Node(NodeError::NotAtPeers(wanted.to_string())))
        }
        _ => Ok(places),
    }
}

/// The state of a node that may have some content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceState {
    /// The node id.
    pub node: NodeId,
    /// Set if the node has said farewell.
    pub has_left: bool,
    /// Set if the node has proven its key, or a person typed its address.
    pub is_proven: bool,
    /// False if the node's filter excludes the content.
    pub may_have: bool,
}

impl SourceState {
    /// Returns true if the node is present and probably has the content.
    pub fn is_likely(&self) -> bool {
        !self.has_left && self.is_proven && self.may_have
    }
}

/// Ranks nodes as sources of some content: first the `announcer`, then nodes that are present, proven
/// and admitted by their filters. Nodes of equal rank come in random order, so that requests spread.
pub fn rank(nodes: &[SourceState], announcer: &NodeId, random: &mut Random) -> Vec<SourceState> {
    let mut ranked: Vec<_> = nodes
        .iter()
        .map(|state| {
            let tie_break = random.index(usize::MAX);
            let rank = (
                state.node != *announcer,
                state.has_left,
                !state.is_proven,
                !state.may_have,
                tie_break,
            );
            (rank, *state)
        })
        .collect();
    ranked.sort_unstable_by_key(|(rank, state)| (*rank, state.node));
    ranked.into_iter().map(|(_, state)| state).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(n: u8) -> NodeId {
        NodeId::new([n; 32])
    }

    fn candidate(n: u8, may_have: bool) -> PeerCandidate<u8> {
        PeerCandidate {
            node: node(n),
            place: n,
            may_have,
        }
    }

    fn wanted() -> Reference {
        "corpus".parse().unwrap()
    }

    #[test]
    fn select_known_peer_that_was_found_counts_once() {
        let found = vec![candidate(1, true), candidate(2, true)];
        let known = vec![candidate(2, true), candidate(3, true)];
        assert_eq!(select(found, known, None).unwrap(), [1, 2, 3]);
    }

    #[test]
    fn select_found_node_without_the_dataset_is_not_asked_at_its_known_address() {
        let found = vec![candidate(1, false)];
        let known = vec![candidate(1, true), candidate(2, true)];
        assert_eq!(select(found, known, Some(&wanted())).unwrap(), [2]);
    }

    #[test]
    fn select_peers_that_all_lack_the_dataset_is_not_found() {
        let selected = select(vec![candidate(1, false)], Vec::new(), Some(&wanted()));
        assert!(
            matches!(selected, Err(Error::Node(NodeError::NotAtPeers(name))) if name == "corpus")
        );
    }

    #[test]
    fn select_without_any_peer_is_empty() {
        let selected = select::<u8>(Vec::new(), Vec::new(), Some(&wanted()));
        assert!(selected.unwrap().is_empty());
    }

    #[test]
    fn rank_announcer_then_present_then_proven_then_admitted() {
        let likely = SourceState {
            node: node(1),
            has_left: false,
            is_proven: true,
            may_have: true,
        };
        let states = [
            SourceState {
                node: node(2),
                may_have: false,
                ..likely
            },
            SourceState {
                node: node(3),
                is_proven: false,
                ..likely
            },
            SourceState {
                node: node(4),
                has_left: true,
                ..likely
            },
            likely,
            SourceState {
                node: node(5),
                has_left: true,
                is_proven: false,
                may_have: false,
            },
        ];
        let ranked = rank(&states, &node(5), &mut Random::new(7));
        let order: Vec<NodeId> = ranked.iter().map(|s| s.node).collect();
        assert_eq!(order, [5, 1, 2, 3, 4].map(node));
        let likely: Vec<bool> = ranked.iter().map(SourceState::is_likely).collect();
        assert_eq!(likely, [false, true, false, false, false]);
    }
}
