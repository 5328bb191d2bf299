//! The files of a target that is elsewhere.

use std::sync::Arc;

use crate::inspect::Compression;
use crate::inspect::FileFormat;
use crate::inspect::Format;
use crate::inspect::ReadOptions;
use crate::inspect::table::has_rows;
use crate::read_at::ReadAt;
use crate::registry::error::Error;
use crate::registry::targets::file::FileLocation;
use crate::registry::targets::file::TargetFile;
use crate::registry::targets::places::remote_place::RemotePlace;
use crate::remote::Found;
use crate::remote::ListedFile;
use crate::remote::Remote;
use crate::remote::RemoteFile;
use crate::remote::RemoteUrl;

/// Returns the files at a URL that have rows: the named file of any format, or those of a repository,
/// a directory or a prefix.
///
/// # Errors
/// [`Error::Remote`].
pub(in crate::registry::targets) fn find(
    remote: &Remote,
    url: &RemoteUrl,
) -> Result<Vec<TargetFile>, Error> {
    match remote.find(url)? {
        Found::File(file) => Ok(vec![of_file(remote, file)]),
        Found::Files(listing) => {
            let rows = listing.files.into_iter().filter(|f| has_rows(&f.path));
            Ok(rows.map(|file| of_listed(remote, file)).collect())
        }
    }
}

fn of_file(remote: &Remote, file: RemoteFile) -> TargetFile {
    let url = file.url().clone();
    let (path, size_bytes) = (name_of(&url), ReadAt::len(&file));
    let place = RemotePlace::new(remote, url, Some(file));
    target_file(path, size_bytes, place)
}

fn of_listed(remote: &Remote, file: ListedFile) -> TargetFile {
    let place = RemotePlace::new(remote, file.url, None);
    target_file(file.path, file.size_bytes, place)
}

fn target_file(path: String, size_bytes: u64, place: RemotePlace) -> TargetFile {
    TargetFile {
        format: format_of(&path),
        path,
        size_bytes,
        reading: ReadOptions::default(),
        place: FileLocation::Remote(Arc::new(place)),
    }
}

/// Returns the text of a URL whose extension is that of the file. A query may be a secret.
fn name_of(url: &RemoteUrl) -> String {
    let shown = url.to_string();
    match shown.strip_suffix("?…") {
        Some(path) => path.to_owned(),
        None => shown,
    }
}

/// Returns the format of a file whose first bytes need no look: a Parquet file also ends as one, and
/// the end is what is read first.
fn format_of(path: &str) -> Option<FileFormat> {
    path.to_ascii_lowercase()
        .ends_with(".parquet")
        .then_some(FileFormat {
            format: Format::Parquet,
            compression: Compression::None,
        })
}
