//! Targets: a file, a directory, a dataset, a file in one, or a URL, read as rows.
//!
//! - `file` is one file; `access` gives its bytes, `edited` its rows with edits, `identity` says if it changed
//! - `dataset_files` finds the files of a dataset, `dataset_file` reads stored bytes, `stored_file` is the trait for them
//! - `remote_files` finds files that are elsewhere, and `remote_place` reads them; `stream` reads pipes
//! - `columns` and `column_plan` find columns, `profiles` the types of values
//! - `row_copy` writes the rows that `row_selection` selects

pub(crate) mod access;
pub(crate) mod column_plan;
pub(crate) mod columns;
pub(crate) mod edited;
pub(crate) mod file;
mod identity;
mod lint;
pub(crate) mod places;
mod profiles;
pub(crate) mod row_copy;
pub(crate) mod row_selection;
pub(crate) mod row_writer;
pub(crate) mod text_lines;

use std::collections::HashSet;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::documents::Layout;
use crate::file_io::Input;
use crate::inspect::Format;
use crate::inspect::ReadOptions;
use crate::inspect::output::OutputFormat;
use crate::inspect::table::Batches;
use crate::inspect::table::Chain;
use crate::inspect::table::Columnar;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::TableError;
use crate::inspect::table::has_rows;
use crate::manifest::FileEntry;
use crate::progress::NoProgress;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::SketchFiles;
use crate::registry::SpillDirectory;
use crate::registry::error::Error;
use crate::registry::error::source::SourceError;
use crate::registry::error::target::TargetError;
use crate::registry::index::source_files;
use crate::registry::index::source_files::FindOptions;
use crate::registry::peers::look::Look;
use crate::registry::peers::look::file::LookFile;
use crate::registry::step::Step;
use crate::registry::targets::file::FileLocation;
use crate::registry::targets::file::RowCountError;
use crate::registry::targets::file::TargetFile;
use crate::registry::targets::file::is_lines;
use crate::registry::targets::places::dataset_files::files_of;
use crate::registry::targets::places::dataset_files::in_store;
use crate::registry::targets::places::stored_file::StoredFile;
use crate::remote::Remote;
use crate::remote::RemoteUrl;

/// Name of standard input.
pub(in crate::registry) const STDIN: &str = "-";

/// Options for reading a target.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TargetOptions {
    /// Options for reading its text.
    pub reading: ReadOptions,
    /// Read remote datasets that are far larger than their distinct chunks.
    pub allow_large: bool,
    /// Reader of URLs; without one, they are no targets.
    pub remote: Option<Remote>,
    /// Read files and datasets as if their edits were applied.
    pub edits: bool,
}

/// A source of rows: one file, or several in order.
#[derive(Clone)]
pub struct Target {
    pub(super) name: String,
    pub(super) files: Arc<Vec<TargetFile>>,
    pub(super) home: PathBuf,
    /// The dataset's name without a version, and the path of the selected file.
    pub(super) dataset: Option<String>,
    /// Directories of the files that came from streams.
    pub(super) spooled: Vec<Arc<SpillDirectory>>,
}

impl LocalRegistry {
    /// Opens a target: a path, a held dataset, or a file of one.
    ///
    /// # Errors
    /// As [`Target::open`].
    pub fn target(&self, text: &str) -> Result<Target, Error> {
        Target::open(text, self.home())
    }
}

impl Target {
    /// Opens a target: `-` for standard input, an existing path (which may be a pipe), or else a
    /// held dataset or a file of one after a colon. No file is read yet.
    ///
    /// # Errors
    /// [`Error`] when neither exists, or no file has rows. `IntegrityError::TooLarge` for a remote dataset
    /// that is far larger than its distinct chunks.
    pub fn open(text: &str, home: &Path) -> Result<Self, Error> {
        Self::open_with(text, home, &TargetOptions::default())
    }

