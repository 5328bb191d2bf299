//! Checkpoints: the index that other programs read, and the record that tells that it is ours.

use std::sync::RwLockReadGuard;
use std::sync::RwLockWriteGuard;

use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::disk::index_writer::IndexWriter;
use crate::documents::disk::index_writer::NewIndex;
use crate::documents::disk::layout::sync_directory;
use crate::documents::disk::load::valid_records;
use crate::documents::disk::resume::identity;
use crate::documents::disk::side_file::SideLog;
use crate::documents::format::IndexForm;
use crate::documents::format::SideRecord;
use crate::documents::format::TableHeader;
use crate::documents::format::quick_id;
use crate::documents::store::commit::Quiet;
use crate::documents::store::state::State;
use crate::documents::store::state::WrittenIndex;
use crate::documents::table::write_table;
use crate::file_io::open_plain;

/// Length of records that no longer count, in bytes, from which the side log is written anew.
const STALE_BYTES_MAX: u64 = 64 << 10;

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
            state.index.len() == 0 && state.pending.end() > 0
        };
        // Others read an index without documents as no index, and find all the deleted ones again.
        if is_empty {
            self.compact_quietly(&quiet)?;
            return Ok(());
        }
        let mut state = self.settle_for_change(&quiet)?;
        let new = self.new_index(&state)?;
        self.put_index(&quiet, &mut state, &new)
    }

    /// Puts an `index.bin` of this state into its place, and writes the record about it and the table. Readers and
    /// writers of this handle wait.
    pub(super) fn put_index(
        &self,
        quiet: &Quiet<'_>,
        state: &mut State,
        new: &NewIndex,
    ) -> Result<(), DocumentError> {
        let shrunk = state.index.table_mut().shrink();
        shrunk.map_err(|e| self.fault(e))?;
        let path = self.layout.index_file();
        let put = new.put_at(&path);
        put.map_err(|e| DocumentError::file("write", &path, e))?;
        sync_directory(&self.layout.meta_dir())?;
        let (index, index_file) = (new.content, new.identity);
        let log = self.layout.data_file();
        let (end, last_line) = (state.pending.end(), state.pending.last_line);
        let mark = state.data.mark(end, last_line);
        let mark = mark.map_err(|e| DocumentError::file("read", &log, e))?;
        let mark = mark.ok_or(DocumentError::Changed(log))?;
        let form = self.form;
        let checkpoint = SideRecord::Checkpoint { mark, form, index };
        let mut committer = quiet.committer();
        if committer.side.length() > committer.deletion_bytes + STALE_BYTES_MAX {
            let fail = |e| DocumentError::file("read", &self.layout.data_file(), e);
            let known = SideLog::read(&self.layout.side_file())?;
            let mut records = valid_records(&known, &state.data).map_err(fail)?.deletions;
            committer.deletion_bytes = records.iter().map(SideRecord::length).sum();
            records.push(checkpoint);
            committer.side.replace(&records)?;
        } else {
            committer.side.append(&[checkpoint])?;
        }
        let header = TableHeader {
            unreadable: state.unreadable,
            mark,
            needs_line_feed: state.needs_line_feed,
            form,
            index,
            index_file,
            side_length: committer.side.length(),
            side_check: committer.side.end_check()?,
            deletion_bytes: committer.deletion_bytes,
            ..TableHeader::default()
        };
        let path = self.layout.table_file();
        write_table(&path, &state.index, header).map_err(|e| self.fault(e))?;
        state.is_dirty = false;
        state.written_index = Some(WrittenIndex {
            file: index_file,
            covered: end,
        });
        Ok(())
    }

    /// Writes an `index.bin` aside.
    fn new_index(&self, state: &State) -> Result<NewIndex, DocumentError> {
        let path = self.layout.index_file();
        let fail = |e| DocumentError::file("write", &path, e);
        let count = state.index.len() as u64;
        let mut writer = IndexWriter::new(&path, self.form, count).map_err(fail)?;
        let mut begin = 0;
        if let Some((older, covered)) = self.older_index(state) {
            let dead = state.index.dead().sorted().map_err(|e| self.fault(e))?;
            match writer.copy(&older, covered, &dead) {
                Ok(()) => begin = covered,
                Err(e) if is_of_older(&e) => writer.restart().map_err(fail)?,
                Err(e) => return Err(fail(e)),
            }
        }
        let mut live = state.live_lines(begin).map_err(|e| self.fault(e))?;
        while let Some((offset, length, line)) = live.next().map_err(|e| self.fault(e))? {
            let id = quick_id(line).map_err(|_| DocumentError::Changed(self.layout.data_file()))?;
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            writer.add(&id, offset, length).map_err(fail)?;
        }
        writer.finish().map_err(fail)
    }

    /// Opens the last index of this program, if it is still there: most of it stays as it is, and ids are not read
    /// from the log again. Returns the length of the log that it lists, too.
    fn older_index(&self, state: &State) -> Option<(std::fs::File, u64)> {
        let known = state
            .written_index
            .filter(|_| self.form == IndexForm::Binary)?;
        let file = open_plain(&self.layout.index_file()).ok()?;
        let is_same = file
            .metadata()
            .is_ok_and(|meta| identity(&meta) == known.file);
        is_same.then_some((file, known.covered))
    }

    /// Makes everything durable, and returns the state for changes while nothing is pending.
    pub(super) fn settle_for_change(
        &self,
        quiet: &Quiet<'_>,
    ) -> Result<RwLockWriteGuard<'_, State>, DocumentError> {
        loop {
            quiet.commit()?;
            let state = self.write_state()?;
            if state.pending.bytes.is_empty() && state.pending.deletions.is_empty() {
                return Ok(state);
            }
        }
    }

    /// Makes everything durable, and returns the state while nothing is pending.
    pub(super) fn settle(
        &self,
        quiet: &Quiet<'_>,
    ) -> Result<RwLockReadGuard<'_, State>, DocumentError> {
        loop {
            quiet.commit()?;
            let state = self.read_state()?;
            if state.pending.bytes.is_empty() && state.pending.deletions.is_empty() {
                return Ok(state);
            }
        }
    }
}

/// Returns true for an error of an older index that is not what was expected.
fn is_of_older(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof
    )
}
