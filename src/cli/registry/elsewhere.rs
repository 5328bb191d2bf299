//! Data at a URL, for the commands that show datasets.

use std::io::Write;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::read_at::ReadAt;
use crate::registry::Error;
use crate::registry::Target;
use crate::registry::TargetOptions;
use crate::remote::Found;
use crate::remote::ListedFile;
use crate::remote::Remote;
use crate::remote::RemoteError;
use crate::remote::RemoteUrl;

/// Bytes of a piece that is written.
const PIECE_BYTES: usize = 256 << 10;

/// The URL that a text is, if it is one.
///
/// # Errors
/// [`RemoteError::Url`].
pub(crate) fn url_of(text: &str) -> Result<Option<RemoteUrl>, Failure> {
    if !RemoteUrl::looks_like_url(text) {
        return Ok(None);
    }
    let url = RemoteUrl::parse(text).map_err(Error::from)?;
    Ok(Some(url))
}

/// Opens a URL as a source of rows.
///
/// # Errors
/// As [`Target::open_with`].
pub(crate) fn open_target(ctx: &Context, text: &str) -> Result<Target, Failure> {
    let options = TargetOptions {
        remote: Some(ctx.remote()?.clone()),
        ..TargetOptions::default()
    };
    Ok(Target::open_with(text, &ctx.home()?, &options)?)
}

/// A file: its path, its place and its length.
pub(crate) struct FileElsewhere {
    pub(crate) path: String,
    pub(crate) url: RemoteUrl,
    pub(crate) size_bytes: u64,
}

/// The files at a URL: one, or all of a repository, a directory or a prefix.
///
/// # Errors
/// [`Error::Remote`].
pub(crate) fn files_at(remote: &Remote, url: &RemoteUrl) -> Result<Vec<FileElsewhere>, Failure> {
    let listed = |file: ListedFile| FileElsewhere {
        path: file.path,
        url: file.url,
        size_bytes: file.size_bytes,
    };
    Ok(match remote.find(url).map_err(Error::from)? {
        Found::File(file) => vec![FileElsewhere {
            path: url.file_name().to_owned(),
            url: url.clone(),
            size_bytes: ReadAt::len(&file),
        }],
        Found::Files(listing) => listing.files.into_iter().map(listed).collect(),
    })
}

/// Writes the bytes of a file.
///
/// # Errors
/// [`Error::Remote`], and errors of writing.
pub(crate) fn write_bytes(
    remote: &Remote,
    url: &RemoteUrl,
    to: &mut dyn Write,
) -> Result<(), Failure> {
    let file = remote.open(url).map_err(Error::from)?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut at = 0;
    while at < ReadAt::len(&file) {
        let read = file.read_at(&mut piece, at);
        let n = read.map_err(|e| Error::file("read", url.to_string(), e))?;
        to.write_all(piece.get(..n).unwrap_or_default())?;
        at += n as u64;
    }
    Ok(())
}

/// The card of a place: the `README.md` of a hub's repository, or one beside the files.
///
/// # Errors
/// [`RemoteError::NotFound`] where there is none.
pub(crate) fn card_of(remote: &Remote, url: &RemoteUrl, most: u64) -> Result<Vec<u8>, RemoteError> {
    let place = match url {
        RemoteUrl::Hub(hub) => RemoteUrl::Hub(hub.at_path("README.md")),
        RemoteUrl::S3(s3) if s3.is_prefix() => {
            RemoteUrl::S3(s3.at_key(&format!("{}README.md", s3.key())))
        }
        other => other.clone(),
    };
    remote.read_whole(&place, most)
}
