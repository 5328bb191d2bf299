//! Puts and deletions. Threads that wait for durability share one write and one sync.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLockReadGuard;
use std::sync::RwLockWriteGuard;

use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::disk::data_file::inode_at;
use crate::documents::format::DocumentId;
use crate::documents::format::Place;
use crate::documents::format::SideRecord;
use crate::documents::format::limits::LINE_BYTES_MAX;
use crate::documents::format::limits::RECORD_BYTES_MAX;
use crate::documents::format::line_into;
use crate::documents::store::state::Committer;
use crate::documents::store::state::Deletion;
use crate::documents::store::state::State;
use crate::documents::store::state::Unwritten;
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
        if self.lock.is_none() {
            return Err(DocumentError::ReadOnly);
        }
        let id = DocumentId::new(id).map_err(|e| DocumentError::id(id, e))?;
        let mut line = Vec::with_capacity(document.len() + id.as_str().len() + 16);
        line_into(&id, document, &mut line).map_err(|e| DocumentError::document(id.as_str(), e))?;
        let limit = LINE_BYTES_MAX;
        let length = u32::try_from(line.len())
            .ok()
            .filter(|_| line.len() < limit);
        let id = id.as_str();
        let length = length.ok_or_else(|| DocumentError::TooLong {
            id: id.to_owned(),
            limit,
        })?;
        if let Some(strict) = &self.strict {
            strict.check(id, document)?;
        }
        let mut state = self.write_state()?;
        if state.needs_line_feed {
            state.pending.bytes.push(b'\n');
            state.needs_line_feed = false;
        }
        let offset = state.pending.end();
        let noted = state.put(id, Place { offset, length });
        noted.map_err(|e| self.fault(e))?;
        state.pending.bytes.extend_from_slice(&line);
        state.pending.last_line = offset;
        state.pending.puts += 1;
        state.pending.accepted += 1;
        state.is_dirty = true;
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
        let mut committer = lock(&self.committer);
        committer.is_busy = false;
        self.committed.notify_all();
        committer.durable = committer.durable.max(written?);
        Ok(())
    }

    /// Writes everything that is pending. Returns the number of changes that are durable then.
    fn commit(&self) -> Result<u64, DocumentError> {
        let (batch, data, deletions, accepted) = {
            let mut state = self.write_state()?;
            let batch = Unwritten {
                start: state.pending.start,
                bytes: Arc::new(std::mem::take(&mut state.pending.bytes)),
            };
            state.pending.start += batch.bytes.len() as u64;
            state.pending.puts = 0;
            state.in_flight = Some(batch.clone());
            let deletions = std::mem::take(&mut state.pending.deletions);
            (batch, state.data.clone(), deletions, state.pending.accepted)
        };
        let written = self.write_batch(&batch, &data, &deletions);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.in_flight = None;
        if written.is_err() {
            state.has_failed = true;
            // The written part of it goes, if the disk still lets it; else it is a torn tail.
            if data.length().is_ok_and(|length| length > batch.start)
                && !matches!(written, Err(DocumentError::Changed(_)))
            {
                let _ = data.truncate(batch.start);
            }
        }
        written.map(|()| accepted)
    }

    fn write_batch(
        &self,
        batch: &Unwritten,
        data: &crate::documents::disk::data_file::DataFile,
        deletions: &[Deletion],
    ) -> Result<(), DocumentError> {
        let path = self.layout.data_file();
        let fail = |e| DocumentError::file("write", &path, e);
        let inode = data.inode().map_err(fail)?;
        let is_same = inode_at(&path).map_err(fail)? == inode;
        if !is_same || data.length().map_err(fail)? != batch.start {
            return Err(DocumentError::Changed(path));
        }
        if !batch.bytes.is_empty() {
            data.write_durably(&batch.bytes, batch.start)
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

    pub(super) fn read_state(&self) -> Result<RwLockReadGuard<'_, State>, DocumentError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        match state.has_failed {
            true => Err(DocumentError::Failed(self.layout.data_file())),
            false => Ok(state),
        }
    }

    pub(super) fn write_state(&self) -> Result<RwLockWriteGuard<'_, State>, DocumentError> {
        let state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match state.has_failed {
            true => Err(DocumentError::Failed(self.layout.data_file())),
            false => Ok(state),
        }
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
