//! Offers: datasets that peers list, verified, judged by the trust settings, and found by
//! reference.

use std::collections::BTreeMap;

use crate::catalog;
use crate::catalog::Dataset;
use crate::error_kind::Classify as _;
use crate::error_kind::ErrorKind;
use crate::ident::EnvelopeId;
use crate::ident::Reference;
use crate::locks::threads;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::protocol::ListFilter;
use crate::protocol::PeerCatalog;
use crate::protocol::PeerError;
use crate::registry::datasets::lookup::label;
use crate::registry::datasets::lookup::of_publisher;
use crate::registry::datasets::ranking::best_matches;
use crate::registry::error::Error;
use crate::registry::error::dataset::DatasetError;
use crate::registry::error::node::NodeError;
use crate::registry::peers::Peers;
use crate::registry::publishing::trust::Listed;
use crate::trust::TrustStore;
use crate::trust::UnverifiedManifest;
use crate::trust::VerifiedManifest;
use crate::wire::DecodeError;

/// A dataset that a peer has, with its signature verified.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The dataset with its standing under the trust settings.
    pub listed: Listed,
    verified: VerifiedManifest,
}

impl Offer {
    /// Creates an offer and applies the trust settings to it.
    pub(crate) fn new(trust: &TrustStore, verified: VerifiedManifest) -> Self {
        Self {
            listed: Listed::elsewhere(trust, &verified),
            verified,
        }
    }

    /// Returns the manifest.
    pub fn manifest(&self) -> &Manifest {
        self.verified.manifest()
    }

    /// Returns the id of the manifest's envelope.
    pub fn envelope_id(&self) -> EnvelopeId {
        self.listed.dataset.envelope_id
    }

    /// Returns the manifest and its envelope.
    pub(crate) fn verified(&self) -> &VerifiedManifest {
        &self.verified
    }
}

impl Peers<'_> {
    /// Lists the datasets of a peer, by name and version.
    ///
    /// # Errors
    /// [`Error::Peer`] when the peer does not respond, or sends manifests whose signatures do not
    /// hold. No honest node sends those.
    pub fn list_remote(
        &self,
        peer: &dyn PeerCatalog,
        filter: &ListFilter,
    ) -> Result<Vec<Offer>, Error> {
        let blame = |source| Error::Peer {
            address: peer.address(),
            source,
        };
        let encoded = peer.list(filter).map_err(blame)?;
        let trust = self.registry.trust().store()?;
        let mut offers = verify_all(&encoded)
            .map_err(blame)?
            .into_iter()
            .map(|verified| Offer::new(&trust, verified))
            .collect::<Vec<_>>();
        offers.sort_by(|a, b| {
            let (x, y) = (a.manifest(), b.manifest());
            let names = x.name.cmp(&y.name);
            names
                .then_with(|| x.dataset_version.cmp(&y.dataset_version))
                .then_with(|| a.envelope_id().cmp(&b.envelope_id()))
        });
        Ok(offers)
    }

    /// Returns the offer of a manifest that a peer sent earlier; `None` if it is not known any more.
    ///
    /// # Errors
    /// [`Error`] when the index or `trust.toml` cannot be read, or the manifest does not hold any more.
    #[cfg(feature = "doors")]
    pub(crate) fn known_offer(&self, id: &EnvelopeId) -> Result<Option<Offer>, Error> {
        let known = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::remote_envelope(t, id)?))?;
        let Some(envelope) = known else {
            return Ok(None);
        };
        let verified = verify(&envelope.encode()).map_err(|source| Error::Peer {
            address: "the catalogue".to_owned(),
            source,
        })?;
        Ok(Some(Offer::new(&self.registry.trust().store()?, verified)))
    }

    /// Resolves a reference to one dataset at these peers. Also returns the peers that have it and
    /// the errors of the others. Peers that do not respond are skipped, unless none responds.
    ///
    /// # Errors
    /// [`DatasetError::NotFound`], [`DatasetError::Ambiguous`], or the first peer's error.
    pub fn resolve_remote(
        &self,
        reference: &Reference,
        peers: &[&dyn PeerCatalog],
    ) -> Result<(Offer, Vec<usize>, Vec<Error>), Error> {
        let mut found: BTreeMap<EnvelopeId, (Offer, Vec<usize>)> = BTreeMap::new();
        let mut faults = Vec::new();
        let mut answered = false;
        for (n, peer) in peers.iter().enumerate() {
            for filter in filters(reference) {
                match self.list_remote(*peer, &filter) {
                    Ok(offers) => {
                        answered = true;
                        for offer in offers {
                            let entry = found.entry(offer.envelope_id());
                            let (_, who) = entry.or_insert_with(|| (offer, Vec::new()));
                            // A peer that lists it several times counts once.
                            if who.last() != Some(&n) {
                                who.push(n);
                            }
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
                    Err(error) => {
                        faults.push(error);
                        break;
                    }
                }
            }
        }
        if !answered && !faults.is_empty() {
            return Err(faults.swap_remove(0));
        }
        let trust = self.registry.trust().store()?;
        let shown = found.values().map(|(o, _)| o.listed.dataset.clone());
        let chosen = best_matches(fitting(shown.collect(), reference, &trust), &trust);
        let winner = only_content(chosen, reference)?;
        let winner =
            winner.ok_or_else(|| Error::Node(NodeError::NotAtPeers(reference.to_string())))?;
        // A peer that has the same bytes under another manifest does not serve them under this one.
        let found = found.remove(&winner.envelope_id);
        let (offer, who) =
            found.ok_or_else(|| Error::Node(NodeError::NotAtPeers(reference.to_string())))?;
        Ok((offer, who, faults))
    }
}

impl Peers<'_> {
    /// Resolves a reference to a partial holding. Also returns true if a person agreed to it. `None` if
    /// no partial holding fits.
    ///
    /// # Errors
    /// `DatasetError::Ambiguous`, [`Error::Signature`], or an error of the store.
    pub fn resolve_partial(&self, reference: &Reference) -> Result<Option<(Offer, bool)>, Error> {
        let held = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::partial_holdings(t)?))?;
        let trust = self.registry.trust().store()?;
        let mut found: BTreeMap<EnvelopeId, (Offer, bool)> = BTreeMap::new();
        for partial in held {
            let verified = UnverifiedManifest::new(partial.envelope).verify()?;
            let offer = Offer::new(&trust, verified);
            found.insert(offer.envelope_id(), (offer, partial.is_by_person));
        }
        let shown = found.values().map(|(o, _)| o.listed.dataset.clone());
        let chosen = best_matches(fitting(shown.collect(), reference, &trust), &trust);
        let winner = only_content(chosen, reference)?;
        Ok(winner.and_then(|winner| found.remove(&winner.envelope_id)))
    }
}

