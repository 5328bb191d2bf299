//! Temporary files beside the destination, renamed into place when they are complete.

use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::file_io::input::open_plain;
use crate::file_io::paths::parent_of;
use crate::file_io::paths::require_parent;

/// Action if a file is in the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfExists {
    /// Keep the existing file and return an error.
    #[default]
    Refuse,
    /// Replace the existing file.
    Replace,
}

/// A file or directory that is written beside its destination.
///
/// A leading dot and its name identify it as a leftover. It is locked while this value exists, so
/// that [`remove_abandoned`] can tell it from the file of a killed writer.
#[derive(Debug)]
pub struct TemporaryPath {
    path: PathBuf,
    /// The handle that holds the lock. Closing it, or the end of the process, releases the lock.
    held: Option<File>,
}

impl TemporaryPath {
    /// Creates a directory, after removing abandoned directories and files for the same
    /// destination.
    ///
    /// # Errors
    /// The error of the operating system; [`io::ErrorKind::InvalidInput`] for a path without a
    /// name.
    pub fn directory(place: &Path) -> io::Result<Self> {
        Self::begin(place, |path| {
            fs::create_dir(path)?;
            File::open(path)
        })
    }

    /// Creates a file with a mode as for [`write_atomically`], after removing leftovers as
    /// [`TemporaryPath::directory`] does. The returned handle writes to it.
    ///
    /// # Errors
    /// As [`TemporaryPath::directory`].
    pub fn file(place: &Path, mode: Option<u32>) -> io::Result<(Self, File)> {
        let begun = Self::begin(place, |path| create(path, mode))?;
        let file = begun.held.as_ref().ok_or(io::ErrorKind::Other)?;
        let file = file.try_clone()?;
        Ok((begun, file))
    }

    fn begin(place: &Path, make: impl Fn(&Path) -> io::Result<File>) -> io::Result<Self> {
        remove_abandoned(place);
        loop {
            let path = named_beside(place, ".", PARTIAL)?;
            let held = make(&path)?;
            // Some file systems have no locks. Nothing is removed there.
            let _ = held.lock();
            // Another process may have removed it as abandoned before it was locked.
            if fs::symlink_metadata(&path).is_ok() {
                let held = Some(held);
                return Ok(Self { path, held });
            }
        }
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the handle that holds the lock, for writers of many files at a time.
    pub fn let_go(&mut self) {
        self.held = None;
    }
}

/// A glob for the names of [`TemporaryPath`].
pub const PARTIAL_GLOB: &str = ".*.partial-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]\
    [0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]";
/// Marker in the name of a temporary file.
const PARTIAL: &str = "partial";
/// Number of random bytes in the name.
const NOISE_BYTES: usize = 6;

/// Removes files and directories of [`TemporaryPath`] for this destination whose writers were killed: those
/// of this user that are not locked. Entries that cannot be removed stay.
pub fn remove_abandoned(place: &Path) {
    let Some(name) = place.file_name() else {
        return;
    };
    let Ok(entries) = fs::read_dir(parent_of(place)) else {
        return;
    };
    let mut front = OsString::from(".");
    front.push(name);
    front.push(format!(".{PARTIAL}-"));
    let front = front.as_encoded_bytes();
    for entry in entries.flatten() {
        let found = entry.file_name();
        let noise = found.as_encoded_bytes().strip_prefix(front);
        let is_noise = noise
            .is_some_and(|n| n.len() == 2 * NOISE_BYTES && n.iter().all(u8::is_ascii_hexdigit));
        if is_noise {
            // Also if it disappeared meanwhile.
            let _ = remove_unless_held(&entry.path());
        }
    }
}

fn remove_unless_held(path: &Path) -> io::Result<()> {
    let meta = fs::symlink_metadata(path)?;
    if !is_own(&meta) || !(meta.is_dir() || meta.is_file()) {
        return Ok(());
    }
    let held = if meta.is_dir() {
        File::open(path)?
    } else {
        open_plain(path)?
    };
    // Its writer holds the lock, or there are no locks here.
    if held.try_lock().is_err() {
        return Ok(());
    }
    if meta.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

#[cfg(unix)]
fn is_own(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    meta.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_own(_: &fs::Metadata) -> bool {
    false
}

fn named_beside(path: &Path, before: &str, word: &str) -> io::Result<PathBuf> {
    let mut noise = [0; NOISE_BYTES];
    getrandom::fill(&mut noise).map_err(io::Error::other)?;
    let mut name = OsString::from(before);
    name.push(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
    name.push(format!(".{word}-{}", crate::ident::to_hex(&noise)));
    Ok(path.with_file_name(name))
}

/// Renames a temporary file to its final path.
///
/// # Errors
/// The error of the operating system; [`io::ErrorKind::AlreadyExists`] when something exists that
/// must not be replaced, even if it appeared just now.
pub fn put_in_place(temporary: &Path, path: &Path, if_exists: IfExists) -> io::Result<()> {
    let is_directory = fs::symlink_metadata(temporary)?.is_dir();
    match if_exists {
        IfExists::Replace if !is_directory => fs::rename(temporary, path),
        // A directory replaces nothing, and cannot be hard linked.
        _ if is_directory => match fs::symlink_metadata(path) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => fs::rename(temporary, path),
        },
        // A hard link fails if the path exists, so nothing can come between check and placement.
        _ => match fs::hard_link(temporary, path) {
            Ok(()) => fs::remove_file(temporary),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(e),
            Err(_) if fs::symlink_metadata(path).is_ok() => {
                Err(io::ErrorKind::AlreadyExists.into())
            }
            // File systems of USB sticks have no hard links.
            Err(_) => fs::rename(temporary, path),
        },
    }
}

/// Writes a file through a temporary file: a reader sees the old bytes or the new ones, even after
/// a power cut.
///
/// A symbolic link is kept, and its target is replaced. `mode` applies regardless of the umask.
///
/// # Errors
/// The error of the operating system; [`io::ErrorKind::AlreadyExists`] when the file must not be
/// replaced.
pub fn write_atomically(
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
    // Caches recognise leftovers by this name.
    let temporary = named_beside(&real, "", "new")?;
    let placed = write_new(&temporary, bytes, mode)
        .and_then(|()| put_in_place(&temporary, &real, if_exists));
    if placed.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    placed?;
    File::open(parent_of(&real))?.sync_all()
}

fn write_new(path: &Path, bytes: &[u8], mode: Option<u32>) -> io::Result<()> {
    let mut file = create(path, mode)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Creates a file that does not exist yet.
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
        // The umask may have removed required bits. Some file systems have no modes.
        if file.metadata()?.permissions().mode() & 0o7777 != mode {
            let _ = file.set_permissions(fs::Permissions::from_mode(mode));
        }
    }
    Ok(file)
}
