//! Sketches as bytes. Normative: `spec/prints.md`.

use std::cmp::Reverse;
use std::io;

use crate::inspect::dedup::exact::hash::hash_128;
use crate::read_at::ReadAt;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::PRINT_BYTES_MAX;
use crate::wire::limits::PRINT_COMMON_MAX;
use crate::wire::limits::PRINT_RUNS_MAX;

/// What comes before the prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SketchHeader {
    /// A hash of what rows are compared by.
    pub parameters: [u8; 32],
    /// Bytes of a print.
    pub width: usize,
    /// Shingles that sketches leave out, ascending.
    pub common: Vec<u32>,
}

impl SketchHeader {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.bytes(&MAGIC).u32(VERSION).u32(SCHEME);
        w.bytes(&self.parameters);
        w.u16(u16::try_from(self.width).unwrap_or(u16::MAX));
        w.varint(self.common.len() as u64);
        let mut before = 0;
        for shingle in &self.common {
            w.varint(u64::from(shingle.wrapping_sub(before)));
            before = *shingle;
        }
        w.into_bytes()
    }

    /// Reads the bytes of one, all of them.
    ///
    /// # Errors
    /// [`DecodeError`] when they are not what they should be.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if r.array()? != MAGIC {
            return Err(DecodeError::Magic("file of prints"));
        }
        let version = r.u32()?;
        if version != VERSION || r.u32()? != SCHEME {
            return Err(DecodeError::Version(version));
        }
        let parameters = r.array()?;
        let width = usize::from(r.u16()?);
        if width == 0 || width > PRINT_BYTES_MAX {
            return Err(DecodeError::Invalid("width"));
        }
        let count = within("common", r.varint()?, PRINT_COMMON_MAX)?;
        let mut common: Vec<u32> = Vec::new();
        for _ in 0..count {
            let more = r.varint()?;
            let before = common.last().copied().map_or(0, u64::from);
            let is_more = more > 0 || common.is_empty();
            let next = before.checked_add(more).filter(|_| is_more);
            let next = next.and_then(|n| u32::try_from(n).ok());
            common.push(next.ok_or(DecodeError::Invalid("common"))?);
        }
        r.end()?;
        Ok(Self {
            parameters,
            width,
            common,
        })
    }
}

/// A run in a file.
#[derive(Clone, Copy, Debug)]
pub(in crate::inspect::dedup::sketch_cache) struct Entry {
    key: u128,
    /// Where its states begin.
    at: u64,
    check: [u8; 4],
    rows: u8,
    prints: u8,
}

/// A file of prints. What it says of a run is read when it is asked for.
pub struct SketchFile {
    source: Box<dyn ReadAt>,
    header: SketchHeader,
    /// By their keys.
    entries: Vec<Entry>,
}

impl SketchFile {
    /// Reads what comes before and behind the prints of at most so many runs.
    ///
    /// # Errors
    /// `InvalidData` when the file is not what it should be, and those of the source.
    pub fn open(source: Box<dyn ReadAt>, runs_max: usize) -> io::Result<Self> {
        let size = source.len();
        let footer_at = size.checked_sub(FOOTER_BYTES).ok_or(invalid_data())?;
        let footer = read(&*source, footer_at, FOOTER_BYTES)?;
        let mut r = Reader::new(&footer);
        let (front, count) = (r.u32().map_err(bad)?, r.u32().map_err(bad)?);
        let limit = runs_max.min(PRINT_RUNS_MAX);
        let count = within("runs", count.into(), limit).map_err(bad)?;
        let front = within("front", front.into(), FRONT_BYTES_MAX).map_err(bad)? as u64;
        let table_at = footer_at.checked_sub((count * ENTRY_BYTES) as u64);
        let table_at = table_at.filter(|at| *at >= front).ok_or(invalid_data())?;
        let head = read(&*source, 0, front)?;
        let tail = read(&*source, table_at, size - table_at)?;
        let (table, check) = tail.split_last_chunk::<32>().ok_or(invalid_data())?;
        let mut hasher = blake3::Hasher::new();
        if hasher.update(&head).update(table).finalize() != *check {
            return Err(bad(DecodeError::Checksum("prints")));
        }
        let header = SketchHeader::decode(&head).map_err(bad)?;
        let entries = entries(table, count, &header, (front, table_at)).map_err(bad)?;
        Ok(Self {
            source,
            header,
            entries,
        })
    }

    /// What comes before the prints.
    pub fn header(&self) -> &SketchHeader {
        &self.header
    }

    /// The key of every run, and how many rows it has.
    pub fn keys(&self) -> impl Iterator<Item = (u128, usize)> {
        self.entries.iter().map(|e| (e.key, usize::from(e.rows)))
    }

    /// How many runs there are.
    pub fn runs(&self) -> usize {
        self.entries.len()
    }

    /// The states and prints of a run of so many rows; none where it is not known or damaged.
    pub fn run(&self, key: u128, rows: usize) -> Option<Run> {
        let at = self.entries.binary_search_by_key(&key, |e| e.key).ok()?;
        let entry = self.entries.get(at)?;
        if usize::from(entry.rows) != rows {
            return None;
        }
        let length = run_bytes(rows, entry.prints.into(), self.header.width);
        let bytes = read(&*self.source, entry.at, length as u64).ok()?;
        let run = Run { rows, bytes };
        let count = run.states().iter().filter(|s| **s == State::Print as u8);
        let is_whole = check_of(&run.bytes) == entry.check
            && count.count() == usize::from(entry.prints)
            && run.states().iter().all(|s| *s <= State::Print as u8);
        is_whole.then_some(run)
    }
}

