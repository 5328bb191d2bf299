//! Fetching what is followed: what is wanted now, from whom, and what went wrong before.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::net::gossip::Note;
use crate::net::gossip::connection_pool::Lines;
use crate::net::gossip::sound;
use crate::net::local_time::minute_of_day;
use crate::net::quic::peer::Peer;
use crate::progress::NoProgress;
use crate::progress::Progress;
use crate::protocol::ChunkSource;
use crate::protocol::Follow;
use crate::protocol::QuietHours;
use crate::registry::Error;
use crate::registry::GcOptions;
use crate::registry::LocalRegistry;
use crate::registry::host;
use crate::registry::peers::PullOptions;
use crate::registry::peers::PullReport;
use crate::registry::peers::Wanted;
use crate::trust::Action;
use crate::trust::Consent;

/// Pulls at once: a small dataset need not wait for a large one.
const PULLS: usize = 2;
/// Peers that one dataset is pulled from.
const SOURCES_MAX: usize = 4;
/// Peers that are asked for one dataset at a time.
pub(in crate::net::gossip) const ASKED_MAX: usize = 24;
/// How long further sources are looked for when there is one.
const LOOKING: Duration = Duration::from_secs(2);
/// How long a dataset that could not be pulled is left; doubled each time.
const PAUSE: Duration = Duration::from_secs(2);
/// The longest that it is.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// What is followed, and how that goes.
pub(in crate::net::gossip) struct Follower {
    pub(in crate::net::gossip) follow: Follow,
    quiet: Option<QuietHours>,
    under_way: BTreeSet<EnvelopeId>,
    failed: BTreeMap<EnvelopeId, (u32, Duration)>,
    /// The catalogue has changed since it was looked at.
    is_due: bool,
    /// Old versions are being given up.
    pub(in crate::net::gossip) is_retiring: bool,
}

/// Who may have what is wanted.
pub(in crate::net::gossip) struct Source {
    pub(in crate::net::gossip) node: NodeId,
    pub(in crate::net::gossip) at: Vec<SocketAddr>,
    /// It was there lately, and its filter says yes or nothing.
    pub(in crate::net::gossip) is_likely: bool,
}

/// How a pull ended.
pub(crate) struct Pulled {
    pub(in crate::net::gossip) wanted: Wanted,
    pub(in crate::net::gossip) ended: Result<PullReport, Error>,
}

impl Follower {
    pub(in crate::net::gossip) fn new(follow: Follow, quiet: Option<QuietHours>) -> Self {
        Self {
            follow,
            quiet,
            under_way: BTreeSet::new(),
            failed: BTreeMap::new(),
            is_due: true,
            is_retiring: false,
        }
    }

    /// Something is new: what is wanted has to be looked at again.
    pub(in crate::net::gossip) fn news(&mut self) {
        self.is_due = true;
    }

    /// Somebody is there who was not before: what nobody had, he may have. Anybody can bring
    /// newcomers by the hundred, so everybody else is not asked more often than after a failure.
    pub(in crate::net::gossip) fn newcomer(&mut self, now: Duration) {
        for (_, at) in self.failed.values_mut() {
            *at = (*at).min(now + PAUSE);
        }
        self.is_due = true;
    }

    /// Whether now is the time to look at what is wanted.
    pub(in crate::net::gossip) fn is_due(&self, now: Duration) -> bool {
        let is_retry = self.failed.values().any(|(_, at)| *at <= now);
        !self.follow.is_empty()
            && (self.is_due || is_retry)
            && self.under_way.len() < PULLS
            && !is_quiet(self.quiet)
    }

    /// Of what is wanted, what to pull now.
    pub(in crate::net::gossip) fn next(
        &mut self,
        now: Duration,
        wanted: Vec<Wanted>,
    ) -> Vec<Wanted> {
        self.is_due = false;
        // What nobody wants any more is not remembered.
        let ids: BTreeSet<EnvelopeId> = wanted.iter().map(|w| w.envelope).collect();
        self.failed.retain(|id, _| ids.contains(id));
        let mut chosen = Vec::new();
        for wanted in wanted {
            let is_left = self.failed.get(&wanted.envelope).is_some_and(|f| f.1 > now);
            if is_left || self.under_way.contains(&wanted.envelope) {
                continue;
            }
            if self.under_way.len() >= PULLS {
                // Another look when one of those has ended.
                self.is_due = true;
                break;
            }
            self.under_way.insert(wanted.envelope);
            chosen.push(wanted);
        }
        chosen
    }

