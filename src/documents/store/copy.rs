//! The live lines of a log in their order, copied by the places that the index knows.
//!
//! One thread reads lines and compares each with its place; another one hashes and writes them, and a third one brings
//! them to the device meanwhile.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::io::Write;
use std::sync::mpsc;
use std::thread;

use crate::documents::disk::data_file::DataFile;
use crate::documents::disk::index_writer::IndexWriter;
use crate::documents::disk::index_writer::NewIndex;
use crate::documents::format::Content;
use crate::documents::format::Place;
use crate::documents::format::quick_id;
use crate::documents::store::state::State;
use crate::documents::table::LineSource as _;
use crate::documents::table::LiveIndex;
use crate::documents::table::PackedSlot;
use crate::documents::table::Slot;
use crate::documents::table::hash_id;
use crate::documents::table::is_exact;

/// Number of documents whose slots are brought near together.
const PLACES_AT_ONCE: usize = 32;
/// Number of bytes that are read, and that are written, at once.
const PIECE_BYTES: usize = 1 << 20;
/// Number of dead bytes between two lines that are read with them.
const GAP_BYTES: u64 = 64 << 10;
/// Number of pieces that wait to be written.
const PIECES_AHEAD: usize = 4;
/// Number of pieces after which the device begins with them.
const PIECES_OF_A_SYNC: usize = 16;

/// A log that was copied, durably.
pub(super) struct Copied {
    pub(super) index: LiveIndex,
    pub(super) content: Content,
    /// Offset of the last line.
    pub(super) last_line: u64,
    /// True if the old log begins with the new one.
    pub(super) is_begin_of_old: bool,
    pub(super) entries: NewIndex,
}

/// Writes the live lines in the order of the log, and lists them in an index.
///
/// # Errors
/// As reading and writing; `UnexpectedEof` if a line is not the one that the index knows.
pub(super) fn copy_live(state: &State, to: &File, mut entries: IndexWriter) -> io::Result<Copied> {
    let places = state.index.table().by_place()?;
    thread::scope(|scope| {
        let (give, given) = mpsc::sync_channel(PIECES_AHEAD);
        let (begin_sync, syncs) = mpsc::sync_channel::<()>(1);
        let syncing = scope.spawn(move || syncs.iter().try_for_each(|()| to.sync_data()));
        let writing = scope.spawn(move || write(to, &given, &begin_sync));
        let mut copy = Copy::new(state, &places, give)?;
        let copied = copy.run(&mut entries);
        let Copy {
            index,
            last_line,
            is_begin_of_old,
            pieces,
            ..
        } = copy;
        drop(pieces);
        let content = writing
            .join()
            .unwrap_or_else(|e| std::panic::resume_unwind(e));
        let listing = copied
            .is_ok()
            .then(|| scope.spawn(move || entries.finish()));
        let synced = syncing
            .join()
            .unwrap_or_else(|e| std::panic::resume_unwind(e));
        // An error of the writer is why nobody took the lines.
        let content = content.and_then(|content| synced.map(|()| content));
        let content = content.and_then(|content| copied.map(|()| content))?;
        to.sync_all()?;
        let listed = listing.map(|l| l.join().unwrap_or_else(|e| std::panic::resume_unwind(e)));
        Ok(Copied {
            index,
            content,
            last_line,
            is_begin_of_old,
            entries: listed.unwrap_or_else(|| Err(io::ErrorKind::Other.into()))?,
        })
    })
}

/// Writes pieces and hashes them.
fn write(
    mut to: &File,
    pieces: &mpsc::Receiver<Vec<u8>>,
    begin_sync: &mpsc::SyncSender<()>,
) -> io::Result<Content> {
    let (mut hasher, mut length) = (blake3::Hasher::new(), 0);
    for (number, piece) in pieces.iter().enumerate() {
        to.write_all(&piece)?;
        if number % PIECES_OF_A_SYNC == PIECES_OF_A_SYNC - 1 {
            // One that is under way is enough.
            let _ = begin_sync.try_send(());
        }
        hasher.update(&piece);
        length += piece.len() as u64;
    }
    Ok(Content {
        length,
        hash: *hasher.finalize().as_bytes(),
    })
}

/// A copy that is made.
struct Copy<'a> {
    state: &'a State,
    places: &'a [PackedSlot],
    window: Window<'a>,
    piece: Vec<u8>,
    /// Offset in the new log at which `piece` begins.
    start: u64,
    pieces: mpsc::SyncSender<Vec<u8>>,
    index: LiveIndex,
    last_line: u64,
    is_begin_of_old: bool,
}

