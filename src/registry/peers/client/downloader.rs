//! All windows of a tree: one thread walks ahead, several fetch for every peer, and the caller
//! gets the data in order. How far ahead is bounded, so memory is too.

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
use crate::registry::integrity::claims::Cuts;
use crate::registry::peers::client::delta_request::HeldParent;
use crate::registry::peers::client::fetch::Filled;
use crate::registry::peers::client::fetch::Filler;
use crate::registry::peers::client::fetch::Window;
use crate::registry::peers::client::fetch::WindowError;
use crate::registry::peers::client::peer_state::PullPeer;
use crate::registry::peers::client::peer_state::no_peer_left;
use crate::registry::peers::client::peer_state::retried;
use crate::registry::peers::client::peer_state::retried_fill;
use crate::registry::peers::client::shared_state::PanicGuard;
use crate::registry::peers::client::shared_state::Shared;
use crate::registry::peers::server::tree_delta::put_to_bases;
use crate::registry::peers::tree_nodes::Leaves;
use crate::registry::peers::tree_nodes::Walk;
use crate::store::disk::BlobReader;
use crate::store::disk::WriteSession;

/// Bytes that one request asks for, about; few in tests, so that small datasets have many.
const WINDOW_BYTES: usize = if cfg!(test) { 32 << 10 } else { 8 << 20 };
/// Chunks that are cut into windows at a time.
const STRETCH_CHUNKS: usize = if cfg!(test) { 64 } else { 8192 };
/// Chunks of a window at most.
const WINDOW_CHUNKS: usize = 4096;
/// Windows that are planned, under way or waiting for their turn.
const WINDOWS_AHEAD: u64 = 10;
/// Requests under way to one peer.
const THREADS_PER_PEER: usize = 3;

/// What was fetched.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fetched {
    pub(crate) fetched: u64,
    pub(crate) local: u64,
}

/// Chunks that are not cut into windows yet, and where they begin.
#[derive(Default)]
struct Backlog<'a> {
    offset: u64,
    chunks: Vec<ChunkEntry>,
    /// The version that is here, beside them.
    alignment: Option<ParentAlignment<'a>>,
}

/// One tree that is being pulled.
pub(crate) struct TreeDownloader<'a> {
    pub(crate) session: &'a WriteSession,
    pub(crate) resembling: &'a SimilarityIndex,
    pub(crate) reader: &'a BlobReader,
    pub(crate) manifest: &'a Manifest,
    pub(crate) envelope: crate::ident::EnvelopeId,
    pub(crate) tree: TreeKind,
    pub(crate) supplies: &'a [PullPeer<'a>],
    pub(crate) before: Option<&'a HeldParent>,
    /// The files that are in the tree, where it is that of the data.
    pub(crate) files: Option<&'a FileTable>,
    /// Take it however much larger it is than what is sent for it.
    pub(crate) allow_large: bool,
    pub(crate) progress: &'a dyn Progress,
}

