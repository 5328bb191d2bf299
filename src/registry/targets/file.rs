//! One file of what is looked into: on disk or in a dataset.

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
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Next;
use crate::inspect::table::OpenOptions;
use crate::inspect::table::Opened;
use crate::inspect::table::SchemaFrom;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::TableError;
use crate::inspect::table::open_table;
use crate::progress::NoProgress;
use crate::progress::Progress;
use crate::read_at::ReadAt;
use crate::registry::TextFile;
use crate::registry::cache::row_indexes::KeptRows;
use crate::registry::error::Error;
use crate::registry::targets::dataset_file::DatasetFile;
use crate::registry::targets::dataset_file::io_error;

/// A file of a target.
#[derive(Clone)]
pub struct TargetFile {
    pub(in crate::registry) path: String,
    pub(in crate::registry) size_bytes: u64,
    pub(in crate::registry) format: Option<FileFormat>,
    /// What somebody said of how its text is written.
    pub(in crate::registry) reading: ReadOptions,
    pub(in crate::registry) place: Place,
}

/// What a file is, from its front and its end.
#[derive(Clone, Debug)]
pub struct Described {
    /// Its format.
    pub format: FileFormat,
    /// The type of its rows.
    pub schema: Option<Schema>,
    /// What that was made from.
    pub schema_from: SchemaFrom,
    /// How its fields are written, where it is delimited.
    pub dialect: Option<Dialect>,
    /// The key of the list whose elements are the rows, where that is a member of an object.
    pub list: Option<String>,
    /// How its columns are written, where it is JSON that is written by columns.
    pub orient: Option<Orient>,
    /// How its characters are written, where it is text.
    pub encoding: TextEncoding,
}

/// Where a file is.
#[derive(Clone)]
pub(in crate::registry) enum Place {
    Disk(PathBuf),
    Store(Arc<DatasetFile>),
}

impl TargetFile {
    /// Its path: in the dataset, below the directory, or as it was typed.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its length in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Its format, and the type of its rows, from its front and its end.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read, or is none that has rows.
    pub fn describe(&self) -> Result<(FileFormat, Option<Schema>), Error> {
        let opened = self.opened()?;
        Ok((opened.format, opened.schema()))
    }

    /// The same with how that was found.
    ///
    /// # Errors
    /// As [`TargetFile::describe`].
    pub fn described(&self) -> Result<Described, Error> {
        let opened = self.opened()?;
        Ok(Described {
            format: opened.format,
            schema: opened.schema(),
            schema_from: opened.schema_from(),
            dialect: opened.dialect,
            list: opened.list,
            orient: opened.orient,
            encoding: opened.encoding,
        })
    }

    /// Whether rows are where the file itself tells.
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

