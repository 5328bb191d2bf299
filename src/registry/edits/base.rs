//! The content that edits hold for.

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::path::PathBuf;

use crate::file_io::open_plain;
use crate::ident::ContentId;
use crate::inspect::edits::BaseIdentity;
use crate::inspect::edits::FileState;
use crate::progress::NoProgress;
use crate::progress::Progress;
use crate::registry::cache::files::stamp_of;
use crate::registry::edits::error::EditError;
use crate::registry::edits::journal_file::journal_of_dataset;
use crate::registry::edits::journal_file::journal_of_file;
use crate::registry::error::Error;
use crate::registry::targets::file::FileLocation;
use crate::registry::targets::file::TargetFile;
use crate::wire::limits::EDIT_HASHED_BYTES_MAX;

/// Bytes per read of a hashed file.
const PIECE_BYTES: usize = 1 << 20;

/// A file or dataset that can have edits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EditBase {
    /// A file on disk, by its canonical path.
    File(PathBuf),
    /// A dataset.
    Dataset { content_id: ContentId, name: String },
}

/// Result of a comparison with the recorded content.
pub(crate) enum BaseCheck {
    /// The content is the same.
    Same,
    /// The content is the same, and its stamp another.
    NewState(FileState),
}

impl EditBase {
    /// Returns the base of a target's file.
    ///
    /// # Errors
    /// [`Error::File`] for a path that cannot be resolved.
    pub(crate) fn of(file: &TargetFile) -> Result<Option<Self>, Error> {
        Ok(match &file.place {
            FileLocation::Disk(path) => Some(Self::of_path(path)?),
            FileLocation::Store(held) => {
                let manifest = held.manifest();
                Some(Self::Dataset {
                    content_id: manifest.content_id,
                    name: format!("{}@{}", manifest.name, manifest.dataset_version),
                })
            }
            _ => None,
        })
    }

    /// Returns the base of a path, which may be gone while its directory is there.
    ///
    /// # Errors
    /// [`Error::File`] for a path that cannot be resolved.
    pub(crate) fn of_path(path: &Path) -> Result<Self, Error> {
        let fail = |e| Error::file("find", path, e);
        let full = match path.canonicalize() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let name = path.file_name().ok_or_else(|| fail(e))?;
                let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
                let parent = parent.unwrap_or(Path::new(".")).canonicalize();
                parent.map_err(fail)?.join(name)
            }
            full => full.map_err(fail)?,
        };
        Ok(Self::File(full))
    }

    /// Returns the path of its journal.
    pub(crate) fn journal_path(&self, home: &Path) -> PathBuf {
        match self {
            Self::File(path) => journal_of_file(home, path),
            Self::Dataset { content_id, .. } => journal_of_dataset(home, content_id),
        }
    }

    /// Returns a name for messages.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Dataset { name, .. } => name.clone(),
        }
    }

    /// Returns its present identity. A file up to a limit is hashed.
    ///
    /// # Errors
    /// Errors of reading, and [`Error::Changed`] if it is written to meanwhile.
    pub(crate) fn identify(&self, progress: &dyn Progress) -> Result<BaseIdentity, Error> {
        Ok(match self {
            Self::File(path) => BaseIdentity::File {
                path: path.as_os_str().as_bytes().to_vec(),
                state: state_of(path, true, progress)?,
            },
            Self::Dataset { content_id, name } => BaseIdentity::Dataset {
                content_id: *content_id,
                name: name.clone(),
            },
        })
    }

    /// Compares it with the content that a journal was made for.
    ///
    /// # Errors
    /// [`EditError::BaseChanged`], and errors of reading.
    pub(crate) fn check(&self, recorded: &BaseIdentity) -> Result<BaseCheck, Error> {
        let changed = |change| -> Error {
            let target = self.shown();
            EditError::BaseChanged { target, change }.into()
        };
        let (path, state) = match (self, recorded) {
            (
                Self::Dataset { content_id, .. },
                BaseIdentity::Dataset {
                    content_id: made_for,
                    ..
                },
            ) if content_id == made_for => return Ok(BaseCheck::Same),
            (Self::File(path), BaseIdentity::File { path: of, state })
                if path.as_os_str().as_bytes() == of =>
            {
                (path, state)
            }
            // Two paths with one name of a journal.
            _ => return Err(changed("is something else")),
        };
        let file = match open_plain(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(changed("was removed")),
            file => file.map_err(|e| Error::file("read", path, e))?,
        };
        let fail = |e| Error::file("read", path, e);
        let (stamp, is_settled) = stamp_of(&file).map_err(fail)?;
        let is_same = state.is_same_stamp(&stamp, &file).map_err(fail)?;
        if is_same && (state.is_settled() || state.hash().is_none()) {
            return Ok(BaseCheck::Same);
        }
        let was = state.size_bytes();
        if stamp.size != was {
            let grew = stamp.size > was;
            return Err(changed(if grew { "grew" } else { "was shortened" }));
        }
        let Some(hash) = state.hash() else {
            return Err(changed("was written to"));
        };
        if hash_of(&file, path, &NoProgress)? != hash {
            return Err(changed("was changed"));
        }
        let now = FileState::new((stamp, is_settled), Some(hash), &file);
        Ok(BaseCheck::NewState(now.map_err(fail)?))
    }
}

fn state_of(path: &Path, is_hashed: bool, progress: &dyn Progress) -> Result<FileState, Error> {
    let fail = |e| Error::file("read", path, e);
    let file = open_plain(path).map_err(fail)?;
    let seen = stamp_of(&file).map_err(fail)?;
    let is_hashed = is_hashed && seen.0.size <= EDIT_HASHED_BYTES_MAX;
    let hash = match is_hashed {
        true => Some(hash_of(&file, path, progress)?),
        false => None,
    };
    let state = FileState::new(seen, hash, &file).map_err(fail)?;
    if stamp_of(&file).map_err(fail)?.0 != seen.0 {
        return Err(Error::Changed(path.to_owned()));
    }
    Ok(state)
}

fn hash_of(file: &File, path: &Path, progress: &dyn Progress) -> Result<[u8; 32], Error> {
    let mut hasher = blake3::Hasher::new();
    let (mut buffer, mut at) = (vec![0; PIECE_BYTES], 0);
    loop {
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        match std::os::unix::fs::FileExt::read_at(file, &mut buffer, at) {
            Ok(0) => return Ok(*hasher.finalize().as_bytes()),
            Ok(n) => {
                hasher.update(buffer.get(..n).unwrap_or_default());
                at += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::file("read", path, e)),
        }
    }
}
