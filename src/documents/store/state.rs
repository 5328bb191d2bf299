//! State of a handle in memory.

use std::io;
use std::sync::Arc;

use crate::documents::Document;
use crate::documents::disk::data_file::DataFile;
use crate::documents::disk::data_file::DataView;
use crate::documents::disk::live_lines::LiveLines;
use crate::documents::disk::side_file::SideWriter;
use crate::documents::format::FileIdentity;
use crate::documents::format::Place;
use crate::documents::format::quick_id;
use crate::documents::store::buffers::Buffers;
use crate::documents::store::prepare::NewLine;
use crate::documents::store::prepare::NewLines;
use crate::documents::table::HashKey;
use crate::documents::table::LineSource;
use crate::documents::table::LiveIndex;
use crate::documents::table::is_exact;

/// Number of slots or lines that are brought near together: as many reads wait for the memory at the same time.
const PLACES_AT_ONCE: usize = 32;

/// Documents and where they are.
#[derive(Debug)]
pub(super) struct State {
    pub(super) data: DataFile,
    /// The live documents.
    pub(super) index: LiveIndex,
    /// Bytes that the committer is writing, and where they begin.
    pub(super) in_flight: Option<Unwritten>,
    /// Bytes that were accepted after those.
    pub(super) pending: Pending,
    /// Appended lines that the index does not have yet: whoever takes the state next notes them first.
    pub(super) unplaced: Vec<Unplaced>,
    /// A write failed, and places may be wrong.
    pub(super) has_failed: bool,
    /// Lines that are no documents, among those that were read when the collection opened.
    pub(super) unreadable: u64,
    /// True if no line feed ends the last line of the log.
    pub(super) needs_line_feed: bool,
    /// True if `index.bin` is not current.
    pub(super) is_dirty: bool,
    /// The last `index.bin` that this program has written, if it is there.
    pub(super) written_index: Option<WrittenIndex>,
}

/// An `index.bin` that lists the live lines up to a length of the log, as they were when it was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct WrittenIndex {
    pub(super) file: FileIdentity,
    pub(super) covered: u64,
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

/// Lines that were appended and have no places yet.
#[derive(Debug)]
pub(super) struct Unplaced {
    /// Offset of the first one in the log.
    base: u64,
    lines: Vec<NewLine>,
    key: HashKey,
}

/// Changes that are written together.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) lines: Unwritten,
    pub(super) data: DataFile,
    pub(super) deletions: Vec<Deletion>,
    /// Number of changes that were ever accepted up to these.
    pub(super) accepted: u64,
}

impl Pending {
    /// Returns the offset after the last accepted line.
    pub(super) fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
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
    /// Bytes of the records of deletions that count for the log as it is.
    pub(super) deletion_bytes: u64,
}

impl State {
    /// Notes the place of a document, and that the line it had is dead.
    ///
    /// # Errors
    /// As [`LiveIndex::put`]; nothing is changed then.
    pub(super) fn put(&mut self, id: &str, place: Place) -> io::Result<()> {
        let lines = Lines::new(&self.data, self.in_flight.as_ref(), &self.pending);
        self.index.put(id, place, &lines)
    }

    /// Ends the last line if it lacks its line feed. Returns the offset at which the next one begins.
    pub(super) fn begin_line(&mut self) -> u64 {
        if std::mem::take(&mut self.needs_line_feed) {
            self.pending.bytes.push(b'\n');
        }
        self.pending.end()
    }

    /// Adds lines to the pending ones. They have no places until [`State::place_new`] has noted them.
    pub(super) fn append(&mut self, new: NewLines, buffers: &Buffers) {
        if new.lines.is_empty() {
            buffers.give(new.bytes);
            return;
        }
        let base = self.begin_line();
        let key = new.key;
        let lines = self.push(new, buffers);
        self.unplaced.push(Unplaced { base, lines, key });
    }

    /// Adds lines to the pending ones where a line begins. Returns their ends.
    pub(super) fn push(&mut self, new: NewLines, buffers: &Buffers) -> Vec<NewLine> {
        let pending = &mut self.pending;
        let base = pending.end();
        pending.bytes.extend_from_slice(&new.bytes);
        buffers.give(new.bytes);
        let count = new.lines.len();
        if let Some(last) = count.checked_sub(1) {
            let before = last.checked_sub(1).and_then(|at| new.lines.get(at));
            pending.last_line = base + before.map_or(0, |line| line.end) as u64;
        }
        pending.puts += count;
        pending.accepted += count as u64;
        self.is_dirty |= count > 0;
        new.lines
    }

    /// Makes room for bytes that are appended one after the other.
    pub(super) fn reserve(&mut self, bytes: usize, buffers: &Buffers) {
        let pending = &mut self.pending.bytes;
        let wanted = pending.len() + bytes;
        if pending.capacity() < wanted {
            let mut larger = buffers.take(wanted);
            larger.extend_from_slice(pending);
            buffers.give(std::mem::replace(pending, larger));
        }
    }

    /// Notes the places of all lines that were appended.
    ///
    /// # Errors
    /// As [`LiveIndex::put`]; the handle fails from now on, since lines without a place may be written.
    pub(super) fn place_new(&mut self) -> io::Result<()> {
        for unplaced in std::mem::take(&mut self.unplaced) {
            if let Err(e) = self.place(&unplaced) {
                self.has_failed = true;
                return Err(e);
            }
        }
        Ok(())
    }

