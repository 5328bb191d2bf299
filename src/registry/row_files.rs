//! Files that rows are written into. Each has its name only once it is whole.

use std::io;
use std::io::BufWriter;
use std::ops::ControlFlow;
use std::path::Path;
use std::path::PathBuf;

use crate::file_io::IfExists;
use crate::file_io::OutputFile;
use crate::inspect::output::OutputFormat;
use crate::inspect::output::Plan;
use crate::inspect::output::RowWriter;
use crate::inspect::table::Batch;
use crate::inspect::table::Row;
use crate::inspect::table::Scan;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::inspect::table::TableError;
use crate::registry::Target;
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

/// Which rows go into which file.
pub enum Picks<'a> {
    /// By what is in a row: the number of the file, or none.
    Content(&'a (dyn Fn(&Batch, &Row<'_>, &mut Scratch) -> Option<usize> + Sync)),
    /// By the row's number, and where that says nothing by what is in it.
    Both(
        &'a (dyn Fn(&Batch, &Row<'_>, &mut Scratch) -> usize + Sync),
        &'a (dyn Fn(u64) -> Option<usize> + Sync),
    ),
    /// By the row's number.
    Number(&'a (dyn Fn(u64) -> Option<usize> + Sync)),
}

/// How many rows went in and out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Rows that were looked at.
    pub rows_in: u64,
    /// Rows that were written.
    pub rows_out: u64,
    /// Rows that were cut, being longer than `ROW_BYTES_MAX`.
    pub truncated: u64,
}

impl RowFiles {
    /// Begins files, all of one plan. A path whose ending names no format is written as
    /// `otherwise`.
    ///
    /// # Errors
    /// [`Error::Exists`] when a path is taken and must not be replaced, and what making a file
    /// meets.
    pub fn create(
        paths: &[PathBuf],
        otherwise: OutputFormat,
        plan: &Plan,
        if_exists: IfExists,
    ) -> Result<Self, Error> {
        let mut made = Self { files: Vec::new() };
        for path in paths {
            let fail = |e| Error::output(path, e);
            let file = OutputFile::create(path, if_exists, None).map_err(fail)?;
            let format = format_of(path, otherwise);
            let to = BufWriter::with_capacity(1 << 18, file);
            made.files.push(RowFile {
                path: path.clone(),
                writer: RowWriter::new(to, format, plan).map_err(fail)?,
            });
        }
        Ok(made)
    }

    /// Writes rows of a scan in their order.
    ///
    /// # Errors
    /// Of reading, as [`Target::blame`] says it, and of writing.
    pub fn fill(
        &mut self,
        scan: &Scan<'_>,
        target: &Target,
        picks: &Picks<'_>,
    ) -> Result<Moved, Error> {
        let mut moved = Moved::default();
        let done = scan.run::<_, _, Ended>(
            Scratch::default,
            |scratch, batch| Ok(pick(batch, picks, scratch)),
            |made| {
                moved.truncated += made.truncated;
                moved.rows_in += made.value.rows.len() as u64 + made.value.passed;
                for (index, file, (from, to)) in &made.value.rows {
                    let file = match picks {
                        Picks::Content(_) => Some(*file),
                        Picks::Both(_, which) => which(made.first + index).or(Some(*file)),
                        Picks::Number(which) => which(made.first + index),
                    };
                    if let Some(file) = file {
                        let text = made.value.text.get(*from..*to).unwrap_or_default();
                        self.push(file, &made.value.shape, text)
                            .map_err(Ended::Write)?;
                        moved.rows_out += 1;
                    }
                }
                Ok(ControlFlow::Continue(()))
            },
        );
        match done {
            Ok(()) => Ok(moved),
            Err(Ended::Rows(e)) => Err(target.blame(e)),
            Err(Ended::Write(e)) => Err(e),
        }
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
                let to = file.writer.finish()?;
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

    fn push(&mut self, file: usize, shape: &Shape, row: &[u8]) -> Result<(), Error> {
        let Some(file) = self.files.get_mut(file) else {
            return Ok(());
        };
        file.writer
            .push(shape, row)
            .map_err(|e| Error::file("write", &file.path, e))
    }
}

/// The format that a path is written in.
pub fn format_of(path: &Path, otherwise: OutputFormat) -> OutputFormat {
    OutputFormat::of_path(&path.to_string_lossy()).unwrap_or(otherwise)
}

/// Learns which columns the rows of a scan have.
///
/// # Errors
/// As [`RowFiles::fill`].
pub fn plan_of(scan: &Scan<'_>, target: &Target) -> Result<Plan, Error> {
    let mut plan = Plan::default();
    let done = scan.run::<_, _, TableError>(
        Scratch::default,
        |scratch, batch| {
            let mut own = Plan::default();
            batch
                .rows()
                .for_each(|row| own.learn(batch.shape(), row.text, scratch));
            Ok(own)
        },
        |made| {
            plan.merge(&made.value);
            Ok(ControlFlow::Continue(()))
        },
    );
    done.map(|()| plan).map_err(|e| target.blame(e))
}

/// Rows of a batch that may be written.
struct Picked {
    text: Vec<u8>,
    shape: Shape,
    /// Number within the batch, file, and place in the text.
    rows: Vec<(u64, usize, (usize, usize))>,
    /// Rows that were left out.
    passed: u64,
}

fn pick(batch: &Batch, picks: &Picks<'_>, scratch: &mut Scratch) -> Picked {
    let mut picked = Picked {
        text: Vec::new(),
        shape: batch.shape().clone(),
        rows: Vec::new(),
        passed: 0,
    };
    for row in batch.rows() {
        let file = match picks {
            Picks::Content(which) => which(batch, &row, scratch),
            Picks::Both(which, _) => Some(which(batch, &row, scratch)),
            // It is asked once the number is known.
            Picks::Number(_) => Some(0),
        };
        match file {
            Some(file) => {
                let from = picked.text.len();
                picked.text.extend_from_slice(row.text);
                picked
                    .rows
                    .push((row.index, file, (from, picked.text.len())));
            }
            None => picked.passed += 1,
        }
    }
    picked
}

enum Ended {
    Rows(TableError),
    Write(Error),
}

impl From<TableError> for Ended {
    fn from(error: TableError) -> Self {
        Self::Rows(error)
    }
}