/// Returns the last of the matches, if all have the same content.
fn only_content(mut chosen: Vec<Dataset>, reference: &Reference) -> Result<Option<Dataset>, Error> {
    let ids = |d: &Dataset| d.manifest.content_id;
    let Some(winner) = chosen.pop() else {
        return Ok(None);
    };
    if chosen.iter().any(|d| ids(d) != ids(&winner)) {
        chosen.push(winner);
        return Err(Error::Dataset(DatasetError::Ambiguous {
            reference: reference.to_string(),
            candidates: chosen.iter().map(label).collect(),
        }));
    }
    Ok(Some(winner))
}

/// Returns the list filters to send to peers for a reference.
fn filters(reference: &Reference) -> Vec<ListFilter> {
    match reference {
        Reference::Content(digits) => vec![ListFilter::Content(digits.clone())],
        Reference::Name {
            name, or_content, ..
        } => {
            let digits = or_content.clone().map(ListFilter::Content);
            std::iter::once(ListFilter::Name(name.clone()))
                .chain(digits)
                .collect()
        }
    }
}

/// Selects the datasets that a reference can mean. Peers may respond with anything.
fn fitting(shown: Vec<Dataset>, reference: &Reference, trust: &TrustStore) -> Vec<Dataset> {
    let digits = match reference {
        Reference::Content(digits) => Some(digits),
        Reference::Name { or_content, .. } => or_content.as_ref(),
    };
    let is_meant = |d: &Dataset| digits.is_some_and(|x| x.matches(&d.manifest.content_id));
    let (mut fitting, rest): (Vec<_>, Vec<_>) = shown.into_iter().partition(is_meant);
    if let Reference::Name {
        name,
        version,
        publisher,
        ..
    } = reference
    {
        let named = rest.into_iter().filter(|d| d.manifest.name == *name);
        let named = named.collect();
        fitting.extend(of_publisher(named, version, publisher.as_ref(), trust));
    }
    fitting
}

/// Verifies signatures on all cores. The result has the given order.
fn verify_all(encoded: &[Vec<u8>]) -> Result<Vec<VerifiedManifest>, PeerError> {
    let cores = threads();
    let each = encoded.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        let handles: Vec<_> = encoded
            .chunks(each)
            .map(|some| scope.spawn(move || some.iter().map(|b| verify(b)).collect()))
            .collect();
        let mut all = Vec::with_capacity(encoded.len());
        for handle in handles {
            let some: Result<Vec<_>, _> = handle
                .join()
                .unwrap_or(Err(PeerError::Malformed(DecodeError::Invalid("manifest"))));
            all.extend(some?);
        }
        Ok(all)
    })
}

fn verify(bytes: &[u8]) -> Result<VerifiedManifest, PeerError> {
    let envelope = Envelope::decode(bytes)?;
    let verified = UnverifiedManifest::new(envelope).verify();
    verified.map_err(|_| PeerError::Misbehaved("a manifest whose signature does not hold"))
}
