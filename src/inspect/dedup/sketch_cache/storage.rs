//! Interface to the storage of sketch files.

use std::io;

use crate::read_at::ReadAt;

/// Storage for the sketch files of a dataset. A failure only makes the next search slower.
pub trait SketchCache: Sync {
    /// Opens the file cached for these comparison parameters.
    fn open(&self, parameters: &[u8; 32]) -> Option<Box<dyn ReadAt>>;

    /// Starts a file that replaces the cached one.
    ///
    /// # Errors
    /// Any I/O error of the storage.
    fn create(&self, parameters: &[u8; 32]) -> io::Result<Box<dyn NewSketches>>;
}

/// A sketch file in the making. Dropping it discards it.
pub trait NewSketches: Send {
    /// Appends bytes.
    ///
    /// # Errors
    /// Any I/O error of the storage.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Publishes the file under its name.
    ///
    /// # Errors
    /// Any I/O error of the storage.
    fn commit(self: Box<Self>) -> io::Result<()>;
}
