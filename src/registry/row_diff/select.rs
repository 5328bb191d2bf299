//! Selects the pairs of files for a row diff, and the method for each.

use crate::registry::views::Comparison;
use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::Dataset;
use crate::error_kind::Classify as _;
use crate::error_kind::ErrorKind;
use crate::inspect::Compression;
use crate::inspect::FileFormat;
use crate::inspect::Format;
use crate::inspect::ReadOptions;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::error::target::TargetError;
use crate::registry::row_diff::RowDiff;
use crate::registry::row_diff::compare::compare_all;
use crate::registry::row_diff::compare_lines;
use crate::registry::row_diff::input::DiffInput;
use crate::registry::row_diff::input::PlacedFile;
use crate::registry::targets::Target;
use crate::registry::targets::file::TargetFile;
use crate::store::disk::BlobReader;
use crate::wire::limits::DIFF_ROWS_MAX;

impl Comparison<'_> {
    /// Compares the rows of files that differ: those with the same path, or the only file of each
    /// dataset.
    ///
    /// Of JSON Lines it reads only the chunks that differ, and of other formats all rows of both.
    ///
    /// # Errors
    /// [`Error`] when a tree or chunk is missing or damaged.
    pub fn diff_rows(
        &self,
        a: &Dataset,
        b: &Dataset,
        progress: &dyn Progress,
    ) -> Result<Vec<RowDiff>, Error> {
        let a = DiffInput::held(self.registry, a)?;
        let b = DiffInput::held(self.registry, b)?;
        self.diff_rows_of(&a, &b, progress)
    }

    /// Compares the rows of files that differ, as [`Comparison::diff_rows`].
    ///
    /// # Errors
    /// As [`Comparison::diff_rows`], and errors of reading what is not here.
    pub fn diff_rows_of(
        &self,
        a: &DiffInput,
        b: &DiffInput,
        progress: &dyn Progress,
    ) -> Result<Vec<RowDiff>, Error> {
        let reader = Arc::new(BlobReader::new(&self.registry.store)?);
        progress.phase("comparing rows", None);
        let mut diffs = Vec::new();
        for (file_a, file_b) in pairs(&a.table, &b.table) {
            let by_lines = || compare_lines((self.registry, &reader), (a, file_a), (b, file_b));
            let mut diff = match is_json_lines(file_a.1) && is_json_lines(file_b.1) {
                true => by_lines()?,
                false => {
                    let target = |input, file| self.registry.target_of(&reader, input, file);
                    let (in_a, in_b) = (target(a, file_a), target(b, file_b));
                    match compare_all(&in_a, &in_b, progress) {
                        Ok(Some(diff)) => diff,
                        Ok(None) if is_lines(file_a.1) && is_lines(file_b.1) => by_lines()?,
                        Ok(None) => RowDiff {
                            not_compared: Some(format!("more than {DIFF_ROWS_MAX} rows")),
                            ..RowDiff::default()
                        },
                        Err(Error::Target(TargetError::Rows { source, .. }))
                            if source.kind() != ErrorKind::Network =>
                        {
                            RowDiff {
                                not_compared: Some(source.to_string()),
                                ..RowDiff::default()
                            }
                        }
                        Err(error) => return Err(error),
                    }
                }
            };
            diff.path.clone_from(&file_a.1.path);
            diffs.push(diff);
            if progress.cancelled() {
                return Err(Error::Interrupted);
            }
        }
        Ok(diffs)
    }
}

impl LocalRegistry {
    /// Creates a target for one file of a dataset.
    fn target_of(
        &self,
        reader: &Arc<BlobReader>,
        input: &DiffInput,
        file: PlacedFile<'_>,
    ) -> Target {
        let entry = file.1;
        let format = FileFormat::from_number(entry.format);
        let file = input.location(reader, file).map(|place| TargetFile {
            path: entry.path.clone(),
            size_bytes: entry.size_bytes,
            format: Some(format),
            reading: ReadOptions::default(),
            place,
        });
        Target {
            name: entry.path.clone(),
            files: Arc::new(file.into_iter().collect()),
            home: self.home().to_owned(),
            dataset: None,
            spooled: Vec::new(),
        }
    }
}

/// Pairs the files that have rows, the same format and different content.
fn pairs<'a>(a: &'a FileTable, b: &'a FileTable) -> Vec<(PlacedFile<'a>, PlacedFile<'a>)> {
    let format = |f: &FileEntry| FileFormat::from_number(f.format).format;
    let only = a.files().len() == 1 && b.files().len() == 1;
    let mut found = Vec::new();
    let by_path: HashMap<&str, PlacedFile<'a>> = b
        .with_offsets()
        .map(|(at, f)| (f.path.as_str(), (at, f)))
        .collect();
    for (at, file) in a.with_offsets() {
        let other = if only {
            b.with_offsets().next()
        } else {
            by_path.get(file.path.as_str()).copied()
        };
        let Some(other) = other else { continue };
        let same = file.content_id.is_some() && file.content_id == other.1.content_id;
        let has_rows = format(file) != Format::Bytes && format(file) == format(other.1);
        if !same && has_rows {
            found.push(((at, file), other));
        }
    }
    found
}

/// Returns true if each line of a stored file is a row.
fn is_json_lines(file: &FileEntry) -> bool {
    FileFormat::from_number(file.format).format == Format::Jsonl && is_lines(file)
}

/// Returns true if the rows of a stored file are lines, except for values that span several lines.
fn is_lines(file: &FileEntry) -> bool {
    let format = FileFormat::from_number(file.format);
    let lines = matches!(format.format, Format::Jsonl | Format::Csv | Format::Tsv);
    lines && format.compression == Compression::None
}
