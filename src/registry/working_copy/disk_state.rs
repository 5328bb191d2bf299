//! State of a checkout's files on disk. A file is not read if its metadata is unchanged since its
//! content was known.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use crate::file_io::open_plain;
use crate::ident::ContentId;
use crate::progress::Progress;
use crate::registry::error::Error;
use crate::registry::error::source::SourceError;
use crate::registry::index::source_file::SourceStamp;
use crate::registry::working_copy::record::CheckoutRecord;

/// Number of bytes that are read and hashed at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Entry at a path of a checkout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry::working_copy) enum DiskEntry {
    /// No entry.
    Absent,
    /// A plain file.
    Plain(SourceStamp),
    /// A link to a file inside of the checkout.
    Link(SourceStamp),
    /// A directory.
    Directory,
    /// Anything else, including an entry behind a link that leads out of the checkout.
    Other,
}

/// The files below a root, or the one file that it is.
pub(in crate::registry::working_copy) struct DiskState<'a> {
    root: &'a Path,
    is_file: bool,
    /// Metadata of files with known content.
    known: HashMap<&'a str, (SourceStamp, ContentId)>,
    /// Content ids of the files that were read.
    pub(in crate::registry::working_copy) learned: HashMap<String, (SourceStamp, ContentId)>,
    /// Directories, with `true` for those that are reached without a link.
    directories: HashMap<PathBuf, bool>,
}

impl<'a> DiskState<'a> {
    /// Creates the state. Settled entries of the record are trusted.
    pub(in crate::registry::working_copy) fn new(
        root: &'a Path,
        is_file: bool,
        record: Option<&'a CheckoutRecord>,
    ) -> Self {
        let mut known = HashMap::new();
        for record in record.into_iter() {
            let settled = record.files.iter().filter_map(|file| {
                let seen = file.seen.filter(|seen| record.is_settled(seen))?;
                Some((file.path.as_str(), (seen, file.id)))
            });
            known.extend(settled);
        }
        Self {
            root,
            is_file,
            known,
            learned: HashMap::new(),
            directories: HashMap::new(),
        }
    }

    /// Returns the location of a path of the checkout.
    pub(in crate::registry::working_copy) fn at(&self, path: &str) -> PathBuf {
        if self.is_file {
            self.root.to_owned()
        } else {
            self.root.join(path)
        }
    }

    /// Returns the entry at a path of the checkout.
    ///
    /// # Errors
    /// [`Error::File`].
    pub(in crate::registry::working_copy) fn look(
        &mut self,
        path: &str,
    ) -> Result<DiskEntry, Error> {
        let at = self.at(path);
        let fail = |e| Error::file("read", &at, e);
        let own = match fs::symlink_metadata(&at) {
            Err(e) if is_absent(&e) => return Ok(DiskEntry::Absent),
            own => own.map_err(fail)?,
        };
        if !self.is_file && !self.is_inside(at.parent()) {
            return Ok(DiskEntry::Other);
        }
        Ok(match () {
            () if own.is_file() => DiskEntry::Plain(SourceStamp::of(&own)),
            () if own.is_dir() => DiskEntry::Directory,
            () if own.is_symlink() => self.linked(&at).unwrap_or(DiskEntry::Other),
            () => DiskEntry::Other,
        })
    }

    fn linked(&self, link: &Path) -> Option<DiskEntry> {
        let target = link.canonicalize().ok()?;
        let meta = target.metadata().ok()?;
        let is_inside = meta.is_file() && target.starts_with(self.root);
        is_inside.then(|| DiskEntry::Link(SourceStamp::of(&meta)))
    }

    /// Returns true if no link is between the root and a directory below it.
    fn is_inside(&mut self, dir: Option<&Path>) -> bool {
        let Some(dir) = dir.filter(|dir| *dir != self.root) else {
            return true;
        };
        if let Some(known) = self.directories.get(dir) {
            return *known;
        }
        let found = dir.canonicalize().is_ok_and(|real| real == dir);
        self.directories.insert(dir.to_owned(), found);
        found
    }

    /// Returns the content id of a file with this metadata.
    ///
    /// # Errors
    /// [`Error::File`], [`SourceError::Changed`] when it is written to, or [`Error::Interrupted`].
    pub(in crate::registry::working_copy) fn id(
        &mut self,
        path: &str,
        seen: SourceStamp,
        progress: &dyn Progress,
    ) -> Result<ContentId, Error> {
        let known = self.known.get(path).or(self.learned.get(path));
        if let Some((_, id)) = known.filter(|(looked, _)| *looked == seen) {
            return Ok(*id);
        }
        let id = hash(&self.at(path), seen, progress)?;
        self.learned.insert(path.to_owned(), (seen, id));
        Ok(id)
    }
}

/// Returns true if a path does not exist, also because its directory is a file.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn hash(path: &Path, seen: SourceStamp, progress: &dyn Progress) -> Result<ContentId, Error> {
    let fail = |e| Error::file("read", path, e);
    let mut file = open_plain(path).map_err(fail)?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(seen.size_bytes).unwrap_or(0) + 1)];
    loop {
        let read = match file.read(&mut piece) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(fail)?,
        };
        hasher.update(piece.get(..read).unwrap_or_default());
        progress.advance(read as u64);
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        if read == 0 {
            break;
        }
    }
    let now = file.metadata().map_err(fail)?;
    if SourceStamp::of(&now) == seen {
        Ok(ContentId::new(*hasher.finalize().as_bytes()))
    } else {
        Err(Error::Source(SourceError::Changed(path.to_owned())))
    }
}
