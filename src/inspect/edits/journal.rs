//! The journal: its base and its records. `decode.rs` reads them.

use std::sync::Arc;

use crate::ident::ContentId;
use crate::inspect::edits::overlay::EditCounts;
use crate::inspect::edits::overlay::FileOverlay;
use crate::inspect::edits::splice::NewSplice;
use crate::inspect::edits::splice::Splice;
use crate::inspect::file_stamp::FileChange;
use crate::inspect::file_stamp::FileStamp;
use crate::inspect::file_stamp::RecordedFile;
use crate::read_at::ReadAt;
use crate::wire::DecodeError;
use crate::wire::Writer;
use crate::wire::limits::EDIT_LABEL_BYTES_MAX;

/// First bytes of a journal. A transfer as text would change the last two.
pub(super) const MAGIC: [u8; 8] = *b"ALEDIT\r\n";
/// Version of the format.
pub(super) const VERSION: u32 = 1;
/// Bytes of a record's check.
pub(super) const CHECK_BYTES: usize = 16;

/// State of a file on disk when it was edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    pub(super) seen: RecordedFile,
    pub(super) hash: Option<[u8; 32]>,
}

impl FileState {
    /// Creates the state from the stamp taken before the file was read, and the BLAKE3 of its bytes
    /// if it was hashed.
    ///
    /// # Errors
    /// Errors of reading the ends of the file.
    pub fn new(
        (stamp, is_settled): (FileStamp, bool),
        hash: Option<[u8; 32]>,
        source: &dyn ReadAt,
    ) -> std::io::Result<Self> {
        let seen = RecordedFile::new(stamp, is_settled, stamp.size, source);
        let seen = seen.map_err(std::io::Error::other)?;
        Ok(Self { seen, hash })
    }

    /// BLAKE3 of the file, if it was hashed.
    pub fn hash(&self) -> Option<[u8; 32]> {
        self.hash
    }

    /// Length of the file in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.seen.stamp.size
    }

    /// Returns true if the stamp and both ends of the file are the same.
    ///
    /// # Errors
    /// Errors of reading the ends of the file.
    pub fn is_same_stamp(&self, now: &FileStamp, source: &dyn ReadAt) -> std::io::Result<bool> {
        if *now != self.seen.stamp {
            return Ok(false);
        }
        // The stamp of a file that had just been written says nothing about its bytes.
        let mut settled = self.seen;
        settled.is_settled = true;
        let change = settled.change(now, source);
        Ok(change.map_err(std::io::Error::other)? == FileChange::Unchanged)
    }

    /// Returns true if the last change was old enough when the stamp was taken.
    pub fn is_settled(&self) -> bool {
        self.seen.is_settled
    }
}

/// Content that a journal edits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseIdentity {
    /// A file on disk.
    File {
        /// Bytes of its canonical path.
        path: Vec<u8>,
        /// Its state.
        state: FileState,
    },
    /// A dataset.
    Dataset {
        /// Id of its content.
        content_id: ContentId,
        /// Its name, for lists.
        name: String,
    },
}

/// Splices of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSplices<S = Splice> {
    /// Path of the file in the dataset; empty for a file on disk.
    pub file: String,
    /// Splices in order.
    pub splices: Vec<S>,
}

/// An edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditEntry<S = Splice> {
    /// Time of the edit, in seconds since the epoch.
    pub time: i64,
    /// Description of the edit.
    pub label: String,
    /// Splices by file, in order.
    pub files: Vec<FileSplices<S>>,
}

/// A journal with its edits.
#[derive(Clone, Debug)]
pub struct Journal {
    pub(super) base: BaseIdentity,
    pub(super) edits: Vec<EditEntry>,
    /// Number of edits that are not undone: the first ones.
    pub(super) active: usize,
    pub(super) bytes: Arc<Vec<u8>>,
    /// Length of the whole records.
    pub(super) valid: usize,
    pub(super) chain: [u8; 32],
}

impl Journal {
    /// The base.
    pub fn base(&self) -> &BaseIdentity {
        &self.base
    }

    /// Edits that are not undone, oldest first.
    pub fn active(&self) -> &[EditEntry] {
        self.edits.get(..self.active).unwrap_or_default()
    }

    /// Undone edits that can be made again, the next one first.
    pub fn undone(&self) -> &[EditEntry] {
        self.edits.get(self.active..).unwrap_or_default()
    }

    /// Length of the whole records in bytes.
    pub fn valid_bytes(&self) -> usize {
        self.valid
    }

    /// The whole records.
    pub fn valid(&self) -> &[u8] {
        self.bytes.get(..self.valid).unwrap_or_default()
    }

    /// Number of bytes behind the last whole record.
    pub fn torn_bytes(&self) -> usize {
        self.bytes.len() - self.valid
    }

