//! Which files of a dataset a path behind the colon means.

use globset::GlobBuilder;

use crate::manifest::DatasetKind;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::registry::error::Error;

/// Files of a dataset that are written somewhere.
pub(crate) struct Chosen<'a> {
    /// In the order of the file table, each with the offset of its first byte in the dataset.
    pub files: Vec<(u64, &'a FileEntry)>,
    /// One file, which goes to the place itself and not below it.
    pub single: bool,
    /// The directory inside the dataset whose content goes below the place; empty for the whole.
    pub below: String,
}

impl<'a> Chosen<'a> {
    /// All files, or those that a path means: a file, a directory, or a glob. A path that exists is
    /// never taken for a glob.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`] where nothing is meant, [`Error::Pattern`].
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
        let wrong = || Error::Pattern(path.to_owned());
        let glob = GlobBuilder::new(path).literal_separator(true).build();
        let glob = glob.map_err(|_| wrong())?.compile_matcher();
        let files: Vec<_> = table
            .with_offsets()
            .filter(|(_, f)| glob.is_match(&f.path))
            .collect();
        if files.is_empty() {
            return Err(Error::NoSuchFile {
                path: path.to_owned(),
                dataset: manifest.name.to_string(),
            });
        }
        Ok(Self {
            files,
            single: false,
            below: String::new(),
        })
    }

    /// Bytes of all of them.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, f)| f.size_bytes).sum()
    }

    /// Where a file goes, below the place.
    pub(crate) fn path_of<'f>(&self, file: &'f FileEntry) -> &'f str {
        file.path.strip_prefix(&self.below).unwrap_or(&file.path)
    }
}
