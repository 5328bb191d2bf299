//! Journals on disk. Readers take no lock: they see the whole records that are there. One writer at
//! a time holds the lock of a journal.

use std::ffi::OsString;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use crate::file_io::IfExists;
use crate::file_io::open_plain;
use crate::file_io::write_atomically;
use crate::ident::ContentId;
use crate::ident::to_hex;
use crate::inspect::edits::BaseIdentity;
use crate::inspect::edits::Journal;
use crate::inspect::edits::JournalWriter;
use crate::progress::Progress;
use crate::registry::cache::files::make_directory;
use crate::registry::edits::error::EditError;
use crate::registry::error::Error;
use crate::wire::DecodeError;
use crate::wire::limits::EDIT_JOURNAL_BYTES_MAX;
use crate::wire::limits::EDIT_RECORD_BYTES_MAX;

/// Pause between attempts to take a lock.
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// Endings of names beside a journal.
const TORN: &str = ".torn";
const DISCARDED: &str = ".discarded";

/// Returns the directory of journals in a home.
fn directory(home: &Path) -> PathBuf {
    home.join("edits")
}

/// Returns the path of the journal of a file on disk, by the file's canonical path.
pub(crate) fn journal_of_file(home: &Path, canonical: &Path) -> PathBuf {
    let hash = blake3::hash(canonical.as_os_str().as_bytes());
    let name = hash.as_bytes().first_chunk::<16>();
    let name = to_hex(name.map_or(&[], |n| n.as_slice()));
    directory(home).join(format!("f-{name}"))
}

/// Returns the path of the journal of a dataset.
pub(crate) fn journal_of_dataset(home: &Path, content_id: &ContentId) -> PathBuf {
    directory(home).join(format!("d-{}", to_hex(content_id.as_bytes())))
}

/// Returns true if a home may have journals.
pub(crate) fn has_journals(home: &Path) -> bool {
    directory(home).exists()
}

/// Returns the paths of all journals of a home, sorted.
pub(crate) fn journals(home: &Path) -> Result<Vec<PathBuf>, Error> {
    let dir = directory(home);
    let entries = match std::fs::read_dir(&dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|e| Error::file("read", &dir, e))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Error::file("read", &dir, e))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_journal = (name.starts_with("f-") || name.starts_with("d-")) && !name.contains('.');
        found.extend(is_journal.then(|| entry.path()));
    }
    found.sort();
    Ok(found)
}

/// Reads a journal without a lock; `None` if there is none.
///
/// # Errors
/// [`EditError::Journal`] for damage, and errors of reading.
pub(crate) fn read_journal(path: &Path) -> Result<Option<Journal>, Error> {
    match open_plain(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::file("read", path, e)),
        Ok(file) => decode(path, &file),
    }
}

fn decode(path: &Path, file: &File) -> Result<Option<Journal>, Error> {
    let mut bytes = Vec::new();
    let most = EDIT_JOURNAL_BYTES_MAX as u64 + 1;
    let read = file.take(most).read_to_end(&mut bytes);
    read.map_err(|e| Error::file("read", path, e))?;
    decode_bytes(path, bytes)
}

fn decode_bytes(path: &Path, bytes: Vec<u8>) -> Result<Option<Journal>, Error> {
    Journal::decode(bytes).map_err(|source| journal_error(path, source))
}

/// Returns the error for a journal that cannot be read.
pub(crate) fn journal_error(path: &Path, source: DecodeError) -> Error {
    let path = path.to_owned();
    EditError::Journal { path, source }.into()
}

/// A journal that no other process writes, or the rehearsal of one.
#[derive(Debug)]
pub(crate) struct JournalFile {
    path: PathBuf,
    /// The locked file; `None` in a rehearsal, which writes nothing.
    file: Option<File>,
    journal: Option<Journal>,
    is_new: bool,
}

