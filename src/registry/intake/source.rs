//! Sources of files that are elsewhere: the trait that a client implements.

use std::io::Read;

use crate::manifest::DatasetKind;
use crate::registry::error::Error;
use crate::registry::intake::promise::Promise;

/// A place with files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The URL in its canonical form, without credentials.
    pub url: String,
    /// The same without the revision, which all revisions of the place share.
    pub shared_url: String,
    /// The revision that the place names now.
    pub revision: Option<String>,
    /// One file, or a directory of files.
    pub kind: DatasetKind,
    /// Text that the dataset's name is made of where no name is given.
    pub name: String,
}

/// A file elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceItem {
    /// Path inside of the dataset.
    pub path: String,
    /// Size in bytes, if the source says it.
    pub size_bytes: Option<u64>,
    /// The promise about its bytes.
    pub promise: Promise,
}

/// Files elsewhere. Several threads may read different files at the same time.
pub trait FileSource: Sync {
    /// Returns the place of the files.
    fn place(&self) -> &Place;

    /// Returns all files.
    fn items(&self) -> &[SourceItem];

    /// Reads a file from an offset to its end. A file that is no longer the promised one is an error,
    /// here or in reading.
    ///
    /// # Errors
    /// The error of the source.
    fn read(&self, number: usize, offset: u64) -> Result<Box<dyn Read + Send>, Error>;

    /// Returns false if the promised MD5 of a file turned out to be none while the file was read.
    fn has_md5(&self, _number: usize) -> bool {
        true
    }
}
