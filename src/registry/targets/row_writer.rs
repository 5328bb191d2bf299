//! Files that rows are written into. Each has its name only once it is whole.

use std::io;
use std::io::BufWriter;
use std::path::Path;
use std::path::PathBuf;

use crate::file_io::IfExists;
use crate::file_io::OutputFile;
use crate::inspect::output::OutputFormat;
use crate::inspect::output::Plan;
use crate::inspect::output::PushError;
use crate::inspect::output::RowCheck;
use crate::inspect::output::RowWriter;
use crate::inspect::table::Columnar;
use crate::registry::error::Error;

/// Files that rows are put into.
pub struct RowFiles {
    files: Vec<RowFile>,
}

struct RowFile {
    path: PathBuf,
    writer: RowWriter<BufWriter<OutputFile>>,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFileReport {
    /// Where it is.
    pub path: PathBuf,
    /// Its rows.
    pub rows: u64,
    /// Its length in bytes.
    pub bytes: u64,
}

impl RowFiles {
    /// Begins files, all with the same columns. A path whose ending names no format is written as
    /// `otherwise`.
    ///
    /// # Errors
    /// [`Error::Exists`] when a path is taken and must not be replaced, what making a file meets,
    /// and [`Error::ColumnRefused`].
    pub fn create(
        paths: &[PathBuf],
        rows: &RowsAs<'_>,
        if_exists: IfExists,
    ) -> Result<Self, Error> {
        let mut made = Self { files: Vec::new() };
        for path in paths {
            let file = OutputFile::create(path, if_exists, None);
            let file = file.map_err(|e| Error::output(path, e))?;
            let to = BufWriter::with_capacity(1 << 18, file);
            let writer = match rows {
                RowsAs::Text(check, plan) => RowWriter::new(to, check, plan),
                RowsAs::Decoded(format, columns) => RowWriter::of_decoded(to, *format, columns),
            };
            made.files.push(RowFile {
                path: path.clone(),
                writer: writer.map_err(|e| of_push(path, e))?,
            });
        }
        Ok(made)
    }

    /// Gives all files their names, durably.
    ///
    /// # Errors
    /// What writing meets, and [`Error::Exists`]; files before the one that fails are there then.
    pub fn commit(self) -> Result<Vec<RowFileReport>, Error> {
        let mut reports = Vec::new();
        for file in self.files {
            let rows = file.writer.rows();
            let written = (|| {
                let to = file.writer.finish().map_err(|e| match e {
                    PushError::Write(e) => e,
                    PushError::Refused(refusal) => io::Error::other(refusal.to_string()),
                    PushError::Read(e) => io::Error::other(e),
                })?;
                let to = to.into_inner().map_err(io::IntoInnerError::into_error)?;
                to.finish()
            })();
            reports.push(RowFileReport {
                rows,
                bytes: written.map_err(|e| Error::output(&file.path, e))?,
                path: file.path,
            });
        }
        Ok(reports)
    }

    /// The writer of a file, and its path.
    pub(in crate::registry) fn writer(
        &mut self,
        file: usize,
    ) -> Option<(&Path, &mut RowWriter<BufWriter<OutputFile>>)> {
        let file = self.files.get_mut(file)?;
        Some((&file.path, &mut file.writer))
    }
}

/// How rows come to the files.
pub enum RowsAs<'a> {
    /// As text, with the columns of a plan.
    Text(&'a RowCheck, &'a Plan),
    /// As decoded columns, for a format that has such.
    Decoded(OutputFormat, &'a Columnar),
}

/// The error for something that could not be written into a file.
pub(in crate::registry) fn of_push(path: &Path, error: PushError) -> Error {
    match error {
        PushError::Write(e) => Error::output(path, e),
        PushError::Refused(refusal) => Error::ColumnRefused {
            path: path.to_owned(),
            refusal,
        },
        PushError::Read(e) => Error::Rows {
            target: path.display().to_string(),
            source: e,
        },
    }
}

/// The format that a path is written in.
pub fn format_of(path: &Path, otherwise: OutputFormat) -> OutputFormat {
    OutputFormat::of_path(&path.to_string_lossy()).unwrap_or(otherwise)
}
