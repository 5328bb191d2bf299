//! Comparing catalogues with a peer: manifests go both ways, content comes by policy.

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
use crate::protocol::reconcile::Effort;
use crate::protocol::reconcile::compare_catalogues;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::peers::catalogue::receive::Source;
use crate::registry::peers::catalogue::reconcile::Own;
use crate::registry::peers::client::accepted_offer::AcceptedOffer;
use crate::registry::peers::client::offers::Offer;
use crate::registry::peers::client::peer_state::retried;
use crate::registry::peers::client::pull::PullOptions;
use crate::registry::peers::server::visibility::Showing;
use crate::registry::step::Step;
use crate::trust::Action;
use crate::trust::Consent;
use crate::trust::Origin;
use crate::trust::Trust;

/// Manifests that one announcement offers. Each costs the peer a signature, and it counts.
const ANNOUNCED_AT_ONCE: usize = 500;

/// How to sync.
#[derive(Clone, Debug, Default)]
pub struct SyncOptions {
    /// What is offered to the peer.
    pub showing: Showing,
    /// Also pull content of publishers who are not trusted in full.
    pub all: bool,
    /// Also pull what nobody signed.
    pub accept_unsigned: bool,
    /// Pull content of these publishers.
    pub accept_publishers: Vec<PublisherKey>,
    /// Also pull what is far larger than what is sent for it.
    pub allow_large: bool,
}

/// What a comparison of catalogues brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Manifests and statements that are new here.
    pub received: u64,
    /// Manifests and statements that were new there.
    pub sent: u64,
    /// What comparing took, without what was received and sent.
    pub effort: Effort,
    /// The peer shows no dataset that is not held here as it shows it.
    pub is_settled: bool,
}

/// What a sync did.
#[derive(Clone, Debug, Default)]
pub struct SyncReport {
    /// Manifests and statements that are new here.
    pub received: u64,
    /// Manifests and statements that were new there.
    pub sent: u64,
    /// What was pulled.
    pub pulled: Vec<Offer>,
    /// What was not, and why.
    pub failed: Vec<(Offer, String)>,
    /// What trust does not let in unasked, and why.
    pub left: Vec<(Offer, Cow<'static, str>)>,
    /// Chunks that came.
    pub chunks: u64,
    /// What comparing catalogues took.
    pub comparing: Effort,
}

impl LocalRegistry {
    /// Syncs with a peer.
    ///
    /// # Errors
    /// [`Error::Peer`] when it does not answer. A dataset that cannot be pulled is no error.
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
        // A list has every manifest in it; the comparison has said already that none is needed.
        let offers = match compared.is_settled {
            true => Vec::new(),
            false => self.list_remote(peer, &ListFilter::All)?,
        };
        for offer in offers {
            if self.holds(&offer)? {
                continue;
            }
            let accepted = match unasked(&offer, options) {
                Ok(accepted) => accepted,
                Err(Error::NotTrusted { reason, .. }) => {
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
                    // It may have been taken away since it was listed; a peer that is gone is gone
                    // for all of them.
                    let gone = is_gone(&error);
                    report.failed.push((offer, words(&error)));
                    first.get_or_insert(error);
                    if gone {
                        break;
                    }
                }
            }
        }
        match first {
            // Nothing was done of what could have been.
            Some(error) if report.pulled.is_empty() => Err(error),
            _ => Ok(report),
        }
    }

