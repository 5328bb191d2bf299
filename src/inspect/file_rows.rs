//! Rows of a file as JSON, one by one: the simple way into this module.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::inspect::row_json::row_json;
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::NextBatch;
use crate::inspect::table::OpenOptions;
use crate::inspect::table::Scratch;
use crate::inspect::table::Selection;
use crate::inspect::table::TableError;
use crate::inspect::table::open_table;

/// A row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileRow {
    /// Row number, from 0. Ignored blank lines have numbers too.
    pub number: u64,
    /// JSON text of the row; invalid UTF-8 becomes U+FFFD.
    pub json: String,
}

/// Reads the rows of a file of any supported format, in order and in bounded memory.
///
/// The extension and the first bytes decide the format. Rows of JSON files keep their text, which
/// is not validated. Rows of columnar files become objects. So do records of delimited files, with
/// a string or null per column, and lines of text, with the column `text`.
///
/// ```
/// let mut rows = alimentar::inspect::rows("tests/data/gsm8k/test.jsonl")?;
/// let first = rows.next().ok_or("the file is empty")??;
/// assert_eq!(first.number, 0);
/// assert!(first.json.starts_with(r#"{"question":"#));
/// assert_eq!(rows.filter(|row| row.is_ok()).count(), 1318);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`TableError`] if the file cannot be opened as a table. An item is an error if the file cannot
/// be read further; it is the last item.
pub fn rows(
    path: impl AsRef<Path>,
) -> Result<impl Iterator<Item = Result<FileRow, TableError>>, TableError> {
    let path = path.as_ref();
    if !std::fs::metadata(path)?.is_file() {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file");
        return Err(error.into());
    }
    let source = Arc::new(File::open(path)?);
    let opened = open_table(source, &path.to_string_lossy(), OpenOptions::default())?;
    Ok(FileRows {
        batches: opened.table.batches(&Selection::default())?,
        batch: Batch::default(),
        scratch: Scratch::default(),
        first: 0,
        ready: VecDeque::new(),
        is_over: false,
    })
}

struct FileRows {
    batches: Arc<dyn Batches>,
    batch: Batch,
    scratch: Scratch,
    /// Number of the first row of the next batch.
    first: u64,
    ready: VecDeque<FileRow>,
    is_over: bool,
}

impl FileRows {
    /// Reads the next batch; false at the end.
    fn read_batch(&mut self) -> Result<bool, TableError> {
        if let NextBatch::End(_) = self.batches.next(&mut self.batch)? {
            return Ok(false);
        }
        for row in self.batch.rows() {
            let long = self.batch.long(&row).map(|long| long.read_all());
            let long = long.transpose()?;
            let text = long.as_deref().unwrap_or(row.text);
            self.ready.push_back(FileRow {
                number: self.first + row.index,
                json: row_json(self.batch.shape(), text, &mut self.scratch),
            });
        }
        self.first += self.batch.count();
        Ok(true)
    }
}

impl Iterator for FileRows {
    type Item = Result<FileRow, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.ready.pop_front() {
                return Some(Ok(row));
            }
            if self.is_over {
                return None;
            }
            match self.read_batch() {
                Ok(has_batch) => self.is_over = !has_batch,
                Err(error) => {
                    self.is_over = true;
                    self.ready.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, bytes: &[u8]) -> Vec<(u64, String)> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let rows = rows(&path).unwrap().map(Result::unwrap);
        rows.map(|row| (row.number, row.json)).collect()
    }

    #[test]
    fn rows_of_delimited_file_are_objects_of_strings() {
        let found = read("x.csv", b"name,n\n\"a \"\"b\"\"\",1\nc,\n");
        let expected = [r#"{"name":"a \"b\"","n":"1"}"#, r#"{"name":"c","n":null}"#];
        assert_eq!(
            found,
            [(0, expected[0].to_owned()), (1, expected[1].to_owned())]
        );
    }

    #[test]
    fn rows_of_json_lines_keep_text_and_skip_blank_lines() {
        let found = read("x.jsonl", b"{\"a\": 1}\n\n{\"a\": 2}\n");
        let expected = [(0, r#"{"a": 1}"#.to_owned()), (2, r#"{"a": 2}"#.to_owned())];
        assert_eq!(found, expected);
    }

    #[test]
    fn rows_of_columnar_file_are_objects() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/data/formats/three.parquet"
        );
        let found: Vec<_> = rows(path).unwrap().map(Result::unwrap).collect();
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|row| row.json.starts_with('{')));
    }

    #[test]
    fn rows_of_damaged_file_end_with_one_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.json");
        std::fs::write(&path, b"[{\"a\":1},{\"a\":2}").unwrap();
        let found: Vec<_> = rows(&path).unwrap().collect();
        assert!(matches!(found.last(), Some(Err(TableError::Damaged(_)))));
        assert_eq!(found.iter().filter(|row| row.is_err()).count(), 1);
    }

    #[test]
    fn rows_of_directory_is_read_error() {
        let directory = tempfile::tempdir().unwrap();
        let opened = rows(directory.path()).err();
        assert!(matches!(opened, Some(TableError::Read(_))));
    }
}
