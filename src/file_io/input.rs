//! Input files. Files of the program itself must be plain files. A path given by a user may also be
//! a pipe, a device or `-`, which are read once, as a stream.

use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;

use thiserror::Error;

use crate::file_io::paths::is_standard_stream;
use crate::file_io::waiting::apart;
use crate::file_io::waiting::next;

/// Size in bytes of one piece of a stream.
const PIECE_BYTES: usize = 1 << 18;
/// Number of pieces that are read ahead.
const PIECES: usize = 4;

/// The path is a directory, a pipe, a socket or a device, and not a plain file.
#[derive(Clone, Copy, Debug, Error)]
#[error("it is not a plain file")]
pub struct NotPlain;

/// The file exceeds this limit, in bytes.
#[derive(Clone, Copy, Debug, Error)]
#[error("it is longer than {0} bytes")]
pub struct TooLong(pub usize);

/// Opens a plain file, also through a link. Never blocks.
///
/// # Errors
/// The error of the operating system, or [`NotPlain`].
pub fn open_plain(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    // Without this flag, opening a pipe waits for a writer.
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
    }
    // Opening a socket fails with an error of its own.
    let file = match options.open(path) {
        Err(e) if path.metadata().is_ok_and(|m| !m.is_file()) => {
            let is_absent = e.kind() == io::ErrorKind::NotFound;
            return Err(if is_absent { e } else { not_plain() });
        }
        opened => opened?,
    };
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(not_plain())
    }
}

fn not_plain() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, NotPlain)
}

/// Reads a small file of the program itself: a plain file of at most `limit` bytes.
///
/// # Errors
/// As [`open_plain`], and [`TooLong`].
pub fn read_own(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    up_to(open_plain(path)?, limit)
}

/// Reads a small text file of the program itself.
///
/// # Errors
/// As [`read_own`]; [`io::ErrorKind::InvalidData`] when it is not UTF-8.
pub fn read_own_text(path: &Path, limit: usize) -> io::Result<String> {
    text_of(read_own(path, limit)?)
}

/// Reads a small file that a user named, which may be a pipe, a device, or `-` for standard input.
///
/// # Errors
/// The error of the operating system; [`TooLong`]; [`Stopped`](crate::file_io::Stopped) when the
/// process was asked to stop during the wait.
pub fn read_given(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    match Input::open(path)? {
        Input::Plain(file) => up_to(file, limit),
        Input::Stream(stream) => up_to(stream, limit),
    }
}

/// Reads a small text file that a user named.
///
/// # Errors
/// As [`read_given`]; [`io::ErrorKind::InvalidData`] when it is not UTF-8.
pub fn read_given_text(path: &Path, limit: usize) -> io::Result<String> {
    text_of(read_given(path, limit)?)
}

fn text_of(bytes: Vec<u8>) -> io::Result<String> {
    let text = String::from_utf8(bytes);
    text.map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e.utf8_error()))
}

fn up_to(from: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        Err(io::Error::new(io::ErrorKind::FileTooLarge, TooLong(limit)))
    } else {
        Ok(bytes)
    }
}

/// An input that a user named.
#[derive(Debug)]
pub enum Input {
    /// A plain file, which supports random access.
    Plain(File),
    /// Any other input, which can be read once.
    Stream(Stream),
}

impl Input {
    /// Opens a plain file, a pipe, a device, or standard input for `-`.
    ///
    /// # Errors
    /// The error of the operating system; [`NotPlain`] for directories and sockets.
    pub fn open(path: &Path) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            return Stream::new(io::stdin()).map(Self::Stream);
        }
        let is_stream = match path.metadata() {
            Ok(meta) => is_stream(&meta),
            // Links of open files without a name cannot always be resolved.
            Err(_) => is_standard_stream(path),
        };
        if !is_stream {
            return open_plain(path).map(Self::Plain);
        }
        let path = path.to_owned();
        let file = apart(move || File::open(path))?;
        Stream::new(file).map(Self::Stream)
    }
}

#[cfg(unix)]
fn is_stream(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let kind = meta.file_type();
    kind.is_fifo() || kind.is_char_device() || kind.is_block_device()
}

#[cfg(not(unix))]
fn is_stream(_: &std::fs::Metadata) -> bool {
    false
}

/// Bytes from another program. A request to stop the process ends a blocked read.
#[derive(Debug)]
pub struct Stream {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
}

impl Stream {
    fn new(from: impl Read + Send + 'static) -> io::Result<Self> {
        let (sender, pieces) = sync_channel(PIECES);
        std::thread::Builder::new().spawn(move || pump(from, &sender))?;
        Ok(Self {
            pieces,
            piece: Vec::new(),
            at: 0,
        })
    }
}

fn pump(mut from: impl Read, to: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        let read = match from.read(&mut piece) {
            Ok(0) => return,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Ok(n) => {
                piece.truncate(n);
                Ok(piece)
            }
            Err(e) => Err(e),
        };
        let failed = read.is_err();
        // The receiver is gone after the reader has ended.
        if to.send(read).is_err() || failed {
            return;
        }
    }
}

impl Read for Stream {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() && !to.is_empty() {
            match next(&self.pieces) {
                None => return Ok(0),
                Some(piece) => (self.piece, self.at) = (piece?, 0),
            }
        }
        let left = self.piece.get(self.at..).unwrap_or_default();
        let n = left.len().min(to.len());
        if let (Some(to), Some(from)) = (to.get_mut(..n), left.get(..n)) {
            to.copy_from_slice(from);
        }
        self.at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_yields_every_byte_in_order() {
        let data: Vec<u8> = (0..3 * PIECE_BYTES).map(|n| (n % 251) as u8).collect();
        let mut stream = Stream::new(io::Cursor::new(data.clone())).unwrap();
        let (mut got, mut size) = (Vec::new(), 1);
        loop {
            let mut piece = vec![0; size];
            match stream.read(&mut piece).unwrap() {
                0 => break,
                n => got.extend_from_slice(&piece[..n]),
            }
            size = (size * 3) % 100_000 + 1;
        }
        assert!(got == data);
    }

    #[test]
    fn special_file_is_refused_without_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
        let socket = dir.path().join("socket");
        let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [fifo.as_path(), socket.as_path(), dir.path()] {
            let error = open_plain(path).unwrap_err();
            assert!(
                error.get_ref().is_some_and(|e| e.is::<NotPlain>()),
                "{path:?} {error}"
            );
        }
        let absent = open_plain(&dir.path().join("absent")).unwrap_err();
        assert_eq!(absent.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn own_file_beyond_limit_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, [7; 100]).unwrap();
        assert_eq!(read_own(&path, 100).unwrap(), [7; 100]);
        assert_eq!(read_given(&path, 100).unwrap(), [7; 100]);
        let error = read_own(&path, 99).unwrap_err();
        assert!(error.get_ref().is_some_and(|e| e.is::<TooLong>()));
    }
}
