//! Limits of the hub's API.

use std::time::Duration;

/// Entries of a page of a tree.
pub(super) const PAGE_ENTRIES: usize = 1000;
/// Datasets, or versions, of a page of a list.
pub(super) const PAGE_DATASETS: usize = 1000;
/// Files that an answer about a dataset lists. Beyond it, the list is left out: the tree has pages.
pub(super) const SIBLINGS_MAX: usize = 50_000;
/// Paths of one request for paths.
pub(super) const PATHS_MAX: usize = 1000;
/// Bytes of a small body of JSON, or of a form.
pub(super) const JSON_BYTES_MAX: usize = 4 << 20;
/// Bytes of a file from which on clients compare SHA-256, and upload the file by itself.
pub(super) const LARGE_FILE_BYTES: u64 = 10_000_000;
/// Files of one request before an upload.
pub(super) const PREUPLOAD_FILES_MAX: usize = 4096;
/// Bytes of a line of a commit that is read as a whole. The content of a longer one goes to disk as it comes.
pub(super) const COMMIT_LINE_BYTES: usize = 1 << 20;
/// Changes of one commit.
pub(super) const COMMIT_CHANGES_MAX: usize = 100_000;
/// Commits under way at one time. Further ones wait.
pub(super) const COMMITS_AT_ONCE: usize = 4;
/// Bytes of a commit.
pub(super) const COMMIT_BYTES_MAX: u64 = 16 << 30;
/// Large files, and parts of some, under way at one time. Further ones wait.
pub(super) const OBJECTS_AT_ONCE: usize = 8;
/// Time for which uploads wait.
pub(super) const ROOM_TIME: Duration = Duration::from_secs(60);
/// Bytes of a block of chunks.
pub(super) const XORB_BYTES_MAX: u64 = 96 << 20;
/// Bytes of the description of files that are made of such blocks.
pub(super) const SHARD_BYTES_MAX: u64 = 256 << 20;
/// Bytes of a large file that is uploaded.
pub(super) const UPLOAD_BYTES_MAX: u64 = 1 << 40;
/// Large files of one request for places to upload to.
pub(super) const BATCH_OBJECTS_MAX: usize = 1024;
/// Time for which a place to upload to is open.
pub(super) const TICKET_TIME: Duration = Duration::from_secs(6 * 3600);
/// Time for which an uploaded file waits for its commit.
pub(super) const OBJECT_TIME: Duration = Duration::from_secs(24 * 3600);
/// Names of datasets that were created, and have no files yet.
pub(super) const CREATED_MAX: usize = 4096;
