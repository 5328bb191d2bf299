//! Output files for rows. Each gets its final name only when it is complete.

use std::io;
use std::io::BufWriter;
use std::path::Path;
use std::path::PathBuf;

use crate::file_io::IfExists;
use crate::file_io::OutputFile;
use crate::inspect::output::OutputFormat;
use crate::inspect::output::OutputPlan;
use crate::inspect::output::PushError;
use crate::inspect::output::RowCheck;
use crate::inspect::output::RowWriter;
use crate::inspect::table::Columnar;
use crate::registry::error::Error;
use crate::registry::error::target::TargetError;

/// Output files that rows are written into.
pub struct RowFiles {
    files: Vec<RowFile>,
}

struct RowFile {
    path: PathBuf,
    writer: RowWriter<BufWriter<OutputFile>>,
}

/// A written file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFileReport {
    /// The file's path.
    pub path: PathBuf,
    /// Number of rows.
    pub rows: u64,
    /// Length in bytes.
    pub bytes: u64,
}

impl RowFiles {
    /// Creates files with the same columns. A path whose extension names no format is written as
    /// `otherwise`.
    ///
    /// # Errors
    /// `CheckoutError::Exists` when a path exists and must not be replaced, an error of creating a file,
    /// or [`TargetError::ColumnRefused`].
    pub fn create(
        paths: &[PathBuf],
        rows: &RowForm<'_>,
        if_exists: IfExists,
    ) -> Result<Self, Error> {
        let mut made = Self { files: Vec::new() };
        for path in paths {
            let file = OutputFile::create(path, if_exists, None);
            let file = file.map_err(|e| Error::output(path, e))?;
            let to = BufWriter::with_capacity(1 << 18, file);
            let writer = match rows {
                RowForm::Text(check, plan) => RowWriter::new(to, check, plan),
                RowForm::Decoded(format, columns) => RowWriter::of_decoded(to, *format, columns),
            };
            made.files.push(RowFile {
                path: path.clone(),
                writer: writer.map_err(|e| of_push(path, e))?,
            });
        }
        Ok(made)
    }

    /// Renames all files to their final names, durably.
    ///
    /// # Errors
    /// An error of writing, or `CheckoutError::Exists`. Files before the failed one stay.
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

    /// Returns the writer and the path of a file.
    pub(in crate::registry) fn writer(
        &mut self,
        file: usize,
    ) -> Option<(&Path, &mut RowWriter<BufWriter<OutputFile>>)> {
        let file = self.files.get_mut(file)?;
        Some((&file.path, &mut file.writer))
    }
}

/// Form of the rows for the files.
pub enum RowForm<'a> {
    /// Text, with the columns of a plan.
    Text(&'a RowCheck, &'a OutputPlan),
    /// Decoded columns, for a columnar format.
    Decoded(OutputFormat, &'a Columnar),
}

/// Returns the error for a row that could not be written into a file.
pub(in crate::registry) fn of_push(path: &Path, error: PushError) -> Error {
    match error {
        PushError::Write(e) => Error::output(path, e),
        PushError::Refused(refusal) => Error::Target(TargetError::ColumnRefused {
            path: path.to_owned(),
            refusal,
        }),
        PushError::Read(e) => Error::Target(TargetError::Rows {
            target: path.display().to_string(),
            source: e,
        }),
    }
}

/// Returns the output format of a path.
pub fn format_of(path: &Path, otherwise: OutputFormat) -> OutputFormat {
    OutputFormat::of_path(&path.to_string_lossy()).unwrap_or(otherwise)
}
