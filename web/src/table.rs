//! A file with rows: its description, and rows by number.

use std::sync::Arc;

use alimentar::error_kind::ErrorKind;
use alimentar::inspect::Compression;
use alimentar::inspect::FileFormat;
use alimentar::inspect::Format;
use alimentar::inspect::TextEncoding;
use alimentar::inspect::row_json;
use alimentar::inspect::table::Batch;
use alimentar::inspect::table::Batches;
use alimentar::inspect::table::LineTable;
use alimentar::inspect::table::NextBatch;
use alimentar::inspect::table::OpenOptions;
use alimentar::inspect::table::Opened;
use alimentar::inspect::table::Scratch;
use alimentar::inspect::table::Selection;
use alimentar::inspect::table::Table;
use alimentar::inspect::table::TableError;
use alimentar::inspect::table::open_table;
use alimentar::inspect::table::sniff;
use alimentar::progress::NoProgress;
use alimentar::progress::Progress;
use alimentar::read_at::ReadAt;
use serde_json::Value;
use serde_json::json;

use crate::archive::columns_of;
use crate::failure::Failure;
use crate::limits::LIST_BYTES_MAX;
use crate::limits::LISTED_ROW_BYTES_MAX;
use crate::limits::LISTED_ROWS_MAX;
use crate::limits::POINTS_MAX;
use crate::limits::ROW_BYTES_MAX;

/// Bytes between two known places of rows, at least.
const POINT_BYTES: u64 = 256 << 10;

/// An open file with rows.
pub(crate) struct OpenTable {
    pub(crate) name: String,
    pub(crate) opened: Opened,
    source: Arc<dyn ReadAt>,
    /// Numbers and offsets of some rows of a file of lines.
    points: Vec<(u64, u64)>,
    /// Numbers of rows, blank ones included, and rows, once the file was read to its end.
    counted: Option<(u64, u64)>,
}

/// A row for a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownRow {
    pub(crate) number: u64,
    /// JSON text, or the beginning of one.
    pub(crate) json: String,
    pub(crate) bytes: usize,
    pub(crate) is_cut: bool,
}

impl ShownRow {
    pub(crate) fn to_json(&self) -> Value {
        json!({"number": self.number, "json": self.json, "bytes": self.bytes, "cut": self.is_cut})
    }
}

impl OpenTable {
    /// Opens a file of a format with rows.
    ///
    /// # Errors
    /// [`Failure`] for a file without rows, or a damaged one.
    pub(crate) fn open(source: Arc<dyn ReadAt>, name: &str) -> Result<Self, Failure> {
        let mut options = OpenOptions::default();
        let has_name = alimentar::inspect::table::has_rows(name);
        let of = |error| blamed(name, error);
        if !has_name {
            options.format = sniff(&source).map_err(of)?;
        }
        let opened = open_table(Arc::clone(&source), name, options).map_err(of)?;
        Ok(Self {
            name: name.to_owned(),
            opened,
            source,
            points: Vec::new(),
            counted: None,
        })
    }

    /// Returns the bytes of the file.
    pub(crate) fn bytes(&self) -> u64 {
        self.source.len()
    }

    pub(crate) fn blame(&self, error: TableError) -> Failure {
        blamed(&self.name, error)
    }

    /// Returns the description of the file.
    pub(crate) fn describe(&self) -> Value {
        let opened = &self.opened;
        let FileFormat {
            format,
            compression,
        } = opened.format;
        let columnar = opened.table.columnar();
        let metadata = columnar.map(|c| c.metadata.clone()).unwrap_or_default();
        let unread = columnar.map(|c| c.unread.clone()).unwrap_or_default();
        let unread: Vec<Value> = unread
            .iter()
            .map(|c| json!({"name": c.name, "type": c.kind}))
            .collect();
        let text = |byte: u8| char::from(byte).to_string();
        let dialect = opened.dialect.map(|d| {
            json!({
                "separator": text(d.separator), "quote": d.quote.map(text),
                "header": d.has_header,
            })
        });
        json!({
            "kind": "table",
            "name": self.name,
            "bytes": self.source.len(),
            "format": FileFormat { format, compression: Compression::None }.name(),
            "compression": match compression {
                Compression::None => None,
                Compression::Gzip => Some("gzip"),
                Compression::Zstd => Some("zstd"),
            },
            "encoding": opened.encoding.name(),
            "rows": self.rows_total(),
            "columns": columns_of(opened.schema().as_ref()),
            "schema_from": opened.schema_from().to_string(),
            "dialect": dialect,
            "metadata": metadata,
            "repeated_names": opened.repeated_names(),
            "unread_columns": unread,
        })
    }

    /// Returns the number of rows, if it is known.
    fn rows_total(&self) -> Option<u64> {
        self.counted
            .map(|(_, rows)| rows)
            .or_else(|| self.opened.table.rows())
    }

    /// Returns true for lines that can be read from any offset.
    fn is_lines(&self) -> bool {
        let FileFormat {
            format,
            compression,
        } = self.opened.format;
        matches!(format, Format::Jsonl | Format::Bytes)
            && compression == Compression::None
            && self.opened.encoding == TextEncoding::Utf8
            && self.opened.index.is_none()
            && self.opened.orient.is_none()
    }

    /// Notes the place of the first row of a batch of lines.
    pub(crate) fn note(&mut self, row: u64, batch: &Batch) {
        let least = POINT_BYTES.max(self.source.len() / POINTS_MAX as u64);
        let (last_row, last_at) = self.points.last().copied().unwrap_or_default();
        if row > last_row && batch.offset() >= last_at + least {
            self.points.push((row, batch.offset()));
        }
    }