    /// How many rows it has, as far as rows have numbers.
    pub(in crate::registry) fn count(
        &self,
        home: &Path,
        progress: &dyn Progress,
    ) -> Result<u64, Unreadable> {
        let (opened, kept) = self.indexed(home).map_err(|e| self.unopened(e))?;
        if let Some(rows) = opened.table.rows() {
            return Ok(rows);
        }
        if is_lines(&opened) {
            return Ok(match &self.place {
                Place::Disk(path) => TextFile::open(path, home)?.count(progress)?,
                Place::Store(held) => held.lines()?,
            });
        }
        // From the last place that is known. A header counts there, so it may be a row too far.
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
                Next::Batch(_) => rows += batch.count(),
                Next::End(_) => return Ok(table.rows().unwrap_or(rows)),
            }
            if progress.cancelled() {
                return Err(TableError::Interrupted.into());
            }
        }
    }

    /// How many rows it has. Unlike numbers, blank lines of JSON Lines do not count: they are no
    /// rows.
    pub(in crate::registry) fn rows(
        &self,
        home: &Path,
        progress: &dyn Progress,
    ) -> Result<u64, Unreadable> {
        let opened = self.opened()?;
        if opened.format.format != Format::Jsonl {
            return self.count(home, progress);
        }
        let kept = self.kept(home)?.map(KeptRows::of_count);
        let kept = kept.filter(|_| self.has_own_rows());
        if let Some(rows) = kept.as_ref().and_then(KeptRows::count) {
            return Ok(rows);
        }
        let batches = opened.table.batches(&Selection::default())?;
        let rows = count_rows(&*batches, progress)?;
        if let Some(kept) = kept.filter(|_| self.size_bytes >= WORTH_BYTES) {
            kept.keep_count(rows);
        }
        Ok(rows)
    }

    /// Where what is learnt of its rows is kept.
    fn kept(&self, home: &Path) -> Result<Option<KeptRows>, TableError> {
        Ok(match &self.place {
            Place::Disk(path) => KeptRows::on_disk(&Arc::new(File::open(path)?), home),
            Place::Store(held) => Some(KeptRows::in_store(held.text(), home)),
        })
    }

    /// Rows from one on.
    pub(in crate::registry) fn batches(
        &self,
        selection: &Selection,
        home: &Path,
    ) -> Result<Arc<dyn Batches>, TableError> {
        let (opened, kept) = self.indexed(home)?;
        if selection.from == 0 || !is_lines(&opened) {
            return batches(opened, kept, selection);
        }
        // Where the line begins is known without reading those before it.
        let line = selection.from;
        let start = match &self.place {
            Place::Disk(path) => {
                let start = TextFile::open(path, home)
                    .and_then(|mut text| text.start_of(line, &NoProgress));
                start.map_err(|e| TableError::Read(io_error(&e)))?
            }
            Place::Store(file) => {
                let start = file.start_of_line(line);
                start.map_err(|e| TableError::Read(io_error(&e)))?
            }
        };
        let start = start.unwrap_or(self.size_bytes);
        let opened = self.table(self.source()?, Some((line, start)))?;
        opened.table.batches(selection)
    }

    /// The same error with the file's name.
    pub(in crate::registry) fn blame(&self, source: TableError) -> TableError {
        match source {
            TableError::Interrupted => TableError::Interrupted,
            source => TableError::InFile {
                file: self.path.clone(),
                source: Box::new(source),
            },
        }
    }

    /// Opened with what was learnt earlier of where its rows are, and where that is kept.
    fn indexed(&self, home: &Path) -> Result<(Opened, Option<KeptRows>), TableError> {
        let (source, kept): (Arc<dyn ReadAt>, _) = match &self.place {
            Place::Disk(path) => {
                let file = Arc::new(File::open(path)?);
                let kept = KeptRows::on_disk(&file, home);
                (file, kept)
            }
            Place::Store(held) => {
                let kept = KeptRows::in_store(held.text(), home);
                (Arc::clone(held) as Arc<dyn ReadAt>, Some(kept))
            }
        };
        let opened = self.table(source, None)?;
        // What is kept is of rows as the file itself tells where they are.
        let kept = kept.filter(|_| self.has_own_rows());
        if let (Some(index), Some(kept)) = (&opened.index, &kept) {
            kept.load(index);
        }
        Ok((opened, kept))
    }

    fn source(&self) -> Result<Arc<dyn ReadAt>, TableError> {
        Ok(match &self.place {
            Place::Disk(path) => Arc::new(File::open(path)?),
            Place::Store(file) => Arc::clone(file) as Arc<dyn ReadAt>,
        })
    }

    fn table(
        &self,
        source: Arc<dyn ReadAt>,
        known: Option<(u64, u64)>,
    ) -> Result<Opened, TableError> {
        let options = OpenOptions {
            format: self.format,
            known,
            index: None,
            reading: self.reading,
        };
        open_table(source, &self.path, options)
    }

    fn unopened(&self, source: TableError) -> Error {
        match source {
            TableError::Read(e) if matches!(self.place, Place::Disk(_)) => {
                Error::file("read", &self.path, e)
            }
            source => Error::Rows {
                target: self.path.clone(),
                source,
            },
        }
    }
}

/// Counts rows on all cores. Their order does not matter, so that each batch is looked over once, without
/// being numbered.
fn count_rows(batches: &dyn Batches, progress: &dyn Progress) -> Result<u64, TableError> {
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get());
    let count = || {
        let (mut rows, mut batch) = (0, Batch::default());
        loop {
            if progress.cancelled() {
                return Err(TableError::Interrupted);
            }
            match batches.next(&mut batch)? {
                Next::Batch(_) => rows += batch.count_rows(),
                Next::End(_) => return Ok(rows),
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

/// Bytes of a file whose number of rows is worth keeping.
const WORTH_BYTES: u64 = 1 << 20;

/// Why a file's rows could not be counted.
pub(in crate::registry) enum Unreadable {
    /// With everything that is to be said.
    Told(Error),
    /// The file's name is still to be said.
    Rows(TableError),
}

impl From<Error> for Unreadable {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

impl From<TableError> for Unreadable {
    fn from(error: TableError) -> Self {
        Self::Rows(error)
    }
}

/// Rows from one on; what is learnt of their places meanwhile is kept.
fn batches(
    opened: Opened,
    kept: Option<KeptRows>,
    selection: &Selection,
) -> Result<Arc<dyn Batches>, TableError> {
    let batches = opened.table.batches(selection)?;
    Ok(match (opened.index, kept) {
        (Some(index), Some(kept)) => kept.keep_after(index, batches),
        _ => batches,
    })
}

/// Whether rows are the lines of the file as they are: those have an index of their own.
pub(in crate::registry) fn is_lines(opened: &Opened) -> bool {
    let is_utf8 = opened.encoding == TextEncoding::Utf8;
    let is_plain = opened.format.compression == Compression::None && is_utf8;
    let is_text = matches!(opened.table.shape(), Shape::Text | Shape::Json);
    let formats = [Format::Jsonl, Format::Bytes];
    is_plain && is_text && opened.index.is_none() && formats.contains(&opened.format.format)
}

/// Batches whose errors tell which file they are of.
pub(in crate::registry) struct Named {
    pub(in crate::registry) file: String,
    pub(in crate::registry) inner: Arc<dyn Batches>,
}

impl Batches for Named {
    fn next(&self, batch: &mut Batch) -> Result<Next, TableError> {
        self.inner.next(batch).map_err(|e| self.blame(e))
    }

    fn row(&self, number: u64, place: u32, into: &mut Batch) -> Result<bool, TableError> {
        let read = self.inner.row(number, place, into);
        read.map_err(|e| self.blame(e))
    }
}

impl Named {
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
