//! Writer of a segment: parts one after the other, checksums of blocks, the description, and the head at the end.

use std::fs::File;
use std::io::BufWriter;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::io::Write as _;
use std::path::Path;

use crate::features::error::FeatureError;
use crate::features::schema::TableSchema;
use crate::features::segment::Area;
use crate::features::segment::BLOCK_BYTES;
use crate::features::segment::ColumnDescription;
use crate::features::segment::Description;
use crate::features::segment::HEAD_BYTES;
use crate::features::segment::Head;
use crate::features::segment::Origin;
use crate::features::segment::Part;
use crate::features::segment::RowLayout;
use crate::features::segment::Slot;
use crate::features::segment::Storage;
use crate::features::segment::block_check;
use crate::file_io::IfExists;
use crate::file_io::TemporaryPath;
use crate::file_io::put_in_place;
use crate::ident::to_hex;

/// Bytes of a write.
const WRITE_BYTES: usize = 1 << 20;

/// The bytes of a part.
#[derive(Default)]
pub(super) struct Extent {
    pub(super) cells: Vec<u8>,
    pub(super) rows: Vec<u8>,
    pub(super) heap: Vec<u8>,
    pub(super) row_count: u64,
    pub(super) duplicates: u64,
}

/// A segment that is being written beside its path.
pub(super) struct SegmentWriter {
    temporary: TemporaryPath,
    out: BufWriter<File>,
    /// The offset of the next byte.
    at: u64,
    /// Bytes of the block that is not full yet.
    block: Vec<u8>,
    checks: Vec<u8>,
    parts: Vec<Part>,
}

impl SegmentWriter {
    /// Creates the file, after removing those of writers that were killed.
    pub(super) fn create(path: &Path) -> Result<Self, FeatureError> {
        let made = TemporaryPath::file(path, Some(0o600));
        let (temporary, file) = made.map_err(|e| FeatureError::file("create", path, e))?;
        let mut writer = Self {
            temporary,
            out: BufWriter::with_capacity(WRITE_BYTES, file),
            at: HEAD_BYTES as u64,
            block: Vec::with_capacity(BLOCK_BYTES),
            checks: Vec::new(),
            parts: Vec::new(),
        };
        let written = writer.out.write_all(&[0; HEAD_BYTES]);
        written.map_err(|e| writer.failed(e))?;
        Ok(writer)
    }

    /// Writes the next part.
    pub(super) fn put(&mut self, extent: &Extent, row_bytes: usize) -> Result<(), FeatureError> {
        let part = Part {
            at: self.at,
            cells: (extent.cells.len() / crate::features::segment::CELL_BYTES) as u64,
            rows: extent.row_count,
            heap: extent.heap.len() as u64,
        };
        let places = part.rows_at().zip(part.heap_at(row_bytes));
        let ((rows_at, heap_at), end) = places.zip(part.end(row_bytes)).unwrap_or_default();
        self.write(&extent.cells, rows_at)?;
        self.write(&extent.rows, heap_at)?;
        self.write(&extent.heap, end)?;
        self.parts.push(part);
        Ok(())
    }

    /// Writes bytes, and zeros up to an offset.
    fn write(&mut self, bytes: &[u8], end: u64) -> Result<(), FeatureError> {
        const ZEROS: [u8; 64] = [0; 64];
        self.write_bytes(bytes)?;
        let rest = usize::try_from(end.saturating_sub(self.at)).unwrap_or(0);
        self.write_bytes(ZEROS.get(..rest).unwrap_or_default())
    }

    fn write_bytes(&mut self, bytes: &[u8]) -> Result<(), FeatureError> {
        let written = self.out.write_all(bytes);
        written.map_err(|e| self.failed(e))?;
        self.at += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.block.is_empty() && rest.len() >= BLOCK_BYTES {
                let (block, more) = rest.split_at(BLOCK_BYTES);
                self.checks.extend_from_slice(&block_check(block));
                rest = more;
                continue;
            }
            let room = (BLOCK_BYTES - self.block.len()).min(rest.len());
            let (now, more) = rest.split_at(room);
            self.block.extend_from_slice(now);
            rest = more;
            if self.block.len() == BLOCK_BYTES {
                self.checks.extend_from_slice(&block_check(&self.block));
                self.block.clear();
            }
        }
        Ok(())
    }

    /// Writes the rest, makes the file durable, and puts it in its place. Returns the rows and the bytes.
    pub(super) fn finish(
        mut self,
        path: &Path,
        (schema, layout): (&TableSchema, &RowLayout),
        (seed, (duplicates, null_keys)): ([u8; 16], (u64, u64)),
        origin: &Origin,
    ) -> Result<(u64, u64), FeatureError> {
        if !self.block.is_empty() {
            self.checks.extend_from_slice(&block_check(&self.block));
        }
        let rows = self.parts.iter().map(|part| part.rows).sum();
        let columns = schema.columns().iter().zip(&layout.slots);
        let describe = |(column, slot): (_, &Slot)| {
            ColumnDescription::new(column, slot.storage, slot.null_bit.is_some())
        };
        debug_assert!(layout.slots.iter().all(|s| s.storage != Storage::Fixed(0)));
        let description = Description {
            origin: origin.clone(),
            columns: columns.map(describe).collect(),
            key: schema.key().map(|c| c.name.clone()).collect(),
            timestamp: schema.timestamp().map(|c| c.name.clone()),
            row_bytes: layout.bytes,
            rows,
            seed: to_hex(&seed),
            duplicates,
            null_keys,
            parts: std::mem::take(&mut self.parts),
        };
        let description = serde_json::to_vec(&description).unwrap_or_default();
        let head = Head {
            checks: Area::of(self.at, &self.checks),
            description: Area::of(self.at + self.checks.len() as u64, &description),
        };
        let written = self.write_end(&description, &head, path);
        written.map_err(|e| self.failed(e))?;
        Ok((rows, head.description.at + head.description.bytes))
    }

    fn write_end(&mut self, description: &[u8], head: &Head, path: &Path) -> std::io::Result<()> {
        self.out.write_all(&self.checks)?;
        self.out.write_all(description)?;
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&head.encode())?;
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        put_in_place(self.temporary.path(), path, IfExists::Replace)?;
        match path.parent() {
            Some(directory) => File::open(directory)?.sync_all(),
            None => Ok(()),
        }
    }

    fn failed(&self, source: std::io::Error) -> FeatureError {
        FeatureError::file("write", self.temporary.path(), source)
    }
}

impl Drop for SegmentWriter {
    fn drop(&mut self) {
        // It is gone already if it is in its place.
        let _ = std::fs::remove_file(self.temporary.path());
    }
}
