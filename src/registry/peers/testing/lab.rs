//! A registry with a key of its own, for tests between registries.

use std::path::Path;

use crate::catalog::Dataset;
use crate::progress::NoProgress;
use crate::protocol::ChunkSource;
use crate::protocol::ListFilter;
use crate::protocol::PeerCatalog;
use crate::protocol::Random;
use crate::registry::Error;
use crate::registry::IndexOptions;
use crate::registry::LocalRegistry;
use crate::registry::peers::PullOptions;
use crate::registry::peers::client::accepted_offer::AcceptedOffer;
use crate::registry::peers::client::offers::Offer;
use crate::registry::peers::testing::in_process_peer::InProcessPeer;
use crate::trust::Action;
use crate::trust::Consent;
use crate::trust::KeyPair;

pub(in crate::registry::peers) struct Lab {
    pub(in crate::registry::peers) dir: tempfile::TempDir,
    pub(in crate::registry::peers) registry: LocalRegistry,
    pub(in crate::registry::peers) key: KeyPair,
}

impl Lab {
    pub(in crate::registry::peers) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = LocalRegistry::open(&dir.path().join("home")).unwrap();
        let registry = registry.with_small_sizes();
        let key = KeyPair::generate().unwrap();
        Self { dir, registry, key }
    }

    pub(in crate::registry::peers) fn trusting(&self, other: &Self) {
        let publisher = crate::trust::Publisher::new(
            "other".parse().unwrap(),
            other.key.public_key(),
            crate::trust::Level::Full,
        );
        let put = self
            .registry
            .trust()
            .change(|file| Ok(file.put(publisher)?));
        put.unwrap();
    }

    pub(in crate::registry::peers) fn index(
        &self,
        name: &str,
        bytes: &[u8],
        private: bool,
    ) -> Dataset {
        let path = self.dir.path().join(format!("{name}.jsonl"));
        std::fs::write(&path, bytes).unwrap();
        self.index_path(&path, private, true)
    }

    pub(in crate::registry::peers) fn index_path(
        &self,
        path: &Path,
        private: bool,
        sign: bool,
    ) -> Dataset {
        let options = IndexOptions {
            private,
            sign_with: sign.then(|| self.key.clone()),
            ..IndexOptions::default()
        };
        let report = self.registry.index(path, &options, &NoProgress).unwrap();
        let id = report.manifest.content_id;
        self.registry.get(&id).unwrap().unwrap()
    }

    pub(in crate::registry::peers) fn pull(
        &self,
        name: &str,
        peers: &[&InProcessPeer],
    ) -> Result<u64, crate::registry::Error> {
        let catalogs: Vec<&dyn PeerCatalog> = peers.iter().map(|p| *p as _).collect();
        let reference = name.parse().unwrap();
        let (offer, who, _) = self
            .registry
            .peers()
            .resolve_remote(&reference, &catalogs)?;
        let sources: Vec<&dyn ChunkSource> = who.iter().map(|n| peers[*n] as _).collect();
        let pulled = self.registry.peers().pull(
            &accepted(&offer)?,
            &sources,
            PullOptions::default(),
            &NoProgress,
        )?;
        Ok(pulled.chunks_fetched)
    }

    /// Pulls everything that a peer shows, with a person's consent.
    pub(in crate::registry::peers) fn pull_accepted(&self, peer: &InProcessPeer) {
        for offer in self
            .registry
            .peers()
            .list_remote(peer, &ListFilter::All)
            .unwrap()
        {
            let accepted = offer.accept(Action::PullById, Consent::Given).unwrap();
            let options = PullOptions::default();
            let pulled = self
                .registry
                .peers()
                .pull(&accepted, &[peer], options, &NoProgress);
            pulled.unwrap();
        }
    }

    pub(in crate::registry::peers) fn bytes_of(&self, name: &str) -> Option<Vec<u8>> {
        let dataset = self.registry.resolve(&name.parse().unwrap()).ok()?;
        let mut bytes = Vec::new();
        let read = self.registry.cat(&dataset, None, &mut bytes, &NoProgress);
        read.unwrap();
        Some(bytes)
    }
}

/// Generates rows with little redundancy.
pub(in crate::registry::peers) fn rows(seed: u64, rows: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut text = String::new();
    for n in 0..rows {
        let repeated = n % 97 < 20;
        let word = if repeated { 7 } else { random.next_u64() };
        text += &format!(
            "{{\"n\":{n},\"text\":\"{word:x}{:x}\"}}\n",
            word.rotate_left(9)
        );
    }
    text.into_bytes()
}

/// Accepts an offer with a person's consent.
pub(in crate::registry::peers) fn accepted(offer: &Offer) -> Result<AcceptedOffer, Error> {
    offer.accept(Action::PullByName, Consent::Given)
}
