//! Files of a checkout as they lie on disk now. What looks as it did when its content was known is not
//! read.

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
use crate::registry::index::source_files::Seen;
use crate::registry::working_copy::record::Record;

/// Bytes that are read and hashed at a time.
const PIECE_BYTES: usize = 1 << 20;

/// What is at a path of a checkout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry::working_copy) enum Found {
    /// Nothing.
    Absent,
    /// A plain file.
    Plain(Seen),
    /// A link to a file inside of the checkout.
    Link(Seen),
    /// A directory.
    Directory,
    /// Anything else, or something behind a link that leads out of the checkout.
    Other,
}

/// The files below a root, or the one file that it is.
pub(in crate::registry::working_copy) struct OnDisk<'a> {
    root: &'a Path,
    is_file: bool,
    /// How files looked whose content is known.
    known: HashMap<&'a str, (Seen, ContentId)>,
    /// What was read.
    pub(in crate::registry::working_copy) learned: HashMap<String, (Seen, ContentId)>,
    /// Whether directories lie in the checkout without a link on the way.
    directories: HashMap<PathBuf, bool>,
}

impl<'a> OnDisk<'a> {
    /// What a record says of the files is believed where it may be.
    pub(in crate::registry::working_copy) fn new(
        root: &'a Path,
        is_file: bool,
        record: Option<&'a Record>,
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

    /// Where a path of the checkout is.
    pub(in crate::registry::working_copy) fn at(&self, path: &str) -> PathBuf {
        match self.is_file {
            true => self.root.to_owned(),
            false => self.root.join(path),
        }
    }

    /// What is at a path of the checkout.
    ///
    /// # Errors
    /// [`Error::File`].
    pub(in crate::registry::working_copy) fn look(&mut self, path: &str) -> Result<Found, Error> {
        let at = self.at(path);
        let fail = |e| Error::file("read", &at, e);
        let own = match fs::symlink_metadata(&at) {
            Err(e) if is_absent(&e) => return Ok(Found::Absent),
            own => own.map_err(fail)?,
        };
        if !self.is_file && !self.is_inside(at.parent()) {
            return Ok(Found::Other);
        }
        Ok(match () {
            () if own.is_file() => Found::Plain(Seen::of(&own)),
            () if own.is_dir() => Found::Directory,
            () if own.is_symlink() => self.linked(&at).unwrap_or(Found::Other),
            () => Found::Other,
        })
    }

    fn linked(&self, link: &Path) -> Option<Found> {
        let target = link.canonicalize().ok()?;
        let meta = target.metadata().ok()?;
        let is_inside = meta.is_file() && target.starts_with(self.root);
        is_inside.then(|| Found::Link(Seen::of(&meta)))
    }

    /// Whether no link stands between the root and a directory below it.
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

    /// The content of a file that looks like this.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Changed`] where it is written to, [`Error::Interrupted`].
    pub(in crate::registry::working_copy) fn id(
        &mut self,
        path: &str,
        seen: Seen,
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

/// Whether there is nothing at a path, also because what should be its directory is a file.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn hash(path: &Path, seen: Seen, progress: &dyn Progress) -> Result<ContentId, Error> {
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
    match Seen::of(&now) == seen {
        true => Ok(ContentId::new(*hasher.finalize().as_bytes())),
        false => Err(Error::Changed(path.to_owned())),
    }
}
