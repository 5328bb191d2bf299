//! A look: the handle of a dataset of which only a part is here.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::ident::BlobId;
use crate::locks::lock;
use crate::manifest::ChunkEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::manifest::Totals;
use crate::manifest::TreeError;
use crate::progress::Progress;
use crate::protocol::PeerError;
use crate::registry::error::Error;
use crate::registry::error::dataset::DatasetError;
use crate::registry::error::transfer::TransferError;
use crate::registry::peers::client::offers::Offer;
use crate::registry::peers::client::peer_state::SourceReport;
use crate::registry::peers::client::peer_state::no_peer_left;
use crate::registry::peers::client::peer_state::retry_if_busy;
use crate::registry::peers::look::keep::NotKept;
use crate::registry::peers::look::shared::LookShared;
use crate::registry::peers::look::shared::Planning;
use crate::registry::peers::look::state::Place;
use crate::registry::peers::look::tree_cursor::LeafGoal;

/// Leaves that one request brings, besides the one that is needed.
const LEAVES_AHEAD: usize = 63;

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 256 << 10;

/// Result of a look so far.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LookReport {
    /// Report on each peer that was asked.
    pub sources: Vec<SourceReport>,
    /// Bytes of the whole dataset.
    pub size_bytes: u64,
    /// Bytes in packs that the look stored.
    pub stored_bytes: u64,
    /// Reason why not everything was kept, if that is so.
    pub not_kept: Option<NotKept>,
}

/// A dataset of which only a part is here. Reads fetch what is missing, verify it and keep it. Dropping
/// the look makes what it kept durable.
pub struct Look {
    pub(super) shared: Arc<LookShared>,
    pub(super) table: FileTable,
    /// Set once a thread plans ahead.
    pub(super) is_planning: AtomicBool,
}

impl Look {
    /// Returns the offer that is looked into.
    pub fn offer(&self) -> &Offer {
        &self.shared.offer
    }

    /// Returns the manifest.
    pub fn manifest(&self) -> &Manifest {
        self.shared.manifest()
    }

    /// Returns the files, as the publisher claims them.
    pub fn table(&self) -> &FileTable {
        &self.table
    }

    /// Returns the totals of the data.
    pub fn totals(&self) -> Totals {
        self.shared.cursor.totals()
    }

    /// Makes what was kept so far durable. Dropping the look does so too.
    pub fn save(&self) {
        self.shared.save();
    }

    /// Returns a report on the look so far.
    pub fn report(&self) -> LookReport {
        LookReport {
            sources: self.shared.peers.reports(),
            size_bytes: self.manifest().size_bytes,
            stored_bytes: self.shared.keeping.stored_bytes(),
            not_kept: self.shared.keeping.why_not(),
        }
    }

    /// Returns the number of bytes that need not be fetched.
    ///
    /// # Errors
    /// [`Error`] when the store cannot be read.
    pub fn held_bytes(&self) -> Result<u64, Error> {
        self.shared.save();
        let root = self.manifest().chunk_tree_root;
        let reader = self.shared.reader.reopen()?;
        Ok(crate::manifest::held_bytes(&reader, root)?)
    }

    /// Returns the dataset's card, fetched if it is not here. `None` if it has none.
    ///
    /// # Errors
    /// [`Error::Peer`] when no peer gives it.
    pub fn card(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some(id) = self.manifest().card else {
            return Ok(None);
        };
        let key = BlobKey::new(BlobKind::Card, *id.as_bytes());
        let shared = &*self.shared;
        let session = &shared.keeping.session;
        if session.locate(&[key])? != [None]
            && let Ok(bytes) = session.get(&key, &shared.reader)
        {
            return Ok(Some(bytes));
        }
        let envelope = self.offer().envelope_id();
        let mut last = None;
        for peer in shared.peers.get(envelope, self.manifest())? {
            if !peer.is_usable() {
                continue;
            }
            let card = retry_if_busy(|| peer.source.card(&envelope));
            let wrong = PeerError::Misbehaved("a card that is not what its id says");
            match card.and_then(|bytes| (BlobId::of(&bytes) == id).then_some(bytes).ok_or(wrong)) {
                Ok(bytes) => {
                    shared.keeping.keep_card(&bytes)?;
                    return Ok(Some(bytes));
                }
                Err(error) => {
                    if error.is_misconduct() {
                        peer.give_up(&error);
                    }
                    last = Some((peer.source.address(), error));
                }
            }
        }
        Err(no_peer_left(last))
    }

    /// Writes the bytes of the dataset, or of one file.
    ///
    /// # Errors
    /// `DatasetError::NoSuchFile`, an error of the output, or as the reads.
    pub fn cat(
        &self,
        path: Option<&str>,
        out: &mut dyn Write,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let m = self.manifest();
        let (mut at, end) = match path {
            None => (0, m.size_bytes),
            Some(path) => {
                let found = self.table.with_offsets().find(|(_, f)| f.path == path);
                let (start, file) = found.ok_or_else(|| DatasetError::NoSuchFile {
                    path: path.to_owned(),
                    dataset: m.name.to_string(),
                })?;
                (start, start.saturating_add(file.size_bytes))
            }
        };
        let mut piece = vec![0; PIECE_BYTES];
        while at < end {
            if progress.cancelled() {
                return Err(Error::Interrupted);
            }
            let most = usize::try_from(end - at)
                .unwrap_or(usize::MAX)
                .min(PIECE_BYTES);
            let n = self.read(piece.get_mut(..most).unwrap_or_default(), at)?;
            if n == 0 {
                return Ok(());
            }
            let write = |e| Error::machine("write to standard output", e);
            out.write_all(piece.get(..n).unwrap_or_default())
                .map_err(write)?;
            at += n as u64;
            progress.advance(n as u64);
        }
        Ok(())
    }

