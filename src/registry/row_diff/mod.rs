//! Row diff of two versions of a file of lines.
//!
//! It reads only chunks that one version lacks; shared subtrees are skipped. `input` has the sides,
//! `elsewhere` those at a URL, `select` pairs the files, `compare` handles formats whose rows are not
//! lines, `totals` compares chunks and files.

pub(crate) mod compare;
mod elsewhere;
pub(crate) mod input;
pub(crate) mod select;
pub(crate) mod totals;

use std::collections::HashMap;
use std::sync::Arc;

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::ident::ChunkId;
use crate::manifest::FileEntry;
use crate::read_at::ReadAt;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::row_diff::input::DiffInput;
use crate::registry::row_diff::input::PlacedFile;
use crate::store::disk::BlobReader;

/// Row differences of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowDiff {
    /// Path of the file in the first dataset.
    pub path: String,
    /// Number of rows only in the second, without the changed ones.
    pub added: u64,
    /// Number of rows only in the first, without the changed ones.
    pub removed: u64,
    /// Number of rows of the first that other rows replace in the second.
    pub changed: u64,
    /// Samples of these rows.
    pub samples: Vec<RowSample>,
    /// Number of bytes read.
    pub bytes_read: u64,
    /// Reason that the rows were not compared, if they were not.
    pub not_compared: Option<String>,
}

/// A differing row: its number from zero, and its first characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowSample {
    /// The row in the first dataset; `None` for an added row.
    pub before: Option<(u64, String)>,
    /// The row in the second dataset; `None` for a removed row.
    pub after: Option<(u64, String)>,
}

/// Maximum number of samples of each file.
pub(super) const SAMPLES_MAX: usize = 10;
/// Maximum number of characters of a row in a sample.
pub(super) const SAMPLE_CHARS: usize = 160;
/// Maximum number of rows whose text is kept during a comparison.
const TEXTS_MAX: usize = 4096;
/// Bytes of a file elsewhere that are read at a time.
const PIECE_BYTES: usize = 256 << 10;

/// A chunk of one file.
#[derive(Clone, Copy)]
struct Piece {
    id: ChunkId,
    at: u64,
    end: u64,
    newlines: u64,
}

/// Adjacent pieces that the other file lacks, widened to whole rows.
struct Region {
    start: u64,
    end: u64,
    first_row: u64,
    /// The shared chunk before the region; `None` at the file's beginning.
    anchor: Option<ChunkId>,
}

/// A row of a region.
struct Row {
    number: u64,
    hash: [u8; 16],
    text: String,
}

/// One side of a comparison.
struct DiffSide<'a> {
    registry: &'a LocalRegistry,
    reader: &'a BlobReader,
    input: &'a DiffInput,
    file: (u64, &'a FileEntry),
    /// The file's bytes, if not all of them are here.
    far: Option<Arc<dyn ReadAt>>,
    pieces: Vec<Piece>,
    /// True if the file does not begin and end at chunk boundaries.
    is_partial: bool,
    bytes_read: u64,
    texts: usize,
}

