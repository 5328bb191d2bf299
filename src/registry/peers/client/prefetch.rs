//! Prefetch: sends the first requests of a pull at once.
//!
//! The manifest alone is enough to request the roots of both trees, the card, and trees of a single
//! chunk. One after the other, each would cost a small dataset a round trip.

use std::sync::Mutex;

use crate::chunk::params::CHUNK_BYTES_AVG;
use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::chunk::params::CHUNK_BYTES_MIN;
use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::locks::lock;
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
use crate::registry::peers::client::peer_state::retry_if_busy;
use crate::registry::peers::client::source_ref::SourceRef;
use crate::registry::peers::tree_nodes::tree_of;

/// A peer with prefetched responses. Each response is returned once, failures included. A request
/// that was not prefetched goes to the peer.
pub(in crate::registry::peers) struct Prefetch<'a> {
    source: SourceRef<'a>,
    responses: Mutex<PrefetchedResponses>,
}

/// A request and its response.
type ResponseTo<Q, A> = (Q, Result<A, PeerError>);

/// Prefetched responses by request. There are at most nine.
#[derive(Default)]
struct PrefetchedResponses {
    card: Option<ResponseTo<EnvelopeId, Vec<u8>>>,
    nodes: Vec<ResponseTo<PullNodeRequest, Vec<Vec<u8>>>>,
    chunks: Vec<ResponseTo<PullChunkRequest, Vec<Vec<u8>>>>,
}

impl PrefetchedResponses {
    /// Keeps only the first lost connection as a failure, because one loss fails all concurrent
    /// requests. The others are sent again.
    fn with_one_failure(mut self) -> Self {
        let mut is_first = true;
        let mut counts = |is_lost: bool| !is_lost || std::mem::take(&mut is_first);
        self.card
            .take_if(|(_, response)| !counts(is_lost(response)));
        self.nodes.retain(|(_, response)| counts(is_lost(response)));
        self.chunks
            .retain(|(_, response)| counts(is_lost(response)));
        self
    }
}

fn is_lost<T>(response: &Result<T, PeerError>) -> bool {
    response.as_ref().is_err_and(|error| !error.is_final())
}

/// Chunks that a look asks for at the front: enough to recognise the format.
const FRONT_CHUNKS: usize = 72;
/// Chunks from which on a tree probably has an inner node above leaves, and so on.
const LEVEL_CHUNKS: [u64; 3] = [17, 3_000, 500_000];
/// Bytes of a record besides its chunks, for each chunk.
const RECORD_OVERHEAD: usize = 1 << 10;

/// Returns the number of chunks at the front that a look asks for. Data of this length has at least as
/// many.
pub(in crate::registry::peers) fn front_chunks(bytes: u64) -> usize {
    let least = bytes.div_ceil(CHUNK_BYTES_MAX as u64);
    usize::try_from(least)
        .unwrap_or(usize::MAX)
        .min(FRONT_CHUNKS)
}

/// Requests to prefetch.
#[derive(Default)]
pub(in crate::registry::peers) struct PrefetchRequests {
    card: Option<EnvelopeId>,
    nodes: Vec<PullNodeRequest>,
    chunks: Vec<PullChunkRequest>,
}

impl PrefetchRequests {
    /// Adds the card of a manifest.
    pub(in crate::registry::peers) fn card(&mut self, envelope: EnvelopeId) {
        self.card = Some(envelope);
    }

    /// Adds the root of a tree, and its chunk if the tree can have only one.
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

    /// Adds what a look needs first: the root of the data, the probable nodes above its first byte, and
    /// the first chunks. A wrong guess is refused, and costs nothing else.
    pub(in crate::registry::peers) fn front(&mut self, envelope: EnvelopeId, manifest: &Manifest) {
        let (tree, bytes) = (TreeKind::Data, manifest.size_bytes);
        self.tree(envelope, manifest, tree);
        if bytes <= CHUNK_BYTES_MIN as u64 {
            return;
        }
        let chunks = bytes / CHUNK_BYTES_AVG as u64;
        let levels = (0_u8..)
            .zip(LEVEL_CHUNKS)
            .filter(|(_, least)| chunks >= *least);
        for (level, _) in levels {
            self.nodes.push(PullNodeRequest {
                envelope,
                tree,
                places: vec![NodePlace { level, offset: 0 }],
            });
        }
        self.chunks.push(PullChunkRequest {
            envelope,
            tree,
            offset: 0,
            runs: vec![Run {
                skip: 0,
                take: front_chunks(bytes) as u64,
            }],
        });
    }

    fn len(&self) -> usize {
        usize::from(self.card.is_some()) + self.nodes.len() + self.chunks.len()
    }
}