/// What is known of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was not looked at, since the same row is elsewhere.
    Unseen = 0,
    /// It has nothing that could be sketched.
    Nothing = 1,
    /// It has a print.
    Print = 2,
}

/// The states of rows that follow each other, and the prints of those that have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub(in crate::inspect::dedup::sketch_cache) rows: usize,
    pub(in crate::inspect::dedup::sketch_cache) bytes: Vec<u8>,
}

impl Run {
    /// The states of its rows.
    pub fn states(&self) -> &[u8] {
        self.bytes.get(..self.rows).unwrap_or_default()
    }

    /// The prints, one behind the other.
    pub fn prints(&self) -> &[u8] {
        self.bytes.get(self.rows..).unwrap_or_default()
    }
}

/// What is behind the runs of a file that is being written.
pub(in crate::inspect::dedup::sketch_cache) struct TableWriter {
    front: u32,
    hasher: blake3::Hasher,
    table: Writer,
    count: u32,
}

impl TableWriter {
    pub(in crate::inspect::dedup::sketch_cache) fn new(header: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(header);
        Self {
            front: u32::try_from(header.len()).unwrap_or(u32::MAX),
            hasher,
            table: Writer::new(),
            count: 0,
        }
    }

    pub(in crate::inspect::dedup::sketch_cache) fn push(&mut self, key: u128, run: &Run) {
        let states = run.states().iter();
        let prints = states.filter(|s| **s == State::Print as u8).count();
        let small = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
        self.table
            .bytes(&key.to_le_bytes())
            .u8(small(run.rows))
            .u8(small(prints))
            .bytes(&check_of(&run.bytes));
        self.count += 1;
    }

    pub(in crate::inspect::dedup::sketch_cache) fn count(&self) -> usize {
        self.count as usize
    }

    /// The bytes to put behind the runs.
    pub(in crate::inspect::dedup::sketch_cache) fn finish(mut self) -> Vec<u8> {
        self.table.u32(self.front).u32(self.count);
        let check = *self
            .hasher
            .update(self.table.as_bytes())
            .finalize()
            .as_bytes();
        self.table.bytes(&check);
        self.table.into_bytes()
    }
}

/// The key of a run, from that of the rows before the last and the last one's hash.
pub(in crate::inspect::dedup::sketch_cache) fn joined(key: u128, hash: u128) -> u128 {
    let both = [key.to_le_bytes(), hash.to_le_bytes()];
    hash_128(both.as_flattened())
}

fn entries(
    table: &[u8],
    count: usize,
    header: &SketchHeader,
    (mut at, end): (u64, u64),
) -> Result<Vec<Entry>, DecodeError> {
    let mut r = Reader::new(table);
    let mut entries = Vec::with_capacity(count.min(table.len() / ENTRY_BYTES));
    for _ in 0..count {
        let key = u128::from_le_bytes(r.array()?);
        let (rows, prints) = (r.u8()?, r.u8()?);
        if rows == 0 || usize::from(rows) > RUN_ROWS_MAX || prints > rows {
            return Err(DecodeError::Invalid("rows of a run"));
        }
        let check = r.array()?;
        entries.push(Entry {
            key,
            at,
            check,
            rows,
            prints,
        });
        at += run_bytes(rows.into(), prints.into(), header.width) as u64;
    }
    if at != end {
        return Err(DecodeError::Invalid("length of the runs"));
    }
    // Of runs with the same rows, the one in which most of them were looked at.
    entries.sort_unstable_by_key(|e: &Entry| (e.key, Reverse(e.prints)));
    entries.dedup_by_key(|e| e.key);
    Ok(entries)
}

fn run_bytes(rows: usize, prints: usize, width: usize) -> usize {
    rows + prints * width
}

fn check_of(bytes: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = *blake3::hash(bytes).as_bytes();
    [a, b, c, d]
}

fn within(field: &'static str, value: u64, limit: usize) -> Result<usize, DecodeError> {
    let limit = limit as u64;
    match usize::try_from(value) {
        Ok(n) if value <= limit => Ok(n),
        _ => Err(DecodeError::Limit {
            field,
            value,
            limit,
        }),
    }
}

/// Bytes of the source, of which there are to be as many.
fn read(source: &dyn ReadAt, at: u64, length: u64) -> io::Result<Vec<u8>> {
    let is_there = at
        .checked_add(length)
        .is_some_and(|end| end <= source.len());
    let length = usize::try_from(length).ok().filter(|_| is_there);
    let mut bytes = vec![0; length.ok_or(invalid_data())?];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|r| !r.is_empty()) {
        match source.read_at(rest, at + filled as u64) {
            Ok(0) => return Err(invalid_data()),
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(bytes)
}

fn bad(error: DecodeError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn invalid_data() -> io::Error {
    bad(DecodeError::Truncated)
}

/// Rows of a run at most.
pub(in crate::inspect::dedup::sketch_cache) const RUN_ROWS_MAX: usize = 64;
const MAGIC: [u8; 8] = *b"\x89ALI\r\n\x1a\n";
const VERSION: u32 = 1;
/// How rows are hashed and sketched. Another number, when that changes.
const SCHEME: u32 = 1;
const ENTRY_BYTES: usize = 22;
const FOOTER_BYTES: u64 = 40;
/// Bytes before the runs at most: five for each shingle, and what is before them.
const FRONT_BYTES_MAX: usize = 64 + 5 * PRINT_COMMON_MAX;
