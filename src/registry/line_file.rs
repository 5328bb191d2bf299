//! The small text files of a home that have an entry a line: `known_peers`, `access.txt`, `node_names`.

use std::io;
use std::path::Path;

use crate::file_io::IfExists;
use crate::file_io::read_own_text;
use crate::file_io::write_aside;
use crate::registry::error::Error;
use crate::wire::limits::NODE_FILE_BYTES_MAX;

/// The lines that say something, without comments; none where there is no file.
///
/// # Errors
/// [`Error::File`] when it cannot be read, is too long, or `read` does not understand a line: what
/// is not understood might be what matters.
pub(crate) fn read<T>(path: &Path, line: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Error> {
    let fail = |e| Error::file("read", path, e);
    let text = match read_own_text(path, NODE_FILE_BYTES_MAX) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(fail(e)),
    };
    let mut found = Vec::new();
    for (n, whole) in text.lines().enumerate() {
        let said = whole.split('#').next().unwrap_or_default().trim();
        if said.is_empty() {
            continue;
        }
        let wrong = || {
            fail(io::Error::other(format!(
                "line {} is not understood",
                n + 1
            )))
        };
        found.push(line(said).ok_or_else(wrong)?);
    }
    Ok(found)
}

/// Puts a new text in the place of the file.
///
/// # Errors
/// [`Error::File`] when it cannot be written; the old one stays then.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    write_aside(path, text.as_bytes(), Some(0o600), IfExists::Replace)
        .map_err(|e| Error::file("write", path, e))
}
