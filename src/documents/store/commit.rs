//! Puts and deletions. Threads that wait for durability share one write and one sync.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLockReadGuard;
use std::sync::RwLockWriteGuard;

use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::disk::data_file::inode_at;
use crate::documents::format::Place;
use crate::documents::format::SideRecord;
use crate::documents::format::limits::RECORD_BYTES_MAX;
use crate::documents::store::prepare::NewLines;
use crate::documents::store::prepare::Placing;
use crate::documents::store::state::Batch;
use crate::documents::store::state::Committer;
use crate::documents::store::state::Deletion;
use crate::documents::store::state::State;
use crate::locks::lock;

/// Number of pending bytes after which a put flushes, whatever the size of a batch.
pub(super) const PENDING_BYTES_MAX: usize = 16 << 20;

impl FastStore {
    /// Stores a document under an id, in place of the one that is there. Flushes when a batch is full.
    ///
    /// # Errors
    /// [`DocumentError::Id`]; [`DocumentError::Document`], also for a document whose own `_id` differs;
    /// [`DocumentError::Schema`]; [`DocumentError::ReadOnly`]; those of [`FastStore::flush`].
    pub fn put(&self, id: &str, document: &serde_json::Value) -> Result<(), DocumentError> {
        self.put_raw(id, document.to_string().as_bytes())
    }

    /// Stores a document that is JSON text, as [`FastStore::put`] does. Its numbers keep their digits.
    ///
    /// # Errors
    /// As [`FastStore::put`].
    pub fn put_raw(&self, id: &str, document: &[u8]) -> Result<(), DocumentError> {
        if self.accept(id, document)? {
            self.flush()?;
        }
        Ok(())
    }

    /// Adds a document to the pending ones. Returns true if a batch is full.
    fn accept(&self, id: &str, document: &[u8]) -> Result<bool, DocumentError> {
        let mut new = self.preparer()?.given(&[(id, document)]);
        if let Some((_, fault)) = new.fault.take() {
            return Err(fault);
        }
        let length = u32::try_from(new.bytes.len()).unwrap_or(u32::MAX);
        let mut state = self.write_state()?;
        // A document that has no place is not appended.
        let offset = state.begin_line();
        let noted = state.put(id, Place { offset, length });
        noted.map_err(|e| self.fault(e))?;
        state.push(new, &self.buffers);
        let pending = &state.pending;
        Ok(pending.puts >= self.batch_size || pending.bytes.len() >= PENDING_BYTES_MAX)
    }

    /// Deletes a document, durably after [`FastStore::flush`]. Returns false if it was not there.
    ///
    /// # Errors
    /// [`DocumentError::ReadOnly`]; [`DocumentError::Failed`].
    pub fn delete(&self, id: &str) -> Result<bool, DocumentError> {
        if self.lock.is_none() {
            return Err(DocumentError::ReadOnly);
        }
        if id.len() > RECORD_BYTES_MAX / 2 {
            return Err(DocumentError::TooLong {
                id: id.chars().take(40).collect(),
                limit: RECORD_BYTES_MAX / 2,
            });
        }
        let mut state = self.write_state()?;
        if !state.forget(id).map_err(|e| self.fault(e))? {
            return Ok(false);
        }
        let deletion = Deletion {
            id: id.to_owned(),
            length: state.pending.end(),
            last_line: state.pending.last_line,
        };
        state.pending.deletions.push(deletion);
        state.pending.accepted += 1;
        state.is_dirty = true;
        Ok(true)
    }

    /// Waits until everything that was accepted is durable. Threads that wait together share one sync.
    ///
    /// # Errors
    /// [`DocumentError::File`] of the write, [`DocumentError::Changed`] if another program wrote to the log
    /// meanwhile; after either, [`DocumentError::Failed`] until the collection is opened again.
    pub fn flush(&self) -> Result<(), DocumentError> {
        let wanted = self.read_state()?.pending.accepted;
        let mut committer = lock(&self.committer);
        loop {
            if committer.durable >= wanted {
                return Ok(());
            }
            if !committer.is_busy {
                break;
            }
            committer = self
                .committed
                .wait(committer)
                .unwrap_or_else(PoisonError::into_inner);
        }
        committer.is_busy = true;
        drop(committer);
        let written = self.commit();
        self.end_commit(written)
    }

    /// Adds lines and waits until they are durable. `placing` is told when another thread can note their places: while
    /// they are written.
    ///
    /// # Errors
    /// As [`FastStore::flush`].
    pub(super) fn put_new(
        &self,
        new: Vec<NewLines>,
        placing: &Placing,
    ) -> Result<(), DocumentError> {
        let is_first = {
            let mut committer = lock(&self.committer);
            !std::mem::replace(&mut committer.is_busy, true)
        };
        if !is_first {
            // They share the next write with those of other threads.
            let state = self.write_state()?;
            drop(self.append_all(state, new));
            return self.flush();
        }
        let written = self.commit_with(new, placing);
        self.end_commit(written)
    }

    /// Lets another thread write, and tells those that wait what is durable.
    fn end_commit(&self, written: Result<u64, DocumentError>) -> Result<(), DocumentError> {
        let mut committer = lock(&self.committer);
        committer.is_busy = false;
        self.committed.notify_all();
        committer.durable = committer.durable.max(written?);
        Ok(())
    }

