//! Consistency checks of a manifest, its file table and its chunk tree.

use crate::archive_check::error::CheckError;
use crate::chunk::count_newlines;
use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::chunk::params::CHUNK_BYTES_MIN;
use crate::chunk::params::NEWLINE_WINDOW_BYTES;
use crate::inspect::Compression;
use crate::inspect::FileFormat;
use crate::inspect::Format;
use crate::manifest::ChunkEntry;
use crate::manifest::DatasetKind;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::manifest::TableError;
use crate::manifest::Totals;
use crate::manifest::TreeError;

/// A chunk that ends later than this was cut at a newline.
const CONTENT_CUT_MAX: u64 = (CHUNK_BYTES_MAX - NEWLINE_WINDOW_BYTES) as u64;

/// Returns the error for a false claim of this manifest.
pub(crate) fn false_claim(manifest: &Manifest, claim: String) -> CheckError {
    CheckError::FalseClaim {
        dataset: format!("{}@{}", manifest.name, manifest.dataset_version),
        claim,
    }
}

/// Decodes the file table of a manifest.
///
/// # Errors
/// [`CheckError::FalseClaim`] when a path in it is invalid, or the lengths of its files do not add up to
/// the dataset's.
pub(crate) fn table_of(bytes: &[u8], m: &Manifest) -> Result<FileTable, CheckError> {
    let root = m.file_table_root;
    let table = FileTable::read(bytes).map_err(|e| match e {
        TableError::Bytes(e) => TreeError::Node(root, e).into(),
        e => false_claim(
            m,
            format!("its file table lists a path that cannot be: {e}"),
        ),
    })?;
    check_number(m, "size_bytes", m.size_bytes, table.size_bytes())?;
    Ok(table)
}

/// Compares a number in a manifest with the one of its file table. A `found` of `None` exceeds 64
/// bits.
fn check_number(
    m: &Manifest,
    field: &str,
    claimed: u64,
    found: Option<u64>,
) -> Result<(), CheckError> {
    if found == Some(claimed) {
        return Ok(());
    }
    let found = found.map_or_else(|| "more than 64 bits hold".to_owned(), |n| n.to_string());
    let claim = format!("`{field}` is {claimed}, and its file table says {found}");
    Err(false_claim(m, claim))
}

/// Compares the numbers in a manifest with its file table, and checks the table itself.
///
/// # Errors
/// [`CheckError::FalseClaim`] naming the first claim that is false.
pub(crate) fn check_table(m: &Manifest, table: &FileTable) -> Result<(), CheckError> {
    let files = table.files().len() as u64;
    check_number(m, "num_files", m.num_files, Some(files))?;
    check_number(m, "num_rows", m.num_rows, Some(table.rows()))?;
    if m.dataset_kind == DatasetKind::File && files != 1 {
        let claim = format!("it is one file, and its file table lists {files}");
        return Err(false_claim(m, claim));
    }
    for file in table.files() {
        let most = rows_max(file, file.size_bytes);
        if let (Some(rows), Some(most)) = (file.rows, most)
            && rows > most
        {
            let path = &file.path;
            let claim = format!(
                "`{path}` has {rows} rows, and {} bytes of its format hold at most {most}",
                file.size_bytes
            );
            return Err(false_claim(m, claim));
        }
    }
    Ok(())
}

/// Returns the maximum number of rows that `bytes` bytes of a file's format can hold, or `None` if
/// it is unknown.
fn rows_max(file: &FileEntry, bytes: u64) -> Option<u64> {
    let format = FileFormat::from_number(file.format);
    match (format.compression, format.format) {
        (Compression::None, Format::Jsonl | Format::Csv | Format::Tsv | Format::JsonArray) => {
            Some(bytes)
        }
        // A format number unknown to this program may be a format with rows.
        (Compression::None, Format::Bytes) if file.format == 0 => Some(0),
        _ => None,
    }
}

/// Returns true if each row of a file is a line of its own bytes.
fn rows_are_lines(file: &FileEntry) -> bool {
    let format = FileFormat::from_number(file.format);
    format.compression == Compression::None
        && matches!(format.format, Format::Jsonl | Format::Csv | Format::Tsv)
}

