//! The peers of the viewer: who is around, what they have, and pulls from them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::registry::network::connect::open_net;
use crate::ident::NodeId;
use crate::ident::Reference;
use crate::net::KnownPeers;
use crate::net::PeerAddress;
use crate::net::find_nodes;
use crate::progress::Progress;
use crate::protocol::ChunkSource;
use crate::protocol::ListFilter;
use crate::registry::LocalRegistry;
use crate::registry::peers::PullOptions;
use crate::trust::Action;
use crate::trust::Consent;
use crate::trust::Verdict;
use crate::tui::DatasetEntry;
use crate::tui::PeerEntry;
use crate::tui::Peers;
use crate::tui::dataset_entry;

/// Other nodes, as the registry of a home knows them.
pub(super) struct HomePeers {
    pub(super) home: PathBuf,
    pub(super) allow_large: bool,
}

/// Time to look for nodes of this network.
const LOOK: Duration = Duration::from_millis(1_200);

impl HomePeers {
    fn list(&self) -> Result<Vec<PeerEntry>, Failure> {
        let registry = LocalRegistry::open(&self.home)?;
        let names = registry.peers().node_names()?;
        let name = |id: &NodeId| names.get(id).map(ToString::to_string);
        let known = KnownPeers::of(&registry).all()?;
        // Known peers can be asked without discovery.
        let around =
            find_nodes(&registry, None, LOOK, &interrupt::stop_condition()).unwrap_or_default();
        let nodes: BTreeSet<NodeId> = around.iter().map(|n| n.node).collect();
        let mut peers = Vec::new();
        for node in &around {
            let Some(address) = node.addresses.first() else {
                continue;
            };
            let datasets = node
                .datasets
                .map(|n| format!("{n} datasets"))
                .unwrap_or_default();
            peers.push(PeerEntry {
                address: format!("{}@{address}", node.node.to_hex()),
                note: format!("{} {datasets}", name(&node.node).unwrap_or_default())
                    .trim()
                    .to_owned(),
            });
        }
        for (address, node) in known.iter().filter(|(_, node)| !nodes.contains(node)) {
            peers.push(PeerEntry {
                address: address.clone(),
                note: name(node).unwrap_or_default(),
            });
        }
        Ok(peers)
    }

    fn ask(&self, peer: &str) -> Result<Vec<DatasetEntry>, Failure> {
        let registry = LocalRegistry::open(&self.home)?;
        let net = open_net(&registry)?;
        let peer = net.connect(&address(peer)?)?;
        let offers = registry.peers().list_remote(&peer, &ListFilter::All)?;
        Ok(offers
            .iter()
            .map(|offer| dataset_entry(&offer.listed.summary()))
            .collect())
    }

    fn fetch(
        &self,
        peer: &str,
        reference: &str,
        progress: &dyn Progress,
    ) -> Result<String, Failure> {
        let registry = LocalRegistry::open(&self.home)?;
        let net = open_net(&registry)?;
        let peer = net.connect(&address(peer)?)?;
        let wanted: Reference = reference.parse()?;
        let (offer, _, _) = registry.peers().resolve_remote(&wanted, &[&peer])?;
        // A whole content id names the bytes, so the policy has nothing to ask; what it refuses stays
        // refused.
        if offer.listed.decide(Action::PullById).verdict == Verdict::Ask {
            let reason = offer.listed.reason(Action::PullById).into_owned();
            return Err(Failure::NotTrusted(format!(
                "{reason}: `alimentar pull {reference}` asks"
            )));
        }
        let accepted = offer.accept(Action::PullById, Consent::NotAsked)?;
        let options = PullOptions {
            allow_large: self.allow_large,
            ..PullOptions::default()
        };
        let sources: [&dyn ChunkSource; 1] = [&peer];
        registry
            .peers()
            .pull(&accepted, &sources, options, progress)?;
        Ok(reference.to_owned())
    }
}

fn address(text: &str) -> Result<PeerAddress, Failure> {
    let wrong = |_| Failure::Partial(format!("`{text}` is no address"));
    text.parse::<PeerAddress>().map_err(wrong)
}

impl Peers for HomePeers {
    fn peers(&self) -> Result<Vec<PeerEntry>, String> {
        self.list().map_err(|failure| failure.message())
    }

    fn offers(&self, peer: &str) -> Result<Vec<DatasetEntry>, String> {
        self.ask(peer).map_err(|failure| failure.message())
    }

    fn pull(&self, peer: &str, reference: &str, progress: &dyn Progress) -> Result<String, String> {
        self.fetch(peer, reference, progress)
            .map_err(|failure| failure.message())
    }
}
