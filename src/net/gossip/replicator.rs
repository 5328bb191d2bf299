//! Replicator: pulls followed datasets. It keeps the wanted ones, their sources and earlier failures.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

use crate::ident::EnvelopeId;
use crate::ident::PublisherKey;
use crate::net::gossip::connection_pool::ConnectionPool;
use crate::net::gossip::message::GossipMessage;
use crate::net::gossip::message::PullResult;
use crate::net::gossip::message::catch_panic;
use crate::net::gossip::source_search::CandidateSource;
use crate::net::gossip::source_search::SourceSearch;
use crate::net::local_time::minute_of_day;
use crate::progress::NoProgress;
use crate::progress::Progress;
use crate::protocol::ChunkSource;
use crate::protocol::Follow;
use crate::protocol::QuietHours;
use crate::registry::Error;
use crate::registry::GcOptions;
use crate::registry::LocalRegistry;
use crate::registry::peers::PullOptions;
use crate::registry::peers::PullReport;
use crate::registry::peers::WantedDataset;
use crate::trust::Action;
use crate::trust::Consent;

/// Concurrent pulls: a small dataset need not wait for a large one.
const PULLS: usize = 3;
/// Concurrent pulls of one publisher: whoever signs manifests without data, by the hundred, leaves room for
/// the others.
const PULLS_OF_PUBLISHER: usize = 2;
/// Maximum number of peers asked for one dataset.
pub(in crate::net::gossip) const ASKED_MAX: usize = 24;
/// Pause after a failed pull; it doubles with each failure.
const PAUSE: Duration = Duration::from_secs(2);
/// Maximum of that pause.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// The followed datasets and their state.
pub(in crate::net::gossip) struct Replicator {
    pub(in crate::net::gossip) follow: Follow,
    quiet: Option<QuietHours>,
    /// The running pulls, with their publishers.
    under_way: BTreeMap<EnvelopeId, PublisherKey>,
    failed: BTreeMap<EnvelopeId, (u32, Duration)>,
    /// Set if the catalogue changed since the last look.
    is_due: bool,
    /// Set while a thread removes old versions.
    pub(in crate::net::gossip) is_retiring: bool,
}

impl Replicator {
    pub(in crate::net::gossip) fn new(follow: Follow, quiet: Option<QuietHours>) -> Self {
        Self {
            follow,
            quiet,
            under_way: BTreeMap::new(),
            failed: BTreeMap::new(),
            is_due: true,
            is_retiring: false,
        }
    }

    /// Marks the catalogue as changed.
    pub(in crate::net::gossip) fn mark_changed(&mut self) {
        self.is_due = true;
    }

    /// Lets failed datasets be tried again after a new peer appeared. Any host can bring newcomers by
    /// the hundred, so the other peers are not asked more often than after a failure.
    pub(in crate::net::gossip) fn retry_with_new_peer(&mut self, now: Duration) {
        for (_, at) in self.failed.values_mut() {
            *at = (*at).min(now + PAUSE);
        }
        self.is_due = true;
    }

    /// Returns true if the wanted datasets have to be computed again.
    pub(in crate::net::gossip) fn is_due(&self, now: Duration) -> bool {
        let is_retry = self.failed.values().any(|(_, at)| *at <= now);
        !self.follow.is_empty()
            && (self.is_due || is_retry)
            && self.under_way.len() < PULLS
            && !is_quiet(self.quiet)
    }

    /// Returns the wanted datasets to pull now.
    pub(in crate::net::gossip) fn next(
        &mut self,
        now: Duration,
        wanted: Vec<WantedDataset>,
    ) -> Vec<WantedDataset> {
        self.is_due = false;
        // Failures of unwanted datasets are forgotten.
        let ids: BTreeSet<EnvelopeId> = wanted.iter().map(|w| w.envelope).collect();
        self.failed.retain(|id, _| ids.contains(id));
        let mut chosen = Vec::new();
        for wanted in wanted {
            let is_left = self.failed.get(&wanted.envelope).is_some_and(|f| f.1 > now);
            let publisher = wanted.publisher;
            let of_publisher = self.under_way.values().filter(|p| **p == publisher);
            // The end of a pull brings the next look.
            let is_full = of_publisher.count() >= PULLS_OF_PUBLISHER;
            if is_left || is_full || self.under_way.contains_key(&wanted.envelope) {
                continue;
            }
            if self.under_way.len() >= PULLS {
                // Another look when one of those has ended.
                self.is_due = true;
                break;
            }
            self.under_way.insert(wanted.envelope, publisher);
            chosen.push(wanted);
        }
        chosen
    }

