//! Edited columnar files, which have no form in place: they are written anew.

use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::file_io::IfExists;
use crate::inspect::Format;
use crate::inspect::output::OutputFormat;
use crate::inspect::output::common_columns;
use crate::inspect::table::Decoded;
use crate::inspect::table::Scan;
use crate::inspect::table::Selection;
use crate::locks::threads;
use crate::progress::Progress;
use crate::read_at::ReadAt;
use crate::registry::RowAssignment;
use crate::registry::RowFiles;
use crate::registry::RowForm;
use crate::registry::SpillDirectory;
use crate::registry::Target;
use crate::registry::edits::error::EditError;
use crate::registry::error::Error;
use crate::registry::targets::file::TargetFile;

/// A file that was written anew. It is removed with this value.
pub(super) struct RewrittenFile {
    path: PathBuf,
    bytes: u64,
    _directory: SpillDirectory,
}

impl RewrittenFile {
    /// Writes an edited columnar file, in the cache of the home.
    ///
    /// # Errors
    /// Errors of reading and writing.
    pub(super) fn write(
        edited: TargetFile,
        home: &Path,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let opened = edited.opened()?;
        let refused = |why: String| EditError::NotEditable {
            target: edited.path().to_owned(),
            why,
        };
        let columnar = opened.table.columnar().cloned();
        let columnar = columnar.ok_or_else(|| refused("it is not columnar".to_owned()))?;
        let columns = common_columns(std::slice::from_ref(&columnar));
        let columns = columns.map_err(|name| refused(format!("of its column `{name}`")))?;
        let format = match opened.format.format {
            Format::ArrowFile => OutputFormat::Arrow,
            Format::ArrowStream => OutputFormat::ArrowStream,
            _ => OutputFormat::Parquet,
        };
        let directory = SpillDirectory::create(home)?;
        let path = directory.path().join("edited");
        let target = Target::of_file(edited, home);
        let form = RowForm::Decoded(format, &columns);
        let paths = std::slice::from_ref(&path);
        let mut files = RowFiles::create(paths, &form, IfExists::Refuse)?;
        let batches = target.all(Selection {
            decoded: Decoded::Alone,
            ..Selection::default()
        });
        let scan = Scan {
            batches: &*batches,
            threads: threads(),
            progress,
        };
        files.fill_decoded(&scan, &target, &RowAssignment::All, &columns.schema)?;
        let bytes = files.commit()?.iter().map(|file| file.bytes).sum();
        Ok(Self {
            path,
            bytes,
            _directory: directory,
        })
    }

    /// Length in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Opens the file.
    ///
    /// # Errors
    /// As the operating system.
    pub(super) fn source(&self) -> Result<Arc<dyn ReadAt>, Error> {
        let file = File::open(&self.path);
        Ok(Arc::new(
            file.map_err(|e| Error::file("read", &self.path, e))?,
        ))
    }
}
