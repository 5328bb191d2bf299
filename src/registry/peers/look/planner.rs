//! Plans the windows of a look: the one that a reader waits for, and those ahead of it.

use crate::archive_check::Expansion;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::locks::lock;
use crate::manifest::ChunkEntry;
use crate::registry::delta::similarity::ReceivedRecords;
use crate::registry::error::Error;
use crate::registry::integrity::expansion::distinct_needed;
use crate::registry::peers::client::fetch::DeltaFlag;
use crate::registry::peers::client::fetch::FilledWindow;
use crate::registry::peers::client::fetch::WindowError;
use crate::registry::peers::client::prefetch::front_chunks;
use crate::registry::peers::client::window::Window;
use crate::registry::peers::look::keep::LookKeeper;
use crate::registry::peers::look::read_ahead::FIRST_WINDOW_BYTES;
use crate::registry::peers::look::read_ahead::WantedWindow;
use crate::registry::peers::look::shared::LookShared;
use crate::registry::peers::look::shared::Planning;
use crate::registry::peers::look::tree_cursor::LeafGoal;
use crate::registry::peers::look::worker::PanicGuard;

/// Chunks of a window at most.
const WINDOW_CHUNKS: usize = 4096;
/// Leaves that one request brings, besides the one that is needed.
const LEAVES_AHEAD_MAX: usize = 63;

impl LookShared {
    /// Plans the window of a byte that nobody has asked for.
    ///
    /// # Errors
    /// [`Error`] when a node on the way cannot be had, or the tree repeats too much.
    pub(super) fn plan_missed(&self, at: u64) -> Result<(), Error> {
        let mut planning = lock(&self.planning);
        // Another reader may have been faster.
        if self.lock().is_planned(at) {
            return Ok(());
        }
        let goal = LeafGoal::Byte(at);
        let leaf = self.with_nodes(|nodes| self.cursor.leaf(goal, 0, nodes))?;
        let Some((before, _)) = leaf.and_then(|leaf| leaf.find(goal)) else {
            return Ok(());
        };
        let wanted = self.lock().read_ahead.missed(before.bytes);
        self.plan(&mut planning, wanted, false)
    }

    /// Plans windows ahead until the look ends.
    pub(super) fn plan_ahead(&self) {
        let _guard = PanicGuard(self);
        loop {
            let mut state = self.lock();
            let wanted = loop {
                if state.is_closing || state.failed.is_some() {
                    return;
                }
                match state.read_ahead.next_ahead() {
                    Some(wanted) if state.is_planned(wanted.from) => {
                        state.read_ahead.end_stream(wanted.stream);
                    }
                    Some(wanted) => break wanted,
                    None => state = self.wait(state),
                }
            };
            drop(state);
            let mut planning = lock(&self.planning);
            if self.lock().is_planned(wanted.from) {
                continue;
            }
            if let Err(error) = self.plan(&mut planning, wanted, true) {
                return self.fail(error);
            }
        }
    }

    fn plan(
        &self,
        planning: &mut Planning,
        wanted: WantedWindow,
        is_ahead: bool,
    ) -> Result<(), Error> {
        let mut chunks = self.chunks(wanted)?;
        // Chunks that are here are read without a peer, also if the ones after them are missing.
        match self.held_front(&chunks)? {
            0 => {}
            held => chunks.truncate(held),
        }
        self.count(planning, &chunks)?;
        let window = |number, chunks| Window {
            number,
            offset: wanted.from,
            chunks,
            places: Vec::new(),
        };
        let planned = (wanted.stream, is_ahead);
        let window = window(0, chunks);
        if let Some(filled) = self.fill_from_here(&window)? {
            self.lock().add_ready(wanted.from, planned, filled);
        } else {
            self.start_workers()?;
            self.lock()
                .add_fetched(planned, |number| Window { number, ..window });
        }
        self.news.notify_all();
        Ok(())
    }

    /// Returns the chunks of a window. It ends where another begins.
    fn chunks(&self, wanted: WantedWindow) -> Result<Vec<ChunkEntry>, Error> {
        let until = self.lock().next_window(wanted.from);
        let leaves_ahead = match wanted.bytes / FIRST_WINDOW_BYTES {
            // A window of any size may begin in one leaf and end in the next.
            0..=2 => 1,
            times => (2 * times).pow(2).min(LEAVES_AHEAD_MAX),
        };
        let (mut chunks, mut bytes) = (Vec::new(), 0);
        let is_full = |chunks: usize, bytes: usize| match wanted.from {
            // These were asked for with the first requests.
            0 => chunks >= front_chunks(self.manifest().size_bytes).max(1),
            _ => bytes >= wanted.bytes || chunks >= WINDOW_CHUNKS,
        };
        let mut at = wanted.from;
        loop {
            let goal = LeafGoal::Byte(at);
            let leaf = self.with_nodes(|nodes| self.cursor.leaf(goal, leaves_ahead, nodes))?;
            let Some(leaf) = leaf else {
                return Ok(chunks);
            };
            for (before, chunk) in leaf.placed().filter(|(before, _)| before.bytes >= at) {
                if is_full(chunks.len(), bytes) || before.bytes >= until {
                    return Ok(chunks);
                }
                chunks.push(*chunk);
                bytes += chunk.bytes as usize;
            }
            at = wanted.from.saturating_add(bytes as u64);
            if is_full(chunks.len(), bytes) {
                return Ok(chunks);
            }
        }
    }

    /// Returns the number of chunks at the front that are here.
    fn held_front(&self, chunks: &[ChunkEntry]) -> Result<usize, Error> {
        let key = |c: &ChunkEntry| BlobKey::new(BlobKind::Chunk, *c.id.as_bytes());
        let keys: Vec<BlobKey> = chunks.iter().map(key).collect();
        let located = self.keeping.session.locate(&keys)?;
        Ok(located.iter().take_while(|at| at.is_some()).count())
    }

    /// Counts the chunks of a window, and refuses a tree that repeats too much.
    pub(super) fn count(
        &self,
        planning: &mut Planning,
        chunks: &[ChunkEntry],
    ) -> Result<(), Error> {
        let m = self.manifest();
        if self.allow_large || m.size_bytes <= self.sizes.free_data_bytes {
            return Ok(());
        }
        if planning.distinct.bytes() >= distinct_needed(m.size_bytes) {
            return Ok(());
        }
        planning.distinct.add_chunks(chunks);
        let bytes = chunks.iter().map(|c| u64::from(c.bytes));
        planning.planned_bytes = bytes.fold(planning.planned_bytes, u64::saturating_add);
        let (planned, distinct) = (planning.planned_bytes, planning.distinct.bytes());
        if planned <= self.sizes.free_data_bytes || distinct >= distinct_needed(planned) {
            return Ok(());
        }
        let expansion = Expansion {
            claimed_bytes: m.size_bytes,
            distinct_bytes: distinct,
        };
        Err(expansion.refused(m))
    }

    /// Fills a window if all of it is here.
    fn fill_from_here(&self, window: &Window) -> Result<Option<FilledWindow>, Error> {
        let records = ReceivedRecords::new(&self.keeping.session, &self.similarity);
        let keeping = LookKeeper {
            keeping: &self.keeping,
            records: &records,
        };
        let deltas = DeltaFlag::default();
        let filler = self.filler(&keeping, &|_| false, &deltas);
        match filler.fill_from_here(window) {
            Ok(filled) => Ok(filled),
            Err(WindowError::Here(error)) => Err(error),
            Err(WindowError::Peer(_)) => Ok(None),
        }
    }
}