    /// Writes everything that is pending. Returns the number of changes that are durable then.
    fn commit(&self) -> Result<u64, DocumentError> {
        let batch = self.write_state()?.take_batch();
        let written = self.write_batch(&batch);
        self.finish_batch(batch, written)
    }

    fn commit_with(&self, new: Vec<NewLines>, placing: &Placing) -> Result<u64, DocumentError> {
        let state = self.write_state()?;
        let batch = self.append_all(state, new).take_batch();
        placing.begin();
        let written = self.write_batch(&batch);
        self.finish_batch(batch, written)
    }

    fn append_all<'a>(
        &self,
        mut state: RwLockWriteGuard<'a, State>,
        new: Vec<NewLines>,
    ) -> RwLockWriteGuard<'a, State> {
        // A line feed may come before them.
        let bytes: usize = new.iter().map(|new| new.bytes.len()).sum();
        state.reserve(bytes + 1, &self.buffers);
        for new in new {
            state.append(new, &self.buffers);
        }
        state
    }

    /// Notes places that are not noted yet.
    pub(super) fn place_new(&self) {
        // An error is found again by the thread that writes.
        drop(self.write_state());
    }

    fn finish_batch(
        &self,
        batch: Batch,
        written: Result<(), DocumentError>,
    ) -> Result<u64, DocumentError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        // Lines that are compared are read from the batch.
        let placed = state.place_new();
        state.in_flight = None;
        if written.is_err() {
            state.has_failed = true;
            // The written part of it goes, if the disk still lets it; else it is a torn tail.
            if batch
                .data
                .length()
                .is_ok_and(|length| length > batch.lines.start)
                && !matches!(written, Err(DocumentError::Changed(_)))
            {
                let _ = batch.data.truncate(batch.lines.start);
            }
        }
        drop(state);
        // Unless a reader has them.
        if let Some(bytes) = Arc::into_inner(batch.lines.bytes) {
            self.buffers.give(bytes);
        }
        written?;
        placed.map_err(|e| self.fault(e))?;
        Ok(batch.accepted)
    }

    fn write_batch(&self, batch: &Batch) -> Result<(), DocumentError> {
        let Batch {
            lines,
            data,
            deletions,
            ..
        } = batch;
        let path = self.layout.data_file();
        let fail = |e| DocumentError::file("write", &path, e);
        let inode = data.inode().map_err(fail)?;
        let is_same = inode_at(&path).map_err(fail)? == inode;
        if !is_same || data.length().map_err(fail)? != lines.start {
            return Err(DocumentError::Changed(path));
        }
        if !lines.bytes.is_empty() {
            data.write_durably(&lines.bytes, lines.start)
                .map_err(fail)?;
        }
        let mut records = Vec::with_capacity(deletions.len());
        let mut known = None;
        for deletion in deletions {
            let place = (deletion.length, deletion.last_line);
            let mark = match known {
                Some((at, mark)) if at == place => mark,
                _ => data
                    .mark(deletion.length, deletion.last_line)
                    .map_err(fail)?
                    .ok_or_else(|| DocumentError::Changed(path.clone()))?,
            };
            known = Some((place, mark));
            let id = deletion.id.clone();
            records.push(SideRecord::Delete { mark, id });
        }
        let mut committer = lock(&self.committer);
        committer.side.append(&records)?;
        committer.deletion_bytes += records.iter().map(SideRecord::length).sum::<u64>();
        Ok(())
    }

    /// Waits until no thread writes, and keeps others from beginning.
    pub(super) fn quiet(&self) -> Quiet<'_> {
        let mut committer = lock(&self.committer);
        while committer.is_busy {
            committer = self
                .committed
                .wait(committer)
                .unwrap_or_else(PoisonError::into_inner);
        }
        committer.is_busy = true;
        Quiet { store: self }
    }

    /// Takes the state to read, with the places of all lines.
    pub(super) fn read_state(&self) -> Result<RwLockReadGuard<'_, State>, DocumentError> {
        loop {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            if state.has_failed {
                return Err(DocumentError::Failed(self.layout.data_file()));
            }
            if state.unplaced.is_empty() {
                return Ok(state);
            }
            drop(state);
            drop(self.write_state()?);
        }
    }

    /// Takes the state for changes, with the places of all lines.
    pub(super) fn write_state(&self) -> Result<RwLockWriteGuard<'_, State>, DocumentError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.has_failed {
            return Err(DocumentError::Failed(self.layout.data_file()));
        }
        state.place_new().map_err(|e| self.fault(e))?;
        Ok(state)
    }
}

/// The right to write, while other threads wait.
pub(super) struct Quiet<'a> {
    store: &'a FastStore,
}

impl Quiet<'_> {
    /// Makes everything durable that is accepted.
    pub(super) fn commit(&self) -> Result<(), DocumentError> {
        let durable = self.store.commit()?;
        let mut committer = lock(&self.store.committer);
        committer.durable = committer.durable.max(durable);
        Ok(())
    }

    pub(super) fn committer(&self) -> std::sync::MutexGuard<'_, Committer> {
        lock(&self.store.committer)
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        lock(&self.store.committer).is_busy = false;
        self.store.committed.notify_all();
    }
}
