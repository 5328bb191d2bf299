//! Targets from streams, and several targets joined into one.

use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::documents::Layout;
use crate::inspect::ReadOptions;
use crate::inspect::table::has_rows;
use crate::inspect::table::sniff;
use crate::read_at::ReadAt;
use crate::registry::SpillDirectory;
use crate::registry::Target;
use crate::registry::error::Error;
use crate::registry::error::target::TargetError;
use crate::registry::index::collection::Snapshot;
use crate::registry::targets::file::FileLocation;
use crate::registry::targets::file::TargetFile;

impl Target {
    /// Reads a stream to its end into a temporary file of the home's cache, because rows need
    /// random access.
    ///
    /// Dropping the target removes the file. The format comes from the extension of `name`, or else
    /// from the first bytes.
    ///
    /// # Errors
    /// [`Error`] when the stream cannot be read or the cache cannot be written.
    pub fn of_stream(name: &str, from: &mut dyn Read, home: &Path) -> Result<Self, Error> {
        let directory = SpillDirectory::create(home)?;
        let path = directory.path().join("stream");
        let mut to = File::create_new(&path).map_err(|e| Error::file("create", &path, e))?;
        let copied = io::copy(from, &mut to);
        let size_bytes = copied.map_err(|e| Error::file("read", name, e))?;
        let fail = |e| Error::file("read", &path, e);
        let source: Arc<dyn ReadAt> = Arc::new(File::open(&path).map_err(fail)?);
        let format = match has_rows(name) {
            true => None,
            false => sniff(&source).map_err(|source| {
                Error::Target(TargetError::Rows {
                    target: name.to_owned(),
                    source,
                })
            })?,
        };
        let file = TargetFile {
            path: name.to_owned(),
            size_bytes,
            format,
            reading: ReadOptions::default(),
            place: FileLocation::Disk(path),
        };
        Ok(Self {
            name: name.to_owned(),
            files: Arc::new(vec![file]),
            home: home.to_owned(),
            dataset: None,
            spooled: vec![Arc::new(directory)],
        })
    }

    /// Opens a collection of documents: its live documents are the rows, as they are now.
    ///
    /// # Errors
    /// [`Error`] when the collection cannot be read or the cache cannot be written.
    pub(in crate::registry) fn of_collection(
        name: &str,
        layout: &Layout,
        home: &Path,
    ) -> Result<Self, Error> {
        let snapshot = Snapshot::take(layout, home)?;
        let file = TargetFile {
            path: format!("{}.jsonl", layout.name()),
            size_bytes: snapshot.size_bytes,
            format: None,
            reading: ReadOptions::default(),
            place: FileLocation::Disk(snapshot.path),
        };
        Ok(Self {
            name: name.to_owned(),
            files: Arc::new(vec![file]),
            home: home.to_owned(),
            dataset: None,
            spooled: vec![Arc::new(snapshot.directory)],
        })
    }

    /// Joins the rows of several targets in order. Returns `None` for an empty list.
    pub fn joined(targets: Vec<Self>) -> Option<Self> {
        let mut targets = targets.into_iter();
        let mut all = targets.next()?;
        let mut files: Option<Vec<TargetFile>> = None;
        for target in targets {
            let files = files.get_or_insert_with(|| all.files.as_ref().clone());
            files.extend(target.files.iter().cloned());
            all.name = format!("{}, {}", all.name, target.name);
            all.spooled.extend(target.spooled);
            all.dataset = None;
        }
        if let Some(files) = files {
            all.files = Arc::new(files);
        }
        Some(all)
    }
}
