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
use crate::registry::error::target::TargetError;
use crate::registry::targets::places::file_bytes::io_error;
use crate::registry::targets::places::remote_lines;
use crate::registry::targets::places::remote_place::RemotePlace;
use crate::registry::targets::places::stored_file::StoredFile;

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
    Store(Arc<dyn StoredFile>),
    Remote(Arc<RemotePlace>),
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
        opened.map_err(|e| self.unopened(self.cause_of(e)))
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
            match &self.place {
                FileLocation::Disk(path) => return Ok(TextFile::open(path, home)?.count(progress)?),
                FileLocation::Store(held) => return Ok(held.lines()?),
                FileLocation::Edited(base, _) => return base.count(home, progress),
                FileLocation::Remote(place) => {
                    return Ok(remote_lines::count(place, home, progress)?);
                }
            }
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
            match batches.next(&mut batch).map_err(|e| self.cause_of(e))? {
                NextBatch::Batch(_) => rows += batch.count(),
                NextBatch::End(_) => return Ok(table.rows().unwrap_or(rows)),
            }
            if progress.cancelled() {
                return Err(TableError::Interrupted.into());
            }
        }
    }

    /// Returns the number of rows. Blank lines of JSON Lines do not count as rows, although they
    /// have numbers. Of a file that is only in part here it is the publisher's claim.
    pub(in crate::registry) fn rows(
        &self,
        home: &Path,
        progress: &dyn Progress,
    ) -> Result<u64, RowCountError> {
        if let FileLocation::Store(file) = &self.place
            && let Some(claimed) = file.claimed_rows().filter(|_| self.has_own_rows())
        {
            return Ok(claimed);
        }
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
        let rows = count_rows(&*batches, progress).map_err(|e| self.cause_of(e))?;
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
            FileLocation::Remote(place) => {
                place.text().map(|text| RowIndexEntry::in_store(text, home))
            }
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

    /// Returns the reason of an error: that the bytes could not be read, which decoders hide, or the
    /// error itself.
    fn cause_of(&self, error: TableError) -> TableError {
        match &self.place {
            FileLocation::Remote(place) => place.failure().map_or(error, TableError::Read),
            FileLocation::Edited(base, _) => base.cause_of(error),
            FileLocation::Disk(_) | FileLocation::Store(_) => error,
        }
    }

    /// Wraps rows of the file, so that their errors name it.
    pub(in crate::registry) fn named(&self, inner: Arc<dyn Batches>) -> Arc<dyn Batches> {
        let file = self.clone();
        Arc::new(NamedBatches { file, inner })
    }

    /// Returns the offset of a line; the length of the file if there is none.
    pub(in crate::registry) fn start_of_line(
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
            FileLocation::Remote(place) => {
                let start = remote_lines::start_of_line(place, line, home)?;
                return Ok(start.unwrap_or(self.size_bytes));
            }
        };
        let start = start.map_err(|e| TableError::Read(io_error(&e)))?;
        Ok(start.unwrap_or(self.size_bytes))
    }

    /// Adds the file's name to an error.
    pub(in crate::registry) fn blame(&self, source: TableError) -> TableError {
        match self.cause_of(source) {
            TableError::Interrupted => TableError::Interrupted,
            source => TableError::InFile {
                file: self.path.clone(),
                source: Box::new(source),
            },
        }
    }

    /// Opens the file with the cached row index, and returns the cache entry.
    pub(in crate::registry) fn indexed(
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
            FileLocation::Remote(place) => {
                let kept = place.text().map(|text| RowIndexEntry::in_store(text, home));
                (self.source()?, kept)
            }
            FileLocation::Edited(..) => (self.source()?, None),
        };
        let opened = self.table(source, None).map_err(|e| self.cause_of(e))?;
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
            FileLocation::Remote(place) => {
                let file = place.file().map_err(|e| TableError::Read(e.into_io()))?;
                Arc::new(file.clone())
            }
            // The rows of a columnar file are edited when they are decoded.
            FileLocation::Edited(base, overlay) if overlay.is_of_rows() => base.source()?,
            FileLocation::Edited(base, overlay) => {
                Arc::new(EditedSource::new(base.source()?, Arc::clone(overlay)))
            }
        })
    }

    /// Returns its bytes.
    ///
    /// # Errors
    /// [`Error`] when they cannot be reached.
    pub fn bytes(&self) -> Result<Arc<dyn ReadAt>, Error> {
        self.source().map_err(|e| self.unopened(e))
    }

    fn table(
        &self,
        source: Arc<dyn ReadAt>,
        known: Option<(u64, u64)>,
    ) -> Result<Opened, TableError> {
        self.table_from(source, known, None)
    }

    /// Opens the rows with a known row of a file of lines, or a known index of other text.
    pub(in crate::registry) fn table_from(
        &self,
        source: Arc<dyn ReadAt>,
        known: Option<(u64, u64)>,
        index: Option<RowIndex>,
    ) -> Result<Opened, TableError> {
        let options = OpenOptions {
            format: match &self.place {
                FileLocation::Remote(_) => checked_format(self.format, &*source)?,
                _ => self.format,
            },
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
            source => Error::Target(TargetError::Rows {
                target: self.path.clone(),
                source,
            }),
        }
    }
}

/// Returns the format that a file has by its name, unless it does not end as that format does. The end
/// of a Parquet file is what is fetched first, and its front is far away.
fn checked_format(
    format: Option<FileFormat>,
    source: &dyn ReadAt,
) -> Result<Option<FileFormat>, TableError> {
    let mut end = [0; 4];
    let Some(at) = source.len().checked_sub(end.len() as u64) else {
        return Ok(None);
    };
    if format.is_some() {
        let tail = source.read_ranges(std::slice::from_ref(&(at..source.len())))?;
        let tail = tail.first().and_then(|t| t.first_chunk());
        end = *tail.unwrap_or(&end);
    }
    Ok(format.filter(|_| PARQUET_ENDS.contains(&&end)))
}

/// The last bytes of a Parquet file, plain or encrypted.
const PARQUET_ENDS: [&[u8; 4]; 2] = [b"PAR1", b"PARE"];

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
        let counts: Vec<_> = (0..threads).map(|_| scope.spawn(count)).collect();
        counts.into_iter().try_fold(0, |sum, other| {
            let panicked = |_| TableError::Read(std::io::Error::other("a thread panicked"));
            Ok(sum + other.join().map_err(panicked)??)
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
struct NamedBatches {
    file: TargetFile,
    inner: Arc<dyn Batches>,
}

impl Batches for NamedBatches {
    fn next(&self, batch: &mut Batch) -> Result<NextBatch, TableError> {
        self.inner.next(batch).map_err(|e| self.file.blame(e))
    }

    fn row(&self, number: u64, place: u32, into: &mut Batch) -> Result<bool, TableError> {
        let read = self.inner.row(number, place, into);
        read.map_err(|e| self.file.blame(e))
    }
}
