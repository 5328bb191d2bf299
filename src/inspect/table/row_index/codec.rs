//! Codec of row indexes, with the identity of their file.

use crate::ident::TreeId;
use crate::inspect::file_stamp::FileChange;
use crate::inspect::file_stamp::FileStamp;
use crate::inspect::file_stamp::RecordedFile;
use crate::inspect::file_stamp::begun;
use crate::inspect::file_stamp::checked;
use crate::inspect::file_stamp::sealed;
use crate::inspect::table::RowIndex;
use crate::inspect::table::RowKind;
use crate::inspect::table::TableError;
use crate::inspect::table::row_index::Point;
use crate::inspect::table::row_index::ROWS_APART;
use crate::inspect::table::row_index::STEP_MIN;
use crate::inspect::table::row_index::is_start;
use crate::read_at::ReadAt;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::limits::ROW_INDEX_BYTES_MAX;
use crate::wire::limits::ROW_INDEX_POINTS_MAX;

/// A row index with the identity of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRowIndex {
    kind: RowKind,
    file: IndexedFile,
    index: RowIndex,
}

/// A file of a dataset: a byte range under the root of a chunk tree. Every read verifies the bytes,
/// so they cannot change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredText {
    /// Root of the tree.
    pub tree: TreeId,
    /// Offset of the first byte in the dataset.
    pub start: u64,
    /// Length in bytes.
    pub size: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum IndexedFile {
    Disk(RecordedFile),
    Store(StoredText),
}

impl StoredRowIndex {
    /// Combines an index with the stamp of a file on disk, taken before the file was read.
    /// `is_settled` means that its last change was old enough: a later change then has another
    /// timestamp.
    ///
    /// # Errors
    /// I/O errors of reading the ends of the file.
    pub fn on_disk(
        index: RowIndex,
        kind: RowKind,
        (stamp, is_settled): (FileStamp, bool),
        source: &dyn ReadAt,
    ) -> Result<Self, TableError> {
        let covered = covered(&index, stamp.size);
        let seen = RecordedFile::new(stamp, is_settled, covered, source)?;
        Ok(Self {
            kind,
            file: IndexedFile::Disk(seen),
            index,
        })
    }

    /// Combines an index with a file in the store.
    pub fn in_store(index: RowIndex, kind: RowKind, text: StoredText) -> Self {
        Self {
            kind,
            file: IndexedFile::Store(text),
            index,
        }
    }

    /// Returns the part of the index that is valid for the present file on disk; `None` if no part
    /// is.
    ///
    /// # Errors
    /// I/O errors of checking samples.
    pub fn for_disk(
        self,
        kind: RowKind,
        now: &FileStamp,
        source: &dyn ReadAt,
    ) -> Result<Option<RowIndex>, TableError> {
        let IndexedFile::Disk(seen) = &self.file else {
            return Ok(None);
        };
        if self.kind != kind {
            return Ok(None);
        }
        match seen.change(now, source)? {
            FileChange::Unchanged => Ok(Some(self.index)),
            FileChange::Appended if kind == RowKind::Records => {
                let step = self.index.points.len().div_ceil(SAMPLES).max(1);
                for point in self.index.points.iter().rev().step_by(step) {
                    if !is_start(source, kind, point.at)? {
                        return Ok(None);
                    }
                }
                let rows = None;
                Ok(Some(RowIndex { rows, ..self.index }))
            }
            FileChange::Appended | FileChange::Rewritten => Ok(None),
        }
    }

    /// Returns the index without checking the file.
    pub fn into_index(self) -> RowIndex {
        self.index
    }

    /// Returns the index if it belongs to this file in the store.
    pub fn for_store(self, kind: RowKind, text: &StoredText) -> Option<RowIndex> {
        let is_it = self.kind == kind && self.file == IndexedFile::Store(*text);
        is_it.then_some(self.index)
    }