impl<'a> Copy<'a> {
    fn new(
        state: &'a State,
        places: &'a [PackedSlot],
        pieces: mpsc::SyncSender<Vec<u8>>,
    ) -> io::Result<Self> {
        let mut index = LiveIndex::new(state.index.table().key());
        index.table_mut().reserve(places.len())?;
        Ok(Self {
            state,
            places,
            window: Window {
                data: &state.data,
                start: 0,
                bytes: Vec::new(),
            },
            piece: Vec::with_capacity(PIECE_BYTES * 2),
            start: 0,
            pieces,
            index,
            last_line: 0,
            is_begin_of_old: true,
        })
    }

    fn run(&mut self, entries: &mut IndexWriter) -> io::Result<()> {
        let mut rest = self.places;
        while !rest.is_empty() {
            let (some, _) = rest.split_at(rest.len().min(PLACES_AT_ONCE));
            self.index
                .bring_slots_near(some.iter().map(|packed| packed.slot().hash));
            for _ in some {
                self.copy(rest, entries)?;
                rest = rest.get(1..).unwrap_or_default();
            }
        }
        self.send()
    }

    /// Copies the first of some documents.
    fn copy(&mut self, places: &[PackedSlot], entries: &mut IndexWriter) -> io::Result<()> {
        let Some(Slot { hash, place }) = places.first().map(|packed| packed.slot()) else {
            return Ok(());
        };
        let line = match is_exact(place) {
            true => Cow::Borrowed(self.window.line(place, places)?),
            // Its line feed tells where it ends.
            false => Cow::Owned(self.state.data.view().with_line(place, <[u8]>::to_vec)?),
        };
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let is_last = self.state.needs_line_feed && places.len() == 1;
        let id = quick_id(text).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        // A line that is not of this id means another log than the one that was read.
        let is_line = (text.len() < line.len() || is_last) && memchr::memchr(b'\n', text).is_none();
        if !is_line || hash_id(&self.index.table().key(), &id) != hash {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.last_line = self.start + self.piece.len() as u64;
        self.piece.extend_from_slice(text);
        self.piece.push(b'\n');
        let length = u32::try_from(text.len() + 1).unwrap_or(u32::MAX);
        let place = Place {
            offset: self.last_line,
            length,
        };
        self.index.put_new(Slot { hash, place })?;
        entries.add(&id, place.offset, length)?;
        if self.piece.len() >= PIECE_BYTES {
            self.send()?;
        }
        Ok(())
    }

    /// Hands the lines on, and compares them with what the old log has there.
    fn send(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES * 2));
        let end = self.start + piece.len() as u64;
        if self.is_begin_of_old {
            self.is_begin_of_old = end <= self.state.pending.end()
                && self.state.data.read(self.start, piece.len() as u64)? == piece;
        }
        self.start = end;
        // The writer ended at an error, which it tells.
        let sent = self.pieces.send(piece);
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// A part of the log in memory.
struct Window<'a> {
    data: &'a DataFile,
    start: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// Returns the line at a place, which is the first of those that follow each other.
    fn line(&mut self, place: Place, places: &[PackedSlot]) -> io::Result<&[u8]> {
        let end = place.offset + u64::from(place.length);
        if place.offset < self.start || end > self.start + self.bytes.len() as u64 {
            self.read(place, places)?;
        }
        let at = usize::try_from(place.offset - self.start).map_err(io::Error::other)?;
        let line = self.bytes.get(at..at + place.length as usize);
        line.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Reads lines that stand together.
    fn read(&mut self, first: Place, places: &[PackedSlot]) -> io::Result<()> {
        let mut end = first.offset + u64::from(first.length);
        for packed in places.iter().skip(1) {
            let next = packed.slot().place;
            let next_end = next.offset + u64::from(next.length);
            let is_near = next.offset.saturating_sub(end) <= GAP_BYTES;
            if !is_near || next_end > first.offset + PIECE_BYTES as u64 || !is_exact(next) {
                break;
            }
            end = end.max(next_end);
        }
        self.start = first.offset;
        self.bytes.clear();
        let length = usize::try_from(end - first.offset).map_err(io::Error::other)?;
        self.bytes.resize(length, 0);
        let mut filled = 0;
        while let Some(to) = self.bytes.get_mut(filled..).filter(|to| !to.is_empty()) {
            match self.data.read_some(to, first.offset + filled as u64)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => filled += n,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::FastStore;
    use crate::documents::Layout;
    use crate::documents::StoreOptions;
    use crate::documents::format::IndexForm;

    /// Opens a log with these bytes.
    fn opened(root: &std::path::Path, log: &str) -> FastStore {
        let layout = Layout::new(root, "c").unwrap();
        layout.init_collection().unwrap();
        std::fs::write(layout.data_file(), log).unwrap();
        FastStore::open_with(layout, &StoreOptions::default()).unwrap()
    }

    fn copied(store: &FastStore, to: &std::path::Path) -> io::Result<(String, Copied)> {
        let state = store.read_state().unwrap();
        let count = state.index.len() as u64;
        let entries = IndexWriter::new(&to.with_extension("bin"), IndexForm::Binary, count)?;
        let file = File::create(to)?;
        let copied = copy_live(&state, &file, entries)?;
        Ok((std::fs::read_to_string(to)?, copied))
    }

    #[test]
    fn log_that_begins_with_its_copy_is_told_from_others() {
        let a = "{\"_id\":\"a\",\"n\":1}\n";
        let b = "{\"_id\":\"b\",\"n\":1}\n";
        let cases = [
            (String::new(), String::new(), true),
            ([a, b].concat(), [a, b].concat(), true),
            // The same line twice: the second one moves to where the first one was.
            ([a, a].concat(), a.to_owned(), true),
            ([a, b, a, b].concat(), [a, b].concat(), true),
            ([a, b, a].concat(), [b, a].concat(), false),
            ([b, "\n", a].concat(), [b, a].concat(), false),
            ([b, a, "\n"].concat(), [b, a].concat(), true),
            // The copy has a line feed more.
            (a.trim_end().to_owned(), a.to_owned(), false),
        ];
        for (log, expected, is_begin) in cases {
            let dir = tempfile::tempdir().unwrap();
            let store = opened(&dir.path().join("s"), &log);
            let (text, copied) = copied(&store, &dir.path().join("new")).unwrap();
            assert_eq!(
                (&text, copied.is_begin_of_old),
                (&expected, is_begin),
                "{log}"
            );
            assert_eq!(copied.content, Content::of(text.as_bytes()));
            assert_eq!(copied.index.live_bytes(), text.len() as u64);
            let last = text.trim_end().rfind('\n').map_or(0, |at| at + 1);
            assert_eq!(copied.last_line, last as u64);
        }
    }

    #[test]
    fn copy_over_gaps_of_any_length_has_the_live_lines_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = String::new();
        let mut live = Vec::new();
        for n in 0_usize..400 {
            // Some gaps are longer than a piece, some lines longer than a slot can tell.
            let length = [10, 1000, 70_000, 1_200_000][(n * n % 89).saturating_sub(85)];
            let dead = format!("{{\"_id\":\"dead\",\"t\":\"{}\"}}\n", "x".repeat(length));
            log += &dead.repeat(n % 3);
            let line = format!(
                "{{ \"n\": {n}, \"_id\": \"d{n}\", \"t\":\"{}\"}}\r\n",
                "y".repeat(length / 2 + n)
            );
            log += &line;
            live.push(line);
        }
        log += "{\"_id\":\"dead\"}";
        live.push("{\"_id\":\"dead\"}\n".to_owned());
        let store = opened(&dir.path().join("s"), &log);
        let (text, copied) = copied(&store, &dir.path().join("new")).unwrap();
        assert!(text == live.concat());
        assert!(!copied.is_begin_of_old);
        let mut at = 0;
        for (n, line) in live.iter().enumerate() {
            let id = if n == 400 {
                "dead".to_owned()
            } else {
                format!("d{n}")
            };
            let new = DataFile::open(&dir.path().join("new")).unwrap();
            let found = copied.index.find(&id, &new.view(), <[u8]>::to_vec).unwrap();
            let (place, found) = found.unwrap();
            assert!(
                (place.offset, found.as_slice()) == (at, line.as_bytes()),
                "{id}"
            );
            at += line.len() as u64;
        }
    }

    #[test]
    fn line_that_another_program_changed_is_not_copied() {
        let (a, b) = ("{\"_id\":\"a\",\"n\":1}\n", "{\"_id\":\"b\",\"n\":1}\n");
        for changed in [
            [a, &b.replace("\"b\"", "\"x\"")].concat(),
            [a, &b.replace(",\"", "\n \"")].concat(),
            [a, &b.replace('\n', " ")].concat(),
            a.to_owned(),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let store = opened(&dir.path().join("s"), &[a, b].concat());
            std::fs::write(store.layout().data_file(), &changed).unwrap();
            let failed = copied(&store, &dir.path().join("new")).map(|_| ());
            assert_eq!(
                failed.unwrap_err().kind(),
                io::ErrorKind::UnexpectedEof,
                "{changed}"
            );
        }
    }
}
