//! Opening of a collection from its table: nothing is read but what came after the last checkpoint.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::documents::DocumentError;
use crate::documents::Layout;
use crate::documents::disk::data_file::DataFile;
use crate::documents::disk::layout::is_absent;
use crate::documents::disk::loaded::Loaded;
use crate::documents::disk::side_file::SideLog;
use crate::documents::format::Content;
use crate::documents::format::FileIdentity;
use crate::documents::format::SideRecord;
use crate::documents::format::limits::INDEX_BYTES_MAX;
use crate::documents::table::StoredTable;
use crate::file_io::read_own;

/// Reads a collection by its table. `None` if the table does not describe the other files.
pub(crate) fn resume(layout: &Layout, data: &DataFile) -> Result<Option<Loaded>, DocumentError> {
    let path = layout.table_file();
    let fail = |e| DocumentError::file("read", &path, e);
    let Some(stored) = StoredTable::open(&path).map_err(fail)? else {
        return Ok(None);
    };
    let header = stored.header;
    let log = SideLog::read_after(&layout.side_file(), header.side_length, &header.side_check)?;
    // Another checkpoint or a compaction came after the table.
    let is_deletion = |r: &SideRecord| matches!(r, SideRecord::Delete { .. });
    let Some(log) = log.filter(|log| log.records.iter().all(is_deletion)) else {
        return Ok(None);
    };
    let fail_data = |e| DocumentError::file("read", &layout.data_file(), e);
    let is_same = data.has(&header.mark).map_err(fail_data)?;
    if !is_same || !has_index(&layout.index_file(), &header.index_file, &header.index)? {
        return Ok(None);
    }
    if header.needs_line_feed && !data.has_line_end(header.mark.length).map_err(fail_data)? {
        return Ok(None);
    }
    let Some(index) = stored.map().map_err(fail)? else {
        return Ok(None);
    };
    let new_bytes: u64 = log.records.iter().map(SideRecord::length).sum();
    let mut loaded = Loaded {
        data: data.clone(),
        index,
        end: header.mark.length,
        last_line: header.mark.last_line,
        needs_line_feed: header.needs_line_feed,
        torn_bytes: 0,
        unreadable: header.unreadable,
        deletions: Vec::new(),
        deletion_bytes: header.deletion_bytes + new_bytes,
        new_deletions: Vec::new(),
        is_log_stale: false,
        is_index_current: false,
        index_file: Some(header.index_file),
        covered: header.mark.length,
        form: Some(header.form),
        log,
    };
    let followed = loaded.follow(header.mark.length);
    Ok(followed.map_err(fail_data)?.then_some(loaded))
}

impl Loaded {
    /// Reads what came after the checkpoint. Returns false if a deletion is not about this log.
    fn follow(&mut self, covered: u64) -> io::Result<bool> {
        self.scan_from(covered)?;
        for record in &self.log.records {
            if let SideRecord::Delete { mark, id } = record {
                if !self.data.has(mark)? {
                    return Ok(false);
                }
                self.index.remove(id, mark.length, &self.data.view())?;
            }
        }
        let is_covered = covered == self.end && self.torn_bytes == 0;
        self.is_index_current = is_covered && self.log.records.is_empty();
        Ok(true)
    }
}

/// Returns true if `index.bin` is the one that the table was written with. Its metadata tell it; in a copy of the
/// collection its content does.
fn has_index(path: &Path, known: &FileIdentity, content: &Content) -> Result<bool, DocumentError> {
    let fail = |e| DocumentError::file("read", path, e);
    match identity_of(path) {
        Err(e) if is_absent(&e) => Ok(false),
        Err(e) => Err(fail(e)),
        Ok(identity) if identity == *known => Ok(true),
        Ok(identity) if identity.length != known.length => Ok(false),
        Ok(_) => {
            let bytes = read_own(path, INDEX_BYTES_MAX).map_err(fail)?;
            Ok(Content::of(&bytes) == *content)
        }
    }
}

fn identity_of(path: &Path) -> io::Result<FileIdentity> {
    path.metadata().map(|meta| identity(&meta))
}

/// Returns the identity of a file.
pub(crate) fn identity(meta: &std::fs::Metadata) -> FileIdentity {
    FileIdentity {
        inode: meta.ino(),
        length: meta.len(),
        modified: (meta.mtime(), u32::try_from(meta.mtime_nsec()).unwrap_or(0)),
    }
}
