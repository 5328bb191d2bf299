//! Source search: asks peers for a wanted dataset. A peer that does not answer holds up no other one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use crate::ident::NodeId;
use crate::net::gossip::connection_pool::ConnectionPool;
use crate::net::gossip::message::catch_panic;
use crate::net::quic::peer::Peer;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::NodeError;
use crate::registry::host;
use crate::registry::peers::Offer;
use crate::registry::peers::WantedDataset;

/// Maximum number of peers in one pull.
const SOURCES_MAX: usize = 4;
/// Time to look for further sources after the first one.
const MORE_SOURCES_WAIT: Duration = Duration::from_secs(2);
/// Time after which the next peer is asked beside one that has not answered. On a LAN an answer takes
/// milliseconds; a mute peer is given up only after 20 seconds.
const ANSWER_WAIT: Duration = Duration::from_millis(500);
/// Interval of the look at the clock and at the end of the node.
const POLL: Duration = Duration::from_millis(50);

/// A peer that may have a wanted dataset.
pub(in crate::net::gossip) struct CandidateSource {
    pub(in crate::net::gossip) node: NodeId,
    pub(in crate::net::gossip) at: Vec<SocketAddr>,
    /// Set if the peer was seen recently and its filter admits the content.
    pub(in crate::net::gossip) is_likely: bool,
}

/// A peer that has the dataset with its offer, or none.
type Answer = Result<Option<(Arc<Peer>, Offer)>, Error>;

/// The search for the sources of one dataset.
pub(in crate::net::gossip) struct SourceSearch<'a> {
    pub(in crate::net::gossip) registry: &'a LocalRegistry,
    pub(in crate::net::gossip) connections: &'a Arc<ConnectionPool>,
    pub(in crate::net::gossip) wanted: &'a WantedDataset,
}

impl SourceSearch<'_> {
    /// Asks the candidates in order. Returns the offer and the peers that have the dataset: all likely ones
    /// that answer in time, at most four.
    ///
    /// # Errors
    /// [`Error::Interrupted`], [`NodeError::NotAtPeers`] when none has it, or the last failure.
    pub(in crate::net::gossip) fn run(
        &self,
        candidates: Vec<CandidateSource>,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<(Offer, Vec<Arc<Peer>>), Error> {
        let mut candidates = candidates.into_iter().peekable();
        let (began, mut asked_at) = (host::instant(), host::instant());
        let (tell, answers) = mpsc::channel::<Answer>();
        let mut sources: Vec<Arc<Peer>> = Vec::new();
        let (mut offer, mut fault) = (None, None);
        let mut unanswered = 0;
        loop {
            if is_cancelled() {
                return Err(Error::Interrupted);
            }
            // Further sources can wait, and absent peers would be waited for.
            let is_next_wanted = candidates
                .peek()
                .is_some_and(|next| offer.is_none() || next.is_likely);
            let is_late = offer.is_some() && began.elapsed() > MORE_SOURCES_WAIT;
            let is_exhausted = !is_next_wanted && unanswered == 0;
            if sources.len() >= SOURCES_MAX || is_late || is_exhausted {
                break;
            }
            let is_turn = unanswered == 0 || asked_at.elapsed() >= ANSWER_WAIT;
            if is_next_wanted
                && is_turn
                && let Some(next) = candidates.next()
            {
                self.ask(next, tell.clone());
                asked_at = host::instant();
                unanswered += 1;
            }
            let Ok(answer) = answers.recv_timeout(POLL) else {
                continue;
            };
            unanswered -= 1;
            match answer {
                Ok(Some((peer, found))) => {
                    sources.push(peer);
                    offer.get_or_insert(found);
                }
                Ok(None) => {}
                Err(error) => fault = Some(error),
            }
        }
        match offer {
            Some(offer) => Ok((offer, sources)),
            None => Err(fault
                .unwrap_or_else(|| Error::Node(NodeError::NotAtPeers(self.wanted.label.clone())))),
        }
    }

    /// Asks one peer on a thread of its own, which may outlive the search.
    fn ask(&self, candidate: CandidateSource, tell: mpsc::Sender<Answer>) {
        let registry = self.registry.clone();
        let connections = self.connections.clone();
        let wanted = self.wanted.clone();
        let CandidateSource { node, at, .. } = candidate;
        std::thread::spawn(move || {
            let answer = catch_panic(|| {
                let (peer, _) = connections.connect_to(node, at)?;
                let found = registry.peers().offer_of(&*peer, &wanted)?;
                Ok(found.map(|found| (peer, found)))
            });
            match &answer {
                Ok(_) => connections.record_answer(&node),
                Err(_) => connections.record_failure(node),
            }
            // The search may be over.
            let _ = tell.send(answer);
        });
    }
}