    fn place(&mut self, unplaced: &Unplaced) -> io::Result<()> {
        let lines = Lines::new(&self.data, self.in_flight.as_ref(), &self.pending);
        // An index that was made anew since has another key.
        let is_same_key = self.index.table().key() == unplaced.key;
        let mut start = 0;
        for some in unplaced.lines.chunks(PLACES_AT_ONCE) {
            self.index
                .bring_slots_near(some.iter().map(|line| line.hash));
            for line in some {
                let place = Place {
                    offset: unplaced.base + start as u64,
                    length: u32::try_from(line.end - start).unwrap_or(u32::MAX),
                };
                start = line.end;
                let id = || {
                    let line = lines.unwritten(place).unwrap_or_default();
                    quick_id(line).map_err(|_| io::ErrorKind::UnexpectedEof.into())
                };
                match is_same_key {
                    true => self.index.put_hashed(line.hash, id, place, &lines)?,
                    false => self.index.put(&id()?, place, &lines)?,
                }
            }
        }
        Ok(())
    }

    /// Takes everything that is pending, to be written.
    pub(super) fn take_batch(&mut self) -> Batch {
        let lines = Unwritten {
            start: self.pending.start,
            bytes: Arc::new(std::mem::take(&mut self.pending.bytes)),
        };
        self.pending.start += lines.bytes.len() as u64;
        self.pending.puts = 0;
        self.in_flight = Some(lines.clone());
        Batch {
            lines,
            data: self.data.clone(),
            deletions: std::mem::take(&mut self.pending.deletions),
            accepted: self.pending.accepted,
        }
    }

    /// Forgets a document; false if it was not there.
    ///
    /// # Errors
    /// As [`LiveIndex::remove`].
    pub(super) fn forget(&mut self, id: &str) -> io::Result<bool> {
        let lines = Lines::new(&self.data, self.in_flight.as_ref(), &self.pending);
        self.index.remove(id, u64::MAX, &lines)
    }

    /// Fills in the documents of some ids, as many as there are places for.
    ///
    /// # Errors
    /// As [`LiveIndex::find`].
    pub(super) fn get_some(&self, ids: &[&str], to: &mut [Option<Document>]) -> io::Result<()> {
        let lines = self.lines();
        for (ids, to) in ids
            .chunks(PLACES_AT_ONCE)
            .zip(to.chunks_mut(PLACES_AT_ONCE))
        {
            let mut to = to.iter_mut();
            self.index.find_some(ids, &lines, <[u8]>::to_vec, |line| {
                if let Some(to) = to.next() {
                    *to = line.map(Document::of_line);
                }
            })?;
        }
        Ok(())
    }

    /// Returns the lines of the log, also those that are not written yet.
    pub(super) fn lines(&self) -> Lines<'_> {
        Lines::new(&self.data, self.in_flight.as_ref(), &self.pending)
    }

    /// Returns the live lines from an offset on, as they are now.
    ///
    /// # Errors
    /// As [`LiveLines::new`].
    pub(super) fn live_lines(&self, start: u64) -> io::Result<LiveLines> {
        let pending = &self.pending;
        let open = (!pending.bytes.is_empty()).then(|| Unwritten {
            start: pending.start,
            bytes: Arc::new(pending.bytes.clone()),
        });
        let first = self.in_flight.as_ref().map_or(pending.start, |u| u.start);
        let unwritten = [self.in_flight.clone(), open];
        let unwritten = unwritten.into_iter().flatten().map(|u| (u.start, u.bytes));
        LiveLines::new(
            self.data.clone(),
            start..first,
            &self.index.dead(),
            unwritten,
        )
    }
}

/// The lines of a log: those on disk, those that are being written, and those that wait.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    data: DataView<'a>,
    in_flight: Option<&'a Unwritten>,
    pending: &'a Pending,
}

impl<'a> Lines<'a> {
    fn new(data: &'a DataFile, in_flight: Option<&'a Unwritten>, pending: &'a Pending) -> Self {
        Self {
            data: data.view(),
            in_flight,
            pending,
        }
    }

    /// Returns the line at a place that is not on disk yet.
    fn unwritten(&self, place: Place) -> Option<&[u8]> {
        let in_flight = self.in_flight.map(|u| (u.start, u.bytes.as_slice()));
        let pending = (self.pending.start, self.pending.bytes.as_slice());
        [in_flight, Some(pending)]
            .into_iter()
            .flatten()
            .find_map(|(start, bytes)| {
                let at = usize::try_from(place.offset.checked_sub(start)?).ok()?;
                let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
                match is_exact(place) {
                    true => rest.get(..place.length as usize),
                    false => rest.get(..=memchr::memchr(b'\n', rest)?),
                }
            })
    }
}

impl LineSource for Lines<'_> {
    fn with_line<R>(&self, place: Place, read: impl FnOnce(&[u8]) -> R) -> io::Result<R> {
        match self.unwritten(place) {
            Some(line) => Ok(read(line)),
            None => self.data.with_line(place, read),
        }
    }
}
