//! Record of one checkout: its dataset, and the metadata of its files. `spec/checkouts.md` defines
//! the bytes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::ident::ContentId;
use crate::registry::index::source_file::SourceStamp;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::NAME_BYTES_MAX;
use crate::wire::limits::PATH_BYTES_MAX;

const MAGIC: [u8; 4] = *b"ALO\x01";
/// Length of the BLAKE3 hash of all bytes before it.
const HASH_BYTES: usize = 32;
/// Maximum number of exclude patterns, and maximum length of one in bytes.
const PATTERNS_MAX: usize = 1 << 20;
/// A file that changed within this time before it was checked may change again without a new
/// timestamp.
const SETTLED_AFTER_SECONDS: i64 = 2;

/// A directory or a file, and the dataset that it is a copy or the source of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckoutRecord {
    /// Absolute path without links.
    pub root: PathBuf,
    /// True if the root is a file.
    pub is_file: bool,
    /// The dataset's content id.
    pub dataset: ContentId,
    /// The dataset's name.
    pub name: String,
    /// The dataset's version.
    pub version: String,
    /// The part of the dataset as typed; empty for all of it.
    pub part: String,
    /// Exclude patterns of the directory.
    pub exclude: Vec<String>,
    /// True if links that lead out of the directory are followed.
    pub follow_links: bool,
    /// Time when the files were checked, in seconds of Unix time.
    pub taken_at: i64,
    /// The files, by their paths below the root.
    pub files: Vec<RecordedFile>,
    /// Content that an unfinished update may have written.
    pub under_way: Vec<(String, ContentId)>,
}

/// A file of a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordedFile {
    /// Path below the root; the name if the checkout is a file.
    pub path: String,
    /// Length in bytes.
    pub size_bytes: u64,
    /// Content id in the dataset.
    pub id: ContentId,
    /// Metadata of the file when it had that content; `None` if unknown.
    pub seen: Option<SourceStamp>,
}

impl CheckoutRecord {
    /// Returns true if a file with this metadata had settled when it was checked.
    pub(crate) fn is_settled(&self, seen: &SourceStamp) -> bool {
        self.taken_at.saturating_sub(seen.changed.0) > SETTLED_AFTER_SECONDS
    }

    /// Encodes the record.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.bytes(&MAGIC);
        w.counted(self.root.as_os_str().as_bytes());
        w.u8(u8::from(self.is_file) | u8::from(self.follow_links) << 1);
        w.bytes(self.dataset.as_bytes());
        w.counted(self.name.as_bytes());
        w.counted(self.version.as_bytes());
        w.counted(self.part.as_bytes());
        w.varint(self.exclude.len() as u64);
        self.exclude.iter().for_each(|pattern| {
            w.counted(pattern.as_bytes());
        });
        w.u64(self.taken_at.cast_unsigned());
        w.varint(self.files.len() as u64);
        for file in &self.files {
            w.counted(file.path.as_bytes());
            w.varint(file.size_bytes);
            w.bytes(file.id.as_bytes());
            match &file.seen {
                None => {
                    w.u8(0);
                }
                Some(seen) => {
                    w.u8(1);
                    let times = [seen.modified, seen.changed];
                    times.iter().for_each(|(seconds, nanoseconds)| {
                        w.u64(seconds.cast_unsigned());
                        w.u64(nanoseconds.cast_unsigned());
                    });
                    w.u64(seen.inode.0).u64(seen.inode.1);
                }
            }
        }
        w.varint(self.under_way.len() as u64);
        for (path, id) in &self.under_way {
            w.counted(path.as_bytes()).bytes(id.as_bytes());
        }
        let hash = blake3::hash(w.as_bytes());
        w.bytes(hash.as_bytes());
        w.into_bytes()
    }

    /// Decodes a record. Returns `None` for anything else, including a truncated one.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, hash) = bytes.split_at_checked(bytes.len().checked_sub(HASH_BYTES)?)?;
        if blake3::hash(body).as_bytes() != hash {
            return None;
        }
        Self::decode_body(body).ok().flatten()
    }

    fn decode_body(body: &[u8]) -> Result<Option<Self>, DecodeError> {
        let mut r = Reader::new(body);
        if r.array::<4>()? != MAGIC {
            return Ok(None);
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let root = PathBuf::from(OsStr::from_bytes(r.counted("root", PATTERNS_MAX)?));
        let flags = r.u8()?;
        let (is_file, follow_links) = (flags & 1 != 0, flags & 2 != 0);
        let dataset = ContentId::new(r.array()?);
        let name = text(r.counted("name", NAME_BYTES_MAX)?);
        let version = text(r.counted("version", NAME_BYTES_MAX)?);
        let part = text(r.counted("part", PATTERNS_MAX)?);
        let mut exclude = Vec::new();
        for _ in 0..r.count("patterns", PATTERNS_MAX)? {
            exclude.push(text(r.counted("pattern", PATTERNS_MAX)?));
        }
        let taken_at = r.u64()?.cast_signed();
        let mut files = Vec::new();
        // Every file takes bytes, so the length limits the number of files.
        for _ in 0..r.count("files", body.len())? {
            let path = text(r.counted("path", PATH_BYTES_MAX)?);
            let size_bytes = r.varint()?;
            let id = ContentId::new(r.array()?);
            let seen = match r.u8()? {
                0 => None,
                _ => Some(SourceStamp {
                    size_bytes,
                    modified: (r.u64()?.cast_signed(), r.u64()?.cast_signed()),
                    changed: (r.u64()?.cast_signed(), r.u64()?.cast_signed()),
                    inode: (r.u64()?, r.u64()?),
                }),
            };
            files.push(RecordedFile {
                path,
                size_bytes,
                id,
                seen,
            });
        }
        let mut under_way = Vec::new();
        for _ in 0..r.count("under way", body.len())? {
            let path = text(r.counted("path", PATH_BYTES_MAX)?);
            under_way.push((path, ContentId::new(r.array()?)));
        }
        r.end()?;
        Ok(Some(Self {
            root,
            is_file,
            dataset,
            name,
            version,
            part,
            exclude,
            follow_links,
            taken_at,
            files,
            under_way,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkout_record_reads_back_and_damaged_one_is_none() {
        let id = ContentId::new([7; 32]);
        let seen = SourceStamp {
            size_bytes: 9,
            modified: (-1, 5),
            changed: (6, 7),
            inode: (8, 9),
        };
        let noted = |path: &str, seen| RecordedFile {
            path: path.to_owned(),
            size_bytes: 9,
            id,
            seen,
        };
        let record = CheckoutRecord {
            root: PathBuf::from(OsStr::from_bytes(b"/a/\xff")),
            is_file: false,
            dataset: id,
            name: "n".to_owned(),
            version: "0.1.0".to_owned(),
            part: "sub/".to_owned(),
            exclude: vec!["*.tmp".to_owned()],
            follow_links: true,
            taken_at: -5,
            files: vec![noted("a", Some(seen)), noted("b/c", None)],
            under_way: vec![("b/d".to_owned(), id)],
        };
        let bytes = record.encode();
        assert_eq!(CheckoutRecord::decode(&bytes), Some(record));
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_eq!(CheckoutRecord::decode(&other), None);
            assert_eq!(CheckoutRecord::decode(&bytes[..at]), None);
        }
    }
}
