//! Rows that cannot be written: what becomes of them, and what is said.

use std::io::BufWriter;
use std::io::IntoInnerError;
use std::io::Write;
use std::path::PathBuf;

use serde_json::json;

use crate::cli::args_write::WriteArgs;
use crate::file_io::IfExists;
use crate::file_io::OutputFile;
use crate::registry::Error;
use crate::registry::RefusedRow;

/// Rows that are told one by one.
const TOLD: usize = 5;

/// Takes rows that cannot be written.
pub(super) struct Rejects {
    to: Option<(PathBuf, BufWriter<OutputFile>)>,
    /// How many there are.
    pub(super) count: u64,
    /// Why the first of them cannot be written.
    pub(super) first: Vec<String>,
}

impl Rejects {
    pub(super) fn new(args: &WriteArgs, if_exists: IfExists) -> Result<Self, Error> {
        let open = |path: &PathBuf| {
            let made = OutputFile::create(path, if_exists, None);
            let made = made.map_err(|e| Error::output(path, e))?;
            Ok::<_, Error>((path.clone(), BufWriter::new(made)))
        };
        Ok(Self {
            to: args.rejects.as_ref().map(open).transpose()?,
            count: 0,
            first: Vec::new(),
        })
    }

    pub(super) fn take(&mut self, refused: &RefusedRow) -> Result<(), Error> {
        self.count += 1;
        if self.first.len() < TOLD {
            let told = format!("row {}: {}", refused.row, refused.refusal);
            self.first.push(told);
        }
        let Some((path, to)) = &mut self.to else {
            return Ok(());
        };
        let line = json!({
            "row": refused.row, "column": refused.refusal.column, "reason": refused.refusal.why,
            "text": String::from_utf8_lossy(&refused.text),
        });
        writeln!(to, "{line}").map_err(|e| Error::output(path, e))
    }

    pub(super) fn finish(&mut self) -> Result<(), Error> {
        let Some((path, to)) = self.to.take() else {
            return Ok(());
        };
        let to = to.into_inner().map_err(IntoInnerError::into_error);
        let done = to.and_then(OutputFile::finish);
        done.map(drop).map_err(|e| Error::output(path, e))
    }
}
