//! What a home remembers of one checkout: which dataset it is, and how its files looked. The bytes
//! are in `spec/checkouts.md`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::ident::ContentId;
use crate::registry::index::source_files::Seen;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::NAME_BYTES_MAX;
use crate::wire::limits::PATH_BYTES_MAX;

const MAGIC: [u8; 4] = *b"ALO\x01";
/// BLAKE3 of what stands before it.
const HASH_BYTES: usize = 32;
/// Patterns, and bytes of one, that were left out of what was indexed.
const PATTERNS_MAX: usize = 1 << 20;
/// A file changed so recently when it was looked at may change again without its times showing it.
const SETTLED_AFTER_SECONDS: i64 = 2;

/// A directory or a file, and the dataset that it is a copy or the source of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its absolute path without links.
    pub root: PathBuf,
    /// It is a file.
    pub is_file: bool,
    /// The dataset's content.
    pub dataset: ContentId,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Which part of the dataset it is, as it was typed; empty for all of it.
    pub part: String,
    /// Patterns of paths in the directory that do not count.
    pub exclude: Vec<String>,
    /// Links that lead out of the directory count as well.
    pub follow_links: bool,
    /// When the files were looked at, in seconds of Unix time.
    pub taken_at: i64,
    /// The files, by their paths below the root.
    pub files: Vec<Noted>,
    /// What an update that has not ended may have written.
    pub under_way: Vec<(String, ContentId)>,
}

/// A file of a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    /// Path below the root; of a checkout that is a file, its name.
    pub path: String,
    /// Length in bytes.
    pub size_bytes: u64,
    /// Its content in the dataset.
    pub id: ContentId,
    /// How the file looked when it had that content; `None` where that is not known.
    pub seen: Option<Seen>,
}

impl Record {
    /// Whether a file that looks like this had time to settle when it was looked at.
    pub(crate) fn is_settled(&self, seen: &Seen) -> bool {
        self.taken_at.saturating_sub(seen.changed.0) > SETTLED_AFTER_SECONDS
    }

    /// Its bytes.
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

    /// Reads it; `None` for anything else, also for one that is not whole.
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
        // Every file takes bytes, so that their number is bounded by the length.
        for _ in 0..r.count("files", body.len())? {
            let path = text(r.counted("path", PATH_BYTES_MAX)?);
            let size_bytes = r.varint()?;
            let id = ContentId::new(r.array()?);
            let seen = match r.u8()? {
                0 => None,
                _ => Some(Seen {
                    size_bytes,
                    modified: (r.u64()?.cast_signed(), r.u64()?.cast_signed()),
                    changed: (r.u64()?.cast_signed(), r.u64()?.cast_signed()),
                    inode: (r.u64()?, r.u64()?),
                }),
            };
            files.push(Noted {
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
    fn a_record_reads_back_and_a_damaged_one_is_none() {
        let id = ContentId::new([7; 32]);
        let seen = Seen {
            size_bytes: 9,
            modified: (-1, 5),
            changed: (6, 7),
            inode: (8, 9),
        };
        let noted = |path: &str, seen| Noted {
            path: path.to_owned(),
            size_bytes: 9,
            id,
            seen,
        };
        let record = Record {
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
        assert_eq!(Record::decode(&bytes), Some(record));
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_eq!(Record::decode(&other), None);
            assert_eq!(Record::decode(&bytes[..at]), None);
        }
    }
}
