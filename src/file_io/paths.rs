//! Paths of inputs and outputs: their directories, and names of standard streams.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use thiserror::Error;

/// The directory of a file to create does not exist.
#[derive(Clone, Debug, Error)]
#[error("there is no directory `{}`", .0.display())]
pub struct NoDirectory(pub PathBuf);

/// Returns true if a path means standard output.
pub fn is_standard_output(path: &Path) -> bool {
    let names = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    names.iter().any(|name| path.as_os_str() == *name)
}

/// Returns true if a path names an open file of this process, such as `/dev/fd/3`. It is used as a
/// stream even if it is a plain file, because its opener decided on its use.
pub(super) fn is_standard_stream(path: &Path) -> bool {
    let below = |dir| {
        path.strip_prefix(dir)
            .is_ok_and(|rest| !rest.as_os_str().is_empty())
    };
    below("/dev/fd") || below("/proc/self/fd") || path == Path::new("/dev/stderr")
}

/// Returns the directory that contains a path.
pub(super) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

/// Checks that the directory of a path exists, and names a missing one.
pub(super) fn require_parent(path: &Path) -> io::Result<()> {
    let parent = parent_of(path);
    match fs::metadata(parent) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(io::Error::new(
            io::ErrorKind::NotFound,
            NoDirectory(parent.to_owned()),
        )),
        Err(e) => Err(e),
        Ok(_) => Ok(()),
    }
}
