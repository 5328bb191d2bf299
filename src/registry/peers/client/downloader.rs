//! Downloads all windows of a tree. One thread walks the tree ahead, several threads per peer fetch
//! windows, and the caller gets the data in order. A limit on the windows ahead bounds the memory.

use std::sync::Arc;

use crate::manifest::ChunkEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::progress::Progress;
use crate::protocol::FetchOutcome;
use crate::protocol::FetchSchedule;
use crate::protocol::NextFetch;
use crate::protocol::PeerError;
use crate::protocol::PeerSlot;
use crate::protocol::PullNodeDeltaRequest;
use crate::protocol::PullNodeRequest;
use crate::protocol::RecordBoundariesRequest;
use crate::protocol::RefusalCode;
use crate::protocol::TreeKind;
use crate::registry::delta::parent::ParentAlignment;
use crate::registry::delta::similarity::ReceivedRecords;
use crate::registry::delta::similarity::SimilarityIndex;
use crate::registry::error::Error;
use crate::registry::integrity::claims::CutCheck;
use crate::registry::peers::client::delta_request::HeldParent;
use crate::registry::peers::client::fetch::FilledWindow;
use crate::registry::peers::client::fetch::WindowError;
use crate::registry::peers::client::fetch::WindowFiller;
use crate::registry::peers::client::peer_state::PullPeer;
use crate::registry::peers::client::peer_state::fill_with_retries;
use crate::registry::peers::client::peer_state::no_peer_left;
use crate::registry::peers::client::peer_state::retry_if_busy;
use crate::registry::peers::client::shared_state::PanicGuard;
use crate::registry::peers::client::shared_state::Shared;
use crate::registry::peers::client::window::Window;
use crate::registry::peers::server::tree_delta::decode_on_bases;
use crate::registry::peers::tree_nodes::LeafStore;
use crate::registry::peers::tree_nodes::TreeFetch;
use crate::registry::sizes::Sizes;
use crate::store::disk::BlobReader;
use crate::store::disk::WriteSession;

/// Chunks of a window at most.
const WINDOW_CHUNKS: usize = 4096;
/// Maximum number of windows that are planned, requested or waiting for their turn.
const WINDOWS_AHEAD: u64 = 10;
/// Concurrent requests to one peer.
const THREADS_PER_PEER: usize = 3;

/// Chunk counts of a downloaded tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChunkCounts {
    pub(crate) fetched: u64,
    pub(crate) local: u64,
}

/// Chunks that are not cut into windows yet, and the offset of the first.
#[derive(Default)]
struct Backlog<'a> {
    offset: u64,
    chunks: Vec<ChunkEntry>,
    /// Alignment with the held parent version.
    alignment: Option<ParentAlignment<'a>>,
}

/// Download of one tree.
pub(crate) struct TreeDownloader<'a> {
    pub(crate) session: &'a WriteSession,
    pub(crate) similarity: &'a SimilarityIndex,
    pub(crate) reader: &'a BlobReader,
    pub(crate) manifest: &'a Manifest,
    pub(crate) envelope: crate::ident::EnvelopeId,
    pub(crate) tree: TreeKind,
    pub(crate) peers: &'a [PullPeer<'a>],
    pub(crate) parent: Option<&'a HeldParent>,
    /// The files of the tree, if it is the data tree.
    pub(crate) files: Option<&'a FileTable>,
    /// Accept a tree that is far larger than the bytes sent for it.
    pub(crate) allow_large: bool,
    pub(crate) sizes: Sizes,
    pub(crate) progress: &'a dyn Progress,
}

