//! File table: the files of a dataset, and the position of their bytes under the chunk tree. The content
//! id of a directory is a hash of it. `spec/manifest.md` describes the fields.

use std::collections::HashSet;

use thiserror::Error;

use crate::ident::ContentId;
use crate::manifest::model::DatasetKind;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::FILES_MAX;
use crate::wire::limits::PATH_BYTES_MAX;
use crate::wire::limits::PATH_PART_BYTES_MAX;

const TABLE_MAGIC: [u8; 4] = *b"ALF\x01";
const LISTING_MAGIC: &[u8] = b"alimentar directory listing 1\n";

/// Minimum length of a file whose hash is in the table. A hash would be a large part of a shorter file:
/// 300,000 files of 300 bytes would take a quarter more than `tar` and `zstd` make of them.
pub const FILE_HASH_BYTES_MIN: u64 = 2048;

/// One file of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Path inside the dataset, parts separated by `/`.
    pub path: String,
    /// Length in bytes.
    pub size_bytes: u64,
    /// BLAKE3 of the file's bytes. Tables omit it for files shorter than [`FILE_HASH_BYTES_MIN`], which
    /// are quick to hash again.
    pub content_id: Option<ContentId>,
    /// Number of the file's detected format (`spec/manifest.md`); 0 is plain bytes.
    pub format: u8,
    /// Rows, where the format has rows.
    pub rows: Option<u64>,
    /// BLAKE3 of the file's Arrow schema message, where it has one.
    pub schema: Option<[u8; 32]>,
}

/// All files of a dataset, sorted by the bytes of their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileTable {
    files: Vec<FileEntry>,
}

/// Failure to put a path into a file table.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PathError {
    /// The path is absolute, empty or too long, or has `.`, `..`, an empty part or a zero byte.
    #[error("`{0}` cannot be a path inside a dataset")]
    Malformed(String),
    /// A part between slashes is longer than file systems take.
    #[error("`{0}…` has a part of more than {PATH_PART_BYTES_MAX} bytes")]
    LongPart(String),
    /// The path is repeated, or not in order.
    #[error("`{0}` stands twice in the file table, or out of order")]
    Order(String),
    /// The file needs a hash, and it is unknown.
    #[error("the hash of `{0}` is not known")]
    Unhashed(String),
    /// The path is a file and also a directory of other files.
    #[error("`{0}` is both a file and a directory")]
    FileAndDirectory(String),
}

