//! Stored files: files of a dataset, all of which is here or only a part.

use crate::inspect::table::StoredText;
use crate::manifest::Manifest;
use crate::read_at::ReadAt;
use crate::registry::error::Error;

/// A file of a dataset. Its bytes are checked against the manifest.
pub(crate) trait StoredFile: ReadAt {
    /// Returns the manifest of its dataset.
    fn manifest(&self) -> &Manifest;

    /// Returns its path in the dataset.
    fn path(&self) -> &str;

    /// Returns the identity of its bytes, by the ids that they are checked against.
    fn text(&self) -> StoredText;

    /// Returns the offset of a line from the front of the file, from the newline counts of the
    /// tree. Returns `None` if there is no such line.
    ///
    /// # Errors
    /// [`Error`] when a node or chunk cannot be had, or is damaged.
    fn start_of_line(&self, line: u64) -> Result<Option<u64>, Error>;

    /// Returns the number of lines of the file.
    ///
    /// # Errors
    /// As [`StoredFile::start_of_line`].
    fn lines(&self) -> Result<u64, Error>;

    /// Returns the number of rows that the publisher claims, where counting them would fetch the file.
    fn claimed_rows(&self) -> Option<u64>;
}