    /// Returns the files that the edits change.
    pub fn files(&self) -> Vec<&str> {
        let files = self.active().iter().flat_map(|edit| &edit.files);
        let mut files: Vec<&str> = files.map(|file| file.file.as_str()).collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// Composes the edits of a file of `base_bytes` bytes; `None` for a file whose rows have no bytes
    /// of their own.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] for splices that do not fit the file.
    pub fn overlay(&self, file: &str, base_bytes: Option<u64>) -> Result<FileOverlay, DecodeError> {
        let text = Arc::clone(&self.bytes);
        let mut overlay = match base_bytes {
            Some(bytes) => FileOverlay::new(bytes, text),
            None => FileOverlay::of_rows(text),
        };
        for edit in self.active() {
            for of in edit.files.iter().filter(|of| of.file == file) {
                overlay.apply(&of.splices)?;
            }
        }
        Ok(overlay)
    }

    /// Counts the rows that differ from the base. Row counts do not depend on the bytes of the base.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] for splices that contradict each other.
    pub fn counts(&self) -> Result<EditCounts, DecodeError> {
        let mut all = EditCounts {
            edits: self.active as u64,
            ..EditCounts::default()
        };
        for file in self.files() {
            let counts = self.overlay(file, Some(BYTES_ANY))?.counts();
            all.rows_changed += counts.rows_changed;
            all.rows_deleted += counts.rows_deleted;
            all.rows_inserted += counts.rows_inserted;
        }
        Ok(all)
    }

    /// Returns a writer that continues behind the last whole record.
    pub fn writer(&self) -> JournalWriter {
        JournalWriter {
            chain: self.chain,
            out: Vec::new(),
        }
    }
}

/// A length that no base exceeds.
const BYTES_ANY: u64 = 1 << 60;

/// Encoder of records.
#[derive(Clone, Debug)]
pub struct JournalWriter {
    chain: [u8; 32],
    out: Vec<u8>,
}

impl JournalWriter {
    /// Begins a journal with its base.
    pub fn begin(base: &BaseIdentity) -> Self {
        let mut front = Writer::new();
        front.bytes(&MAGIC).u32(VERSION);
        let mut made = Self {
            chain: first_chain(),
            out: front.into_bytes(),
        };
        let mut w = Writer::new();
        match base {
            BaseIdentity::File { path, state } => {
                w.u8(0).counted(path);
                write_state(state, &mut w);
            }
            BaseIdentity::Dataset { content_id, name } => {
                w.u8(1).bytes(content_id.as_bytes());
                w.counted(name.as_bytes());
            }
        }
        made.record(w.as_bytes());
        made
    }

    /// Adds edits as one record.
    pub fn edits(&mut self, edits: &[EditEntry<NewSplice>]) -> &mut Self {
        let mut w = Writer::new();
        let time = edits.first().map_or(0, |edit| edit.time);
        w.u8(1).bytes(&time.to_le_bytes());
        w.varint(edits.len() as u64);
        for edit in edits {
            w.counted(cut_label(&edit.label).as_bytes());
            w.varint(edit.files.len() as u64);
            for of in &edit.files {
                w.counted(of.file.as_bytes())
                    .varint(of.splices.len() as u64);
                let mut before = (0, 0);
                for splice in &of.splices {
                    splice.write(&mut before, &mut w);
                }
            }
        }
        self.record(w.as_bytes());
        self
    }

    /// Adds a record that takes back the newest edits.
    pub fn undo(&mut self, edits: u64) -> &mut Self {
        let mut w = Writer::new();
        w.u8(2).varint(edits);
        self.record(w.as_bytes());
        self
    }

    /// Adds a record that makes undone edits again.
    pub fn redo(&mut self, edits: u64) -> &mut Self {
        let mut w = Writer::new();
        w.u8(3).varint(edits);
        self.record(w.as_bytes());
        self
    }

    /// Adds a record with a new state of the file.
    pub fn state(&mut self, state: &FileState) -> &mut Self {
        let mut w = Writer::new();
        w.u8(4);
        write_state(state, &mut w);
        self.record(w.as_bytes());
        self
    }

    /// Returns the bytes to append to the journal.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    fn record(&mut self, payload: &[u8]) {
        // Callers keep records below a limit far below 4 GiB.
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        self.chain = next_chain(&self.chain, length, payload);
        self.out.extend_from_slice(&length.to_le_bytes());
        self.out.extend_from_slice(payload);
        let check = self.chain.get(..CHECK_BYTES).unwrap_or_default();
        self.out.extend_from_slice(check);
    }
}

fn write_state(state: &FileState, w: &mut Writer) {
    state.seen.write(state.hash.is_some(), w);
    w.bytes(&state.hash.unwrap_or_default());
}

/// Cuts a label to its limit, between characters.
fn cut_label(label: &str) -> &str {
    let mut end = label.len().min(EDIT_LABEL_BYTES_MAX);
    while !label.is_char_boundary(end) {
        end -= 1;
    }
    label.get(..end).unwrap_or_default()
}

/// The chain before the first record.
pub(super) fn first_chain() -> [u8; 32] {
    let mut front = Writer::new();
    front.bytes(&MAGIC).u32(VERSION);
    *blake3::hash(front.as_bytes()).as_bytes()
}

/// The chain after a record.
pub(super) fn next_chain(chain: &[u8; 32], length: u32, payload: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(chain);
    hasher.update(&length.to_le_bytes());
    hasher.update(payload);
    *hasher.finalize().as_bytes()
}