    /// Returns all rows from a number on, in batches.
    ///
    /// # Errors
    /// [`TableError`] if the row cannot be reached.
    pub(crate) fn batches(&self, selection: &Selection) -> Result<Arc<dyn Batches>, TableError> {
        let table = Arc::clone(&self.opened.table);
        if selection.from == 0 || !self.is_lines() {
            return table.batches(selection);
        }
        let behind = self
            .points
            .partition_point(|(row, _)| *row <= selection.from);
        match behind.checked_sub(1).and_then(|n| self.points.get(n)) {
            None => table.batches(selection),
            Some((row, at)) => {
                let lines = LineTable::new(Arc::clone(&self.source), table.shape().clone());
                Arc::new(lines.with_known(*row, *at)).batches(selection)
            }
        }
    }

    /// Counts all rows, and notes places of some of them.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read to its end.
    pub(crate) fn count(&mut self, progress: &dyn Progress) -> Result<u64, Failure> {
        if let Some(rows) = self.rows_total() {
            return Ok(rows);
        }
        progress.phase("counting", Some(self.source.len()));
        let (numbers, rows) = self.read_on(u64::MAX, progress)?;
        self.counted = Some((numbers, rows));
        Ok(rows)
    }

    /// Reads from the front until a row is known. Returns the numbers and rows so far.
    fn read_on(&mut self, until: u64, progress: &dyn Progress) -> Result<(u64, u64), Failure> {
        let from = match until {
            u64::MAX => (0, 0),
            _ => self.points.last().copied().unwrap_or_default(),
        };
        let selection = Selection {
            from: from.0,
            ..Selection::default()
        };
        let batches = self.batches(&selection).map_err(|e| self.blame(e))?;
        let is_lines = self.is_lines();
        let (mut numbers, mut rows) = (from.0, 0);
        let mut batch = Batch::default();
        while numbers <= until {
            if progress.cancelled() {
                return Err(self.blame(TableError::Interrupted));
            }
            let next = batches.next(&mut batch).map_err(|e| self.blame(e))?;
            let NextBatch::Batch(_) = next else { break };
            rows += batch.count_rows();
            if is_lines {
                self.note(numbers, &batch);
            }
            numbers += batch.count();
            progress.advance(batch.bytes_read());
        }
        Ok((numbers, rows))
    }

    /// Returns a list of rows from a number on.
    ///
    /// # Errors
    /// [`Failure`] if they cannot be read.
    pub(crate) fn rows(&mut self, from: u64, count: u64) -> Result<Value, Failure> {
        let mut rows: Vec<Value> = Vec::new();
        let wanted = count.min(LISTED_ROWS_MAX);
        let mut bytes = 0;
        let next = self.each_row(from, LISTED_ROW_BYTES_MAX, &mut |row| {
            bytes += row.json.len();
            rows.push(row.to_json());
            (rows.len() as u64) < wanted && bytes < LIST_BYTES_MAX
        })?;
        Ok(json!({"rows": rows, "next": next, "total": self.rows_total()}))
    }

    /// Returns one row.
    ///
    /// # Errors
    /// [`Failure`] if there is none with this number.
    pub(crate) fn row(&mut self, number: u64) -> Result<ShownRow, Failure> {
        let mut found = None;
        self.each_row(number, ROW_BYTES_MAX, &mut |row| {
            found = Some(row);
            false
        })?;
        let found = found.filter(|row| row.number == number);
        let none = || {
            Failure::new(
                ErrorKind::NotFound,
                format!("`{}` has no row {number}", self.name),
            )
        };
        found.ok_or_else(none)
    }

    /// Passes rows from a number on to `each` until it returns false. Returns the number to go on with.
    pub(crate) fn each_row(
        &mut self,
        from: u64,
        bytes_max: usize,
        each: &mut dyn FnMut(ShownRow) -> bool,
    ) -> Result<Option<u64>, Failure> {
        let far = self.points.last().map_or(0, |(row, _)| *row);
        if self.is_lines() && self.counted.is_none() && from > far.saturating_add(100_000) {
            self.read_on(from, &NoProgress)?;
        }
        let selection = Selection {
            from,
            ..Selection::default()
        };
        let batches = self.batches(&selection).map_err(|e| self.blame(e))?;
        let (mut batch, mut scratch) = (Batch::default(), Scratch::default());
        let mut first = from;
        loop {
            let next = batches.next(&mut batch).map_err(|e| self.blame(e))?;
            let NextBatch::Batch(_) = next else {
                return Ok(None);
            };
            for row in batch.rows() {
                let number = first + row.index;
                let text = match row.text.get(..bytes_max) {
                    // Of a long row of JSON only the beginning is made into a text.
                    Some(front) if batch.shape() == &alimentar::inspect::table::Shape::Json => {
                        front
                    }
                    _ => row.text,
                };
                let mut json = row_json(batch.shape(), text, &mut scratch);
                let is_cut = json.len() > bytes_max || text.len() < row.text.len();
                let bytes = json.len().max(row.text.len());
                if json.len() > bytes_max {
                    let end = (0..=bytes_max).rev().find(|at| json.is_char_boundary(*at));
                    json.truncate(end.unwrap_or(0));
                }
                let shown = ShownRow {
                    number,
                    json,
                    bytes,
                    is_cut,
                };
                if !each(shown) {
                    return Ok(Some(number + 1));
                }
            }
            first += batch.count();
        }
    }
}

/// Returns the failure of reading the rows of a file.
fn blamed(name: &str, error: TableError) -> Failure {
    if matches!(error, TableError::Interrupted) {
        return error.into();
    }
    let is_damage = error.is_damage();
    let of: Failure = error.into();
    let message = format!("cannot read the rows of `{name}`: {}", of.message);
    let failure = Failure { message, ..of };
    match is_damage {
        true => failure.with_hint("a search for faults looks over the rows before the damage"),
        false => failure,
    }
}
