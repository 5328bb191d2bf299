//! The disk trait: few operations, with a real and a simulated implementation. The simulation cuts
//! power, fills up, and loses unsynced data. Paths are relative to the home.

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

    /// Returns the names of the files in a directory; empty when there is no such directory.
    ///
    /// # Errors
    /// As the operating system.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;

    /// Removes a file. Removing an absent file is no error.
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

    /// Locks a file, which it creates where needed. Where it may not be created, a shared lock does
    /// nothing, because a process that may not write can share with all others. The lock lives as long
    /// as the guard, and ends with the process in any case.
    ///
    /// # Errors
    /// As the operating system; `WouldBlock` when `wait` is [`Wait::No`] and another process
    /// holds the lock.
    fn lock(&self, path: &str, share: Share, wait: Wait) -> io::Result<Box<dyn LockGuard>>;

    /// Makes a file that reserves this number of bytes without writing them.
    ///
    /// # Errors
    /// As the operating system; there is no such file then.
    fn reserve(&self, path: &str, bytes: u64) -> io::Result<()>;
}

/// Returns true if the operating system refuses writes: a read-only file system, or missing permission.
pub fn is_refused(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
    )
}

/// The treatment of an existing or missing file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// The file must exist.
    Existing,
    /// The file is created when missing.
    Create,
    /// The file must not exist.
    CreateNew,
}

/// The sharing of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Other shared locks are possible.
    Shared,
    /// No other lock is possible.
    Exclusive,
}

/// The behaviour while another process holds a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Wait for it.
    Yes,
    /// Return at once.
    No,
}

/// An open file of a home.
pub trait DiskFile: Debug + Send + Sync {
    /// Returns the file's length in bytes.
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

/// A lock, held until dropped.
pub trait LockGuard: Debug + Send + Sync {
    /// Loads eight bytes that the holder of the lock shares with later holders, while the machine runs.
    ///
    /// # Errors
    /// As the operating system.
    fn load(&self) -> io::Result<u64>;

    /// Stores those bytes; only under [`Share::Exclusive`].
    ///
    /// # Errors
    /// As the operating system.
    fn store(&self, value: u64) -> io::Result<()>;
}