/// Checks that a tree may hold its number of chunks. All chunks but the last of a region have a
/// minimum length. A region is one file of a minimum length, or lies between such files.
///
/// # Errors
/// [`CheckError::FalseClaim`] otherwise.
pub(crate) fn check_totals(m: &Manifest, totals: Totals) -> Result<(), CheckError> {
    let whole = totals.bytes / CHUNK_BYTES_MIN as u64;
    let large_files = totals.bytes / CHUNK_BYTES_MAX as u64;
    let regions = large_files.saturating_mul(2).saturating_add(1);
    match totals.chunks <= whole.saturating_add(regions) {
        true => Ok(()),
        false => {
            let (bytes, chunks) = (totals.bytes, totals.chunks);
            let claim = format!("{bytes} bytes are cut into {chunks} chunks");
            Err(false_claim(m, claim))
        }
    }
}

/// Compares the newlines of a chunk with the count in the tree.
///
/// # Errors
/// [`CheckError::FalseClaim`] when the counts differ.
pub(crate) fn check_newlines(
    m: &Manifest,
    at: u64,
    chunk: &ChunkEntry,
    bytes: &[u8],
) -> Result<(), CheckError> {
    match count_newlines(bytes) == chunk.newlines {
        true => Ok(()),
        false => {
            let claim = format!(
                "the chunk at {at} is listed with {} newlines, and has others",
                chunk.newlines
            );
            Err(false_claim(m, claim))
        }
    }
}

/// Checks the chunks of a dataset's data, in order, against the cutting rules that do not need its
/// bytes: lengths, and the regions that chunks do not cross.
pub(crate) struct CutCheck<'a> {
    manifest: &'a Manifest,
    /// Files after the current region.
    rest: &'a [FileEntry],
    region_end: u64,
    /// The only file of the region, if it is long enough for a region of its own.
    large: Option<&'a FileEntry>,
    newlines: u64,
}

impl<'a> CutCheck<'a> {
    /// Starts at the front of the data.
    pub(crate) fn new(manifest: &'a Manifest, table: &'a FileTable) -> Self {
        Self {
            manifest,
            rest: table.files(),
            region_end: 0,
            large: None,
            newlines: 0,
        }
    }

    /// Checks the next chunk, which begins at `at`.
    ///
    /// # Errors
    /// [`CheckError::FalseClaim`] when it breaks a cutting rule.
    pub(crate) fn push(&mut self, at: u64, chunk: &ChunkEntry) -> Result<(), CheckError> {
        while self.region_end <= at && !self.rest.is_empty() {
            self.next_region();
        }
        let bytes = u64::from(chunk.bytes);
        let end = at.saturating_add(bytes);
        let is_last = end == self.region_end;
        let wrong = if end > self.region_end {
            Some("goes over the end of its region")
        } else if bytes < CHUNK_BYTES_MIN as u64 && !is_last {
            Some("is too short")
        } else if bytes > CONTENT_CUT_MAX && !is_last && chunk.newlines == 0 {
            Some("is too long to end without a newline")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            let claim = format!("the chunk of {bytes} bytes at {at} {wrong}");
            return Err(false_claim(self.manifest, claim));
        }
        self.newlines = self.newlines.saturating_add(u64::from(chunk.newlines));
        if is_last { self.end_region() } else { Ok(()) }
    }

    fn next_region(&mut self) {
        let is_large = |f: &FileEntry| f.size_bytes >= CHUNK_BYTES_MAX as u64;
        let files = match self.rest.first() {
            Some(first) if is_large(first) => 1,
            _ => self.rest.iter().take_while(|f| !is_large(f)).count(),
        };
        let (region, rest) = self.rest.split_at(files);
        self.large = region.first().filter(|f| is_large(f));
        let bytes = region.iter().map(|f| f.size_bytes);
        self.region_end = bytes.fold(self.region_end, u64::saturating_add);
        self.newlines = 0;
        self.rest = rest;
    }

    /// Ends a region. The tree's newline count limits the number of lines of a large file.
    fn end_region(&self) -> Result<(), CheckError> {
        let most = self.newlines.saturating_add(1);
        let Some(file) = self.large.filter(|f| rows_are_lines(f)) else {
            return Ok(());
        };
        match file.rows.filter(|rows| *rows > most) {
            None => Ok(()),
            Some(rows) => {
                let path = &file.path;
                let claim = format!("`{path}` has {rows} rows, and at most {most} lines");
                Err(false_claim(self.manifest, claim))
            }
        }
    }
}
