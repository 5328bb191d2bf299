//! The seam to the disk: few operations, one real implementation and one simulated, which cuts
//! power, fills up and loses what was not synced. Paths are relative to the home.

pub(crate) mod real;
#[cfg(test)]
pub(crate) mod sim;

use std::fmt::Debug;
use std::io;

/// A home directory.
pub trait Disk: Debug + Send + Sync {
    /// Opens a plain file for reading and, where this process may, for writing.
    ///
    /// # Errors
    /// As the operating system; `NotFound` unless `mode` creates, `AlreadyExists` for
    /// [`OpenMode::CreateNew`] on an existing file.
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Box<dyn DiskFile>>;

    /// Names of the files in a directory; none when there is no such directory.
    ///
    /// # Errors
    /// As the operating system.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;

    /// Removes a file; removing what is not there is no error.
    ///
    /// # Errors
    /// As the operating system.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Replaces `to` by `from`.
    ///
    /// # Errors
    /// As the operating system.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Makes the creations, removals and renames in a directory durable.
    ///
    /// # Errors
    /// As the operating system.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;

    /// Takes a lock on a file, making it where needed. Where it may not be made, a shared lock is
    /// none: who may not write here shares with everybody. The lock lives as long as the guard, and
    /// ends with the process however that ends.
    ///
    /// # Errors
    /// As the operating system; `WouldBlock` when `wait` is [`Wait::No`] and somebody holds it.
    fn lock(&self, path: &str, share: Share, wait: Wait) -> io::Result<Box<dyn LockGuard>>;

    /// Makes a file that takes room for so many bytes, which need not be written.
    ///
    /// # Errors
    /// As the operating system; there is no such file then.
    fn reserve(&self, path: &str, bytes: u64) -> io::Result<()>;
}

/// Whether the operating system does not let this process write: a read-only file system, or
/// missing permission.
pub fn is_refused(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
    )
}

/// Whether opening may or must create the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// It must exist.
    Existing,
    /// It is made when missing.
    Create,
    /// It must not exist.
    CreateNew,
}

/// Who else may hold a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Others that share.
    Shared,
    /// Nobody.
    Exclusive,
}

/// What to do while somebody else holds a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Wait for it.
    Yes,
    /// Return at once.
    No,
}

/// An open file of a home.
pub trait DiskFile: Debug + Send + Sync {
    /// Its length in bytes.
    ///
    /// # Errors
    /// As the operating system.
    fn size(&self) -> io::Result<u64>;

    /// Fills `buf` from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` past the end; else as the operating system.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all of `data` at `offset`.
    ///
    /// # Errors
    /// As the operating system.
    fn write_all_at(&self, data: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts or extends with zeros.
    ///
    /// # Errors
    /// As the operating system.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes the contents and length durable.
    ///
    /// # Errors
    /// As the operating system.
    fn sync(&self) -> io::Result<()>;
}

/// Holds a lock until dropped.
pub trait LockGuard: Debug + Send + Sync {
    /// Eight bytes that whoever holds the lock shares with those who come after, for as long as
    /// the machine runs.
    ///
    /// # Errors
    /// As the operating system.
    fn load(&self) -> io::Result<u64>;

    /// Changes those bytes; only under [`Share::Exclusive`].
    ///
    /// # Errors
    /// As the operating system.
    fn store(&self, value: u64) -> io::Result<()>;
}
