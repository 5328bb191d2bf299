//! The lock of a writer. Writers of one collection queue; readers take no lock.

use std::fs::File;
use std::fs::TryLockError;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::documents::DocumentError;
use crate::documents::Layout;
use crate::error_kind::Stopped;

/// The held locks: of the collection alone, and of the whole store together with writers of other
/// collections. They end with the process.
#[derive(Debug)]
pub(crate) struct WriterLock {
    _collection: File,
    _store: Option<File>,
}

/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(5);

impl WriterLock {
    /// Waits until no other writer has the collection.
    ///
    /// # Errors
    /// [`DocumentError::File`]; its cause is [`Stopped`] if the process is told to stop.
    pub(crate) fn acquire(layout: &Layout) -> Result<Self, DocumentError> {
        let path = layout.lock_file();
        let collection = open(&path)?;
        wait(&path, || collection.try_lock())?;
        Ok(Self {
            _collection: collection,
            _store: store_lock(layout.root())?,
        })
    }
}

/// Takes the lock that writers of the other implementation hold, where there is one. It is shared, so that
/// writers of other collections go on, and its file is never removed.
fn store_lock(root: &Path) -> Result<Option<File>, DocumentError> {
    let path = root.join(".zds/.zds_write.lock");
    let file = match File::options().read(true).open(&path) {
        Err(_) => return Ok(None),
        Ok(file) => file,
    };
    wait(&path, || file.try_lock_shared())?;
    Ok(Some(file))
}

fn open(path: &Path) -> Result<File, DocumentError> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    options
        .open(path)
        .map_err(|e| DocumentError::file("lock", path, e))
}

fn wait(
    path: &Path,
    mut attempt: impl FnMut() -> Result<(), TryLockError>,
) -> Result<(), DocumentError> {
    loop {
        match attempt() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(e)) => return Err(DocumentError::file("lock", path, e)),
        }
        if crate::file_io::stop_flag().load(Ordering::Relaxed) {
            let stopped = io::Error::other(Stopped);
            return Err(DocumentError::file("lock", path, stopped));
        }
        std::thread::sleep(PAUSE);
    }
}