    /// Records the end of a pull.
    pub(in crate::net::gossip) fn done(&mut self, now: Duration, pulled: &PullResult) {
        let id = pulled.wanted.envelope;
        self.under_way.remove(&id);
        self.is_due = true;
        match &pulled.ended {
            Ok(_) => drop(self.failed.remove(&id)),
            Err(_) => {
                let (times, _) = self.failed.get(&id).copied().unwrap_or_default();
                let pause = PAUSE.saturating_mul(1 << times.min(16)).min(PAUSE_MAX);
                self.failed.insert(id, (times + 1, now + pause));
            }
        }
    }

    /// Returns the inputs of a pull.
    pub(in crate::net::gossip) fn pull_task(
        &self,
        registry: &LocalRegistry,
        connections: &Arc<ConnectionPool>,
        is_stopping: &Arc<AtomicBool>,
    ) -> PullTask {
        PullTask {
            registry: registry.clone(),
            connections: connections.clone(),
            quiet: self.quiet,
            is_stopping: is_stopping.clone(),
        }
    }
}

fn is_quiet(quiet: Option<QuietHours>) -> bool {
    quiet.is_some_and(|hours| hours.contains(minute_of_day()))
}

/// Pulls one dataset, on a thread of its own.
pub(in crate::net::gossip) struct PullTask {
    registry: LocalRegistry,
    connections: Arc<ConnectionPool>,
    quiet: Option<QuietHours>,
    is_stopping: Arc<AtomicBool>,
}

/// Stops with the node, or when quiet hours begin; the received data stays.
impl Progress for PullTask {
    fn cancelled(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed) || is_quiet(self.quiet)
    }
}

impl PullTask {
    /// Pulls from those peers that have the dataset, and records the result.
    pub(in crate::net::gossip) fn pull(
        &self,
        wanted: WantedDataset,
        peers: Vec<CandidateSource>,
        inbox: &mpsc::SyncSender<GossipMessage>,
    ) {
        let ended = catch_panic(|| self.try_pull(&wanted, peers));
        // At the end nothing receives it any more.
        let _ = inbox.send(GossipMessage::PullResult(PullResult { wanted, ended }));
    }

    fn try_pull(
        &self,
        wanted: &WantedDataset,
        peers: Vec<CandidateSource>,
    ) -> Result<PullReport, Error> {
        let search = SourceSearch {
            registry: &self.registry,
            connections: &self.connections,
            wanted,
        };
        let (offer, sources) = search.run(peers, &|| self.cancelled())?;
        let sources: Vec<&dyn ChunkSource> = sources.iter().map(|p| &**p as _).collect();
        let options = PullOptions::default();
        // Following a publisher is consent to its data.
        let accepted = offer.accept(Action::PullByName, Consent::Given)?;
        // Before the data is here, because a kill in between would keep it for ever.
        self.registry.peers().record_followed(wanted)?;
        let pulled = self
            .registry
            .peers()
            .pull(&accepted, &sources, options, self);
        if pulled.is_err() {
            self.registry.peers().forget_followed(wanted)?;
        }
        pulled
    }
}

/// Removes versions older than the kept ones, and frees their space. Returns the names of
/// the removed ones.
pub(in crate::net::gossip) fn retire(
    registry: &LocalRegistry,
    datasets: &[crate::catalog::DatasetSummary],
) -> Result<Vec<String>, Error> {
    registry.peers().retire(datasets)?;
    registry
        .maintenance()
        .gc(&GcOptions::default(), &NoProgress)?;
    let label = |b: &crate::catalog::DatasetSummary| format!("{}@{}", b.name, b.version);
    Ok(datasets.iter().map(label).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::ContentId;
    use crate::ident::NodeId;

    fn wanted(publisher: u8, number: u8) -> WantedDataset {
        WantedDataset {
            envelope: EnvelopeId::new([number; 32]),
            content: ContentId::new([number; 32]),
            label: format!("d{number}@1.0.0"),
            publisher: PublisherKey::new([publisher; 32]),
            from: NodeId::new([9; 32]),
        }
    }

    #[test]
    fn next_publisher_with_many_datasets_leaves_room_for_others() {
        let mut replicator = Replicator::new(Follow::default(), None);
        let many: Vec<WantedDataset> = (0..200).map(|n| wanted(1, n)).collect();
        let begun = replicator.next(Duration::ZERO, many.clone());
        assert_eq!(begun.len(), PULLS_OF_PUBLISHER);
        let with_other: Vec<WantedDataset> = many.into_iter().chain([wanted(2, 201)]).collect();
        let begun = replicator.next(Duration::ZERO, with_other);
        assert_eq!(begun, [wanted(2, 201)]);
    }
}
