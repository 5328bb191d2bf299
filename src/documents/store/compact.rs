//! Compaction: the log without dead lines, in place of the one with them.

use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::disk::aside::Aside;
use crate::documents::disk::data_file::DataFile;
use crate::documents::disk::index_writer::IndexWriter;
use crate::documents::disk::index_writer::NewIndex;
use crate::documents::disk::layout::sync_directory;
use crate::documents::disk::lines::Lines;
use crate::documents::format::Content;
use crate::documents::format::SideRecord;
use crate::documents::format::line_id;
use crate::documents::store::commit::Quiet;
use crate::documents::store::copy::copy_live;
use crate::documents::store::state::State;
use crate::file_io::IfExists;
use crate::file_io::TemporaryPath;
use crate::file_io::put_in_place;

/// Result of a compaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompactionReport {
    /// Number of documents.
    pub documents: u64,
    /// Length of the log before, in bytes.
    pub bytes_before: u64,
    /// Length of the log after, in bytes.
    pub bytes_after: u64,
    /// Lines that are no documents: they were set aside.
    pub set_aside: u64,
}

impl FastStore {
    /// Replaces the log by one with live documents only, in their order. Readers in other processes keep the
    /// old one until they open the collection again.
    ///
    /// Lines that are no documents go into `meta/unreadable-HASH`, so that nothing is lost.
    ///
    /// # Errors
    /// As [`FastStore::flush`]. The log is the old one or the new one, whatever fails.
    pub fn compact(&self) -> Result<CompactionReport, DocumentError> {
        if self.lock.is_none() {
            return Err(DocumentError::ReadOnly);
        }
        let quiet = self.quiet();
        self.compact_quietly(&quiet)
    }

    pub(super) fn compact_quietly(
        &self,
        quiet: &Quiet<'_>,
    ) -> Result<CompactionReport, DocumentError> {
        let mut state = self.settle_for_change(quiet)?;
        let (report, index) = match self.replace_log(quiet, &mut state) {
            Ok(replaced) => replaced,
            Err(e) => {
                state.has_failed = true;
                return Err(e);
            }
        };
        self.put_index(quiet, &mut state, &index)?;
        Ok(report)
    }

    /// Replaces the log. Returns the index of the new one, which is to be put into its place.
    fn replace_log(
        &self,
        quiet: &Quiet<'_>,
        state: &mut State,
    ) -> Result<(CompactionReport, NewIndex), DocumentError> {
        let path = self.layout.data_file();
        let fail = |e| DocumentError::file("write", &path, e);
        let before = state.pending.end();
        let set_aside = self.set_unreadable_aside(state)?;
        let (temporary, file) = TemporaryPath::file(&path, None).map_err(fail)?;
        let count = state.index.len() as u64;
        let entries = IndexWriter::new(&self.layout.index_file(), self.form, count);
        let copied = copy_live(state, &file, entries.map_err(fail)?).map_err(|e| self.fault(e))?;
        let changed = || DocumentError::Changed(path.clone());
        // A log that begins with the new one is not told from it by the new one.
        let old = match copied.is_begin_of_old {
            true => state.data.content(before).map_err(fail)?,
            false => Some(Content {
                length: before,
                hash: [0; 32],
            }),
        };
        let intent = SideRecord::Compaction {
            old: old.ok_or_else(changed)?,
            new: copied.content,
        };
        let end = copied.content.length;
        let mut committer = quiet.committer();
        committer.side.append(&[intent])?;
        put_in_place(temporary.path(), &path, IfExists::Replace).map_err(fail)?;
        sync_directory(&self.layout.meta_dir())?;
        committer.side.replace(&[])?;
        committer.deletion_bytes = 0;
        drop(committer);
        state.data = DataFile::open_for_writing(&path).map_err(fail)?;
        state.index = copied.index;
        state.pending.start = end;
        state.pending.last_line = copied.last_line;
        state.written_index = None;
        state.needs_line_feed = false;
        state.unreadable = 0;
        state.is_dirty = true;
        let report = CompactionReport {
            documents: state.index.len() as u64,
            bytes_before: before,
            bytes_after: end,
            set_aside,
        };
        Ok((report, copied.entries))
    }

    /// Copies lines that are no documents into a file of their own. Reads the log only if there are such lines.
    fn set_unreadable_aside(&self, state: &State) -> Result<u64, DocumentError> {
        if state.unreadable == 0 {
            return Ok(0);
        }
        let path = self.layout.data_file();
        let (mut aside, mut count) = (None, 0);
        let mut lines = Lines::new(state.data.clone(), 0);
        let fail = |e| DocumentError::file("read", &path, e);
        while let Some(line) = lines.next().map_err(fail)? {
            let is_blank = line.bytes.trim_ascii().is_empty() && !line.is_too_long;
            if is_blank || line_id(line.bytes).is_ok() {
                continue;
            }
            count += 1;
            let mut kept = match aside.take() {
                Some(begun) => begun,
                None => Aside::begin(&self.layout, "unreadable".to_owned())?,
            };
            kept.copy(&state.data, line.offset, line.length)?;
            if !line.is_ended {
                kept.append(b"\n")?;
            }
            aside = Some(kept);
        }
        if let Some(aside) = aside {
            aside.finish()?;
        }
        Ok(count)
    }
}
