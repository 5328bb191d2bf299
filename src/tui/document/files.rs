//! A target as a list of files, each opened when it is first read.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::OnceLock;

use crate::inspect::table::Shape;
use crate::locks::lock;
use crate::read_at::ReadAt;
use crate::registry::FileLayout;
use crate::registry::RowLayout;
use crate::registry::Target;
use crate::tui::document::CancelToken;
use crate::tui::document::DocumentError;
use crate::tui::document::landmarks::Landmarks;
use crate::tui::document::lines;
use crate::tui::document::lines::PageRoom;
use crate::tui::document::lines::RawRow;
use crate::tui::document::numbered;
use crate::tui::document::records;

/// The rows of a target.
pub(in crate::tui) struct Document {
    target: Target,
    home: PathBuf,
    files: Vec<OnceLock<Result<Arc<FileRows>, String>>>,
    /// Identities of the files on disk.
    identities: Vec<Option<FileIdentity>>,
}

/// Device and inode of a file.
type FileIdentity = (u64, u64);

/// An open file.
pub(in crate::tui) struct FileRows {
    pub(super) target: Target,
    pub(super) layout: FileLayout,
    /// Its bytes, if rows have offsets.
    pub(super) source: Option<Arc<dyn ReadAt>>,
    /// Offset of the first row; 0 for rows with numbers.
    pub(super) front: u64,
    landmarks: Mutex<Landmarks>,
    /// Number of rows, once it is known; for rows with numbers.
    rows: Mutex<Option<u64>>,
}

impl Document {
    /// Makes a document of a target. No file is read yet.
    pub(in crate::tui) fn new(target: Target, home: &Path) -> Self {
        let files = target.files().iter().map(|_| OnceLock::new()).collect();
        Self {
            identities: identities_of(&target),
            target,
            home: home.to_owned(),
            files,
        }
    }

    /// Returns true if its paths still lead to the files that it was made of.
    pub(in crate::tui) fn is_of_present_files(&self) -> bool {
        identities_of(&self.target) == self.identities
    }

    pub(in crate::tui) fn target(&self) -> &Target {
        &self.target
    }

    pub(in crate::tui) fn home(&self) -> &Path {
        &self.home
    }

    pub(in crate::tui) fn file_count(&self) -> usize {
        self.files.len()
    }

    /// Returns true if all bytes are on this machine, so that passes over all rows cost no network.
    pub(in crate::tui) fn is_local(&self) -> bool {
        self.target.files().iter().all(|file| file.is_local())
    }

    /// Opens a file, or returns it as it was opened before.
    pub(in crate::tui) fn file(&self, number: u32) -> Result<Arc<FileRows>, DocumentError> {
        let missing = || DocumentError::Other("there is no such file".to_owned());
        let cell = self.files.get(number as usize).ok_or_else(missing)?;
        let opened = cell.get_or_init(|| {
            let opened = FileRows::open(&self.target, number as usize);
            opened.map(Arc::new).map_err(|e| e.to_string())
        });
        opened.clone().map_err(DocumentError::Other)
    }

    /// Number of all rows of the files before one, if all are known.
    pub(super) fn rows_before(&self, number: u32) -> Option<u64> {
        (0..number).map(|n| self.known_rows(n)).sum()
    }

    /// Number of all rows, if it is known.
    pub(in crate::tui) fn rows(&self) -> Option<u64> {
        self.rows_before(u32::try_from(self.files.len()).ok()?)
    }

    fn known_rows(&self, number: u32) -> Option<u64> {
        let opened = self.files.get(number as usize)?.get()?;
        opened.as_ref().ok()?.rows()
    }
}

impl FileRows {
    fn open(target: &Target, number: usize) -> Result<Self, DocumentError> {
        let missing = || DocumentError::Other("there is no such file".to_owned());
        let only = target.only(number).ok_or_else(missing)?;
        let file = target.files().get(number).ok_or_else(missing)?;
        let layout = file.layout()?;
        let has_offsets = layout.rows != RowLayout::Numbered;
        let source = has_offsets.then(|| file.bytes()).transpose()?;
        let mut opened = Self {
            target: only,
            front: 0,
            landmarks: Mutex::new(Landmarks::default()),
            rows: Mutex::new(layout.row_count),
            source,
            layout,
        };
        opened.front = opened.find_front()?;
        Ok(opened)
    }

    /// Finds the first row, behind a byte order mark and a header.
    fn find_front(&self) -> Result<u64, DocumentError> {
        let Some(source) = &self.source else {
            return Ok(0);
        };
        let mut mark = [0; 3];
        let n = source.read_at(&mut mark, 0)?;
        let front = if mark.get(..n) == Some(MARK) { 3 } else { 0 };
        match &self.layout.shape {
            Shape::Delimited(header) if header.is_in_file => {
                let (cancel, end) = (CancelToken::default(), source.len());
                let passed = records::skip_records(
                    &**source,
                    header,
                    (front, end),
                    1,
                    &cancel,
                    &mut |_, _| {},
                )?;
                Ok(passed.unwrap_or(end))
            }
            _ => Ok(front),
        }
    }

