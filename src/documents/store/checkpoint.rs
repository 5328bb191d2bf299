//! Checkpoints: the index that other programs read, and the record that tells that it is ours.

use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::disk::loaded::Place;
use crate::documents::format::Content;
use crate::documents::format::SideRecord;
use crate::documents::format::encode_index;
use crate::documents::store::commit::Quiet;
use crate::documents::store::state::State;
use crate::file_io::IfExists;
use crate::file_io::write_atomically;

/// Length of records that no longer count, in bytes, from which the side log is written anew.
const STALE_BYTES_MAX: u64 = 64 << 10;
/// Length of a deletion record without its id, in bytes.
const DELETION_BYTES: u64 = 45;

impl FastStore {
    /// Makes everything durable, and writes `index.bin` if it is not current, so that other programs see
    /// all documents and no deleted one. Dropping the handle does the same.
    ///
    /// # Errors
    /// As [`FastStore::flush`].
    pub fn checkpoint(&self) -> Result<(), DocumentError> {
        if self.lock.is_none() {
            return Err(DocumentError::ReadOnly);
        }
        let quiet = self.quiet();
        let is_empty = {
            let state = self.settle(&quiet)?;
            if !state.is_dirty {
                return Ok(());
            }
            state.places.is_empty() && state.pending.end() > 0
        };
        // Others read an index without documents as no index, and find all the deleted ones again.
        if is_empty {
            self.compact_quietly(&quiet)?;
            return Ok(());
        }
        self.write_index(&quiet)
    }

    /// Writes `index.bin`, and the record about it.
    pub(super) fn write_index(&self, quiet: &Quiet<'_>) -> Result<(), DocumentError> {
        let (bytes, data, end, last_line, accepted) = {
            let state = self.settle(quiet)?;
            let bytes = self.encode_places(&state);
            let pending = &state.pending;
            (
                bytes,
                state.data.clone(),
                pending.end(),
                pending.last_line,
                pending.accepted,
            )
        };
        let path = self.layout.index_file();
        write_atomically(&path, &bytes, None, IfExists::Replace)
            .map_err(|e| DocumentError::file("write", &path, e))?;
        let log = self.layout.data_file();
        let mark = data.mark(end, last_line);
        let mark = mark.map_err(|e| DocumentError::file("read", &log, e))?;
        let checkpoint = SideRecord::Checkpoint {
            mark: mark.ok_or(DocumentError::Changed(log))?,
            form: self.form,
            index: Content::of(&bytes),
        };
        let mut committer = quiet.committer();
        let ids = committer.deletions.iter().map(|r| match r {
            SideRecord::Delete { id, .. } => DELETION_BYTES + id.len() as u64,
            _ => 0,
        });
        let needed: u64 = ids.sum();
        if committer.side.length() > needed + STALE_BYTES_MAX {
            let mut records = committer.deletions.clone();
            records.push(checkpoint);
            committer.side.replace(&records)?;
        } else {
            committer.side.append(&[checkpoint])?;
        }
        drop(committer);
        let mut state = self.write_state()?;
        state.is_dirty = state.pending.accepted != accepted;
        Ok(())
    }

    /// Makes everything durable, and returns the state while nothing is pending.
    pub(super) fn settle(
        &self,
        quiet: &Quiet<'_>,
    ) -> Result<std::sync::RwLockReadGuard<'_, State>, DocumentError> {
        loop {
            quiet.commit()?;
            let state = self.read_state()?;
            if state.pending.bytes.is_empty() && state.pending.deletions.is_empty() {
                return Ok(state);
            }
        }
    }

    fn encode_places(&self, state: &State) -> Vec<u8> {
        let mut places: Vec<(&str, &Place)> = state
            .places
            .iter()
            .map(|(id, p)| (id.as_ref(), p))
            .collect();
        places.sort_unstable_by_key(|(_, place)| place.offset);
        encode_index(
            self.form,
            places.into_iter().map(|(id, p)| (id, p.offset, p.length)),
        )
    }
}
