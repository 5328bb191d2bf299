//! Small text files of a home with one entry a line: `known_peers`, `access.txt`, `node_names`.

use std::io;
use std::path::Path;

use crate::file_io::IfExists;
use crate::file_io::read_own_text;
use crate::file_io::write_atomically;
use crate::registry::error::Error;
use crate::wire::limits::NODE_FILE_BYTES_MAX;

/// Returns the entries without comments. A missing file has none.
///
/// # Errors
/// [`Error::File`] when it cannot be read, is too long, or `read` returns `None` for a line. An
/// unknown line may be an important one, so it is not skipped.
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

/// Replaces the content of the file.
///
/// # Errors
/// [`Error::File`] when it cannot be written. The old content stays then.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    write_atomically(path, text.as_bytes(), Some(0o600), IfExists::Replace)
        .map_err(|e| Error::file("write", path, e))
}