impl JournalFile {
    /// Opens and locks a journal, and creates an empty one if there is none.
    ///
    /// # Errors
    /// [`EditError::Journal`] for damage, [`Error::Interrupted`], and errors of the system.
    pub(crate) fn open(path: &Path, progress: &dyn Progress) -> Result<Self, Error> {
        let fail = |e| Error::file("write", path, e);
        if let Some(dir) = path.parent() {
            make_directory(dir).map_err(fail)?;
        }
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).mode(0o600);
            let file = options.open(path).map_err(fail)?;
            lock(&file, progress, path)?;
            // Another process may have set the journal aside before it was locked.
            let now = path.symlink_metadata();
            let own = file.metadata().map_err(fail)?;
            if !now.is_ok_and(|now| (now.dev(), now.ino()) == (own.dev(), own.ino())) {
                continue;
            }
            let is_new = own.len() == 0;
            let journal = decode(path, &file)?;
            let path = path.to_owned();
            return Ok(Self {
                path,
                file: Some(file),
                journal,
                is_new,
            });
        }
    }

    /// Opens a journal for a rehearsal: without a lock, and what is appended stays in memory.
    ///
    /// # Errors
    /// [`EditError::Journal`] for damage, and errors of reading.
    pub(crate) fn rehearse(path: &Path) -> Result<Self, Error> {
        Ok(Self {
            path: path.to_owned(),
            file: None,
            journal: read_journal(path)?,
            is_new: false,
        })
    }

    /// Locks a journal without reading it, to set it aside; `None` if there is none.
    ///
    /// # Errors
    /// As [`JournalFile::open`], without damage.
    pub(crate) fn lock_unread(path: &Path, progress: &dyn Progress) -> Result<Option<Self>, Error> {
        let file = match open_plain(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|e| Error::file("read", path, e))?,
        };
        lock(&file, progress, path)?;
        Ok(Some(Self {
            path: path.to_owned(),
            file: Some(file),
            journal: None,
            is_new: false,
        }))
    }

    /// The path of the journal.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The journal; `None` before the first edit.
    pub(crate) fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    /// Appends records, durably. A journal without records begins with the base.
    ///
    /// # Errors
    /// [`EditError::TooLong`], or an error of writing. The journal then has its old records.
    pub(crate) fn append(
        &mut self,
        base: impl FnOnce() -> Result<BaseIdentity, Error>,
        write: impl FnOnce(&mut JournalWriter),
    ) -> Result<(), Error> {
        let (mut writer, before) = match &self.journal {
            Some(journal) => (journal.writer(), journal.valid_bytes()),
            None => (JournalWriter::begin(&base()?), 0),
        };
        write(&mut writer);
        let bytes = writer.into_bytes();
        if bytes.len() > EDIT_RECORD_BYTES_MAX {
            return Err(too_long(
                "the edits of one command",
                EDIT_RECORD_BYTES_MAX,
                "edit_record_bytes_max",
            ));
        }
        if before + bytes.len() > EDIT_JOURNAL_BYTES_MAX {
            let name = "edit_journal_bytes_max";
            return Err(too_long("the journal", EDIT_JOURNAL_BYTES_MAX, name));
        }
        self.set_torn_aside(before)?;
        if let Err(error) = self.write(&bytes, before as u64) {
            // The written part of the record would be a torn tail.
            let _ = self.file.as_ref().map(|file| file.set_len(before as u64));
            return Err(Error::file("write", &self.path, error));
        }
        let held = self.journal.as_ref().map(Journal::valid);
        let all = [held.unwrap_or_default(), &bytes].concat();
        self.journal = decode_bytes(&self.path, all)?;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        file.write_all_at(bytes, at)?;
        file.sync_all()?;
        if std::mem::take(&mut self.is_new)
            && let Some(dir) = self.path.parent()
        {
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    }

    /// Moves bytes behind the last whole record into a file of their own.
    fn set_torn_aside(&mut self, valid: usize) -> Result<(), Error> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let fail = |e| Error::file("write", &self.path, e);
        let length = file.metadata().map_err(fail)?.len();
        let Some(torn) = length.checked_sub(valid as u64).filter(|n| *n > 0) else {
            return Ok(());
        };
        // The journal was read whole, so this is below its limit.
        let mut bytes = vec![0; usize::try_from(torn).unwrap_or(0)];
        let read = file.read_exact_at(&mut bytes, valid as u64);
        read.map_err(fail)?;
        let aside = free_beside(&self.path, TORN)?;
        let written = write_atomically(&aside, &bytes, Some(0o600), IfExists::Refuse);
        written.map_err(|e| Error::file("write", &aside, e))?;
        file.set_len(valid as u64).map_err(fail)
    }

    /// Sets the journal aside, beside those that were set aside before.
    ///
    /// # Errors
    /// As the operating system.
    pub(crate) fn set_aside(self) -> Result<PathBuf, Error> {
        let aside = free_beside(&self.path, DISCARDED)?;
        let renamed = std::fs::rename(&self.path, &aside);
        renamed.map_err(|e| Error::file("rename", &self.path, e))?;
        Ok(aside)
    }
}

impl Drop for JournalFile {
    fn drop(&mut self) {
        // An empty journal of a command without an edit is not left behind.
        if self.is_new && self.journal.is_none() {
            let file = self.file.as_ref();
            let is_empty = file.is_some_and(|f| f.metadata().is_ok_and(|m| m.len() == 0));
            if is_empty {
                let _ = std::fs::remove_file(&self.path);
            }
        }
    }
}

fn too_long(what: &'static str, limit: usize, name: &'static str) -> Error {
    let limit = limit as u64;
    EditError::TooLong { what, limit, name }.into()
}

/// Returns a path beside a journal that no file has: its name with the ending, from the second on with a number
/// before it. The lock of the journal keeps others from taking it.
fn free_beside(path: &Path, ending: &str) -> Result<PathBuf, Error> {
    for number in 1_u64.. {
        let mut name = OsString::from(path.file_name().unwrap_or_default());
        if number > 1 {
            name.push(format!("-{number}"));
        }
        name.push(ending);
        let free = path.with_file_name(name);
        match std::fs::symlink_metadata(&free) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(free),
            Err(e) => return Err(Error::file("look for", &free, e)),
            Ok(_) => {}
        }
    }
    Err(Error::file(
        "name",
        path,
        io::ErrorKind::AlreadyExists.into(),
    ))
}

/// Waits for the lock of a file, until the caller asks to stop.
fn lock(file: &File, progress: &dyn Progress, path: &Path) -> Result<(), Error> {
    let mut is_told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(std::fs::TryLockError::WouldBlock) => {}
            // Some file systems have no locks.
            Err(std::fs::TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => {
                return Ok(());
            }
            Err(std::fs::TryLockError::Error(e)) => return Err(Error::file("lock", path, e)),
        }
        if !std::mem::replace(&mut is_told, true) {
            progress.phase("waiting for another edit", None);
        }
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        std::thread::sleep(LOCK_PAUSE);
    }
}