impl TreeDownloader<'_> {
    /// Passes all data of the tree to `each` in order, window by window.
    pub(crate) fn run(
        &self,
        each: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<ChunkCounts, Error> {
        let mut plan = FetchSchedule::new(self.peers.len());
        for (n, peer) in self.peers.iter().enumerate() {
            if !peer.is_usable() {
                plan.drop_peer(PeerSlot(n));
            }
        }
        let shared = Shared::new(plan);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _guard = PanicGuard(&shared);
                if let Err(error) = self.plan(&shared) {
                    shared.fail(error);
                }
            });
            for n in 0..self.peers.len() {
                for _ in 0..THREADS_PER_PEER {
                    let shared = &shared;
                    scope.spawn(move || {
                        let _guard = PanicGuard(shared);
                        self.work(shared, PeerSlot(n));
                    });
                }
            }
            let done = self.consume(&shared, each);
            if done.is_err() {
                // The other threads stop when they next check.
                shared.fail(Error::Interrupted);
            }
            done
        })
    }

    /// Walks the tree and adds windows to the schedule.
    fn plan(&self, shared: &Shared) -> Result<(), Error> {
        let mut ask =
            |request: &PullNodeRequest,
             check: &mut crate::registry::peers::tree_nodes::CheckNodes<'_>| {
                self.ask_nodes(shared, request, check)
            };
        let parent = self.parent.map(|b| &b.tree);
        let mut walk = TreeFetch {
            session: self.session,
            reader: self.reader,
            envelope: self.envelope,
            tree: self.tree,
            free_data_bytes: self.sizes.free_data_bytes,
            ask: &mut ask,
            leaves: LeafStore::new(self.session, parent),
        };
        let mut stretch = Backlog {
            alignment: parent.map(ParentAlignment::new),
            ..Backlog::default()
        };
        if !self.allow_large {
            walk.check_expansion(self.manifest)?;
        }
        let mut cuts = self.files.map(|table| CutCheck::new(self.manifest, table));
        let mut offset = 0_u64;
        walk.run(self.manifest, &mut |chunks| {
            for chunk in &chunks {
                cuts.as_mut().map_or(Ok(()), |c| c.push(offset, chunk))?;
                offset += u64::from(chunk.bytes);
            }
            stretch.chunks.extend(chunks);
            if stretch.chunks.len() >= self.sizes.stretch_chunks {
                self.cut(shared, &mut stretch, false)
            } else {
                Ok(())
            }
        })?;
        while !stretch.chunks.is_empty() {
            self.cut(shared, &mut stretch, true)?;
        }
        shared.lock().plan.close();
        shared.news.notify_all();
        Ok(())
    }

    /// Cuts a stretch of chunks into windows, at the record boundaries of a peer if it reports
    /// them. The peer has to compress a record again for each of two windows that share it.
    fn cut(
        &self,
        shared: &Shared,
        stretch: &mut Backlog<'_>,
        to_the_end: bool,
    ) -> Result<(), Error> {
        let window_bytes = self.sizes.window_bytes;
        let asked = stretch.chunks.len().min(self.sizes.stretch_chunks);
        let is_last = to_the_end && asked == stretch.chunks.len();
        let stretch_bytes: usize = stretch.chunks.iter().map(|c| c.bytes as usize).sum();
        let seams = match is_last && stretch_bytes < window_bytes {
            // One window, wherever records end.
            true => Vec::new(),
            false => self.record_boundaries(stretch.offset, asked),
        };
        let mut rest = std::mem::take(&mut stretch.chunks);
        let (mut window, mut bytes, mut cut_so_far) = (Vec::new(), 0, 0);
        let later = rest.split_off(asked);
        for (n, chunk) in rest.into_iter().enumerate() {
            bytes += chunk.bytes as usize;
            window.push(chunk);
            let at_seam = seams.is_empty() || seams.binary_search(&(n + 1)).is_ok();
            let is_full = window.len() >= WINDOW_CHUNKS || bytes >= 2 * window_bytes;
            if (bytes >= window_bytes && at_seam) || is_full {
                offer(shared, std::mem::take(&mut window), stretch)?;
                stretch.offset += bytes as u64;
                bytes = 0;
                cut_so_far = n + 1;
            }
        }
        // The remaining chunks begin the next stretch, unless there is none or nothing was cut.
        if !window.is_empty() && (is_last || cut_so_far == 0) {
            offer(shared, std::mem::take(&mut window), stretch)?;
            stretch.offset += bytes as u64;
        }
        window.extend(later);
        stretch.chunks = window;
        Ok(())
    }

    /// Returns the record boundaries that a peer reports. Without them, windows end anywhere.
    fn record_boundaries(&self, offset: u64, chunks: usize) -> Vec<usize> {
        let request = RecordBoundariesRequest {
            envelope: self.envelope,
            tree: self.tree,
            offset,
            chunks: chunks as u64,
        };
        let peer = self.peers.iter().find(|s| s.is_usable());
        let boundaries =
            peer.and_then(|s| retry_if_busy(|| s.source.record_boundaries(&request)).ok());
        boundaries.unwrap_or_default()
    }

    /// Requests nodes from one peer after the other.
    fn ask_nodes(
        &self,
        shared: &Shared,
        request: &PullNodeRequest,
        check: &mut crate::registry::peers::tree_nodes::CheckNodes<'_>,
    ) -> Result<(), Error> {
        let mut last = None;
        let is_over = || shared.lock().failed.is_some() || self.progress.cancelled();
        for peer in self.peers.iter().filter(|s| s.is_usable()) {
            loop {
                if is_over() {
                    return Err(Error::Interrupted);
                }
                let answered = self.nodes_of(peer, request).and_then(&mut *check);
                match answered {
                    Ok(()) => return Ok(()),
                    Err(PeerError::Stopped) => return Err(Error::Interrupted),
                    Err(error) if !error.is_final() && peer.reconnected(&error, &is_over) => {}
                    Err(error) => {
                        peer.give_up(&error);
                        last = Some((peer.source.address(), error));
                        break;
                    }
                }
            }
        }
        Err(no_peer_left(last))
    }

    /// Requests nodes from one peer, as a delta if a parent version is held.
    fn nodes_of(
        &self,
        peer: &PullPeer<'_>,
        request: &PullNodeRequest,
    ) -> Result<Vec<Vec<u8>>, PeerError> {
        if let Some(parent) = self.parent.filter(|_| peer.asks_deltas.get()) {
            let with_held = PullNodeDeltaRequest {
                nodes: request.clone(),
                held: parent.held,
            };
            match retry_if_busy(|| peer.source.node_deltas(&with_held)) {
                Err(PeerError::Refused(r)) if r.code == RefusalCode::NotUnderstood => {}
                answered => {
                    let put = decode_on_bases(answered?, &parent.tree, &request.places)?;
                    if let Some(nodes) = put {
                        return Ok(nodes);
                    }
                }
            }
            peer.asks_deltas.end();
        }
        retry_if_busy(|| peer.source.nodes(request))
    }

    /// Main loop of a fetching thread.
    fn work(&self, shared: &Shared, slot: PeerSlot) {
        let Some(peer) = self.peers.get(slot.0) else {
            return;
        };
        let is_unneeded = |number| {
            let state = shared.lock();
            state.failed.is_some() || state.plan.is_finished(number)
        };
        let keeping = ReceivedRecords::new(self.session, self.similarity);
        let filler = WindowFiller {
            manifest: self.manifest,
            envelope: self.envelope,
            tree: self.tree,
            session: self.session,
            keeping: &keeping,
            reader: self.reader,
            is_unneeded: &is_unneeded,
            held: self.parent.map(|b| b.held),
            reads_deltas: &peer.asks_deltas,
        };
        while let Some(window) = next_window(shared, slot) {
            let buffer = shared.lock().free.pop().unwrap_or_default();
            match fill_with_retries(&filler, &window, &*peer.source, buffer) {
                Ok(filled) => self.finish(shared, &window, filled, peer),
                Err(WindowError::Here(error)) => {
                    shared.fail(error);
                    return;
                }
                Err(WindowError::Peer(PeerError::Stopped)) => {
                    if !is_unneeded(window.number) {
                        // The connection itself was told to stop.
                        shared.fail(Error::Interrupted);
                        return;
                    }
                    shared.lock().plan.give_back(slot, window.number);
                }
                Err(WindowError::Peer(error)) if error.is_final() => {
                    give_up(shared, slot, peer, error);
                    shared.lock().plan.give_back(slot, window.number);
                }
                Err(WindowError::Peer(error)) => {
                    // Another peer may take the window while this one reconnects.
                    shared.lock().plan.give_back(slot, window.number);
                    shared.news.notify_all();
                    let is_over = || shared.lock().failed.is_some();
                    if !peer.reconnected(&error, &is_over) {
                        give_up(shared, slot, peer, error);
                    }
                }
            }
            shared.news.notify_all();
        }
    }

    fn consume(
        &self,
        shared: &Shared,
        each: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<ChunkCounts, Error> {
        let mut total = ChunkCounts::default();
        loop {
            let mut state = shared.lock();
            let filled = loop {
                // First, because a request that was told to stop has not failed.
                if self.progress.cancelled() {
                    return Err(Error::Interrupted);
                }
                if let Some(error) = state.failed.take() {
                    return Err(error);
                }
                let next = state.used;
                if let Some(filled) = state.ready.remove(&next) {
                    break filled;
                }
                if state.plan.is_done() {
                    return Ok(total);
                }
                if state.plan.is_abandoned() {
                    return Err(no_peer_left(state.last_fault.take()));
                }
                state = shared.wait(state);
            };
            let number = state.used;
            state.windows.remove(&number);
            state.used += 1;
            drop(state);
            shared.news.notify_all();
            total.fetched += filled.fetched;
            total.local += filled.local;
            each(filled.data())?;
            self.progress.advance(filled.data().len() as u64);
            shared.lock().free.push(filled.into_buffer());
        }
    }

    fn finish(&self, shared: &Shared, window: &Window, filled: FilledWindow, peer: &PullPeer<'_>) {
        // The file table is not a chunk of the dataset.
        if self.tree == TreeKind::Data && filled.fetched > 0 {
            peer.add_chunks(filled.fetched);
        }
        let mut state = shared.lock();
        if state.plan.finish(window.number) == FetchOutcome::First {
            state.ready.insert(window.number, filled);
        }
    }
}