impl<'a> Prefetch<'a> {
    pub(in crate::registry::peers) fn new(source: impl Into<SourceRef<'a>>) -> Self {
        Self {
            source: source.into(),
            responses: Mutex::default(),
        }
    }

    /// Sends all requests at once and waits for the responses. Polls `is_needless` meanwhile.
    pub(in crate::registry::peers) fn ask(
        &self,
        requests: &PrefetchRequests,
        is_needless: &(dyn Fn() -> bool + Sync),
    ) {
        // A single request gains nothing from being early.
        if requests.len() < 2 {
            return;
        }
        let sent = std::thread::scope(|scope| {
            let card = requests.card.map(|id| {
                let card = scope.spawn(move || retry_if_busy(|| self.source.card(&id)));
                (id, card)
            });
            let nodes = requests.nodes.iter().map(|request| {
                let nodes = scope.spawn(|| retry_if_busy(|| self.source.nodes(request)));
                (request.clone(), nodes)
            });
            let nodes: Vec<_> = nodes.collect();
            let chunks = requests.chunks.iter().map(|request| {
                let chunk = scope.spawn(|| retry_if_busy(|| self.records(request, is_needless)));
                (request.clone(), chunk)
            });
            let chunks: Vec<_> = chunks.collect();
            // A thread that panicked leaves no response.
            PrefetchedResponses {
                card: card.and_then(|(id, t)| Some((id, t.join().ok()?))),
                nodes: ended(nodes),
                chunks: ended(chunks),
            }
        });
        *self.lock() = sent.with_one_failure();
    }

    /// Returns the records of a chunk request. They are at most as many as chunks were asked for, and
    /// not much longer.
    fn records(
        &self,
        request: &PullChunkRequest,
        is_needless: &dyn Fn() -> bool,
    ) -> Result<Vec<Vec<u8>>, PeerError> {
        let asked: u64 = request.runs.iter().map(|run| run.take).sum();
        let asked = usize::try_from(asked).unwrap_or(usize::MAX);
        let bytes_max = asked.saturating_mul(CHUNK_BYTES_MAX + RECORD_OVERHEAD);
        let (mut records, mut bytes, mut fits) = (Vec::new(), 0, true);
        let answered = self.source.chunks(request, is_needless, &mut |record| {
            bytes += record.len();
            fits = records.len() < asked && bytes <= bytes_max;
            records.push(record);
            fits
        });
        if !fits {
            return Err(PeerError::Misbehaved("more chunks than it was asked for"));
        }
        answered?;
        match records.is_empty() {
            true => Err(PeerError::Misbehaved("fewer chunks than it was asked for")),
            false => Ok(records),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, PrefetchedResponses> {
        lock(&self.responses)
    }
}

type PendingRequests<'s, Q, A> = Vec<(Q, std::thread::ScopedJoinHandle<'s, A>)>;

fn ended<Q, A>(asking: PendingRequests<'_, Q, A>) -> Vec<(Q, A)> {
    let ended = asking.into_iter().map(|(q, t)| Some((q, t.join().ok()?)));
    ended.flatten().collect()
}

/// Removes and returns the response to a request.
fn take_response<Q: PartialEq, A>(responses: &mut Vec<(Q, A)>, request: &Q) -> Option<A> {
    let at = responses.iter().position(|(sent, _)| sent == request)?;
    Some(responses.swap_remove(at).1)
}

impl PeerCatalog for Prefetch<'_> {
    fn node_id(&self) -> NodeId {
        self.source.node_id()
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
        let card = self.lock().card.take_if(|(sent, _)| sent == envelope);
        match card {
            Some((_, response)) => response,
            None => self.source.card(envelope),
        }
    }
}

impl ChunkSource for Prefetch<'_> {
    fn nodes(&self, request: &PullNodeRequest) -> Result<Vec<Vec<u8>>, PeerError> {
        let nodes = take_response(&mut self.lock().nodes, request);
        nodes.unwrap_or_else(|| self.source.nodes(request))
    }

    fn node_deltas(&self, request: &PullNodeDeltaRequest) -> Result<Nodes, PeerError> {
        self.source.node_deltas(request)
    }

    fn reconnect(&self, is_needless: &dyn Fn() -> bool) -> Result<(), PeerError> {
        self.source.reconnect(is_needless)
    }

    fn record_boundaries(
        &self,
        request: &RecordBoundariesRequest,
    ) -> Result<Vec<usize>, PeerError> {
        self.source.record_boundaries(request)
    }

    fn chunks(
        &self,
        request: &PullChunkRequest,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachRecord<'_>,
    ) -> Result<(), PeerError> {
        let chunk = take_response(&mut self.lock().chunks, request);
        let Some(chunk) = chunk else {
            return self.source.chunks(request, is_needless, each);
        };
        match chunk?.into_iter().all(each) {
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
