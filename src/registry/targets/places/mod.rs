//! Places of files: files of datasets, files that are elsewhere, and pipes.

pub(crate) mod dataset_file;
pub(crate) mod dataset_files;
pub(crate) mod file_bytes;
pub(crate) mod remote_files;
pub(crate) mod remote_lines;
pub(crate) mod remote_place;
pub(crate) mod stored_file;
pub(crate) mod stream;
pub(crate) mod windows;
