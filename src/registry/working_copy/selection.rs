//! Selects the files of a dataset that a path after the colon means.

use globset::GlobBuilder;

use crate::manifest::DatasetKind;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::registry::error::Error;
use crate::registry::error::dataset::DatasetError;
use crate::registry::error::source::SourceError;

/// Selected files of a dataset.
pub(crate) struct FileSelection<'a> {
    /// The files in the order of the file table, each with the offset of its first byte in the
    /// dataset.
    pub files: Vec<(u64, &'a FileEntry)>,
    /// True for one file that is written to the destination itself and not below it.
    pub single: bool,
    /// The directory inside the dataset whose content goes below the destination; empty for the
    /// whole dataset.
    pub below: String,
}

impl<'a> FileSelection<'a> {
    /// Selects all files, or those that a path means: a file, a directory, or a glob. An existing
    /// path is never taken as a glob.
    ///
    /// # Errors
    /// [`DatasetError::NoSuchFile`] when nothing matches, or [`SourceError::Pattern`].
    pub(crate) fn of(
        table: &'a FileTable,
        manifest: &Manifest,
        path: Option<&str>,
    ) -> Result<Self, Error> {
        let Some(path) = path else {
            return Ok(Self {
                files: table.with_offsets().collect(),
                single: manifest.dataset_kind == DatasetKind::File,
                below: String::new(),
            });
        };
        if let Some(found) = table.with_offsets().find(|(_, f)| f.path == path) {
            return Ok(Self {
                files: vec![found],
                single: true,
                below: String::new(),
            });
        }
        let directory = path.trim_matches('/');
        let front = match directory {
            "" | "." => String::new(),
            directory => format!("{directory}/"),
        };
        let below = |f: &FileEntry| f.path.starts_with(&front);
        let files: Vec<_> = table.with_offsets().filter(|(_, f)| below(f)).collect();
        if !files.is_empty() {
            return Ok(Self {
                files,
                single: false,
                below: front,
            });
        }
        let wrong = || Error::Source(SourceError::Pattern(path.to_owned()));
        let glob = GlobBuilder::new(path).literal_separator(true).build();
        let glob = glob.map_err(|_| wrong())?.compile_matcher();
        let files: Vec<_> = table
            .with_offsets()
            .filter(|(_, f)| glob.is_match(&f.path))
            .collect();
        if files.is_empty() {
            return Err(Error::Dataset(DatasetError::NoSuchFile {
                path: path.to_owned(),
                dataset: manifest.name.to_string(),
            }));
        }
        Ok(Self {
            files,
            single: false,
            below: String::new(),
        })
    }

    /// Returns the total length of the files in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, f)| f.size_bytes).sum()
    }

    /// Returns a file's path below the destination.
    pub(crate) fn path_of<'f>(&self, file: &'f FileEntry) -> &'f str {
        file.path.strip_prefix(&self.below).unwrap_or(&file.path)
    }
}
