//! Which files of two datasets are compared row by row, and how.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::Dataset;
use crate::inspect::Compression;
use crate::inspect::FileFormat;
use crate::inspect::Format;
use crate::inspect::ReadOptions;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::row_diff::Placed;
use crate::registry::row_diff::RowDiff;
use crate::registry::row_diff::compare::compare_all;
use crate::registry::row_diff::compare_lines;
use crate::registry::targets::Target;
use crate::registry::targets::dataset_file::DatasetFile;
use crate::registry::targets::file::Place;
use crate::registry::targets::file::TargetFile;
use crate::store::disk::BlobReader;
use crate::wire::limits::DIFF_ROWS_MAX;

impl LocalRegistry {
    /// Compares the rows of files that differ: those of the same path, or the only file of each. Of lines
    /// of JSON, only what the files do not share is read; of other formats, all rows of both.
    ///
    /// # Errors
    /// [`Error`] when a tree or chunk is missing or damaged.
    pub fn diff_rows(
        &self,
        a: &Dataset,
        b: &Dataset,
        progress: &dyn Progress,
    ) -> Result<Vec<RowDiff>, Error> {
        let reader = Arc::new(BlobReader::new(&self.store)?);
        // With the hashes of small files too: what did not change is not looked into.
        let (of_a, of_b) = (self.files(&a.manifest)?, self.files(&b.manifest)?);
        progress.phase("comparing rows", None);
        let mut diffs = Vec::new();
        for (file_a, file_b) in pairs(&of_a, &of_b) {
            let by_lines = || compare_lines((self, &reader), (a, file_a), (b, file_b));
            let mut diff = match is_json_lines(file_a.1) && is_json_lines(file_b.1) {
                true => by_lines()?,
                false => {
                    let target = |dataset, file| self.target_of(&reader, dataset, file);
                    let (in_a, in_b) = (target(a, file_a), target(b, file_b));
                    match compare_all(&in_a, &in_b, progress) {
                        Ok(Some(diff)) => diff,
                        Ok(None) if is_lines(file_a.1) && is_lines(file_b.1) => by_lines()?,
                        Ok(None) => RowDiff {
                            not_compared: Some(format!("more than {DIFF_ROWS_MAX} rows")),
                            ..RowDiff::default()
                        },
                        Err(Error::Rows { source, .. }) => RowDiff {
                            not_compared: Some(source.to_string()),
                            ..RowDiff::default()
                        },
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

    /// One file of a dataset, to be read by its rows.
    fn target_of(&self, reader: &Arc<BlobReader>, dataset: &Dataset, file: Placed<'_>) -> Target {
        let (start, entry) = file;
        let format = FileFormat::from_number(entry.format);
        let manifest = Arc::new(dataset.manifest.clone());
        let place = DatasetFile::new(Arc::clone(reader), manifest, start, entry.clone());
        let file = TargetFile {
            path: entry.path.clone(),
            size_bytes: entry.size_bytes,
            format: Some(format),
            reading: ReadOptions::default(),
            place: Place::Store(Arc::new(place)),
        };
        Target {
            name: entry.path.clone(),
            files: Arc::new(vec![file]),
            home: self.home().to_owned(),
            dataset: None,
            spooled: Vec::new(),
        }
    }
}

/// Files with rows that have other content and the same format.
fn pairs<'a>(a: &'a FileTable, b: &'a FileTable) -> Vec<(Placed<'a>, Placed<'a>)> {
    let format = |f: &FileEntry| FileFormat::from_number(f.format).format;
    let only = a.files().len() == 1 && b.files().len() == 1;
    let mut found = Vec::new();
    let by_path: HashMap<&str, Placed<'a>> = b
        .with_offsets()
        .map(|(at, f)| (f.path.as_str(), (at, f)))
        .collect();
    for (at, file) in a.with_offsets() {
        let other = match only {
            true => b.with_offsets().next(),
            false => by_path.get(file.path.as_str()).copied(),
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

/// Whether a file is stored as lines each of which is a row.
fn is_json_lines(file: &FileEntry) -> bool {
    FileFormat::from_number(file.format).format == Format::Jsonl && is_lines(file)
}

/// Whether a file is stored as lines which are rows, but for values that go over several.
fn is_lines(file: &FileEntry) -> bool {
    let format = FileFormat::from_number(file.format);
    let lines = matches!(format.format, Format::Jsonl | Format::Csv | Format::Tsv);
    lines && format.compression == Compression::None
}