    pub(super) fn landmarks(&self) -> MutexGuard<'_, Landmarks> {
        lock(&self.landmarks)
    }

    pub(in crate::tui) fn layout(&self) -> &FileLayout {
        &self.layout
    }

    /// A target with this file only.
    pub(in crate::tui) fn target(&self) -> &Target {
        &self.target
    }

    /// Returns true if the places of rows are offsets.
    pub(in crate::tui) fn has_offsets(&self) -> bool {
        self.source.is_some()
    }

    /// Length in bytes now; for rows with numbers, the number of rows.
    pub(super) fn end(&self) -> Option<u64> {
        match &self.source {
            Some(source) => Some(source.len()),
            None => *lock(&self.rows),
        }
    }

    pub(super) fn set_rows(&self, rows: u64) {
        *lock(&self.rows) = Some(rows);
    }

    /// Number of rows, if it is known.
    pub(super) fn rows(&self) -> Option<u64> {
        match &self.source {
            Some(source) => self.landmarks().rows(source.len()),
            None => *lock(&self.rows),
        }
    }

    /// Reads rows from a key on, up to another.
    pub(super) fn forward(
        &self,
        (from, end): (u64, Option<u64>),
        room: PageRoom,
        cancel: &CancelToken,
    ) -> Result<Vec<RawRow>, DocumentError> {
        let Some(source) = &self.source else {
            return numbered::forward(&self.target, (from, end.unwrap_or(u64::MAX)), room, cancel);
        };
        let end = end.unwrap_or_else(|| source.len());
        match &self.layout.shape {
            Shape::Delimited(header) => {
                records::forward(&**source, header, (from, end), room, cancel)
            }
            _ => lines::forward(&**source, (from, end), room, cancel),
        }
    }

    /// Returns the key of the row that is `count` rows before one.
    pub(super) fn key_before(
        &self,
        before: u64,
        count: usize,
        cancel: &CancelToken,
    ) -> Result<u64, DocumentError> {
        let Some(source) = &self.source else {
            return Ok(before.saturating_sub(count as u64));
        };
        let range = (self.front, before);
        match &self.layout.shape {
            Shape::Delimited(header) => {
                let found = records::start_before(&**source, header, range, count, cancel)?;
                match found {
                    Some(found) => Ok(found),
                    // Quotes hide where records begin: count from the front.
                    None => self.walked_before(before, count, cancel),
                }
            }
            _ => lines::start_before(&**source, range, count, cancel),
        }
    }

    /// Walks records from the last landmark, and remembers the last starts.
    fn walked_before(
        &self,
        before: u64,
        count: usize,
        cancel: &CancelToken,
    ) -> Result<u64, DocumentError> {
        let mut from = self
            .landmarks()
            .before_offset(before.saturating_sub(1))
            .0
            .max(self.front);
        let room = PageRoom {
            rows: 4096.max(count),
            row_bytes: 0,
            bytes: usize::MAX,
            scan: u64::MAX,
        };
        let mut starts: Vec<u64> = Vec::new();
        while from < before {
            let rows = self.forward((from, Some(before)), room, cancel)?;
            let Some(last) = rows.last() else { break };
            from = last.next;
            starts.extend(rows.iter().map(|row| row.key));
            let extra = starts.len().saturating_sub(count);
            starts.drain(..extra);
        }
        Ok(starts.first().copied().unwrap_or(self.front))
    }

    /// Returns the number of a row within the file, if it takes little reading.
    pub(super) fn number_of(
        &self,
        key: u64,
        cancel: &CancelToken,
    ) -> Result<Option<u64>, DocumentError> {
        let Some(source) = &self.source else {
            return Ok(Some(key));
        };
        if key == self.front {
            return Ok(Some(0));
        }
        let (offset, rows) = {
            let marks = self.landmarks();
            let near = marks.before_offset(key);
            let is_near = marks.reach(key) || key.saturating_sub(near.0) <= NEAR_BYTES;
            if !is_near {
                return Ok(None);
            }
            near
        };
        let offset = offset.max(self.front);
        match &self.layout.shape {
            Shape::Delimited(header) => {
                let range = (offset, key);
                let passed = records::skip_records(
                    &**source,
                    header,
                    range,
                    u64::MAX,
                    cancel,
                    &mut |_, _| {},
                )?;
                Ok(Some(rows + passed.unwrap_or_else(|passed| passed)))
            }
            _ => Ok(Some(
                rows + lines::newlines(&**source, (offset, key), cancel)?,
            )),
        }
    }
}

fn identities_of(target: &Target) -> Vec<Option<FileIdentity>> {
    let identity = |path: &Path| {
        let metadata = path.metadata().ok()?;
        Some((metadata.dev(), metadata.ino()))
    };
    let files = target.files().iter();
    files
        .map(|file| file.base_path().and_then(identity))
        .collect()
}

/// A byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";
/// Bytes behind the last landmark that are read at once to number a row.
const NEAR_BYTES: u64 = 8 << 20;
