//! One file of a look.

use std::io;
use std::sync::Arc;

use crate::inspect::table::StoredText;
use crate::manifest::FileEntry;
use crate::manifest::Manifest;
use crate::read_at::ReadAt;
use crate::registry::error::Error;
use crate::registry::peers::look::handle::Look;
use crate::registry::peers::look::tree_cursor::LeafGoal;
use crate::registry::targets::places::file_bytes::io_error;
use crate::registry::targets::places::stored_file::StoredFile;

/// A file of a dataset of which only a part is here.
pub(crate) struct LookFile {
    look: Arc<Look>,
    entry: FileEntry,
    /// Offset of the file in the dataset.
    start: u64,
}

impl LookFile {
    pub(crate) fn new(look: Arc<Look>, start: u64, entry: FileEntry) -> Self {
        Self { look, entry, start }
    }

    /// Returns the number of newlines of the dataset before an offset.
    fn newlines_before(&self, offset: u64) -> Result<u64, Error> {
        if offset == 0 {
            return Ok(0);
        }
        let Some((before, _)) = self.look.find(LeafGoal::Byte(offset))? else {
            return Ok(self.look.totals().newlines);
        };
        let bytes = self.between(before.bytes, offset - before.bytes)?;
        let inside = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        Ok(before.newlines + inside)
    }

    /// Returns bytes of the dataset, at most one chunk.
    fn between(&self, at: u64, length: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.look.read(rest, at + filled as u64)? {
                0 => break,
                n => filled += n,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}

impl StoredFile for LookFile {
    fn manifest(&self) -> &Manifest {
        self.look.manifest()
    }

    fn path(&self) -> &str {
        &self.entry.path
    }

    fn text(&self) -> StoredText {
        StoredText {
            tree: self.look.manifest().chunk_tree_root,
            start: self.start,
            size: self.entry.size_bytes,
        }
    }

    fn start_of_line(&self, line: u64) -> Result<Option<u64>, Error> {
        let end = self.start + self.entry.size_bytes;
        let Some(before) = line.checked_sub(1) else {
            return Ok((self.entry.size_bytes > 0).then_some(0));
        };
        let number = self.newlines_before(self.start)?.saturating_add(before);
        let Some((before, chunk)) = self.look.find(LeafGoal::Newline(number))? else {
            return Ok(None);
        };
        if before.bytes >= end {
            return Ok(None);
        }
        let bytes = self.between(before.bytes, u64::from(chunk.bytes))?;
        let nth = usize::try_from(number - before.newlines).unwrap_or(usize::MAX);
        let newline = memchr::memchr_iter(b'\n', &bytes).nth(nth);
        let start = newline.map(|n| before.bytes + n as u64 + 1);
        Ok(start.filter(|at| *at < end).map(|at| at - self.start))
    }

    fn lines(&self) -> Result<u64, Error> {
        let end = self.start + self.entry.size_bytes;
        let newlines = self.newlines_before(end)? - self.newlines_before(self.start)?;
        let ends_open = match self.entry.size_bytes.checked_sub(1) {
            Some(last) => self.between(self.start + last, 1)? != b"\n",
            None => false,
        };
        Ok(newlines + u64::from(ends_open))
    }

    fn claimed_rows(&self) -> Option<u64> {
        self.entry.rows
    }
}

impl ReadAt for LookFile {
    fn len(&self) -> u64 {
        self.entry.size_bytes
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = self.entry.size_bytes.saturating_sub(offset);
        let n = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let buf = buf.get_mut(..n).unwrap_or_default();
        let read = self.look.read(buf, self.start.saturating_add(offset));
        read.map_err(|e| io_error(&e))
    }
}