    /// Fetches what datasets that are here lack, from a peer that shows them.
    ///
    /// # Errors
    /// [`Error::Peer`] when it does not answer. A dataset that it cannot heal stays as it is.
    pub fn refetch(&self, peer: &dyn ChunkSource, progress: &dyn Progress) -> Result<(), Error> {
        let mut held = HashSet::new();
        for dataset in self.list()? {
            if !self.is_complete(&dataset)? {
                held.insert(dataset.envelope_id);
            }
        }
        for offer in self.list_remote(peer, &ListFilter::All)? {
            if !held.contains(&offer.envelope_id()) {
                continue;
            }
            // It was here before.
            let pulling = PullOptions {
                allow_large: true,
                ..PullOptions::default()
            };
            let pulled = self.pull(&offer.accept_held()?, &[peer], pulling, progress);
            // Where what came is not what was signed, the check that follows says so.
            if let Err(error @ (Error::Interrupted | Error::Peer { .. })) = pulled {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Manifests and statements, both ways, and no content.
    ///
    /// # Errors
    /// [`Error::Peer`] when it does not answer, or shows what no honest node shows.
    pub fn compare(&self, peer: &dyn ChunkSource, showing: Showing) -> Result<Compared, Error> {
        self.exchange(peer, showing).map_err(|e| e.with(peer))
    }

    /// Tells a peer of things that are passed on; how much of it was new there.
    ///
    /// # Errors
    /// [`Error::Peer`] when it does not take them.
    pub fn tell(&self, peer: &dyn ChunkSource, items: &[ItemId]) -> Result<u64, Error> {
        self.offer(peer, items).map_err(|e| e.with(peer))
    }

    fn exchange(&self, peer: &dyn ChunkSource, showing: Showing) -> Result<Compared, Failed> {
        let mut own = Vec::new();
        let compared = compare_catalogues(peer, &mut || {
            let salt = host::random().map_err(|e| Error::file("seed", self.home(), e))?;
            let salt = Salt::new(salt);
            own = self.elements_with(&salt, &peer.id(), showing)?;
            let elements = own.iter().map(|own| own.element).collect();
            Ok::<_, Failed>((salt, elements))
        })?;
        let found = compared.found;
        let is_settled = compared.left == 0
            && found.envelopes.is_empty()
            && self.holds_common(&own, &found.missing)?;
        let mut offered = Vec::new();
        for index in &found.missing {
            let own = own
                .get(*index)
                .ok_or(Failed::Peer(PeerError::Misbehaved("an index of nothing")))?;
            offered.extend(own.is_passed_on.then_some(own.item));
        }
        let received = self.take_compared(peer, &found)?;
        let sent = self.offer(peer, &offered)?;
        Ok(Compared {
            received,
            sent,
            effort: compared.effort,
            is_settled,
        })
    }

    /// Whether each manifest that both sides know is held here with all of its bytes. What a peer
    /// shows is among them, or is new here. `missing` has the indexes that the peer lacks, ascending.
    fn holds_common(&self, own: &[Own], missing: &[usize]) -> Result<bool, Error> {
        for (index, own) in own.iter().enumerate() {
            let ItemId::Manifest(id) = own.item else {
                continue;
            };
            if missing.binary_search(&index).is_ok() {
                continue;
            }
            let held = self
                .store
                .read(|t| Ok::<_, Error>(catalog::by_envelope(t, &id)?))?;
            let Some(held) = held else { return Ok(false) };
            if !self.is_complete(&held)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes what a comparison brought; how much of it is new.
    fn take_compared(&self, peer: &dyn ChunkSource, found: &Reconciled) -> Result<u64, Failed> {
        let mut envelopes = Vec::new();
        for bytes in &found.envelopes {
            let envelope = Envelope::decode(bytes).map_err(|e| Failed::Peer(e.into()))?;
            envelopes.push(envelope);
        }
        let from = Source {
            peer: peer.id(),
            access: peer.access(),
        };
        // Statements first: a withdrawal counts for what comes with it.
        let received = self.take_statements(&from, &found.statements)?;
        let forged = PeerError::Misbehaved("a manifest whose signature does not hold");
        let noted = self.note_elsewhere(&from, envelopes)?;
        Ok(received + noted.ok_or(Failed::Peer(forged))?)
    }

    /// Offers a peer what it lacks; how much of it was new there.
    fn offer(&self, peer: &dyn ChunkSource, items: &[ItemId]) -> Result<u64, Failed> {
        let mut sent = 0;
        for some in items.chunks(ANNOUNCED_AT_ONCE) {
            let bodies = self.bodies(some)?;
            let mut envelopes = bodies.envelopes.into_iter();
            let mut statements = bodies.statements.into_iter();
            loop {
                // Statements apart: a batch of each may be as long as a request.
                let batch = match pack_batch(&mut statements) {
                    Some(batch) => (Vec::new(), batch),
                    None => match pack_batch(&mut envelopes) {
                        Some(batch) => (batch, Vec::new()),
                        None => break,
                    },
                };
                let announced = retried(|| peer.announce(batch.0.clone(), batch.1.clone()));
                sent += announced.map_err(Failed::Peer)?;
            }
        }
        Ok(sent)
    }

    /// Whether an offer, or a later revision of it, is here.
    pub fn holds(&self, offer: &Offer) -> Result<bool, Error> {
        let held = self.store.read(|t| {
            let manifest = offer.manifest();
            let rank = Rank::of(manifest, offer.envelope_id());
            let counts = |d: &Dataset| rank <= Rank::of(&d.manifest, d.envelope_id);
            // What was made here may say the same.
            let here = catalog::made_here(t, manifest, Origin::Elsewhere)?.filter(counts);
            Ok::<_, Error>(match here {
                Some(here) => Some(here),
                None => catalog::of_register(t, manifest, Origin::Elsewhere)?,
            })
        })?;
        let Some(held) = held else { return Ok(false) };
        let rank = Rank::of(offer.manifest(), offer.envelope_id());
        let is_later = rank <= Rank::of(&held.manifest, held.envelope_id);
        Ok(is_later && self.is_complete(&held)?)
    }
}

fn is_gone(error: &Error) -> bool {
    match error {
        Error::Peer { source, .. } => source.kind() != ErrorKind::NotFound,
        _ => false,
    }
}

/// An error and what is behind it.
fn words(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(behind) => format!("{error}: {behind}"),
        None => error.to_string(),
    }
}

/// Whose failure.
enum Failed {
    Peer(PeerError),
    Here(Error),
}

impl Failed {
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

impl From<PeerError> for Failed {
    fn from(error: PeerError) -> Self {
        Self::Peer(error)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Here(error)
    }
}

/// Lets in what may come unasked, and what the options ask for.
fn unasked(offer: &Offer, options: &SyncOptions) -> Result<AcceptedOffer, Error> {
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
