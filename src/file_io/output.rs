//! The one way out. A plain file is written beside its place and put there when it is whole; one
//! that is there already is replaced only where the caller was told so. Pipes, devices and standard
//! output are written through. A symbolic link stays one: what it leads to is written.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use thiserror::Error;

use crate::file_io::aside::Aside;
use crate::file_io::aside::IfExists;
use crate::file_io::aside::put_in_place;
use crate::file_io::waiting::apart;

/// The directory that a file is to be made in is not there.
#[derive(Clone, Debug, Error)]
#[error("there is no directory `{}`", .0.display())]
pub struct NoDirectory(pub PathBuf);

/// What is at the path of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing: a file can be made here. The path is the one to make, behind all links.
    Free(PathBuf),
    /// A plain file, behind all links.
    Plain(PathBuf),
    /// A directory.
    Directory,
    /// A pipe, a character device or an open file: its bytes are written through.
    Through,
    /// Standard output, however it is called.
    StandardOutput,
}

/// What is at the path of an output; `-` is standard output.
///
/// # Errors
/// [`NoDirectory`]; for sockets, block devices and links that lead nowhere an error that says so.
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

/// Whether a path means standard output.
pub fn is_standard_output(path: &Path) -> bool {
    let names = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    names.iter().any(|name| path.as_os_str() == *name)
}

/// Whether a path names a file that is open in this process, such as `/dev/fd/3`. It is written and
/// read as a stream even where it is a plain file: whoever opened it chose what happens to it.
pub(super) fn is_standard_stream(path: &Path) -> bool {
    let below = |dir| {
        path.strip_prefix(dir)
            .is_ok_and(|rest| !rest.as_os_str().is_empty())
    };
    below("/dev/fd") || below("/proc/self/fd") || path == Path::new("/dev/stderr")
}

/// The directory that a path lies in.
pub(super) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

/// Names the directory that is missing.
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

/// A file that a command writes, from its beginning to its end. A plain file has its name only
/// after [`OutputFile::finish`]; without that, nothing is left of it.
#[derive(Debug)]
pub struct OutputFile {
    file: File,
    /// Where it is written, where it belongs, and whether something may be replaced there; none
    /// where it is written through.
    aside: Option<(Aside, PathBuf, IfExists)>,
    bytes: u64,
}

impl OutputFile {
    /// Begins to write at a path. With `mode`, a plain file has that mode whatever the umask;
    /// without, the one that it replaces or the usual one.
    ///
    /// # Errors
    /// Those of [`place_of`]; [`io::ErrorKind::AlreadyExists`] where a plain file is that must not
    /// be replaced; [`io::ErrorKind::IsADirectory`];
    /// [`Stopped`](crate::file_io::Stopped) when the process was asked to stop while nobody read
    /// the pipe.
    pub fn create(path: &Path, if_exists: IfExists, mode: Option<u32>) -> io::Result<Self> {
        let (real, kept) = match place_of(path)? {
            Place::StandardOutput => return Self::through(standard_output()?),
            Place::Through => {
                let path = path.to_owned();
                let mut options = File::options();
                options.write(true);
                // An open file that is plain is written behind what is in it.
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
        let (aside, file) = Aside::file(&real, mode)?;
        if let (Some(kept), None) = (kept, mode) {
            // Some file systems have no modes.
            let _ = file.set_permissions(kept);
        }
        Ok(Self {
            file,
            aside: Some((aside, real, if_exists)),
            bytes: 0,
        })
    }

    fn through(file: File) -> io::Result<Self> {
        Ok(Self {
            file,
            aside: None,
            bytes: 0,
        })
    }

    /// Ends the file and makes it durable; it has no name yet.
    ///
    /// # Errors
    /// As the operating system.
    pub fn close(mut self) -> io::Result<Written> {
        self.file.flush()?;
        if self.aside.is_some() {
            self.file.sync_all()?;
        }
        Ok(Written {
            aside: self.aside.take(),
            bytes: self.bytes,
        })
    }

    /// Ends the file, makes it durable and gives it its name. How many bytes were written.
    ///
    /// # Errors
    /// Those of [`OutputFile::close`] and [`Written::place`].
    pub fn finish(self) -> io::Result<u64> {
        self.close()?.place()
    }
}

/// A file that is whole and durable, and has no name until [`Written::place`]; without that,
/// nothing is left of it.
#[derive(Debug)]
pub struct Written {
    aside: Option<(Aside, PathBuf, IfExists)>,
    bytes: u64,
}

impl Written {
    /// Closes the handle that tells others that somebody is writing this, for writers of very many
    /// files at a time.
    pub fn let_go(&mut self) {
        if let Some((aside, ..)) = &mut self.aside {
            aside.let_go();
        }
    }

    /// Gives the file its name. How many bytes it has.
    ///
    /// # Errors
    /// As the operating system; [`io::ErrorKind::AlreadyExists`] where a file came meanwhile that
    /// must not be replaced.
    pub fn place(mut self) -> io::Result<u64> {
        if let Some((aside, path, if_exists)) = &self.aside {
            put_in_place(aside.path(), path, *if_exists)?;
            // Names are durable where the system can make them so.
            let _ = File::open(parent_of(path)).and_then(|dir| dir.sync_all());
        }
        // It has its name: nothing is to be removed.
        self.aside = None;
        Ok(self.bytes)
    }
}

/// Writes all bytes of an output at once. How many there are.
///
/// # Errors
/// Those of [`OutputFile`].
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
        remove(self.aside.as_ref());
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        remove(self.aside.as_ref());
    }
}

fn remove(unnamed: Option<&(Aside, PathBuf, IfExists)>) {
    if let Some((aside, ..)) = unnamed {
        // What cannot be removed has a name that says what it is.
        let _ = fs::remove_file(aside.path());
    }
}
