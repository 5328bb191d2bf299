//! One file of a target, on disk or in a dataset.

use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_schema::Schema;

use crate::inspect::Compression;
use crate::inspect::Dialect;
use crate::inspect::FileFormat;
use crate::inspect::Format;
use crate::inspect::Orient;
use crate::inspect::ReadOptions;
use crate::inspect::TextEncoding;
use crate::inspect::edits::EditedSource;
use crate::inspect::edits::FileOverlay;
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::NextBatch;
use crate::inspect::table::OpenOptions;
use crate::inspect::table::Opened;
use crate::inspect::table::RowIndex;
use crate::inspect::table::SchemaFrom;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::TableError;
use crate::inspect::table::open_table;
use crate::locks::threads;
use crate::progress::NoProgress;
use crate::progress::Progress;
use crate::read_at::ReadAt;
use crate::registry::TextFile;
use crate::registry::cache::row_indexes::RowIndexEntry;
use crate::registry::error::Error;
use crate::registry::targets::dataset_file::DatasetFile;
use crate::registry::targets::dataset_file::io_error;

/// A file of a target.
#[derive(Clone)]
pub struct TargetFile {
    pub(in crate::registry) path: String,
    pub(in crate::registry) size_bytes: u64,
    pub(in crate::registry) format: Option<FileFormat>,
    /// The user's options for reading its text.
    pub(in crate::registry) reading: ReadOptions,
    pub(in crate::registry) place: FileLocation,
}

/// Description of a file, from its front and its end.
#[derive(Clone, Debug)]
pub struct FileDescription {
    /// The file's format.
    pub format: FileFormat,
    /// Schema of its rows.
    pub schema: Option<Schema>,
    /// Source of the schema.
    pub schema_from: SchemaFrom,
    /// Dialect of a delimited file.
    pub dialect: Option<Dialect>,
    /// Key of the list whose elements are the rows, if that is a member of an object.
    pub list: Option<String>,
    /// Orientation of a JSON file that is written by columns.
    pub orient: Option<Orient>,
    /// Encoding of a text file.
    pub encoding: TextEncoding,
}

/// Location of a file.
#[derive(Clone)]
pub(in crate::registry) enum FileLocation {
    Disk(PathBuf),
    Store(Arc<DatasetFile>),
    /// A file read as if its edits were applied.
    Edited(Box<TargetFile>, Arc<FileOverlay>),
}

impl TargetFile {
    /// Returns the path: in the dataset, below the directory, or as it was typed.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the length in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Returns the format and the schema of its rows, from its front and its end.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read, or has no rows.
    pub fn describe(&self) -> Result<(FileFormat, Option<Schema>), Error> {
        let opened = self.opened()?;
        Ok((opened.format, opened.schema()))
    }

    /// Returns the full description.
    ///
    /// # Errors
    /// As [`TargetFile::describe`].
    pub fn described(&self) -> Result<FileDescription, Error> {
        let opened = self.opened()?;
        Ok(FileDescription {
            format: opened.format,
            schema: opened.schema(),
            schema_from: opened.schema_from(),
            dialect: opened.dialect,
            list: opened.list,
            orient: opened.orient,
            encoding: opened.encoding,
        })
    }

    /// Returns true if no reading options override the rows that the file itself defines.
    fn has_own_rows(&self) -> bool {
        let read = ReadOptions {
            verify: false,
            ..self.reading
        };
        read == ReadOptions::default()
    }

    pub(in crate::registry) fn opened(&self) -> Result<Opened, Error> {
        let opened = self.source().and_then(|source| self.table(source, None));
        opened.map_err(|e| self.unopened(e))
    }

    /// Returns the number of rows, counting all that have a number.
    pub(in crate::registry) fn count(
        &self,
        home: &Path,
        progress: &dyn Progress,
    ) -> Result<u64, RowCountError> {
        if let FileLocation::Edited(base, overlay) = &self.place {
            return Ok(overlay.rows(base.count(home, progress)?));
        }
        let (opened, kept) = self.indexed(home).map_err(|e| self.unopened(e))?;
        if let Some(rows) = opened.table.rows() {
            return Ok(rows);
        }
        if is_lines(&opened) {
            return Ok(match &self.place {
                FileLocation::Disk(path) => TextFile::open(path, home)?.count(progress)?,
                FileLocation::Store(held) => held.lines()?,
                FileLocation::Edited(base, _) => return base.count(home, progress),
            });
        }
        // It counts from the last known offset. A header counts there, so it may be one row too
        // many.
        let index = opened.index.clone();
        let from = index.map_or(0, |index| index.last().row.saturating_sub(1));
        let table = Arc::clone(&opened.table);
        let selection = Selection {
            from,
            ..Selection::default()
        };
        let batches = batches(opened, kept, &selection)?;
        let mut rows = from;
        let mut batch = Batch::default();
        loop {
            match batches.next(&mut batch)? {
                NextBatch::Batch(_) => rows += batch.count(),
                NextBatch::End(_) => return Ok(table.rows().unwrap_or(rows)),
            }
            if progress.cancelled() {
                return Err(TableError::Interrupted.into());
            }
        }
    }

