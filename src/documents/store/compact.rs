//! Compaction: the log without dead lines, in place of the one with them.

use std::io::BufWriter;
use std::io::Write;

use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::disk::aside::Aside;
use crate::documents::disk::data_file::DataFile;
use crate::documents::disk::layout::sync_directory;
use crate::documents::disk::lines::Lines;
use crate::documents::format::Place;
use crate::documents::format::SideRecord;
use crate::documents::format::line_id;
use crate::documents::format::quick_id;
use crate::documents::store::commit::Quiet;
use crate::documents::store::state::State;
use crate::documents::table::LiveIndex;
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
        let report = self.replace_log(quiet, &mut state);
        if report.is_err() {
            state.has_failed = true;
        }
        drop(state);
        let report = report?;
        self.write_index(quiet)?;
        Ok(report)
    }

    fn replace_log(
        &self,
        quiet: &Quiet<'_>,
        state: &mut State,
    ) -> Result<CompactionReport, DocumentError> {
        let path = self.layout.data_file();
        let fail = |e| DocumentError::file("write", &path, e);
        let before = state.pending.end();
        let set_aside = self.set_unreadable_aside(state)?;
        let (temporary, file) = TemporaryPath::file(&path, None).map_err(fail)?;
        let (index, end, last_line) = copy_live(state, &file).map_err(|e| self.fault(e))?;
        file.sync_all().map_err(fail)?;
        let new = DataFile::open(temporary.path()).map_err(fail)?;
        let changed = || DocumentError::Changed(path.clone());
        let intent = SideRecord::Compaction {
            old: state
                .data
                .content(before)
                .map_err(fail)?
                .ok_or_else(changed)?,
            new: new.content(end).map_err(fail)?.ok_or_else(changed)?,
        };
        let mut committer = quiet.committer();
        committer.side.append(&[intent])?;
        put_in_place(temporary.path(), &path, IfExists::Replace).map_err(fail)?;
        sync_directory(&self.layout.meta_dir())?;
        committer.side.replace(&[])?;
        committer.deletion_bytes = 0;
        drop(committer);
        state.data = DataFile::open_for_writing(&path).map_err(fail)?;
        state.index = index;
        state.pending.start = end;
        state.pending.last_line = last_line;
        state.written_index = None;
        state.needs_line_feed = false;
        state.unreadable = 0;
        state.is_dirty = true;
        Ok(CompactionReport {
            documents: state.index.len() as u64,
            bytes_before: before,
            bytes_after: end,
            set_aside,
        })
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

/// Writes the live lines in the order of the log. Returns their index, their length and the offset of the last one.
fn copy_live(state: &State, to: &std::fs::File) -> std::io::Result<(LiveIndex, u64, u64)> {
    let mut live = state.live_lines(0)?;
    let mut writer = BufWriter::with_capacity(1 << 20, to);
    let mut index = LiveIndex::new(state.index.table().key());
    let (mut at, mut last_line) = (0_u64, 0);
    while let Some((_, _, line)) = live.next()? {
        let id = quick_id(line).map_err(|_| std::io::ErrorKind::UnexpectedEof)?;
        writer.write_all(line)?;
        writer.write_all(b"\n")?;
        let length = u32::try_from(line.len() + 1).unwrap_or(u32::MAX);
        index.put_new(&id, Place { offset: at, length })?;
        last_line = at;
        at += u64::from(length);
    }
    writer.flush()?;
    drop(writer);
    Ok((index, at, last_line))
}