    /// Opens a target with options.
    ///
    /// # Errors
    /// As [`Target::open`], without `IntegrityError::TooLarge` if the options allow large datasets.
    pub fn open_with(text: &str, home: &Path, options: &TargetOptions) -> Result<Self, Error> {
        if RemoteUrl::looks_like_url(text) && !Path::new(text).exists() {
            return Self::of_url(text, home, options);
        }
        let _step = Step::begin("open", text);
        let path = Path::new(text);
        let is_pipe = || path.metadata().is_ok_and(|m| m.file_type().is_fifo());
        if (text == STDIN || is_pipe())
            && let Input::Stream(mut stream) =
                Input::open(path).map_err(|e| Error::file("read", path, e))?
        {
            let target = Self::of_stream(text, &mut stream, home)?;
            return Ok(target.read_as(options.reading));
        }
        if let Some(layout) = Layout::of_directory(path) {
            let target = Self::of_collection(text, &layout, home)?;
            return Ok(target.read_as(options.reading));
        }
        let (files, dataset) = match path.symlink_metadata() {
            Ok(_) => (on_disk(path, home)?, None),
            Err(_) => in_store(text, home, options.allow_large)
                .map(|(files, name)| (files, Some(name)))?,
        };
        if files.is_empty() {
            return Err(Error::Target(TargetError::NoRows(text.to_owned())));
        }
        let target = Self {
            name: text.to_owned(),
            files: Arc::new(files),
            home: home.to_owned(),
            dataset,
            spooled: Vec::new(),
        };
        let target = target.read_as(options.reading);
        match options.edits {
            true => target.with_edits(),
            false => Ok(target),
        }
    }

    /// Returns a dataset of which only a part is here, or a file of it, as a target. `text` is what it
    /// was named by.
    ///
    /// # Errors
    /// `DatasetError::NoSuchFile`, or `TargetError::NoRows` when no file has rows.
    pub fn of_look(
        text: &str,
        look: &Arc<Look>,
        path: Option<&str>,
        (home, reading): (&Path, ReadOptions),
    ) -> Result<Self, Error> {
        let place = |start, entry: &FileEntry| {
            let file: Arc<dyn StoredFile> =
                Arc::new(LookFile::new(Arc::clone(look), start, entry.clone()));
            file
        };
        let (files, dataset) = files_of(look.table(), path, look.manifest(), &place)?;
        if files.is_empty() {
            return Err(TargetError::NoRows(text.to_owned()).into());
        }
        let target = Self {
            name: text.to_owned(),
            files: Arc::new(files),
            home: home.to_owned(),
            dataset: Some(dataset),
            spooled: Vec::new(),
        };
        Ok(target.read_as(reading))
    }

    /// Opens a URL. Its name is without secrets.
    fn of_url(text: &str, home: &Path, options: &TargetOptions) -> Result<Self, Error> {
        let url = RemoteUrl::parse(text)?;
        let name = url.to_string();
        let _step = Step::begin("open", &name);
        let remote = options.remote.as_ref();
        let remote = remote.ok_or_else(|| TargetError::NotHere(name.clone()))?;
        let files = crate::registry::targets::places::remote_files::find(remote, &url)?;
        if files.is_empty() {
            return Err(TargetError::NoRows(name).into());
        }
        let target = Self {
            name,
            files: Arc::new(files),
            home: home.to_owned(),
            dataset: None,
            spooled: Vec::new(),
        };
        Ok(target.read_as(options.reading))
    }

    /// Returns the target with other reading options.
    pub(in crate::registry::targets) fn read_as(mut self, reading: ReadOptions) -> Self {
        if let Some(files) = Arc::get_mut(&mut self.files) {
            files.iter_mut().for_each(|f| f.reading = reading);
        }
        self
    }

    /// Returns the sketch cache for its rows and those of the next version. Returns `None` for
    /// files that are no dataset.
    pub fn sketch_cache(&self) -> Option<SketchFiles> {
        let dataset = self.dataset.clone()?;
        Some(SketchFiles::of(dataset, &self.home))
    }

    /// Returns the text that it was opened with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its files in order.
    pub fn files(&self) -> &[TargetFile] {
        &self.files
    }

