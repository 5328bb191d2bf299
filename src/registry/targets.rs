//! What is looked into: a file, a directory, a dataset or a file in one, as rows.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::ident::Reference;
use crate::inspect::FileFormat;
use crate::inspect::Format;
use crate::inspect::ReadOptions;
use crate::inspect::table::Batches;
use crate::inspect::table::Chain;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::TableError;
use crate::inspect::table::has_rows;
use crate::manifest::FileTable;
use crate::progress::NoProgress;
use crate::progress::Progress;
use crate::registry::KeptPrints;
use crate::registry::LocalRegistry;
use crate::registry::dataset_file::DatasetFile;
use crate::registry::error::Error;
use crate::registry::files;
use crate::registry::target_file::Named;
use crate::registry::target_file::Place;
use crate::registry::target_file::TargetFile;
use crate::registry::target_file::Unreadable;
use crate::registry::target_file::is_lines;

/// Something with rows: one file or several, one after the other.
#[derive(Clone)]
pub struct Target {
    name: String,
    files: Arc<Vec<TargetFile>>,
    home: PathBuf,
    /// The dataset's name without a version, and the path of the file that is meant of it.
    dataset: Option<String>,
}

impl Target {
    /// Finds what is meant: a path that exists; else a dataset here, or a file of one behind a
    /// colon. Nothing is read of it yet.
    ///
    /// # Errors
    /// [`Error`] when there is neither, or no file with rows in it.
    pub fn open(text: &str, home: &Path) -> Result<Self, Error> {
        Self::open_as(text, home, ReadOptions::default())
    }

    /// The same, with what somebody said of how its text is written.
    ///
    /// # Errors
    /// As [`Target::open`].
    pub fn open_as(text: &str, home: &Path, reading: ReadOptions) -> Result<Self, Error> {
        if text.contains("://") {
            return Err(Error::NotHere(text.to_owned()));
        }
        let path = Path::new(text);
        let (mut files, dataset) = match path.symlink_metadata() {
            Ok(_) => (on_disk(path)?, None),
            Err(_) => in_store(text, home).map(|(files, name)| (files, Some(name)))?,
        };
        if files.is_empty() {
            return Err(Error::NoRows(text.to_owned()));
        }
        files.iter_mut().for_each(|f| f.reading = reading);
        Ok(Self {
            name: text.to_owned(),
            files: Arc::new(files),
            home: home.to_owned(),
            dataset,
        })
    }

    /// Where what was made of its rows is kept for the next version; nowhere for files that are
    /// no dataset.
    pub fn kept_prints(&self) -> Option<KeptPrints> {
        let dataset = self.dataset.clone()?;
        Some(KeptPrints::of(dataset, &self.home))
    }

    /// What was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its files, in their order.
    pub fn files(&self) -> &[TargetFile] {
        &self.files
    }

    /// Bytes of all files.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|f| f.size_bytes).sum()
    }

    /// The only file's path, where it is one of text lines on this disk.
    pub fn text_path(&self) -> Result<Option<&Path>, Error> {
        match self.files.as_slice() {
            [only] => match &only.place {
                Place::Disk(path) if is_lines(&only.opened()?) => Ok(Some(path)),
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// All rows from one on, over all files.
    ///
    /// # Errors
    /// [`Error`] when a file on the way to the first of them cannot be read.
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
                columns: selection.columns.clone(),
            },
        ))
    }

    /// All rows, once more each time.
    pub fn all_batches(&self, columns: &[String]) -> Arc<dyn Batches> {
        self.chain(
            0,
            Selection {
                from: 0,
                columns: columns.to_vec(),
            },
        )
    }

    /// Rows from one of a file on, which are opened when it is their turn.
    fn chain(&self, first: usize, start: Selection) -> Arc<dyn Batches> {
        let rest = Selection {
            from: 0,
            ..start.clone()
        };
        let (files, home) = (Arc::clone(&self.files), self.home.clone());
        let open = move |n: usize| {
            let file = files.get(first + n)?;
            let selection = if n == 0 { &start } else { &rest };
            let batches = file.batches(selection, &home).map_err(|e| file.blame(e));
            Some(batches.map(|inner| {
                let file = file.path.clone();
                Arc::new(Named { file, inner }) as Arc<dyn Batches>
            }))
        };
        Arc::new(Chain::new(Box::new(open)))
    }

    /// What is in the rows of the first file.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub fn shape(&self) -> Result<Shape, Error> {
        let first = self.files.first().map(|f| f.opened()).transpose()?;
        Ok(first.map_or(Shape::Text, |o| o.table.shape().clone()))
    }

    /// How many rows there are, as far as rows have numbers: blank lines count.
    ///
    /// # Errors
    /// [`Error`] when a file cannot be read.
    pub fn count(&self, progress: &dyn Progress) -> Result<u64, Error> {
        let counts = self.files.iter().map(|f| self.rows_of(f, progress));
        counts.sum()
    }

    /// How many rows there are. Blank lines of JSON Lines are none, though they have a number.
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

    fn uncounted(&self, file: &TargetFile, error: Unreadable) -> Error {
        match error {
            Unreadable::Told(e) => e,
            Unreadable::Rows(e) => self.blame(file.blame(e)),
        }
    }

    fn rows_of(&self, file: &TargetFile, progress: &dyn Progress) -> Result<u64, Error> {
        let counted = file.count(&self.home, progress);
        counted.map_err(|e| self.uncounted(file, e))
    }

    /// The error for rows of this target that cannot be read.
    pub fn blame(&self, source: TableError) -> Error {
        match source {
            TableError::Interrupted => Error::Interrupted,
            source => Error::Rows {
                target: self.name.clone(),
                source,
            },
        }
    }
}