    /// Fetches all of the data, verified, and makes it durable.
    ///
    /// # Errors
    /// As the reads; `TransferError::NotKept` when the store did not take all of it.
    pub fn fetch_all(&self, progress: &dyn Progress) -> Result<(), Error> {
        progress.phase("fetching", Some(self.manifest().size_bytes));
        self.cat(None, &mut std::io::sink(), progress)?;
        self.save_all()
    }

    /// Fetches the nodes of the data's tree that are not here, and makes them durable. They are about
    /// 0.24 % of the data.
    ///
    /// # Errors
    /// As the reads; `TransferError::NotKept` when the store did not take all of them.
    pub fn fetch_tree(&self, progress: &dyn Progress) -> Result<(), Error> {
        let shared = &*self.shared;
        let end = self.manifest().size_bytes;
        progress.phase("fetching the tree", Some(end));
        // A tree that repeats too much ends here as it ends a read.
        let mut planning = Planning::default();
        let mut at = 0;
        while at < end {
            if progress.cancelled() {
                return Err(Error::Interrupted);
            }
            let goal = LeafGoal::Byte(at);
            let leaf = shared.with_nodes(|nodes| shared.cursor.leaf(goal, LEAVES_AHEAD, nodes));
            let leaf = leaf.map_err(|e| shared.blamed(e))?;
            let Some(leaf) = leaf else { break };
            shared.count(&mut planning, leaf.chunks())?;
            let bytes = leaf.chunks().iter().map(|chunk| u64::from(chunk.bytes));
            let after = bytes.fold(leaf.before.bytes, u64::saturating_add);
            if after <= at {
                let root = self.manifest().chunk_tree_root;
                return Err(shared.blamed(TreeError::Mismatch(root).into()));
            }
            progress.advance(after - at);
            at = after;
            shared.save_if_due();
        }
        self.save_all()
    }

    /// Makes everything that was read durable.
    ///
    /// # Errors
    /// `TransferError::NotKept` when the store did not take all of it.
    fn save_all(&self) -> Result<(), Error> {
        self.save();
        match self.shared.keeping.why_not() {
            None => Ok(()),
            Some(why) => Err(Error::Transfer(TransferError::NotKept {
                dataset: self.manifest().name.to_string(),
                reason: why.to_string(),
            })),
        }
    }

    /// Returns the chunk that reaches a byte or a newline, with the totals before it.
    pub(super) fn find(&self, goal: LeafGoal) -> Result<Option<(Totals, ChunkEntry)>, Error> {
        let shared = &*self.shared;
        let leaf = shared.with_nodes(|nodes| shared.cursor.leaf(goal, 1, nodes));
        let leaf = leaf.map_err(|e| shared.blamed(e))?;
        Ok(leaf.and_then(|leaf| leaf.find(goal)))
    }

    /// Reads some bytes of the data, verified. Returns 0 only behind the end.
    pub(super) fn read(&self, buf: &mut [u8], at: u64) -> Result<usize, Error> {
        let shared = &*self.shared;
        if buf.is_empty() || at >= self.manifest().size_bytes {
            return Ok(0);
        }
        let mut state = shared.lock();
        loop {
            match state.place(at) {
                Place::Ready(start, filled) => {
                    let wants_more = state.read_ahead.next_ahead().is_some();
                    drop(state);
                    if wants_more {
                        self.plan_ahead();
                    }
                    let from = usize::try_from(at - start).unwrap_or(usize::MAX);
                    let bytes = filled.data().get(from..).unwrap_or_default();
                    let n = bytes.len().min(buf.len());
                    if let (Some(to), Some(from)) = (buf.get_mut(..n), bytes.get(..n)) {
                        to.copy_from_slice(from);
                    }
                    return Ok(n);
                }
                _ if state.failed.is_some() => {
                    let failed = state.failed.clone();
                    return Err(failed.map_or(Error::Interrupted, Error::Shared));
                }
                Place::UnderWay => state = shared.wait(state),
                Place::Absent => {
                    drop(state);
                    shared.plan_missed(at).map_err(|e| shared.blamed(e))?;
                    state = shared.lock();
                }
            }
        }
    }

    /// Wakes the thread that plans ahead, and starts it the first time.
    fn plan_ahead(&self) {
        if self.is_planning.swap(true, Ordering::Relaxed) {
            self.shared.news.notify_all();
            return;
        }
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::spawn(move || shared.plan_ahead());
        lock(&self.shared.threads).push(thread);
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        self.shared.lock().is_closing = true;
        self.shared.news.notify_all();
        let threads = std::mem::take(&mut *lock(&self.shared.threads));
        for thread in threads {
            // A thread that panicked has failed the look.
            let _ = thread.join();
        }
        self.shared.save();
    }
}
