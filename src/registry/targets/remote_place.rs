//! Files of targets that are elsewhere, opened when they are first read.

use std::io;
use std::sync::OnceLock;

use crate::inspect::Compression;
use crate::inspect::FileFormat;
use crate::inspect::Format;
use crate::inspect::ReadOptions;
use crate::inspect::table::has_rows;
use crate::locks::lock;
use crate::read_at::ReadAt;
use crate::registry::error::Error;
use crate::registry::targets::file::FileLocation;
use crate::registry::targets::file::TargetFile;
use crate::remote::Found;
use crate::remote::ListedFile;
use crate::remote::Remote;
use crate::remote::RemoteError;
use crate::remote::RemoteFile;
use crate::remote::RemoteUrl;
use std::sync::Arc;
use std::sync::Mutex;

/// A file that is elsewhere.
pub(in crate::registry) struct RemotePlace {
    remote: Remote,
    url: RemoteUrl,
    opened: OnceLock<RemoteFile>,
    /// Held while the file is opened, so that others wait for it.
    opening: Mutex<()>,
}

impl RemotePlace {
    /// Returns the file, which the first call opens.
    pub(in crate::registry) fn file(&self) -> Result<&RemoteFile, RemoteError> {
        let _opening = lock(&self.opening);
        if let Some(file) = self.opened.get() {
            return Ok(file);
        }
        let file = self.remote.open(&self.url)?;
        Ok(self.opened.get_or_init(|| file))
    }

    /// Returns the first error of reading the file. Decoders of formats hide it.
    pub(in crate::registry) fn failure(&self) -> Option<io::Error> {
        self.opened.get().and_then(ReadAt::failure)
    }
}

/// Returns the files at a URL that have rows: the named file of any format, or those of a repository,
/// a directory or a prefix.
///
/// # Errors
/// [`Error::Remote`].
pub(super) fn find(remote: &Remote, url: &RemoteUrl) -> Result<Vec<TargetFile>, Error> {
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
    TargetFile {
        format: format_of(&path),
        path,
        size_bytes,
        reading: ReadOptions::default(),
        place: FileLocation::Remote(Arc::new(RemotePlace {
            remote: remote.clone(),
            url,
            opened: OnceLock::from(file),
            opening: Mutex::default(),
        })),
    }
}

fn of_listed(remote: &Remote, file: ListedFile) -> TargetFile {
    TargetFile {
        format: format_of(&file.path),
        path: file.path,
        size_bytes: file.size_bytes,
        reading: ReadOptions::default(),
        place: FileLocation::Remote(Arc::new(RemotePlace {
            remote: remote.clone(),
            url: file.url,
            opened: OnceLock::new(),
            opening: Mutex::default(),
        })),
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