/// Failure to decode a file table.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TableError {
    /// The bytes are not an encoded table.
    #[error(transparent)]
    Bytes(#[from] DecodeError),
    /// A path is not valid in a table.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// Checks that a path can be created below a directory and nowhere else.
///
/// # Errors
/// [`PathError::Malformed`] or [`PathError::LongPart`] otherwise.
pub fn check_path(path: &str) -> Result<(), PathError> {
    let shown = || path.chars().take(200).collect();
    if path.split('/').any(|p| p.len() > PATH_PART_BYTES_MAX) {
        return Err(PathError::LongPart(shown()));
    }
    let parts_ok = path
        .split('/')
        .all(|p| !p.is_empty() && p != "." && p != "..");
    if parts_ok && path.len() <= PATH_BYTES_MAX && !path.contains('\0') {
        Ok(())
    } else {
        Err(PathError::Malformed(shown()))
    }
}

impl FileTable {
    /// Makes a table from files in the order of their paths' bytes.
    ///
    /// # Errors
    /// [`PathError`] when a path is malformed, repeated, out of order, or under another file.
    pub fn new(files: Vec<FileEntry>) -> Result<Self, PathError> {
        for file in &files {
            check_path(&file.path)?;
        }
        for (a, b) in files.iter().zip(files.iter().skip(1)) {
            if a.path.as_bytes() >= b.path.as_bytes() {
                return Err(PathError::Order(b.path.clone()));
            }
        }
        let paths: HashSet<&str> = files.iter().map(|f| f.path.as_str()).collect();
        for file in &files {
            let above = file
                .path
                .match_indices('/')
                .filter_map(|(at, _)| file.path.get(..at));
            if let Some(clash) = above.into_iter().find(|dir| paths.contains(dir)) {
                return Err(PathError::FileAndDirectory(clash.to_owned()));
            }
        }
        Ok(Self { files })
    }

    /// Returns the files in order.
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// Returns the file at a path.
    pub fn find(&self, path: &str) -> Option<&FileEntry> {
        let at = self
            .files
            .binary_search_by(|f| f.path.as_bytes().cmp(path.as_bytes()))
            .ok()?;
        self.files.get(at)
    }

    /// Returns the bytes of all files; `None` beyond 64 bits.
    pub fn size_bytes(&self) -> Option<u64> {
        self.files
            .iter()
            .try_fold(0_u64, |sum, f| sum.checked_add(f.size_bytes))
    }

    /// Returns the rows of all files that have rows. The sum saturates.
    pub fn rows(&self) -> u64 {
        let rows = self.files.iter().filter_map(|f| f.rows);
        rows.fold(0, u64::saturating_add)
    }

    /// Returns each file with the offset of its first byte in the dataset's bytes.
    pub fn with_offsets(&self) -> impl Iterator<Item = (u64, &FileEntry)> {
        self.files.iter().scan(0_u64, |at, file| {
            let offset = *at;
            *at = at.saturating_add(file.size_bytes);
            Some((offset, file))
        })
    }

    /// Returns the content id of a dataset of this kind with these files; `None` while a file's
    /// hash is unknown.
    pub fn content_id(&self, kind: DatasetKind) -> Option<ContentId> {
        match (kind, self.files.as_slice()) {
            (DatasetKind::File, [only]) => only.content_id,
            _ => self.directory_id(),
        }
    }

    /// Returns the content id of a directory with these files: BLAKE3 of its canonical listing. `None`
    /// while a file's hash is unknown.
    pub fn directory_id(&self) -> Option<ContentId> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(LISTING_MAGIC);
        for f in &self.files {
            let mut w = Writer::new();
            w.counted(f.path.as_bytes())
                .u64(f.size_bytes)
                .bytes(f.content_id?.as_bytes());
            hasher.update(w.as_bytes());
        }
        Some(ContentId::new(*hasher.finalize().as_bytes()))
    }

    /// Sets the hash of a file.
    pub fn set_content_id(&mut self, at: usize, id: ContentId) {
        if let Some(file) = self.files.get_mut(at) {
            file.content_id = Some(id);
        }
    }

    /// Encodes the table.
    ///
    /// # Errors
    /// [`PathError::Unhashed`] when a file that needs its hash has none.
    pub fn encode(&self) -> Result<Vec<u8>, PathError> {
        let mut w = Writer::new();
        w.bytes(&TABLE_MAGIC).varint(self.files.len() as u64);
        let mut last = "";
        for f in &self.files {
            let shared = shared_prefix(last, &f.path);
            let rest = f.path.as_bytes().get(shared..).unwrap_or_default();
            w.varint(shared as u64).counted(rest).varint(f.size_bytes);
            if f.size_bytes >= FILE_HASH_BYTES_MIN {
                let id = f
                    .content_id
                    .ok_or_else(|| PathError::Unhashed(f.path.clone()))?;
                w.bytes(id.as_bytes());
            }
            w.u8(f.format);
            w.varint(f.rows.map_or(0, |n| n.saturating_add(1)));
            match &f.schema {
                Some(hash) => w.u8(1).bytes(hash),
                None => w.u8(0),
            };
            last = &f.path;
        }
        Ok(w.into_bytes())
    }

    /// Decodes a table.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not a canonical table of safe paths.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::read(bytes).map_err(|error| match error {
            TableError::Bytes(error) => error,
            TableError::Path(_) => DecodeError::Invalid("file table path"),
        })
    }

    /// Decodes a table; the error names an invalid path.
    ///
    /// # Errors
    /// [`TableError`] when the bytes are not a canonical table of safe paths.
    pub fn read(bytes: &[u8]) -> Result<Self, TableError> {
        let mut r = Reader::new(bytes);
        if r.array::<4>()? != TABLE_MAGIC {
            return Err(DecodeError::Magic("file table").into());
        }
        let count = r.varint()?;
        if count > FILES_MAX {
            let limit = DecodeError::Limit {
                field: "files",
                value: count,
                limit: FILES_MAX,
            };
            return Err(limit.into());
        }
        let mut files: Vec<FileEntry> = Vec::new();
        for _ in 0..count {
            let last = files.last().map_or("", |f| f.path.as_str());
            let entry = file_entry(&mut r, last)?;
            // Here and not at the end, so that repeating bytes fail at the first repeated path.
            if !files.is_empty() && last.as_bytes() >= entry.path.as_bytes() {
                return Err(PathError::Order(entry.path.chars().take(200).collect()).into());
            }
            files.push(entry);
        }
        r.end()?;
        Ok(Self::new(files)?)
    }
}

fn file_entry(r: &mut Reader<'_>, last: &str) -> Result<FileEntry, DecodeError> {
    let shared = r.count("shared path bytes", last.len())?;
    let rest = r.counted("path bytes", PATH_BYTES_MAX)?;
    let head = last.as_bytes().get(..shared).unwrap_or_default();
    let path = String::from_utf8([head, rest].concat())
        .map_err(|_| DecodeError::Invalid("file table path"))?;
    if shared_prefix(last, &path) != shared {
        return Err(DecodeError::Invalid("shared path bytes"));
    }
    let size_bytes = r.varint()?;
    let content_id = match size_bytes {
        FILE_HASH_BYTES_MIN.. => Some(ContentId::new(r.array()?)),
        _ => None,
    };
    let format = r.u8()?;
    let rows = r.varint()?.checked_sub(1);
    let schema = match r.u8()? {
        0 => None,
        1 => Some(r.array()?),
        _ => return Err(DecodeError::Invalid("schema flag")),
    };
    Ok(FileEntry {
        path,
        size_bytes,
        content_id,
        format,
        rows,
        schema,
    })
}

fn shared_prefix(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count()
}
