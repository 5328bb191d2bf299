//! Faults of the rows of a target, and of its files.

use crate::inspect::Format;
use crate::inspect::lint::LintOptions;
use crate::inspect::lint::LintReport;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::lint_files;
use crate::progress::Progress;
use crate::registry::error::Error;
use crate::registry::error::target::TargetError;
use crate::registry::targets::Target;

impl Target {
    /// Finds faults in rows, and in files: a JSON document without a value, names of columns that occur twice, and columns
    /// that differ from those of the first file. Damage of a file is a fault too.
    ///
    /// # Errors
    /// [`Error`] when a file cannot be read, or the work is cancelled.
    pub fn lint(
        &self,
        options: &LintOptions,
        progress: &dyn Progress,
    ) -> Result<LintReport, Error> {
        progress.phase("looking over rows", Some(self.size_bytes()));
        let open = |first: usize| self.from_file(first);
        let report = lint_files(&open, options, progress);
        let mut report = report.map_err(|e| self.blame(e))?;
        if report.checked == 0 && is_document(self) {
            report.miss_value();
        }
        match note_files(self, &mut report) {
            // Damage is a finding already, and a damaged file cannot list its columns.
            Err(Error::Target(TargetError::Rows { source, .. })) if source.is_damage() => {
                note_files(&self.without_damaged()?, &mut report)?;
            }
            noted => noted?,
        }
        Ok(report)
    }
}

/// Adds notes about files: names of columns that occur twice, and columns that differ from those of the
/// first file.
fn note_files(target: &Target, report: &mut LintReport) -> Result<(), Error> {
    let (notes, differing) = (target.column_notes()?, target.differing_columns()?);
    for name in notes.repeated {
        let message = format!("the name `{name}` is there twice");
        report.note_file(RuleId::DuplicateColumn, Some(&name), &message);
    }
    for name in notes.not_utf8 {
        let message = format!("the name `{name}` in the header is not UTF-8");
        report.note_file(RuleId::BadUtf8, Some(&name), &message);
    }
    for (file, what) in differing {
        let message = format!("`{file}`: {what}");
        report.note_file(RuleId::FileColumns, None, &message);
    }
    Ok(())
}

/// True if the target is one file that should be one JSON text.
fn is_document(target: &Target) -> bool {
    let [only] = target.files() else { return false };
    // An empty array is a JSON text.
    let is_array = only
        .describe()
        .is_ok_and(|(found, _)| found.format == Format::JsonArray);
    only.path().to_ascii_lowercase().ends_with(".json") && !is_array
}