/// Removes a peer from the schedule.
fn give_up(shared: &Shared, slot: PeerSlot, peer: &PullPeer<'_>, error: PeerError) {
    peer.give_up(&error);
    let mut state = shared.lock();
    state.plan.drop_peer(slot);
    state.last_fault = Some((peer.source.address(), error));
}

fn offer(shared: &Shared, chunks: Vec<ChunkEntry>, stretch: &mut Backlog<'_>) -> Result<(), Error> {
    let places = stretch.alignment.as_mut().map(|a| a.place(&chunks));
    let mut state = shared.lock();
    while state.planned - state.used >= WINDOWS_AHEAD {
        if state.failed.is_some() {
            return Err(Error::Interrupted);
        }
        state = shared.wait(state);
    }
    let number = state.planned;
    state.planned += 1;
    let window = Window {
        number,
        offset: stretch.offset,
        chunks,
        places: places.unwrap_or_default(),
    };
    state.windows.insert(number, Arc::new(window));
    state.plan.offer(number);
    drop(state);
    shared.news.notify_all();
    Ok(())
}

/// Waits for the next window to fetch. Returns `None` when there is no more work.
fn next_window(shared: &Shared, slot: PeerSlot) -> Option<Arc<Window>> {
    let mut state = shared.lock();
    loop {
        if state.failed.is_some() {
            return None;
        }
        match state.plan.next(slot, shared.started.elapsed()) {
            NextFetch::Fetch(number) => return state.windows.get(&number).cloned(),
            NextFetch::Wait => state = shared.wait(state),
            NextFetch::End => return None,
        }
    }
}