    /// A pull has ended.
    pub(in crate::net::gossip) fn done(&mut self, now: Duration, pulled: &Pulled) {
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

    /// What a thread needs to pull.
    pub(in crate::net::gossip) fn puller(
        &self,
        registry: &LocalRegistry,
        lines: &Arc<Lines>,
        is_stopping: &Arc<AtomicBool>,
    ) -> Puller {
        Puller {
            registry: registry.clone(),
            lines: lines.clone(),
            quiet: self.quiet,
            is_stopping: is_stopping.clone(),
        }
    }
}

fn is_quiet(quiet: Option<QuietHours>) -> bool {
    quiet.is_some_and(|hours| hours.contains(minute_of_day()))
}

/// Pulls one dataset, on a thread of its own.
pub(in crate::net::gossip) struct Puller {
    registry: LocalRegistry,
    lines: Arc<Lines>,
    quiet: Option<QuietHours>,
    is_stopping: Arc<AtomicBool>,
}

/// Goes on until the node stops, or until it has to be quiet: what came is kept.
impl Progress for Puller {
    fn cancelled(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed) || is_quiet(self.quiet)
    }
}

impl Puller {
    /// Pulls from whoever of these has it, and notes how it went.
    pub(in crate::net::gossip) fn pull(
        &self,
        wanted: Wanted,
        peers: Vec<Source>,
        inbox: &mpsc::SyncSender<Note>,
    ) {
        let ended = sound(|| self.try_pull(&wanted, peers));
        // Nobody listens any more at the end.
        let _ = inbox.send(Note::Pulled(Pulled { wanted, ended }));
    }

    fn try_pull(&self, wanted: &Wanted, peers: Vec<Source>) -> Result<PullReport, Error> {
        let began = host::instant();
        let mut sources: Vec<Arc<Peer>> = Vec::new();
        let (mut offer, mut fault) = (None, None);
        for Source {
            node,
            at,
            is_likely,
        } in peers
        {
            // Whoever else has it can wait; who is not there at all would be waited for.
            let is_enough = !is_likely || began.elapsed() > LOOKING;
            if sources.len() >= SOURCES_MAX || (is_enough && offer.is_some()) {
                break;
            }
            if self.cancelled() {
                return Err(Error::Interrupted);
            }
            let asked = self.lines.to(node, at).and_then(|(peer, _)| {
                let found = self.registry.offer_of(&*peer, wanted)?;
                Ok(found.map(|found| (peer, found)))
            });
            match asked {
                Ok(Some((peer, found))) => {
                    sources.push(peer);
                    offer.get_or_insert(found);
                }
                Ok(None) => {}
                Err(error) => {
                    self.lines.end(&node);
                    fault = Some(error);
                }
            }
        }
        let Some(offer) = offer else {
            return Err(fault.unwrap_or_else(|| Error::NotAtPeers(wanted.label.clone())));
        };
        let sources: Vec<&dyn ChunkSource> = sources.iter().map(|p| &**p as _).collect();
        let options = PullOptions::default();
        // Whoever follows a publisher agreed to what comes from him.
        let accepted = offer.accept(Action::PullByName, Consent::Given)?;
        // Before it is here: who is killed in between would keep it for ever.
        self.registry.note_followed(wanted)?;
        let pulled = self.registry.pull(&accepted, &sources, options, self);
        if pulled.is_err() {
            self.registry.forget_followed(wanted)?;
        }
        pulled
    }
}

/// Gives up what is older than what is kept, and the space that it took. The names of what went.
pub(in crate::net::gossip) fn retire(
    registry: &LocalRegistry,
    datasets: &[crate::catalog::Brief],
) -> Result<Vec<String>, Error> {
    registry.retire(datasets)?;
    registry.gc(&GcOptions::default(), &NoProgress)?;
    let label = |b: &crate::catalog::Brief| format!("{}@{}", b.name, b.version);
    Ok(datasets.iter().map(label).collect())
}