    /// Returns the total length of its files in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|f| f.size_bytes).sum()
    }

    /// Returns the path of the only file, if that is a text file on this disk.
    pub fn text_path(&self) -> Result<Option<&Path>, Error> {
        match self.files.as_slice() {
            [only] => match &only.place {
                FileLocation::Disk(path) if is_lines(&only.opened()?) => Ok(Some(path)),
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// Returns the rows of all files from a given row on.
    ///
    /// # Errors
    /// [`Error`] when a file up to the first row cannot be read.
    pub fn batches(&self, selection: &Selection) -> Result<Arc<dyn Batches>, Error> {
        let (mut first, mut from) = (0, selection.from);
        if from > 0 {
            while let (Some(file), true) = (self.files.get(first), first + 1 < self.files.len()) {
                let rows = self.rows_of(file, &NoProgress)?;
                if from < rows {
                    break;
                }
                (first, from) = (first + 1, from - rows);
            }
        }
        Ok(self.chain(
            first,
            Selection {
                from,
                ..selection.clone()
            },
        ))
    }

    /// Returns all rows. Every call starts a new pass.
    pub fn all_batches(&self, columns: &[String]) -> Arc<dyn Batches> {
        self.all(Selection {
            columns: columns.to_vec(),
            ..Selection::default()
        })
    }

    /// Returns all rows, in the form that the selection requests.
    pub fn all(&self, selection: Selection) -> Arc<dyn Batches> {
        self.chain(
            0,
            Selection {
                from: 0,
                ..selection
            },
        )
    }

    /// Returns the column types of each file, or `None` if one of them is not columnar.
    ///
    /// # Errors
    /// [`Error`] when a file cannot be read.
    pub fn columnar(&self) -> Result<Option<Vec<Columnar>>, Error> {
        let of = |file: &TargetFile| Ok(file.opened()?.table.columnar().cloned());
        self.files.iter().map(of).collect()
    }

    /// Returns the column names that its files declare in headers and schemas, in order of
    /// occurrence.
    ///
    /// # Errors
    /// [`Error`] when a file cannot be read.
    pub fn column_names(&self) -> Result<Vec<String>, Error> {
        let mut names: Vec<String> = Vec::new();
        let mut known = HashSet::new();
        for file in self.files.iter() {
            for name in file.opened()?.column_names() {
                if known.insert(name.clone()) {
                    names.push(name);
                }
            }
        }
        Ok(names)
    }

    /// Returns the format that keeps the rows of its first file unchanged.
    ///
    /// # Errors
    /// [`Error`] when the first file cannot be read.
    pub fn kept_format(&self) -> Result<OutputFormat, Error> {
        let first = self.files.first().map(|f| f.opened()).transpose()?;
        Ok(first.map_or(OutputFormat::Text, |opened| {
            OutputFormat::preserving(opened.format.format, opened.table.shape())
        }))
    }

    /// Returns true if its files are Arrow IPC.
    pub fn is_arrow(&self) -> bool {
        let is_arrow = |file: &TargetFile| {
            let format = file.opened().map(|opened| opened.format.format);
            matches!(format, Ok(Format::ArrowFile | Format::ArrowStream))
        };
        self.files.iter().all(is_arrow)
    }

    /// Returns true if some of its rows are records of fields.
    ///
    /// # Errors
    /// [`Error`] when a file cannot be read.
    pub fn has_records(&self) -> Result<bool, Error> {
        for file in self.files.iter() {
            if matches!(file.opened()?.table.shape(), Shape::Delimited(_)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns all rows from a file on. The chain knows the file of an error.
    pub fn from_file(&self, first: usize) -> Arc<Chain> {
        Arc::new(self.chain_of(first, Selection::default()))
    }

    /// Returns the same target without the files that are too damaged to open.
    ///
    /// # Errors
    /// [`Error`] when a file cannot be read for another reason.
    pub fn without_damaged(&self) -> Result<Self, Error> {
        let mut files = Vec::new();
        for file in self.files.iter() {
            match file.opened() {
                Err(Error::Target(TargetError::Rows { source, .. })) if source.is_damage() => {}
                Err(error) => return Err(error),
                Ok(_) => files.push(file.clone()),
            }
        }
        Ok(Self {
            files: Arc::new(files),
            ..self.clone()
        })
    }

    fn chain(&self, first: usize, start: Selection) -> Arc<dyn Batches> {
        Arc::new(self.chain_of(first, start))
    }

    /// Chains the rows from a file on. Each file is opened when it is reached.
    fn chain_of(&self, first: usize, start: Selection) -> Chain {
        let rest = Selection {
            from: 0,
            ..start.clone()
        };
        let (files, home) = (Arc::clone(&self.files), self.home.clone());
        let open = move |n: usize| {
            let file = files.get(first + n)?;
            let selection = if n == 0 { &start } else { &rest };
            let batches = file.batches(selection, &home).map_err(|e| file.blame(e));
            Some(batches.map(|inner| file.named(inner)))
        };
        Chain::new(Box::new(open))
    }

    /// Returns the shape of the rows of the first file.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub fn shape(&self) -> Result<Shape, Error> {
        let first = self.files.first().map(|f| f.opened()).transpose()?;
        Ok(first.map_or(Shape::Text, |o| o.table.shape().clone()))
    }

    /// Returns the number of rows, counting all that have a number, including blank lines.
    ///
    /// # Errors
    /// [`Error`] when a file cannot be read.
    pub fn count(&self, progress: &dyn Progress) -> Result<u64, Error> {
        let counts = self.files.iter().map(|f| self.rows_of(f, progress));
        counts.sum()
    }

    /// Returns the number of rows. Blank lines of JSON Lines do not count, although they have
    /// numbers.
    ///
    /// # Errors
    /// [`Error`] when a file cannot be read.
    pub fn rows(&self, progress: &dyn Progress) -> Result<u64, Error> {
        let rows = self.files.iter().map(|file| {
            let rows = file.rows(&self.home, progress);
            rows.map_err(|e| self.uncounted(file, e))
        });
        rows.sum()
    }

    fn uncounted(&self, file: &TargetFile, error: RowCountError) -> Error {
        match error {
            RowCountError::Complete(e) => e,
            RowCountError::Rows(e) => self.blame(file.blame(e)),
        }
    }

    fn rows_of(&self, file: &TargetFile, progress: &dyn Progress) -> Result<u64, Error> {
        let counted = file.count(&self.home, progress);
        counted.map_err(|e| self.uncounted(file, e))
    }

    /// Returns the error for unreadable rows of this target.
    pub fn blame(&self, source: TableError) -> Error {
        match source {
            TableError::Interrupted => Error::Interrupted,
            source => Error::Target(TargetError::Rows {
                target: self.name.clone(),
                source,
            }),
        }
    }
}

/// Returns the file at a path, or the files of a directory that have rows by their extensions, in
/// the order of an index.
fn on_disk(path: &Path, home: &Path) -> Result<Vec<TargetFile>, Error> {
    let meta = path.metadata().map_err(|e| Error::file("read", path, e))?;
    if meta.is_file() {
        return Ok(vec![TargetFile {
            path: path.display().to_string(),
            size_bytes: meta.len(),
            format: None,
            reading: ReadOptions::default(),
            place: FileLocation::Disk(path.to_owned()),
        }]);
    }
    if !meta.is_dir() {
        return Err(Error::Source(SourceError::NotPlainFile(path.to_owned())));
    }
    let how = FindOptions {
        exclude: &[],
        follow_links: false,
    };
    let found = source_files::find(path, &how, home)?.files;
    let named = found.into_iter().filter(|f| has_rows(&f.path));
    let files = named.map(|f| TargetFile {
        path: f.path,
        size_bytes: f.seen.size_bytes,
        format: None,
        reading: ReadOptions::default(),
        place: FileLocation::Disk(f.at),
    });
    Ok(files.collect())
}
