//! Writing beside the place where a file belongs, and putting it there when it is whole.

use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::file_io::output::parent_of;
use crate::file_io::output::require_parent;

/// What to do where a file is already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfExists {
    /// Leave it and say so.
    #[default]
    Refuse,
    /// Put the new one in its place.
    Replace,
}

/// A name beside a path that nobody else uses. It begins with a dot and says what it is, should it
/// be left behind.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for a path without a name; no randomness.
pub fn aside_of(path: &Path) -> io::Result<PathBuf> {
    named_beside(path, ".", "partial")
}

fn named_beside(path: &Path, before: &str, word: &str) -> io::Result<PathBuf> {
    let mut noise = [0; 6];
    getrandom::fill(&mut noise).map_err(io::Error::other)?;
    let mut name = OsString::from(before);
    name.push(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
    name.push(format!(".{word}-{}", crate::ident::to_hex(&noise)));
    Ok(path.with_file_name(name))
}

/// Gives what was written beside a path its name.
///
/// # Errors
/// As the operating system; [`io::ErrorKind::AlreadyExists`] where something is that must not be
/// replaced, also when it came only now.
pub fn put_in_place(aside: &Path, path: &Path, if_exists: IfExists) -> io::Result<()> {
    let is_directory = fs::symlink_metadata(aside)?.is_dir();
    match if_exists {
        IfExists::Replace if !is_directory => fs::rename(aside, path),
        // A directory takes nobody's place, and cannot be linked.
        _ if is_directory => match fs::symlink_metadata(path) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => fs::rename(aside, path),
        },
        // A link fails where a file is; nothing can come between looking and placing.
        _ => match fs::hard_link(aside, path) {
            Ok(()) => fs::remove_file(aside),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(e),
            Err(_) if fs::symlink_metadata(path).is_ok() => {
                Err(io::ErrorKind::AlreadyExists.into())
            }
            // File systems of sticks know no links.
            Err(_) => fs::rename(aside, path),
        },
    }
}

/// Writes a file beside the place where it belongs, and then puts it there: a reader sees the old
/// bytes or the new ones, also after a power cut. Where a symbolic link is, the file that it leads
/// to is replaced. With `mode`, the file has that mode whatever the umask.
///
/// # Errors
/// As the operating system; [`io::ErrorKind::AlreadyExists`] where it must not be replaced.
pub fn write_aside(
    path: &Path,
    bytes: &[u8],
    mode: Option<u32>,
    if_exists: IfExists,
) -> io::Result<()> {
    let real = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() && if_exists == IfExists::Replace => path.canonicalize()?,
        _ => path.to_owned(),
    };
    require_parent(&real)?;
    // The name by which caches know what was left behind.
    let aside = named_beside(&real, "", "new")?;
    let placed =
        write_new(&aside, bytes, mode).and_then(|()| put_in_place(&aside, &real, if_exists));
    if placed.is_err() {
        let _ = fs::remove_file(&aside);
    }
    placed?;
    File::open(parent_of(&real))?.sync_all()
}

fn write_new(path: &Path, bytes: &[u8], mode: Option<u32>) -> io::Result<()> {
    let mut file = create(path, mode)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Begins a file that is not there yet.
pub(super) fn create(path: &Path, mode: Option<u32>) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if let Some(mode) = mode {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(mode);
    }
    let file = options.open(path)?;
    #[cfg(unix)]
    if let Some(mode) = mode {
        use std::os::unix::fs::PermissionsExt;
        // The umask may have taken bits away that are needed. Some file systems have no modes.
        if file.metadata()?.permissions().mode() & 0o7777 != mode {
            let _ = file.set_permissions(fs::Permissions::from_mode(mode));
        }
    }
    Ok(file)
}
