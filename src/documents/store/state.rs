//! State of a handle in memory.

use std::sync::Arc;

use crate::documents::disk::data_file::DataFile;
use crate::documents::disk::loaded::Place;
use crate::documents::disk::loaded::Places;
use crate::documents::disk::side_file::SideWriter;
use crate::documents::format::SideRecord;

/// Documents and where they are.
#[derive(Debug)]
pub(super) struct State {
    pub(super) data: DataFile,
    pub(super) places: Places,
    /// Bytes that the committer is writing, and where they begin.
    pub(super) in_flight: Option<Unwritten>,
    /// Bytes that were accepted after those.
    pub(super) pending: Pending,
    /// Bytes of the lines of live documents.
    pub(super) live_bytes: u64,
    /// A write failed, and places may be wrong.
    pub(super) has_failed: bool,
    /// Lines that are no documents, among those that were read when the collection opened.
    pub(super) unreadable: u64,
    /// True if no line feed ends the last line of the log.
    pub(super) needs_line_feed: bool,
    /// True if `index.bin` is not current.
    pub(super) is_dirty: bool,
}

/// Bytes of the log that are not on the device yet.
#[derive(Clone, Debug)]
pub(super) struct Unwritten {
    pub(super) start: u64,
    pub(super) bytes: Arc<Vec<u8>>,
}

/// Accepted changes.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Offset in the log at which `bytes` will begin.
    pub(super) start: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) puts: usize,
    pub(super) deletions: Vec<Deletion>,
    /// Offset of the last line.
    pub(super) last_line: u64,
    /// Number of changes that were ever accepted.
    pub(super) accepted: u64,
}

/// A deletion whose record is not written yet.
#[derive(Debug)]
pub(super) struct Deletion {
    pub(super) id: String,
    /// Length of the log at the deletion.
    pub(super) length: u64,
    pub(super) last_line: u64,
}

impl Pending {
    /// Returns the offset after the last accepted line.
    pub(super) fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// Returns the line at a place, if it is among these.
    pub(super) fn line(&self, place: Place) -> Option<&[u8]> {
        let at = usize::try_from(place.offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(at..at.checked_add(place.length as usize)?)
    }
}

/// State of the thread that writes for all threads.
#[derive(Debug)]
pub(super) struct Committer {
    /// True while a thread writes.
    pub(super) is_busy: bool,
    /// Number of accepted changes that are durable.
    pub(super) durable: u64,
    pub(super) side: SideWriter,
    /// Deletions that count for the log as it is.
    pub(super) deletions: Vec<SideRecord>,
}

impl State {
    /// Notes the place of a document, and returns the one that it had.
    pub(super) fn place(&mut self, id: &str, place: Place) {
        self.live_bytes += u64::from(place.length);
        if let Some(known) = self.places.get_mut(id) {
            self.live_bytes -= u64::from(known.length);
            *known = place;
        } else {
            self.places.insert(id.into(), place);
        }
    }

    /// Forgets a document; false if it was not there.
    pub(super) fn forget(&mut self, id: &str) -> bool {
        let removed = self.places.remove(id);
        self.live_bytes -= removed.map_or(0, |p| u64::from(p.length));
        removed.is_some()
    }
}