    /// Returns the number of rows. Blank lines of JSON Lines do not count as rows, although they
    /// have numbers.
    pub(in crate::registry) fn rows(
        &self,
        home: &Path,
        progress: &dyn Progress,
    ) -> Result<u64, RowCountError> {
        let opened = self.opened()?;
        if opened.format.format != Format::Jsonl {
            return self.count(home, progress);
        }
        let kept = self.kept(home)?.map(RowIndexEntry::of_count);
        let kept = kept.filter(|_| self.has_own_rows());
        if let Some(rows) = kept.as_ref().and_then(RowIndexEntry::count) {
            return Ok(rows);
        }
        let batches = opened.table.batches(&Selection::default())?;
        let rows = count_rows(&*batches, progress)?;
        if let Some(kept) = kept.filter(|_| self.size_bytes >= WORTH_BYTES) {
            kept.keep_count(rows);
        }
        Ok(rows)
    }

    /// Returns the cache entry for its rows.
    fn kept(&self, home: &Path) -> Result<Option<RowIndexEntry>, TableError> {
        Ok(match &self.place {
            FileLocation::Disk(path) => RowIndexEntry::on_disk(&Arc::new(File::open(path)?), home),
            FileLocation::Store(held) => Some(RowIndexEntry::in_store(held.text(), home)),
            FileLocation::Edited(..) => None,
        })
    }

    /// Returns rows from a given row on.
    pub(in crate::registry) fn batches(
        &self,
        selection: &Selection,
        home: &Path,
    ) -> Result<Arc<dyn Batches>, TableError> {
        if let FileLocation::Edited(base, overlay) = &self.place {
            return self.edited_batches(base, overlay, selection, home);
        }
        let (opened, kept) = self.indexed(home)?;
        if selection.from == 0 || !is_lines(&opened) {
            return batches(opened, kept, selection);
        }
        // The start of the line is known without reading those before it.
        let line = selection.from;
        let start = self.start_of_line(line, home)?;
        let opened = self.table(self.source()?, Some((line, start)))?;
        opened.table.batches(selection)
    }

    /// Returns the offset of a line; the length of the file if there is none.
    pub(in crate::registry::targets) fn start_of_line(
        &self,
        line: u64,
        home: &Path,
    ) -> Result<u64, TableError> {
        let start = match &self.place {
            FileLocation::Disk(path) => {
                TextFile::open(path, home).and_then(|mut text| text.start_of(line, &NoProgress))
            }
            FileLocation::Store(file) => file.start_of_line(line),
            FileLocation::Edited(base, _) => return base.start_of_line(line, home),
        };
        let start = start.map_err(|e| TableError::Read(io_error(&e)))?;
        Ok(start.unwrap_or(self.size_bytes))
    }

    /// Adds the file's name to an error.
    pub(in crate::registry) fn blame(&self, source: TableError) -> TableError {
        match source {
            TableError::Interrupted => TableError::Interrupted,
            source => TableError::InFile {
                file: self.path.clone(),
                source: Box::new(source),
            },
        }
    }

    /// Opens the file with the cached row index, and returns the cache entry.
    pub(in crate::registry::targets) fn indexed(
        &self,
        home: &Path,
    ) -> Result<(Opened, Option<RowIndexEntry>), TableError> {
        let (source, kept): (Arc<dyn ReadAt>, _) = match &self.place {
            FileLocation::Disk(path) => {
                let file = Arc::new(File::open(path)?);
                let kept = RowIndexEntry::on_disk(&file, home);
                (file, kept)
            }
            FileLocation::Store(held) => {
                let kept = RowIndexEntry::in_store(held.text(), home);
                (Arc::clone(held) as Arc<dyn ReadAt>, Some(kept))
            }
            FileLocation::Edited(..) => (self.source()?, None),
        };
        let opened = self.table(source, None)?;
        // The cached index describes the rows that the file itself defines.
        let kept = kept.filter(|_| self.has_own_rows());
        if let (Some(index), Some(kept)) = (&opened.index, &kept) {
            kept.load(index);
        }
        Ok((opened, kept))
    }