/// Compares two files of lines.
///
/// # Errors
/// [`Error`] when a tree or chunk is missing or damaged.
pub(super) fn compare_lines(
    (registry, reader): (&LocalRegistry, &BlobReader),
    (a, file_a): (&DiffInput, PlacedFile<'_>),
    (b, file_b): (&DiffInput, PlacedFile<'_>),
) -> Result<RowDiff, Error> {
    let side = |far, input, file| DiffSide {
        registry,
        reader,
        input,
        file,
        far,
        pieces: Vec::new(),
        is_partial: false,
        bytes_read: 0,
        texts: TEXTS_MAX,
    };
    let (far_a, far_b) = (a.far_bytes(file_a)?, b.far_bytes(file_b)?);
    compare(side(far_a, a, file_a), side(far_b, b, file_b))
}

fn compare(mut a: DiffSide<'_>, mut b: DiffSide<'_>) -> Result<RowDiff, Error> {
    a.find_pieces()?;
    b.find_pieces()?;
    let (held_a, held_b) = (counts(&a.pieces), counts(&b.pieces));
    let (regions_a, regions_b) = (a.regions(held_b)?, b.regions(held_a)?);
    let rows_a = regions_a
        .iter()
        .map(|r| a.rows(r))
        .collect::<Result<Vec<_>, _>>()?;
    let rows_b = regions_b
        .iter()
        .map(|r| b.rows(r))
        .collect::<Result<Vec<_>, _>>()?;
    // Equal rows at different positions are no difference.
    let only_a = without(&rows_a, &rows_b);
    let only_b = without(&rows_b, &rows_a);
    let mut places: HashMap<Option<ChunkId>, usize> = HashMap::new();
    for (n, region) in regions_b.iter().enumerate() {
        places.entry(region.anchor).or_insert(n);
    }
    let mut diff = RowDiff {
        bytes_read: a.bytes_read + b.bytes_read,
        ..RowDiff::default()
    };
    let mut used = vec![false; regions_b.len()];
    let none = Vec::new();
    for (region, removed) in regions_a.iter().zip(&only_a) {
        let place = places.get(&region.anchor).copied();
        let place = place.filter(|n| used.get(*n) == Some(&false));
        if let Some(flag) = place.and_then(|n| used.get_mut(n)) {
            *flag = true;
        }
        let added = place.and_then(|n| only_b.get(n)).unwrap_or(&none);
        diff.count(removed, added);
    }
    for (added, used) in only_b.iter().zip(used) {
        if !used {
            diff.count(&none, added);
        }
    }
    Ok(diff)
}

impl RowDiff {
    /// Counts the rows at one position. Opposite rows count as changed.
    fn count(&mut self, removed: &[&Row], added: &[&Row]) {
        let changed = removed.len().min(added.len());
        self.changed += changed as u64;
        self.removed += (removed.len() - changed) as u64;
        self.added += (added.len() - changed) as u64;
        let sample = |row: &&Row| (row.number, row.text.clone());
        for n in 0..removed.len().max(added.len()) {
            if self.samples.len() >= SAMPLES_MAX {
                return;
            }
            self.samples.push(RowSample {
                before: removed.get(n).map(sample),
                after: added.get(n).map(sample),
            });
        }
    }
}

fn counts(pieces: &[Piece]) -> HashMap<ChunkId, u64> {
    let mut counts = HashMap::new();
    for piece in pieces {
        *counts.entry(piece.id).or_default() += 1;
    }
    counts
}

/// Returns the rows of each region that `others` lacks. Each of the others cancels one row.
fn without<'a>(rows: &'a [Vec<Row>], others: &[Vec<Row>]) -> Vec<Vec<&'a Row>> {
    let mut left: HashMap<[u8; 16], u64> = HashMap::new();
    for row in others.iter().flatten() {
        *left.entry(row.hash).or_default() += 1;
    }
    let mut is_only = |row: &&Row| match left.get_mut(&row.hash).filter(|n| **n > 0) {
        Some(n) => {
            *n -= 1;
            false
        }
        None => true,
    };
    rows.iter()
        .map(|region| region.iter().filter(&mut is_only).collect())
        .collect()
}

