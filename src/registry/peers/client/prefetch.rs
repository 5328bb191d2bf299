//! The first requests of a pull, asked at once. The roots of both trees, the card, and trees of a
//! single chunk can be asked for without knowing anything but the manifest; one after the other, each
//! would cost a small dataset a round trip of its own.

use std::sync::Mutex;
use std::sync::PoisonError;

use crate::chunk::params::CHUNK_BYTES_MIN;
use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::manifest::Manifest;
use crate::protocol::Access;
use crate::protocol::ChunkSource;
use crate::protocol::EachPart;
use crate::protocol::EachRecord;
use crate::protocol::Filter;
use crate::protocol::ListFilter;
use crate::protocol::NodePlace;
use crate::protocol::Nodes;
use crate::protocol::PeerCatalog;
use crate::protocol::PeerError;
use crate::protocol::PullChunkRequest;
use crate::protocol::PullDeltaRequest;
use crate::protocol::PullNodeDeltaRequest;
use crate::protocol::PullNodeRequest;
use crate::protocol::ReconcileRequest;
use crate::protocol::Reconciled;
use crate::protocol::RecordBoundariesRequest;
use crate::protocol::Run;
use crate::protocol::TreeKind;
use crate::protocol::reconcile::Symbols;
use crate::protocol::reconcile::SymbolsRequest;
use crate::protocol::reconcile::WantedRequest;
use crate::registry::peers::client::peer_state::retried;
use crate::registry::peers::tree_nodes::tree_of;

/// A peer, and answers of it that nobody has asked for yet. Each is given once, failures too; what
/// was not asked ahead is asked when it is wanted.
pub(in crate::registry::peers) struct Ahead<'a> {
    source: &'a dyn ChunkSource,
    answers: Mutex<Answers>,
}

/// What was asked, and what came.
type Answered<Q, A> = (Q, Result<A, PeerError>);

/// Answers by their requests. There are five at most.
#[derive(Default)]
struct Answers {
    card: Option<Answered<EnvelopeId, Vec<u8>>>,
    nodes: Vec<Answered<PullNodeRequest, Vec<Vec<u8>>>>,
    chunks: Vec<Answered<PullChunkRequest, Vec<u8>>>,
}

impl Answers {
    /// One lost connection fails all requests under way. It counts once: the rest is asked again.
    fn with_one_failure(mut self) -> Self {
        let mut is_first = true;
        let mut counts = |is_lost: bool| !is_lost || std::mem::take(&mut is_first);
        self.card.take_if(|(_, answer)| !counts(is_lost(answer)));
        self.nodes.retain(|(_, answer)| counts(is_lost(answer)));
        self.chunks.retain(|(_, answer)| counts(is_lost(answer)));
        self
    }
}

fn is_lost<T>(answer: &Result<T, PeerError>) -> bool {
    answer.as_ref().is_err_and(|error| !error.is_final())
}

/// What to ask ahead.
#[derive(Default)]
pub(in crate::registry::peers) struct Questions {
    card: Option<EnvelopeId>,
    nodes: Vec<PullNodeRequest>,
    chunks: Vec<PullChunkRequest>,
}

impl Questions {
    /// The card of a manifest.
    pub(in crate::registry::peers) fn card(&mut self, envelope: EnvelopeId) {
        self.card = Some(envelope);
    }

    /// The root of a tree, and its chunk where it cannot have more than one.
    pub(in crate::registry::peers) fn tree(
        &mut self,
        envelope: EnvelopeId,
        manifest: &Manifest,
        tree: TreeKind,
    ) {
        self.nodes.push(PullNodeRequest {
            envelope,
            tree,
            places: vec![NodePlace::ROOT],
        });
        let (_, bytes) = tree_of(manifest, tree);
        if (1..=CHUNK_BYTES_MIN as u64).contains(&bytes) {
            self.chunks.push(PullChunkRequest {
                envelope,
                tree,
                offset: 0,
                runs: vec![Run { skip: 0, take: 1 }],
            });
        }
    }

    fn len(&self) -> usize {
        usize::from(self.card.is_some()) + self.nodes.len() + self.chunks.len()
    }
}

impl<'a> Ahead<'a> {
    pub(in crate::registry::peers) fn new(source: &'a dyn ChunkSource) -> Self {
        Self {
            source,
            answers: Mutex::default(),
        }
    }