/// The file at a path; of a directory those that have rows by their names, in the order of an
/// index.
fn on_disk(path: &Path) -> Result<Vec<TargetFile>, Error> {
    let meta = path.metadata().map_err(|e| Error::file("read", path, e))?;
    if meta.is_file() {
        return Ok(vec![TargetFile {
            path: path.display().to_string(),
            size_bytes: meta.len(),
            format: None,
            reading: ReadOptions::default(),
            place: Place::Disk(path.to_owned()),
        }]);
    }
    if !meta.is_dir() {
        return Err(Error::NotPlainFile(path.to_owned()));
    }
    let found = files::find(path, &[])?.files;
    let named = found.into_iter().filter(|f| has_rows(&f.path));
    let files = named.map(|f| TargetFile {
        path: f.path,
        size_bytes: f.seen.size_bytes,
        format: None,
        reading: ReadOptions::default(),
        place: Place::Disk(f.at),
    });
    Ok(files.collect())
}

/// The files of a dataset that have rows, or the one that is named, whatever it is.
/// With the name of the dataset, and the path that was asked for.
fn in_store(text: &str, home: &Path) -> Result<(Vec<TargetFile>, String), Error> {
    let (scheme, rest) = match text.strip_prefix("alimentar:") {
        Some(rest) => ("alimentar:", rest),
        None => ("", text),
    };
    let (reference, path) = match rest.split_once(':') {
        Some((reference, path)) => (format!("{scheme}{reference}"), Some(path)),
        None => (text.to_owned(), None),
    };
    // What looks like a path is a path that is not there, not a dataset with an odd name.
    let parsed = reference.parse::<Reference>();
    let parsed = parsed.map_err(|_| Error::NotHere(text.to_owned()))?;
    if !home.exists() {
        return Err(Error::NotHere(text.to_owned()));
    }
    let registry = LocalRegistry::open(home)?;
    let dataset = registry.resolve(&parsed).map_err(|e| match e {
        Error::NotFound(_) if path.is_none() => Error::NotHere(text.to_owned()),
        other => other,
    })?;
    let reader = Arc::new(registry.reader_of(&dataset)?);
    let table: FileTable = registry.files_by(&reader, &dataset.manifest)?;
    let manifest = Arc::new(dataset.manifest);
    let is_only = table.files().len() == 1;
    let mut found = Vec::new();
    for (start, entry) in table.with_offsets() {
        let format = FileFormat::from_number(entry.format);
        let is_wanted = match path {
            Some(path) => path == entry.path,
            None => is_only || format.format != Format::Bytes,
        };
        if is_wanted {
            let (reader, manifest) = (Arc::clone(&reader), Arc::clone(&manifest));
            found.push(TargetFile {
                path: entry.path.clone(),
                size_bytes: entry.size_bytes,
                format: Some(format).filter(|f| f.format != Format::Bytes),
                reading: ReadOptions::default(),
                place: Place::Store(Arc::new(DatasetFile::new(
                    reader,
                    manifest,
                    start,
                    entry.clone(),
                ))),
            });
        }
    }
    match (path, found.is_empty()) {
        (Some(path), true) => Err(Error::NoSuchFile {
            path: path.to_owned(),
            dataset: manifest.name.to_string(),
        }),
        (path, _) => {
            let path = path.map(|p| format!(":{p}")).unwrap_or_default();
            Ok((found, format!("{}{path}", manifest.name)))
        }
    }
}
