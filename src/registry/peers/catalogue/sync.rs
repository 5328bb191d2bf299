//! Syncs with one peer: reconciles the catalogues in both directions, and pulls content by policy.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::catalog;
use crate::catalog::Dataset;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::PublisherKey;
use crate::manifest::Envelope;
use crate::manifest::Rank;
use crate::progress::Progress;
use crate::protocol::ChunkSource;
use crate::protocol::ItemId;
use crate::protocol::ListFilter;
use crate::protocol::PeerError;
use crate::protocol::Reconciled;
use crate::protocol::Salt;
use crate::protocol::pack_batch;
use crate::protocol::reconcile::ReconcileCost;
use crate::protocol::reconcile::compare_catalogues;
use crate::registry::error::Error;
use crate::registry::error::publisher::PublisherError;
use crate::registry::host;
use crate::registry::peers::Peers;
use crate::registry::peers::catalogue::receive::Source;
use crate::registry::peers::catalogue::reconcile::LocalElement;
use crate::registry::peers::client::accepted_offer::AcceptedOffer;
use crate::registry::peers::client::offers::Offer;
use crate::registry::peers::client::peer_state::retry_if_busy;
use crate::registry::peers::client::pull::PullOptions;
use crate::registry::peers::server::visibility::Showing;
use crate::registry::step::Step;
use crate::trust::Action;
use crate::trust::Consent;
use crate::trust::Origin;
use crate::trust::Trust;

/// Manifests in one announcement. The peer verifies a signature for each, and charges for it.
const ANNOUNCED_AT_ONCE: usize = 500;

/// Options of a sync.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SyncOptions {
    /// Datasets that are offered to the peer.
    pub showing: Showing,
    /// Also pull content of publishers that are not fully trusted.
    pub all: bool,
    /// Also pull unsigned content.
    pub accept_unsigned: bool,
    /// Also pull content of these publishers.
    pub accept_publishers: Vec<PublisherKey>,
    /// Also pull datasets that are far larger than the bytes sent for them.
    pub allow_large: bool,
}

/// Result of a catalogue comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Number of manifests and statements that were new locally.
    pub received: u64,
    /// Number of manifests and statements that were new to the peer.
    pub sent: u64,
    /// Cost of the comparison, without the items received and sent.
    pub effort: ReconcileCost,
    /// True if every dataset that the peer shows is held in the same state.
    pub is_settled: bool,
}

