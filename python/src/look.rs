//! Looks: datasets that only peers have, of which the needed ranges are fetched.

use std::path::Path;
use std::sync::Arc;

use alimentar::ident::Reference;
use alimentar::net::Net;
use alimentar::net::OwnedPeer;
use alimentar::net::Peer;
use alimentar::net::Stop;
use alimentar::progress::Progress;
use alimentar::registry::peers::Look;
use alimentar::registry::peers::LookOptions;
use alimentar::registry::peers::LookPeers;

use crate::failure::Failure;
use crate::home;
use crate::intake::Consent;
use crate::intake::accept;
use crate::intake::addresses;
use crate::intake::find_offer;
use crate::work::Watch;

/// The place of a dataset at peers.
#[derive(Clone, Debug)]
pub(crate) struct LookPlace {
    pub(crate) reference: String,
    pub(crate) peers: Vec<String>,
    pub(crate) consent: Consent,
}

impl LookPlace {
    /// Connects to the peers, and begins a look.
    pub(crate) fn open(&self, home: &Path, watch: &Arc<Watch>) -> Result<Arc<Look>, Failure> {
        let registry = home::registry(home, true)?;
        let reference: Reference = self.reference.parse()?;
        let named = addresses(&self.peers)?;
        let asked = Arc::clone(watch);
        let stop = Stop::new(move || asked.cancelled());
        let net = Arc::new(Net::new(&registry)?.until(stop.clone()));
        let (peers, offer, holders) =
            find_offer(&registry, &net, &reference, &named, Some(&reference), &stop)?;
        let (accepted, is_by_person) = accept(&offer, &reference, &self.consent)?;
        let peers: Vec<Arc<Peer>> = peers.into_iter().map(Arc::new).collect();
        let holders = holders.iter().filter_map(|n| peers.get(*n));
        let holders = holders.map(|peer| OwnedPeer::shared(Arc::clone(peer), Arc::clone(&net)));
        let mut options = LookOptions::default();
        options.allow_large = self.consent.allow_large;
        options.is_by_person = is_by_person;
        let peers = LookPeers::Connected(holders.collect());
        let look = registry.peers().look(&accepted, peers, options, &**watch)?;
        Ok(Arc::new(look))
    }
}
