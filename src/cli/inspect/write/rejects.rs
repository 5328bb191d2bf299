//! Rows that cannot be written, and the file that takes them.

use std::io::BufWriter;
use std::io::IntoInnerError;
use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use crate::file_io::IfExists;
use crate::file_io::OutputFile;
use crate::registry::Error;
use crate::registry::RefusedRow;

/// The most rows that the message lists.
const LISTED: usize = 5;

/// A line of the file.
#[derive(Serialize)]
struct RejectLine<'a> {
    row: u64,
    column: Option<&'a str>,
    reason: &'a str,
    text: &'a str,
}

/// Takes rows that cannot be written.
pub(super) struct Rejects {
    to: Option<(PathBuf, BufWriter<OutputFile>)>,
    /// The number of rows.
    pub(super) count: u64,
    /// The reasons for the first rows.
    pub(super) first: Vec<String>,
}

impl Rejects {
    /// Opens the file at `path`, if there is one.
    pub(super) fn create(path: Option<&PathBuf>, if_exists: IfExists) -> Result<Self, Error> {
        let open = |path: &PathBuf| {
            let made = OutputFile::create(path, if_exists, None);
            let made = made.map_err(|e| Error::output(path, e))?;
            Ok::<_, Error>((path.clone(), BufWriter::new(made)))
        };
        Ok(Self {
            to: path.map(open).transpose()?,
            count: 0,
            first: Vec::new(),
        })
    }

    /// Adds a row.
    pub(super) fn add(&mut self, refused: &RefusedRow) -> Result<(), Error> {
        self.count += 1;
        if self.first.len() < LISTED {
            let line = format!("row {}: {}", refused.row, refused.refusal);
            self.first.push(line);
        }
        let Some((path, to)) = &mut self.to else {
            return Ok(());
        };
        let text = String::from_utf8_lossy(&refused.text);
        let line = RejectLine {
            row: refused.row,
            column: refused.refusal.column.as_deref(),
            reason: &refused.refusal.why,
            text: &text,
        };
        let fail = |e| Error::output(path.as_path(), e);
        // Through a value, which sorts the keys.
        let line = serde_json::to_value(line).map_err(|e| fail(std::io::Error::other(e)))?;
        writeln!(to, "{line}").map_err(fail)
    }

    /// Closes the file.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        let Some((path, to)) = self.to.take() else {
            return Ok(());
        };
        let to = to.into_inner().map_err(IntoInnerError::into_error);
        let done = to.and_then(OutputFile::finish);
        done.map(drop).map_err(|e| Error::output(path, e))
    }
}