    /// Returns its bytes.
    pub(in crate::registry) fn source(&self) -> Result<Arc<dyn ReadAt>, TableError> {
        Ok(match &self.place {
            FileLocation::Disk(path) => Arc::new(File::open(path)?),
            FileLocation::Store(file) => Arc::clone(file) as Arc<dyn ReadAt>,
            // The rows of a columnar file are edited when they are decoded.
            FileLocation::Edited(base, overlay) if overlay.is_of_rows() => base.source()?,
            FileLocation::Edited(base, overlay) => {
                Arc::new(EditedSource::new(base.source()?, Arc::clone(overlay)))
            }
        })
    }

    fn table(
        &self,
        source: Arc<dyn ReadAt>,
        known: Option<(u64, u64)>,
    ) -> Result<Opened, TableError> {
        self.table_from(source, known, None)
    }

    /// Opens the rows with a known row of a file of lines, or a known index of other text.
    pub(in crate::registry::targets) fn table_from(
        &self,
        source: Arc<dyn ReadAt>,
        known: Option<(u64, u64)>,
        index: Option<RowIndex>,
    ) -> Result<Opened, TableError> {
        let options = OpenOptions {
            format: self.format,
            known,
            index,
            reading: self.reading,
        };
        let opened = open_table(source, &self.path, options)?;
        Ok(match &self.place {
            FileLocation::Edited(_, overlay) => opened.with_edited_rows(overlay),
            _ => opened,
        })
    }

    pub(in crate::registry) fn unopened(&self, source: TableError) -> Error {
        match source {
            TableError::Read(e) if matches!(self.place, FileLocation::Disk(_)) => {
                Error::file("read", &self.path, e)
            }
            source => Error::Rows {
                target: self.path.clone(),
                source,
            },
        }
    }
}

/// Counts rows on all cores. Order does not matter, so each batch is scanned once without
/// numbering.
fn count_rows(batches: &dyn Batches, progress: &dyn Progress) -> Result<u64, TableError> {
    let threads = threads();
    let count = || {
        let (mut rows, mut batch) = (0, Batch::default());
        loop {
            if progress.cancelled() {
                return Err(TableError::Interrupted);
            }
            match batches.next(&mut batch)? {
                NextBatch::Batch(_) => rows += batch.count_rows(),
                NextBatch::End(_) => return Ok(rows),
            }
            progress.advance(batch.bytes_read());
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(count)).collect();
        let own = count();
        others.into_iter().fold(own, |sum, other| {
            let panicked = |_| TableError::Read(std::io::Error::other("a thread panicked"));
            Ok(sum? + other.join().map_err(panicked)??)
        })
    })
}

/// Minimum size in bytes of a file whose row count is cached.
const WORTH_BYTES: u64 = 1 << 20;

/// Reason that a file's rows could not be counted.
pub(in crate::registry) enum RowCountError {
    /// A complete error.
    Complete(Error),
    /// An error without the file's name.
    Rows(TableError),
}

impl From<Error> for RowCountError {
    fn from(error: Error) -> Self {
        Self::Complete(error)
    }
}

impl From<TableError> for RowCountError {
    fn from(error: TableError) -> Self {
        Self::Rows(error)
    }
}

/// Returns rows from a given row on, and caches the offsets found meanwhile.
fn batches(
    opened: Opened,
    kept: Option<RowIndexEntry>,
    selection: &Selection,
) -> Result<Arc<dyn Batches>, TableError> {
    let batches = opened.table.batches(selection)?;
    Ok(match (opened.index, kept) {
        (Some(index), Some(kept)) => kept.keep_after(index, batches),
        _ => batches,
    })
}

/// Returns true if rows are the plain lines of the file, which have a line index.
pub(in crate::registry) fn is_lines(opened: &Opened) -> bool {
    let is_utf8 = opened.encoding == TextEncoding::Utf8;
    let is_plain = opened.format.compression == Compression::None && is_utf8;
    let is_text = matches!(opened.table.shape(), Shape::Text | Shape::Json);
    let formats = [Format::Jsonl, Format::Bytes];
    is_plain && is_text && opened.index.is_none() && formats.contains(&opened.format.format)
}

/// Batches whose errors name their file.
pub(in crate::registry) struct NamedBatches {
    pub(in crate::registry) file: String,
    pub(in crate::registry) inner: Arc<dyn Batches>,
}

impl Batches for NamedBatches {
    fn next(&self, batch: &mut Batch) -> Result<NextBatch, TableError> {
        self.inner.next(batch).map_err(|e| self.blame(e))
    }

    fn row(&self, number: u64, place: u32, into: &mut Batch) -> Result<bool, TableError> {
        let read = self.inner.row(number, place, into);
        read.map_err(|e| self.blame(e))
    }
}

impl NamedBatches {
    fn blame(&self, source: TableError) -> TableError {
        match source {
            TableError::Interrupted => TableError::Interrupted,
            source => TableError::InFile {
                file: self.file.clone(),
                source: Box::new(source),
            },
        }
    }
}