/// Result of a sync.
#[derive(Clone, Debug, Default)]
pub struct SyncReport {
    /// Number of manifests and statements that were new locally.
    pub received: u64,
    /// Number of manifests and statements that were new to the peer.
    pub sent: u64,
    /// Pulled datasets.
    pub pulled: Vec<Offer>,
    /// Datasets that failed, each with the error.
    pub failed: Vec<(Offer, String)>,
    /// Datasets that the policy does not admit without consent, each with the reason.
    pub left: Vec<(Offer, Cow<'static, str>)>,
    /// Number of chunks received.
    pub chunks: u64,
    /// Cost of the catalogue comparison.
    pub comparing: ReconcileCost,
}

impl Peers<'_> {
    /// Syncs with a peer.
    ///
    /// # Errors
    /// [`Error::Peer`] when the peer does not respond. A dataset that cannot be pulled is no error.
    pub fn sync(
        &self,
        peer: &dyn ChunkSource,
        options: &SyncOptions,
        progress: &dyn Progress,
    ) -> Result<SyncReport, Error> {
        let _step = Step::begin("sync with", peer.address());
        progress.phase("comparing catalogues", None);
        let compared = self.compare(peer, options.showing)?;
        let mut report = SyncReport {
            received: compared.received,
            sent: compared.sent,
            comparing: compared.effort,
            ..SyncReport::default()
        };
        let mut first = None;
        // A list contains every manifest. The comparison has already shown that no list is needed.
        let offers = if compared.is_settled {
            Vec::new()
        } else {
            self.list_remote(peer, &ListFilter::All)?
        };
        for offer in offers {
            if self.holds(&offer)? {
                continue;
            }
            let accepted = match admit(&offer, options) {
                Ok(accepted) => accepted,
                Err(Error::Publisher(PublisherError::NotTrusted { reason, .. })) => {
                    report.left.push((offer, reason));
                    continue;
                }
                Err(other) => return Err(other),
            };
            if progress.cancelled() {
                return Err(Error::Interrupted);
            }
            let pulling = PullOptions {
                allow_large: options.allow_large,
                ..PullOptions::default()
            };
            match self.pull(&accepted, &[peer], pulling, progress) {
                Ok(pulled) => {
                    report.chunks += pulled.chunks_fetched;
                    report.pulled.push(offer);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
                Err(error) => {
                    // The dataset may have been removed since the peer listed it. A lost peer fails
                    // for all of them.
                    let gone = is_gone(&error);
                    report.failed.push((offer, error_text(&error)));
                    first.get_or_insert(error);
                    if gone {
                        break;
                    }
                }
            }
        }
        match first {
            // An error is returned only if nothing was achieved.
            Some(error) if report.pulled.is_empty() => Err(error),
            _ => Ok(report),
        }
    }

    /// Fetches missing bytes of held datasets from a peer that shows them.
    ///
    /// # Errors
    /// [`Error::Peer`] when the peer does not respond. A dataset that it cannot repair stays as it
    /// is.
    pub fn refetch(&self, peer: &dyn ChunkSource, progress: &dyn Progress) -> Result<(), Error> {
        let mut held = HashSet::new();
        for dataset in self.registry.list()? {
            if !self.registry.is_complete(&dataset)? {
                held.insert(dataset.envelope_id);
            }
        }
        for offer in self.list_remote(peer, &ListFilter::All)? {
            if !held.contains(&offer.envelope_id()) {
                continue;
            }
            // It was held before.
            let pulling = PullOptions {
                allow_large: true,
                ..PullOptions::default()
            };
            let pulled = self.pull(&offer.accept_held()?, &[peer], pulling, progress);
            // The verification that follows reports content that does not match its signature.
            if let Err(error @ (Error::Interrupted | Error::Peer { .. })) = pulled {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Exchanges manifests and statements in both directions, without content.
    ///
    /// # Errors
    /// [`Error::Peer`] when the peer does not respond, or sends items that no honest node sends.
    pub fn compare(&self, peer: &dyn ChunkSource, showing: Showing) -> Result<Compared, Error> {
        self.exchange(peer, showing).map_err(|e| e.with(peer))
    }

    /// Sends items to a peer. Returns the number that were new to it.
    ///
    /// # Errors
    /// [`Error::Peer`] when the peer does not accept them.
    pub fn tell(&self, peer: &dyn ChunkSource, items: &[ItemId]) -> Result<u64, Error> {
        self.offer(peer, items).map_err(|e| e.with(peer))
    }

    fn exchange(&self, peer: &dyn ChunkSource, showing: Showing) -> Result<Compared, SyncFailure> {
        let mut elements = Vec::new();
        let compared = compare_catalogues(peer, &mut || {
            let salt = host::random().map_err(Error::Random)?;
            let salt = Salt::new(salt);
            elements = self.elements_with(&salt, &peer.node_id(), showing)?;
            let elements = elements.iter().map(|elements| elements.element).collect();
            Ok::<_, SyncFailure>((salt, elements))
        })?;
        let found = compared.found;
        let is_settled = compared.left == 0
            && found.envelopes.is_empty()
            && self.holds_common(&elements, &found.missing)?;
        let mut offered = Vec::new();
        for index in &found.missing {
            let elements = elements
                .get(*index)
                .ok_or(SyncFailure::Peer(PeerError::Misbehaved(
                    "an index of nothing",
                )))?;
            offered.extend(elements.is_passed_on.then_some(elements.item));
        }
        let received = self.add_compared(peer, &found)?;
        let sent = self.offer(peer, &offered)?;
        Ok(Compared {
            received,
            sent,
            effort: compared.cost,
            is_settled,
        })
    }

    /// Returns true if every manifest that both sides know is held with all of its bytes.
    ///
    /// The peer's datasets are among them, or are new. `missing` lists the indexes that the peer
    /// lacks, in ascending order.
    fn holds_common(&self, elements: &[LocalElement], missing: &[usize]) -> Result<bool, Error> {
        for (index, elements) in elements.iter().enumerate() {
            let ItemId::Manifest(id) = elements.item else {
                continue;
            };
            if missing.binary_search(&index).is_ok() {
                continue;
            }
            let held = self
                .registry
                .store
                .read(|t| Ok::<_, Error>(catalog::by_envelope(t, &id)?))?;
            let Some(held) = held else { return Ok(false) };
            if !self.registry.is_complete(&held)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adds the items that a comparison brought. Returns the number of new ones.
    fn add_compared(&self, peer: &dyn ChunkSource, found: &Reconciled) -> Result<u64, SyncFailure> {
        let mut envelopes = Vec::new();
        for bytes in &found.envelopes {
            let envelope = Envelope::decode(bytes).map_err(|e| SyncFailure::Peer(e.into()))?;
            envelopes.push(envelope);
        }
        let from = Source {
            peer: peer.node_id(),
            access: peer.access(),
        };
        // Statements first: a withdrawal applies to the manifests that come with it.
        let received = self.receive_statements(&from, &found.statements)?;
        let forged = PeerError::Misbehaved("a manifest whose signature does not hold");
        let noted = self.receive_manifests(&from, envelopes)?;
        Ok(received + noted.ok_or(SyncFailure::Peer(forged))?)
    }

    /// Offers a peer the items that it lacks. Returns the number that were new to it.
    fn offer(&self, peer: &dyn ChunkSource, items: &[ItemId]) -> Result<u64, SyncFailure> {
        let mut sent = 0;
        for some in items.chunks(ANNOUNCED_AT_ONCE) {
            let bodies = self.bodies(some)?;
            let mut envelopes = bodies.envelopes.into_iter();
            let mut statements = bodies.statements.into_iter();
            loop {
                // Statements go apart from manifests, because a batch of each may be as long as a
                // request.
                let batch = match pack_batch(&mut statements) {
                    Some(batch) => (Vec::new(), batch),
                    None => match pack_batch(&mut envelopes) {
                        Some(batch) => (batch, Vec::new()),
                        None => break,
                    },
                };
                let announced = retry_if_busy(|| peer.announce(batch.0.clone(), batch.1.clone()));
                sent += announced.map_err(SyncFailure::Peer)?;
            }
        }
        Ok(sent)
    }

    /// Returns true if an offer, or a later revision of it, is held.
    pub fn holds(&self, offer: &Offer) -> Result<bool, Error> {
        let held = self.registry.store.read(|t| {
            let manifest = offer.manifest();
            let rank = Rank::of(manifest, offer.envelope_id());
            let counts = |d: &Dataset| rank <= Rank::of(&d.manifest, d.envelope_id);
            // A dataset indexed here may have the same content.
            let here = catalog::made_here(t, manifest, Origin::Elsewhere)?.filter(counts);
            Ok::<_, Error>(match here {
                Some(here) => Some(here),
                None => catalog::of_register(t, manifest, Origin::Elsewhere)?,
            })
        })?;
        let Some(held) = held else { return Ok(false) };
        let rank = Rank::of(offer.manifest(), offer.envelope_id());
        let is_later = rank <= Rank::of(&held.manifest, held.envelope_id);
        Ok(is_later && self.registry.is_complete(&held)?)
    }
}

fn is_gone(error: &Error) -> bool {
    match error {
        Error::Peer { source, .. } => source.kind() != ErrorKind::NotFound,
        _ => false,
    }
}

/// Formats an error with its chain of sources.
fn error_text(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(behind) => format!("{error}: {behind}"),
        None => error.to_string(),
    }
}

/// A failure, by the side that caused it.
enum SyncFailure {
    Peer(PeerError),
    Here(Error),
}

impl SyncFailure {
    fn with(self, peer: &dyn ChunkSource) -> Error {
        match self {
            Self::Peer(source) => Error::Peer {
                address: peer.address(),
                source,
            },
            Self::Here(error) => error,
        }
    }
}

impl From<PeerError> for SyncFailure {
    fn from(error: PeerError) -> Self {
        Self::Peer(error)
    }
}

impl From<Error> for SyncFailure {
    fn from(error: Error) -> Self {
        Self::Here(error)
    }
}

/// Admits an offer that the policy or the options let in.
fn admit(offer: &Offer, options: &SyncOptions) -> Result<AcceptedOffer, Error> {
    let refused = match offer.accept(Action::Fetch, Consent::NotAsked) {
        Err(refused) => refused,
        accepted => return accepted,
    };
    let listed = &offer.listed;
    let named = listed
        .signer
        .is_some_and(|key| options.accept_publishers.contains(&key));
    let is_asked = match listed.trust() {
        Trust::Unsigned => options.accept_unsigned,
        Trust::Prompt | Trust::Unknown => options.all || named,
        _ => false,
    };
    if is_asked {
        return offer.accept(Action::PullByName, Consent::Given);
    }
    Err(refused)
}
