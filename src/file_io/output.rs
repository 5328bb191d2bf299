//! Output files. A plain file is written beside its destination and renamed into place when it is
//! complete.
//!
//! It replaces an existing one only if the caller allows it. Pipes, devices and standard output are
//! written directly. A symbolic link is kept, and its target is written.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::file_io::paths::is_standard_output;
use crate::file_io::paths::is_standard_stream;
use crate::file_io::paths::parent_of;
use crate::file_io::paths::require_parent;
use crate::file_io::temporary::IfExists;
use crate::file_io::temporary::TemporaryPath;
use crate::file_io::temporary::put_in_place;
use crate::file_io::waiting::apart;

/// Entry at the path of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// No entry, so a file can be created. The path is resolved through all links.
    Free(PathBuf),
    /// A plain file, resolved through all links.
    Plain(PathBuf),
    /// A directory.
    Directory,
    /// A pipe, a character device or an open file, which is written directly.
    Through,
    /// Standard output, under any name.
    StandardOutput,
}

/// Returns the entry at the path of an output. `-` is standard output.
///
/// # Errors
/// [`NoDirectory`](crate::file_io::NoDirectory); another error for sockets, block devices and broken links.
pub fn place_of(path: &Path) -> io::Result<Place> {
    if is_standard_output(path) {
        return Ok(Place::StandardOutput);
    }
    if is_standard_stream(path) {
        return Ok(Place::Through);
    }
    let own = match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            require_parent(path)?;
            return Ok(Place::Free(path.to_owned()));
        }
        own => own?,
    };
    let real = match own.is_symlink() {
        false => path.to_owned(),
        true => path.canonicalize().map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => refused("it is a symbolic link that leads nowhere"),
            _ => e,
        })?,
    };
    let kind = fs::symlink_metadata(&real)?.file_type();
    match () {
        () if kind.is_file() => Ok(Place::Plain(real)),
        () if kind.is_dir() => Ok(Place::Directory),
        () if is_block_device(kind) => Err(refused("it is a block device")),
        () if is_socket(kind) => Err(refused("it is a socket")),
        () => Ok(Place::Through),
    }
}

fn refused(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

#[cfg(unix)]
fn is_block_device(kind: fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_block_device(&kind)
}

#[cfg(unix)]
fn is_socket(kind: fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_socket(&kind)
}

#[cfg(not(unix))]
fn is_block_device(_: fs::FileType) -> bool {
    false
}

#[cfg(not(unix))]
fn is_socket(_: fs::FileType) -> bool {
    false
}

/// A file that a command writes sequentially. A plain file gets its name in [`OutputFile::finish`].
/// Without that call, nothing is left of it.
#[derive(Debug)]
pub struct OutputFile {
    file: File,
    /// The temporary file, the destination and the rule for existing files; `None` if the output is
    /// written directly.
    temporary: Option<(TemporaryPath, PathBuf, IfExists)>,
    bytes: u64,
}

impl OutputFile {
    /// Starts to write at a path. `mode` applies to a plain file regardless of the umask. Without
    /// it, the file has the mode of the replaced file, or the default mode.
    ///
    /// # Errors
    /// Errors of [`place_of`]; [`io::ErrorKind::AlreadyExists`] for a plain file that must not be
    /// replaced; [`io::ErrorKind::IsADirectory`]; [`Stopped`](crate::file_io::Stopped) when the
    /// process was asked to stop while no reader opened the pipe.
    pub fn create(path: &Path, if_exists: IfExists, mode: Option<u32>) -> io::Result<Self> {
        let (real, kept) = match place_of(path)? {
            Place::StandardOutput => return Self::through(standard_output()?),
            Place::Through => {
                let path = path.to_owned();
                let mut options = File::options();
                options.write(true);
                // An open plain file is appended to.
                options.append(is_standard_stream(&path));
                return Self::through(apart(move || options.open(path))?);
            }
            Place::Directory => return Err(io::ErrorKind::IsADirectory.into()),
            Place::Plain(_) if if_exists == IfExists::Refuse => {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            Place::Plain(real) => {
                let kept = fs::metadata(&real)?.permissions();
                (real, Some(kept))
            }
            Place::Free(real) => (real, None),
        };
        let (temporary, file) = TemporaryPath::file(&real, mode)?;
        if let (Some(kept), None) = (kept, mode) {
            // Some file systems have no modes.
            let _ = file.set_permissions(kept);
        }
        Ok(Self {
            file,
            temporary: Some((temporary, real, if_exists)),
            bytes: 0,
        })
    }

    fn through(file: File) -> io::Result<Self> {
        Ok(Self {
            file,
            temporary: None,
            bytes: 0,
        })
    }

    /// Closes the file and makes it durable. It has no final name yet.
    ///
    /// # Errors
    /// The error of the operating system.
    pub fn close(mut self) -> io::Result<Written> {
        self.file.flush()?;
        if self.temporary.is_some() {
            self.file.sync_all()?;
        }
        Ok(Written {
            temporary: self.temporary.take(),
            bytes: self.bytes,
        })
    }

    /// Closes the file, makes it durable and renames it. Returns the number of bytes written.
    ///
    /// # Errors
    /// Errors of [`OutputFile::close`] and [`Written::place`].
    pub fn finish(self) -> io::Result<u64> {
        self.close()?.place()
    }
}

/// A complete and durable file without its final name. Without a call of [`Written::place`],
/// nothing is left of it.
#[derive(Debug)]
pub struct Written {
    temporary: Option<(TemporaryPath, PathBuf, IfExists)>,
    bytes: u64,
}

impl Written {
    /// Closes the handle that holds the lock, for writers of many files at a time.
    pub fn let_go(&mut self) {
        if let Some((temporary, ..)) = &mut self.temporary {
            temporary.let_go();
        }
    }

    /// Renames the file. Returns its length in bytes.
    ///
    /// # Errors
    /// The error of the operating system; [`io::ErrorKind::AlreadyExists`] when a file that must
    /// not be replaced appeared meanwhile.
    pub fn place(mut self) -> io::Result<u64> {
        if let Some((temporary, path, if_exists)) = &self.temporary {
            put_in_place(temporary.path(), path, *if_exists)?;
            // The rename is made durable if the system supports it.
            let _ = File::open(parent_of(path)).and_then(|dir| dir.sync_all());
        }
        // It has its final name, so nothing is to be removed.
        self.temporary = None;
        Ok(self.bytes)
    }
}

/// Writes all bytes of an output at once. Returns their number.
///
/// # Errors
/// Errors of [`OutputFile`].
pub fn write_output(
    path: &Path,
    bytes: &[u8],
    if_exists: IfExists,
    mode: Option<u32>,
) -> io::Result<u64> {
    let mut file = OutputFile::create(path, if_exists, mode)?;
    file.write_all(bytes)?;
    file.finish()
}

#[cfg(unix)]
fn standard_output() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

#[cfg(not(unix))]
fn standard_output() -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        remove(self.temporary.as_ref());
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        remove(self.temporary.as_ref());
    }
}

fn remove(unnamed: Option<&(TemporaryPath, PathBuf, IfExists)>) {
    if let Some((temporary, ..)) = unnamed {
        // A leftover that cannot be removed has a name that identifies it.
        let _ = fs::remove_file(temporary.path());
    }
}
