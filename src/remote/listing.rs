//! Files of a repository, a directory of one, or a prefix.

use crate::remote::file::RemoteFile;
use crate::remote::url::RemoteUrl;

/// Files of a repository, a directory of one, or a prefix, in the order of their paths.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// The place whose files these are; the revision is the immutable one where there are revisions.
    pub url: RemoteUrl,
    /// The commit of a hub's revision, 40 hex digits.
    pub commit: Option<String>,
    /// The files.
    pub files: Vec<ListedFile>,
}

/// A file of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedFile {
    /// The path below the listed place. It is relative and has no part `.` or `..`.
    pub path: String,
    /// The place of the file.
    pub url: RemoteUrl,
    /// The length in bytes.
    pub size_bytes: u64,
    /// Hashes that the source promises of the bytes.
    pub promise: Promise,
    /// The time of the last change, as the source writes it.
    pub modified: Option<String>,
}

/// Hashes that a source promises of a file. None of them is checked by reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Promise {
    /// SHA-256 of the bytes: files in the large file storage of a hub.
    pub sha256: Option<[u8; 32]>,
    /// SHA-1 of the Git blob: other files of a hub.
    pub git_sha1: Option<[u8; 20]>,
    /// The ETag of an object, without quotes.
    pub etag: Option<String>,
}

/// A place that was looked up.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Found {
    /// One file, opened.
    File(RemoteFile),
    /// Several files, none of them opened.
    Files(Listing),
}