impl DiffSide<'_> {
    /// Finds the file's chunks. A file that does not begin at a chunk boundary is a single piece,
    /// because such files are small.
    fn find_pieces(&mut self) -> Result<(), Error> {
        let (start, end) = (self.file.0, self.file.0 + self.file.1.size_bytes);
        let mut pieces = Vec::new();
        for placed in self.input.chunks(self.reader, start)? {
            let (at, chunk) = placed?;
            let chunk_end = at + u64::from(chunk.bytes);
            if at >= end {
                break;
            }
            if at < start || chunk_end > end {
                self.is_partial = true;
                pieces = vec![Piece {
                    id: chunk.id,
                    at: start,
                    end,
                    newlines: 0,
                }];
                break;
            }
            pieces.push(Piece {
                id: chunk.id,
                at,
                end: chunk_end,
                newlines: u64::from(chunk.newlines),
            });
        }
        self.pieces = pieces;
        Ok(())
    }

    /// Returns the runs of pieces that the other file lacks. Repeated pieces are matched one to
    /// one.
    fn regions(&mut self, mut left: HashMap<ChunkId, u64>) -> Result<Vec<Region>, Error> {
        let (mut regions, mut open): (Vec<Region>, Option<Region>) = (Vec::new(), None);
        let (mut row, mut before) = (0, None::<Piece>);
        let whole = self.file.0 + self.file.1.size_bytes;
        for piece in &self.pieces {
            let shared = left.get_mut(&piece.id).filter(|n| **n > 0);
            // A part of a chunk is compared as a whole.
            match shared.filter(|_| !self.is_partial) {
                Some(n) => {
                    *n -= 1;
                    regions.extend(open.take());
                }
                None => match &mut open {
                    Some(region) => region.end = piece.end,
                    none => {
                        *none = Some(Region {
                            start: piece.at,
                            end: piece.end,
                            first_row: row,
                            anchor: before.map(|p| p.id),
                        });
                    }
                },
            }
            row += piece.newlines;
            before = Some(*piece);
        }
        regions.extend(open);
        for region in &mut regions {
            region.start = self.row_start(region.start)?;
            region.end = self.row_end(region.end, whole)?;
        }
        // Regions widened to whole rows may touch.
        regions.dedup_by(|next, last| {
            let touch = next.start < last.end;
            if touch {
                last.end = last.end.max(next.end);
            }
            touch
        });
        Ok(regions)
    }

    /// Returns the start of the row that contains a byte.
    fn row_start(&mut self, at: u64) -> Result<u64, Error> {
        let mut step = 4 << 10;
        loop {
            let from = at.saturating_sub(step).max(self.file.0);
            let bytes = self.read(from, at)?;
            if let Some(n) = memchr::memrchr(b'\n', &bytes) {
                return Ok(from + n as u64 + 1);
            }
            if from == self.file.0 {
                return Ok(from);
            }
            step *= 4;
        }
    }

    /// Returns the end of the row that contains the byte before.
    fn row_end(&mut self, at: u64, whole: u64) -> Result<u64, Error> {
        if at >= whole || self.read(at - 1, at)? == b"\n" {
            return Ok(at);
        }
        let (mut from, mut step) = (at, 4 << 10);
        while from < whole {
            let to = whole.min(from + step);
            let bytes = self.read(from, to)?;
            if let Some(n) = memchr::memchr(b'\n', &bytes) {
                return Ok(from + n as u64 + 1);
            }
            (from, step) = (to, step * 4);
        }
        Ok(whole)
    }

    fn read(&mut self, start: u64, end: u64) -> Result<Vec<u8>, Error> {
        let mut found = Vec::new();
        self.each(start, end, &mut |bytes| found.extend_from_slice(bytes))?;
        Ok(found)
    }

    /// Passes the bytes between two offsets to `sink`. Adjacent chunks share a record, which is
    /// decompressed once.
    fn each(&mut self, start: u64, end: u64, sink: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        if self.far.is_some() {
            return self.each_far(start, end, sink);
        }
        if let (true, Some(dataset)) = (self.is_partial, self.input.dataset()) {
            let (m, file) = (&dataset.manifest, self.file);
            self.bytes_read += end.saturating_sub(start);
            let piece = &mut |bytes: &[u8]| {
                sink(bytes);
                Ok(())
            };
            return self
                .registry
                .each_piece(self.reader, m, file, (start, end), piece);
        }
        let first = self.pieces.partition_point(|p| p.end <= start);
        for piece in self.pieces.iter().skip(first) {
            if piece.at >= end {
                break;
            }
            let key = BlobKey::new(BlobKind::Chunk, *piece.id.as_bytes());
            let missing = || Error::from(BlobError::Missing(key));
            let at = self.reader.locate(&[key])?.pop().flatten();
            let at = at.ok_or_else(missing)?;
            let record = self.reader.record(&key, &at)?;
            let bytes = record.item(&key, at.item);
            let bytes = bytes.filter(|b| ChunkId::of(b) == piece.id);
            let bytes = bytes.ok_or_else(|| Error::from(BlobError::Corrupt(key)))?;
            let part = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
            let (from, to) = (part(start.saturating_sub(piece.at)), part(end - piece.at));
            sink(bytes.get(from..to).unwrap_or_default());
            self.bytes_read += bytes.len() as u64;
        }
        Ok(())
    }

    /// Passes the bytes of a file that is not here as a whole to `sink`.
    fn each_far(&mut self, start: u64, end: u64, sink: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        let Some(far) = &self.far else { return Ok(()) };
        let (first, path) = (self.file.0, &self.file.1.path);
        let most = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
        let mut piece = vec![0; most.min(PIECE_BYTES)];
        let mut at = start;
        while at < end {
            let left = usize::try_from(end - at).unwrap_or(usize::MAX);
            let wanted = left.min(piece.len());
            let read = far.read_at(piece.get_mut(..wanted).unwrap_or_default(), at - first);
            let n = read.map_err(|e| Error::file("read", path, e))?;
            if n == 0 {
                break;
            }
            sink(piece.get(..n).unwrap_or_default());
            at += n as u64;
        }
        self.bytes_read += at.saturating_sub(start);
        Ok(())
    }

    fn rows(&mut self, region: &Region) -> Result<Vec<Row>, Error> {
        let (mut rows, mut rest) = (Vec::new(), Vec::new());
        let (mut number, mut texts) = (region.first_row, self.texts);
        let mut one = |line: &[u8]| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let hash = blake3::hash(line);
            let text = match texts {
                0 => String::new(),
                _ => String::from_utf8_lossy(line)
                    .chars()
                    .take(SAMPLE_CHARS)
                    .collect(),
            };
            texts = texts.saturating_sub(1);
            rows.push(Row {
                number,
                hash: hash.as_bytes().first_chunk().copied().unwrap_or_default(),
                text,
            });
            number += 1;
        };
        self.each(region.start, region.end, &mut |bytes| {
            let mut bytes = bytes;
            while let Some(n) = memchr::memchr(b'\n', bytes) {
                let (line, after) = bytes.split_at(n);
                rest.extend_from_slice(line);
                one(&rest);
                rest.clear();
                bytes = after.get(1..).unwrap_or_default();
            }
            rest.extend_from_slice(bytes);
        })?;
        if !rest.is_empty() {
            one(&rest);
        }
        self.texts = texts;
        Ok(rows)
    }
}
