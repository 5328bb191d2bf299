//! Single files of a target: their layout and their bytes, for readers that go to any place of a file.

use std::path::Path;
use std::sync::Arc;

use crate::inspect::Compression;
use crate::inspect::FileFormat;
#[cfg(feature = "doors")]
use crate::inspect::Format;
#[cfg(feature = "doors")]
use crate::inspect::ReadOptions;
use crate::inspect::TextEncoding;
use crate::inspect::table::Shape;
#[cfg(feature = "doors")]
use crate::manifest::FileEntry;
use crate::registry::Target;
use crate::registry::TargetFile;
use crate::registry::error::Error;
use crate::registry::targets::file::FileLocation;
use crate::registry::targets::file::is_lines;
#[cfg(feature = "doors")]
use crate::registry::targets::places::stored_file::StoredFile;

/// Layout of the rows of a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FileLayout {
    /// The file's format.
    pub format: FileFormat,
    /// Syntax of a row's text.
    pub shape: Shape,
    /// Addresses of its rows.
    pub rows: RowLayout,
    /// Number of rows, if it is known without reading them.
    pub row_count: Option<u64>,
    /// Names of the declared columns.
    pub columns: Vec<String>,
    /// True if columns are declared with types, and the file holds no text.
    pub is_columnar: bool,
}

/// Addresses of the rows of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowLayout {
    /// Rows are lines of the file, which begin at byte offsets.
    Lines,
    /// Rows are delimited records of the file, which begin at byte offsets.
    Records,
    /// Rows have numbers only.
    Numbered,
}

impl Target {
    /// Returns one stored file of a dataset as a target.
    #[cfg(feature = "doors")]
    pub(in crate::registry) fn of_stored(
        file: Arc<dyn StoredFile>,
        entry: &FileEntry,
        (dataset, home): (&str, &Path),
    ) -> Self {
        let format = FileFormat::from_number(entry.format);
        let file = TargetFile {
            path: entry.path.clone(),
            size_bytes: entry.size_bytes,
            format: Some(format).filter(|f| f.format != Format::Bytes),
            reading: ReadOptions::default(),
            place: FileLocation::Store(file),
        };
        let name = format!("{dataset}:{}", entry.path);
        Self {
            name: name.clone(),
            files: Arc::new(vec![file]),
            home: home.to_owned(),
            dataset: Some(name),
            spooled: Vec::new(),
        }
    }

    /// Returns the same target with one of its files only, or `None` if there is no such file.
    #[must_use]
    pub fn only(&self, file: usize) -> Option<Self> {
        let file = self.files.get(file)?.clone();
        Some(Self {
            files: Arc::new(vec![file]),
            ..self.clone()
        })
    }
}

impl TargetFile {
    /// Returns the layout of its rows, from its front and its end.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read, or has no rows.
    pub fn layout(&self) -> Result<FileLayout, Error> {
        let opened = self.opened()?;
        let shape = opened.table.shape().clone();
        let is_plain =
            opened.format.compression == Compression::None && opened.encoding == TextEncoding::Utf8;
        let rows = match &shape {
            _ if is_lines(&opened) => RowLayout::Lines,
            Shape::Delimited(_) if is_plain => RowLayout::Records,
            _ => RowLayout::Numbered,
        };
        Ok(FileLayout {
            format: opened.format,
            rows,
            row_count: opened.table.rows(),
            columns: opened.column_names(),
            is_columnar: opened.table.columnar().is_some(),
            shape,
        })
    }

    /// Returns its path on this disk; `None` for a file of a dataset.
    pub fn disk_path(&self) -> Option<&Path> {
        match &self.place {
            FileLocation::Disk(path) => Some(path),
            _ => None,
        }
    }

    /// Returns the path of its bytes without edits, if they are a file on disk.
    pub fn base_path(&self) -> Option<&Path> {
        match &self.place {
            FileLocation::Edited(base, _) => base.base_path(),
            _ => self.disk_path(),
        }
    }

    /// Returns true if all its bytes are on this machine.
    pub fn is_local(&self) -> bool {
        match &self.place {
            FileLocation::Disk(_) => true,
            // A file that would be fetched has a number of rows that is only claimed.
            FileLocation::Store(file) => file.claimed_rows().is_none(),
            FileLocation::Remote(_) => false,
            FileLocation::Edited(base, _) => base.is_local(),
        }
    }
}
