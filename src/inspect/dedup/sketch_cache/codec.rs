//! Codec of sketch files. Normative: `spec/sketch-cache.md`.

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

/// Header of a sketch file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SketchHeader {
    /// Hash of the comparison parameters.
    pub parameters: [u8; 32],
    /// Bytes of one sketch.
    pub width: usize,
    /// Shingles that sketches skip, ascending.
    pub common: Vec<u32>,
}

impl SketchHeader {
    /// Encodes the header.
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

    /// Decodes a header from exactly these bytes.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not a valid header.
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

/// A run in a sketch file.
#[derive(Clone, Copy, Debug)]
pub(in crate::inspect::dedup::sketch_cache) struct RunEntry {
    key: u128,
    /// Offset of its states.
    at: u64,
    check: [u8; 4],
    rows: u8,
    prints: u8,
}

/// Reader of a sketch file. Runs are read on demand.
pub struct SketchFile {
    source: Box<dyn ReadAt>,
    header: SketchHeader,
    /// Entries in the order of their keys.
    entries: Vec<RunEntry>,
}

impl SketchFile {
    /// Reads the header and the table of at most `runs_max` runs.
    ///
    /// # Errors
    /// `InvalidData` if the file is malformed, and errors of the source.
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

    /// The header of the file.
    pub fn header(&self) -> &SketchHeader {
        &self.header
    }

    /// Iterates over the runs: key and number of rows.
    pub fn keys(&self) -> impl Iterator<Item = (u128, usize)> {
        self.entries.iter().map(|e| (e.key, usize::from(e.rows)))
    }

    /// Number of runs.
    pub fn runs(&self) -> usize {
        self.entries.len()
    }

    /// Reads the states and sketches of a run of `rows` rows; `None` if it is unknown or damaged.
    pub fn run(&self, key: u128, rows: usize) -> Option<SketchRun> {
        let at = self.entries.binary_search_by_key(&key, |e| e.key).ok()?;
        let entry = self.entries.get(at)?;
        if usize::from(entry.rows) != rows {
            return None;
        }
        let length = run_bytes(rows, entry.prints.into(), self.header.width);
        let bytes = read(&*self.source, entry.at, length as u64).ok()?;
        let run = SketchRun { rows, bytes };
        let count = run.states().iter().filter(|s| **s == RowState::Print as u8);
        let is_whole = check_of(&run.bytes) == entry.check
            && count.count() == usize::from(entry.prints)
            && run.states().iter().all(|s| *s <= RowState::Print as u8);
        is_whole.then_some(run)
    }
}

/// State of a row in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowState {
    /// The row has no sketch yet, because an equal row is elsewhere.
    Unseen = 0,
    /// The row has no content to sketch.
    Nothing = 1,
    /// The row has a sketch.
    Print = 2,
}

/// States of consecutive rows, and the sketches of those that have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SketchRun {
    pub(in crate::inspect::dedup::sketch_cache) rows: usize,
    pub(in crate::inspect::dedup::sketch_cache) bytes: Vec<u8>,
}

impl SketchRun {
    /// The states of its rows.
    pub fn states(&self) -> &[u8] {
        self.bytes.get(..self.rows).unwrap_or_default()
    }

    /// The sketches, concatenated.
    pub fn prints(&self) -> &[u8] {
        self.bytes.get(self.rows..).unwrap_or_default()
    }
}

/// Builder of the table at the end of a sketch file.
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

    pub(in crate::inspect::dedup::sketch_cache) fn push(&mut self, key: u128, run: &SketchRun) {
        let states = run.states().iter();
        let prints = states.filter(|s| **s == RowState::Print as u8).count();
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

    /// Returns the bytes of the table.
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

/// Extends the key of a run by the hash of its next row.
pub(in crate::inspect::dedup::sketch_cache) fn joined(key: u128, hash: u128) -> u128 {
    let both = [key.to_le_bytes(), hash.to_le_bytes()];
    hash_128(both.as_flattened())
}

fn entries(
    table: &[u8],
    count: usize,
    header: &SketchHeader,
    (mut at, end): (u64, u64),
) -> Result<Vec<RunEntry>, DecodeError> {
    let mut r = Reader::new(table);
    let mut entries = Vec::with_capacity(count.min(table.len() / ENTRY_BYTES));
    for _ in 0..count {
        let key = u128::from_le_bytes(r.array()?);
        let (rows, prints) = (r.u8()?, r.u8()?);
        if rows == 0 || usize::from(rows) > RUN_ROWS_MAX || prints > rows {
            return Err(DecodeError::Invalid("rows of a run"));
        }
        let check = r.array()?;
        entries.push(RunEntry {
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
    // Of runs with equal rows, prefer the one with the most sketches.
    entries.sort_unstable_by_key(|e: &RunEntry| (e.key, Reverse(e.prints)));
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

/// Reads exactly `length` bytes of the source.
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

/// Largest number of rows in a run.
pub(in crate::inspect::dedup::sketch_cache) const RUN_ROWS_MAX: usize = 64;
const MAGIC: [u8; 8] = *b"\x89ALI\r\n\x1a\n";
const VERSION: u32 = 1;
/// Version of the hash and sketch scheme. A change of either needs a new number.
const SCHEME: u32 = 1;
const ENTRY_BYTES: usize = 22;
const FOOTER_BYTES: u64 = 40;
/// Size limit of the header: five bytes per shingle, and the fixed part.
const FRONT_BYTES_MAX: usize = 64 + 5 * PRINT_COMMON_MAX;