    /// Encodes the index. Only an index of a file beyond the capacity of any disk exceeds
    /// [`ROW_INDEX_BYTES_MAX`].
    pub fn encode(&self) -> Vec<u8> {
        let index = &self.index;
        let mut w = begun(MAGIC);
        w.u8(self.kind.number());
        match &self.file {
            IndexedFile::Disk(seen) => seen.write(false, w.u8(0)),
            IndexedFile::Store(text) => {
                w.u8(1).bytes(text.tree.as_bytes());
                w.varint(text.start).varint(text.size);
            }
        }
        w.varint(index.rows.map_or(0, |rows| rows.saturating_add(1)));
        w.u8(u8::try_from((index.step / STEP_MIN).ilog2()).unwrap_or(u8::MAX));
        w.varint(index.points.len() as u64);
        let mut last = Point::default();
        for point in &index.points {
            w.varint(point.row.saturating_sub(last.row + ROWS_APART));
            w.varint(point.at.saturating_sub(last.at + index.step));
            last = *point;
        }
        sealed(w)
    }

    /// Decodes an index. The encoding is canonical.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not a stored row index.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let inside = checked(bytes, MAGIC, "row index", ROW_INDEX_BYTES_MAX)?;
        let mut r = Reader::new(inside);
        let number = r.u8()?;
        let kind = KINDS.into_iter().find(|kind| kind.number() == number);
        let kind = kind.ok_or(DecodeError::Invalid("kind of rows"))?;
        let (file, size) = match r.u8()? {
            0 => {
                let (seen, flag) = RecordedFile::read(&mut r)?;
                if flag {
                    return Err(DecodeError::Invalid("flags"));
                }
                (IndexedFile::Disk(seen), seen.stamp.size)
            }
            1 => {
                let text = stored_text(&mut r)?;
                (IndexedFile::Store(text), text.size)
            }
            _ => return Err(DecodeError::Invalid("place of the file")),
        };
        let index = index(&mut r, size)?;
        r.end()?;
        match &file {
            IndexedFile::Disk(seen) if seen.covered != covered(&index, size) => {
                Err(DecodeError::Invalid("covered"))
            }
            _ => Ok(Self { kind, file, index }),
        }
    }
}

/// Number of file bytes that the index depends on.
fn covered(index: &RowIndex, size: u64) -> u64 {
    index.rows.map_or(index.last().at, |_| size)
}

fn stored_text(r: &mut Reader<'_>) -> Result<StoredText, DecodeError> {
    let text = StoredText {
        tree: TreeId::new(r.array()?),
        start: r.varint()?,
        size: r.varint()?,
    };
    match text.start.checked_add(text.size) {
        Some(_) => Ok(text),
        None => Err(DecodeError::Invalid("size")),
    }
}

/// Decodes the points of a file of this size. A row has at least one byte.
fn index(r: &mut Reader<'_>, size: u64) -> Result<RowIndex, DecodeError> {
    let rows = r.varint()?.checked_sub(1);
    let step = match r.u8()? {
        doubled @ ..=DOUBLED_MAX => STEP_MIN << doubled,
        _ => return Err(DecodeError::Invalid("distance of points")),
    };
    let count = r.varint()?;
    if count > ROW_INDEX_POINTS_MAX as u64 {
        return Err(DecodeError::Limit {
            field: "points",
            value: count,
            limit: ROW_INDEX_POINTS_MAX as u64,
        });
    }
    let (mut points, mut last) = (Vec::new(), Point::default());
    for _ in 0..count {
        let (row, at) = (r.varint()?, r.varint()?);
        let row = last
            .row
            .checked_add(ROWS_APART)
            .and_then(|n| n.checked_add(row));
        let at = last.at.checked_add(step).and_then(|n| n.checked_add(at));
        match (row, at) {
            (Some(row), Some(at)) if row <= at && at < size => last = Point { row, at },
            _ => return Err(DecodeError::Invalid("point")),
        }
        points.push(last);
    }
    let fits = rows.is_none_or(|rows| rows <= size && (rows > last.row || points.is_empty()));
    if fits {
        Ok(RowIndex { points, step, rows })
    } else {
        Err(DecodeError::Invalid("number of rows"))
    }
}

const KINDS: [RowKind; 3] = [RowKind::Records, RowKind::Elements, RowKind::Values];
/// Magic in the style of packs, so that a text-mode transfer breaks it visibly.
const MAGIC: [u8; 8] = *b"\x89ALR\r\n\x1a\n";
/// Largest number of doublings of the smallest distance within 64 bits.
const DOUBLED_MAX: u8 = 47;
/// Points checked again to detect a changed file.
const SAMPLES: usize = 16;