    /// Asks all of these at once, and waits for the answers. `is_needless` is asked meanwhile.
    pub(in crate::registry::peers) fn ask(
        &self,
        questions: &Questions,
        is_needless: &(dyn Fn() -> bool + Sync),
    ) {
        // One alone is no faster now than when it is wanted.
        if questions.len() < 2 {
            return;
        }
        let asked = std::thread::scope(|scope| {
            let card = questions.card.map(|id| {
                let card = scope.spawn(move || retried(|| self.source.card(&id)));
                (id, card)
            });
            let nodes = questions.nodes.iter().map(|request| {
                let nodes = scope.spawn(|| retried(|| self.source.nodes(request)));
                (request.clone(), nodes)
            });
            let nodes: Vec<_> = nodes.collect();
            let chunks = questions.chunks.iter().map(|request| {
                let chunk = scope.spawn(|| retried(|| self.first_record(request, is_needless)));
                (request.clone(), chunk)
            });
            let chunks: Vec<_> = chunks.collect();
            // A thread that did not end leaves no answer.
            Answers {
                card: card.and_then(|(id, t)| Some((id, t.join().ok()?))),
                nodes: ended(nodes),
                chunks: ended(chunks),
            }
        });
        *self.lock() = asked.with_one_failure();
    }

    /// The record of a request for one chunk.
    fn first_record(
        &self,
        request: &PullChunkRequest,
        is_needless: &dyn Fn() -> bool,
    ) -> Result<Vec<u8>, PeerError> {
        let mut first = None;
        let mut is_one = true;
        let answered = self.source.chunks(request, is_needless, &mut |record| {
            is_one = first.is_none();
            first.get_or_insert(record);
            is_one
        });
        match (first, is_one) {
            (_, false) => Err(PeerError::Misbehaved("more chunks than it was asked for")),
            (Some(record), true) => answered.map(|()| record),
            (None, true) => {
                answered?;
                Err(PeerError::Misbehaved("fewer chunks than it was asked for"))
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Asking<'s, Q, A> = Vec<(Q, std::thread::ScopedJoinHandle<'s, A>)>;

fn ended<Q, A>(asking: Asking<'_, Q, A>) -> Vec<(Q, A)> {
    let ended = asking.into_iter().map(|(q, t)| Some((q, t.join().ok()?)));
    ended.flatten().collect()
}

/// Takes the answer to a request.
fn taken<Q: PartialEq, A>(answers: &mut Vec<(Q, A)>, request: &Q) -> Option<A> {
    let at = answers.iter().position(|(asked, _)| asked == request)?;
    Some(answers.swap_remove(at).1)
}

impl PeerCatalog for Ahead<'_> {
    fn id(&self) -> NodeId {
        self.source.id()
    }

    fn address(&self) -> String {
        self.source.address()
    }

    fn access(&self) -> Access {
        self.source.access()
    }

    fn list(&self, filter: &ListFilter) -> Result<Vec<Vec<u8>>, PeerError> {
        self.source.list(filter)
    }

    fn filter(&self) -> Result<Filter, PeerError> {
        self.source.filter()
    }

    fn reconcile(&self, request: &ReconcileRequest) -> Result<Reconciled, PeerError> {
        self.source.reconcile(request)
    }

    fn symbols(&self, request: &SymbolsRequest) -> Result<Symbols, PeerError> {
        self.source.symbols(request)
    }

    fn wanted(&self, request: &WantedRequest) -> Result<Reconciled, PeerError> {
        self.source.wanted(request)
    }

    fn announce(
        &self,
        envelopes: Vec<Vec<u8>>,
        statements: Vec<Vec<u8>>,
    ) -> Result<u64, PeerError> {
        self.source.announce(envelopes, statements)
    }

    fn card(&self, envelope: &EnvelopeId) -> Result<Vec<u8>, PeerError> {
        let card = self.lock().card.take_if(|(asked, _)| asked == envelope);
        match card {
            Some((_, answer)) => answer,
            None => self.source.card(envelope),
        }
    }
}

impl ChunkSource for Ahead<'_> {
    fn nodes(&self, request: &PullNodeRequest) -> Result<Vec<Vec<u8>>, PeerError> {
        let nodes = taken(&mut self.lock().nodes, request);
        nodes.unwrap_or_else(|| self.source.nodes(request))
    }

    fn node_deltas(&self, request: &PullNodeDeltaRequest) -> Result<Nodes, PeerError> {
        self.source.node_deltas(request)
    }

    fn revive(&self, is_needless: &dyn Fn() -> bool) -> Result<(), PeerError> {
        self.source.revive(is_needless)
    }

    fn seams(&self, request: &RecordBoundariesRequest) -> Result<Vec<usize>, PeerError> {
        self.source.seams(request)
    }

    fn chunks(
        &self,
        request: &PullChunkRequest,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachRecord<'_>,
    ) -> Result<(), PeerError> {
        let chunk = taken(&mut self.lock().chunks, request);
        let Some(chunk) = chunk else {
            return self.source.chunks(request, is_needless, each);
        };
        match each(chunk?) {
            true => Ok(()),
            false => Err(PeerError::Stopped),
        }
    }

    fn deltas(
        &self,
        request: &PullDeltaRequest,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachPart<'_>,
    ) -> Result<(), PeerError> {
        self.source.deltas(request, is_needless, each)
    }
}