impl TreeDownloader<'_> {
    /// Hands over all data of the tree in order, window by window.
    pub(crate) fn run(
        &self,
        each: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<Fetched, Error> {
        let mut plan = FetchSchedule::new(self.supplies.len());
        for (n, supply) in self.supplies.iter().enumerate() {
            if !supply.is_usable() {
                plan.drop_lane(PeerSlot(n));
            }
        }
        let shared = Shared::new(plan);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _alarm = PanicGuard(&shared);
                if let Err(error) = self.plan(&shared) {
                    shared.fail(error);
                }
            });
            for n in 0..self.supplies.len() {
                for _ in 0..THREADS_PER_PEER {
                    let shared = &shared;
                    scope.spawn(move || {
                        let _alarm = PanicGuard(shared);
                        self.work(shared, PeerSlot(n));
                    });
                }
            }
            let done = self.consume(&shared, each);
            if done.is_err() {
                // The others stop at their next look.
                shared.fail(Error::Interrupted);
            }
            done
        })
    }

    /// Walks the tree and offers windows.
    fn plan(&self, shared: &Shared) -> Result<(), Error> {
        let mut ask =
            |request: &PullNodeRequest,
             check: &mut crate::registry::peers::tree_nodes::Check<'_>| {
                self.ask_nodes(shared, request, check)
            };
        let before = self.before.map(|b| &b.previous);
        let mut walk = Walk {
            session: self.session,
            reader: self.reader,
            envelope: self.envelope,
            tree: self.tree,
            ask: &mut ask,
            leaves: Leaves::new(self.session, before),
        };
        let mut stretch = Backlog {
            alignment: before.map(ParentAlignment::new),
            ..Backlog::default()
        };
        if !self.allow_large {
            walk.weigh(self.manifest)?;
        }
        let mut cuts = self.files.map(|table| Cuts::new(self.manifest, table));
        let mut offset = 0_u64;
        walk.run(self.manifest, &mut |chunks| {
            for chunk in &chunks {
                cuts.as_mut().map_or(Ok(()), |c| c.push(offset, chunk))?;
                offset += u64::from(chunk.bytes);
            }
            stretch.chunks.extend(chunks);
            match stretch.chunks.len() >= STRETCH_CHUNKS {
                true => self.cut(shared, &mut stretch, false),
                false => Ok(()),
            }
        })?;
        while !stretch.chunks.is_empty() {
            self.cut(shared, &mut stretch, true)?;
        }
        shared.lock().plan.close();
        shared.news.notify_all();
        Ok(())
    }

    /// Cuts a stretch of chunks into windows, where a peer's records end if it says so: a record
    /// that lies in two windows has to be packed anew for each.
    fn cut(
        &self,
        shared: &Shared,
        stretch: &mut Backlog<'_>,
        to_the_end: bool,
    ) -> Result<(), Error> {
        let asked = stretch.chunks.len().min(STRETCH_CHUNKS);
        let is_last = to_the_end && asked == stretch.chunks.len();
        let stretch_bytes: usize = stretch.chunks.iter().map(|c| c.bytes as usize).sum();
        let seams = match is_last && stretch_bytes < WINDOW_BYTES {
            // One window, wherever records end.
            true => Vec::new(),
            false => self.seams(stretch.offset, asked),
        };
        let mut rest = std::mem::take(&mut stretch.chunks);
        let (mut window, mut bytes, mut cut_so_far) = (Vec::new(), 0, 0);
        let later = rest.split_off(asked);
        for (n, chunk) in rest.into_iter().enumerate() {
            bytes += chunk.bytes as usize;
            window.push(chunk);
            let at_seam = seams.is_empty() || seams.binary_search(&(n + 1)).is_ok();
            let is_full = window.len() >= WINDOW_CHUNKS || bytes >= 2 * WINDOW_BYTES;
            if (bytes >= WINDOW_BYTES && at_seam) || is_full {
                offer(shared, std::mem::take(&mut window), stretch)?;
                stretch.offset += bytes as u64;
                bytes = 0;
                cut_so_far = n + 1;
            }
        }
        // What is left over begins the next stretch, unless there is none, or nothing was cut.
        if !window.is_empty() && (is_last || cut_so_far == 0) {
            offer(shared, std::mem::take(&mut window), stretch)?;
            stretch.offset += bytes as u64;
        }
        window.extend(later);
        stretch.chunks = window;
        Ok(())
    }

    /// A peer's word on where its records end. Without one, windows end anywhere.
    fn seams(&self, offset: u64, chunks: usize) -> Vec<usize> {
        let request = RecordBoundariesRequest {
            envelope: self.envelope,
            tree: self.tree,
            offset,
            chunks: chunks as u64,
        };
        let supply = self.supplies.iter().find(|s| s.is_usable());
        let seams = supply.and_then(|s| retried(|| s.source.seams(&request)).ok());
        seams.unwrap_or_default()
    }

    /// Asks one peer after the other for nodes.
    fn ask_nodes(
        &self,
        shared: &Shared,
        request: &PullNodeRequest,
        check: &mut crate::registry::peers::tree_nodes::Check<'_>,
    ) -> Result<(), Error> {
        let mut last = None;
        let is_over = || shared.lock().failed.is_some() || self.progress.cancelled();
        for supply in self.supplies.iter().filter(|s| s.is_usable()) {
            loop {
                if is_over() {
                    return Err(Error::Interrupted);
                }
                let answered = self.nodes_of(supply, request).and_then(&mut *check);
                match answered {
                    Ok(()) => return Ok(()),
                    Err(PeerError::Stopped) => return Err(Error::Interrupted),
                    Err(error) if !error.is_final() && supply.survives(&error, &is_over) => {}
                    Err(error) => {
                        supply.give_up(&error);
                        last = Some((supply.source.address(), error));
                        break;
                    }
                }
            }
        }
        Err(no_peer_left(last))
    }

    /// Nodes of one peer; as a delta where another version is here.
    fn nodes_of(
        &self,
        supply: &PullPeer<'_>,
        request: &PullNodeRequest,
    ) -> Result<Vec<Vec<u8>>, PeerError> {
        if let Some(before) = self.before.filter(|_| supply.asks_deltas.get()) {
            let with_held = PullNodeDeltaRequest {
                nodes: request.clone(),
                held: before.held,
            };
            match retried(|| supply.source.node_deltas(&with_held)) {
                Err(PeerError::Refused(r)) if r.code == RefusalCode::NotUnderstood => {}
                answered => {
                    let put = put_to_bases(answered?, &before.previous, &request.places)?;
                    if let Some(nodes) = put {
                        return Ok(nodes);
                    }
                }
            }
            supply.asks_deltas.end();
        }
        retried(|| supply.source.nodes(request))
    }

    /// What each thread of a lane does.
    fn work(&self, shared: &Shared, lane: PeerSlot) {
        let Some(supply) = self.supplies.get(lane.0) else {
            return;
        };
        let is_needless = |number| {
            let state = shared.lock();
            state.failed.is_some() || state.plan.is_finished(number)
        };
        let keeping = ReceivedRecords::new(self.session, self.resembling);
        let filler = Filler {
            manifest: self.manifest,
            envelope: self.envelope,
            tree: self.tree,
            session: self.session,
            keeping: &keeping,
            reader: self.reader,
            is_needless: &is_needless,
            held: self.before.map(|b| b.held),
            reads_deltas: &supply.asks_deltas,
        };
        while let Some(window) = next_window(shared, lane) {
            let buffer = shared.lock().free.pop().unwrap_or_default();
            match retried_fill(&filler, &window, supply.source, buffer) {
                Ok(filled) => self.finish(shared, &window, filled, supply),
                Err(WindowError::Here(error)) => {
                    shared.fail(error);
                    return;
                }
                Err(WindowError::Peer(PeerError::Stopped)) => {
                    if !is_needless(window.number) {
                        // The line itself was told to stop.
                        shared.fail(Error::Interrupted);
                        return;
                    }
                    shared.lock().plan.give_back(lane, window.number);
                }
                Err(WindowError::Peer(error)) if error.is_final() => {
                    give_up(shared, lane, supply, error);
                    shared.lock().plan.give_back(lane, window.number);
                }
                Err(WindowError::Peer(error)) => {
                    // Another peer may have the window while this one is called again.
                    shared.lock().plan.give_back(lane, window.number);
                    shared.news.notify_all();
                    let is_over = || shared.lock().failed.is_some();
                    if !supply.survives(&error, &is_over) {
                        give_up(shared, lane, supply, error);
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
    ) -> Result<Fetched, Error> {
        let mut total = Fetched::default();
        loop {
            let mut state = shared.lock();
            let filled = loop {
                // First: what fails because it was told to stop is no failure.
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

    fn finish(&self, shared: &Shared, window: &Window, filled: Filled, supply: &PullPeer<'_>) {
        // The file table is no chunk of the dataset.
        if self.tree == TreeKind::Data && filled.fetched > 0 {
            supply.gave(filled.fetched);
        }
        let mut state = shared.lock();
        if state.plan.finish(window.number) == FetchOutcome::First {
            state.ready.insert(window.number, filled);
        }
    }
}

/// A lane gets nothing more.
fn give_up(shared: &Shared, lane: PeerSlot, supply: &PullPeer<'_>, error: PeerError) {
    supply.give_up(&error);
    let mut state = shared.lock();
    state.plan.drop_lane(lane);
    state.last_fault = Some((supply.source.address(), error));
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

/// Waits for something to do; `None` when there is nothing more.
fn next_window(shared: &Shared, lane: PeerSlot) -> Option<Arc<Window>> {
    let mut state = shared.lock();
    loop {
        if state.failed.is_some() {
            return None;
        }
        match state.plan.next(lane, shared.started.elapsed()) {
            NextFetch::Fetch(number) => return state.windows.get(&number).cloned(),
            NextFetch::Wait => state = shared.wait(state),
            NextFetch::End => return None,
        }
    }
}
