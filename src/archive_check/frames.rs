//! Frames of an archive: read in order once, and later at any place of the tar stream.

use std::io;
use std::io::Read;
use std::sync::Arc;
use std::sync::Mutex;

use crate::archive::ArchiveError;
use crate::archive::decompress_frame;
use crate::archive::read_frame;
use crate::locks::lock;
use crate::read_at::ReadAt;

/// Bytes per read of the file.
const READ_BYTES: usize = 4 << 20;
/// Unpacked frames that are kept, of at most 8 MiB each.
const KEPT_FRAMES: usize = 8;

/// The place of a frame.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Offset in the file.
    at: u64,
    /// Length in the file.
    bytes: usize,
    /// Offset of its content in the tar stream.
    stream_at: u64,
}

/// The frames of an archive that were read so far.
pub(super) struct Frames {
    source: Arc<dyn ReadAt>,
    found: Mutex<Vec<Frame>>,
    /// Unpacked frames by number, the last used one last.
    kept: Mutex<Vec<(usize, Arc<Vec<u8>>)>>,
}

impl Frames {
    pub(super) fn new(source: Arc<dyn ReadAt>) -> Self {
        Self {
            source,
            found: Mutex::new(Vec::new()),
            kept: Mutex::new(Vec::new()),
        }
    }

    /// Returns a reader of all frames from the front.
    pub(super) fn in_order(&self) -> FramesInOrder<'_> {
        lock(&self.found).clear();
        FramesInOrder {
            frames: self,
            reader: SourceReader {
                source: &*self.source,
                buffer: Vec::new(),
                buffered_at: 0,
                at: 0,
            },
            stream_at: 0,
        }
    }

    /// Passes bytes of the tar stream to `each`, piece by piece.
    ///
    /// # Errors
    /// [`ArchiveError`] when the file has changed or cannot be read.
    pub(super) fn each_piece(
        &self,
        at: u64,
        bytes: usize,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), ArchiveError> {
        let (mut at, mut left) = (at, bytes);
        while left > 0 {
            let (start, frame) = self.frame_of(at)?;
            // A frame has at most 8 MiB.
            let from = usize::try_from(at - start).unwrap_or(usize::MAX);
            let rest = frame.get(from..).unwrap_or_default();
            let piece = rest.get(..left).unwrap_or(rest);
            if piece.is_empty() {
                return Err(ArchiveError::Truncated);
            }
            each(piece);
            at += piece.len() as u64;
            left -= piece.len();
        }
        Ok(())
    }

    /// Returns the content of the frame at an offset of the tar stream, and where it begins.
    fn frame_of(&self, at: u64) -> Result<(u64, Arc<Vec<u8>>), ArchiveError> {
        let found = lock(&self.found);
        let behind = found.partition_point(|f| f.stream_at <= at);
        let number = behind.checked_sub(1).ok_or(ArchiveError::Truncated)?;
        let frame = found.get(number).copied();
        drop(found);
        let frame = frame.ok_or(ArchiveError::Truncated)?;
        let mut kept = lock(&self.kept);
        if let Some(place) = kept.iter().position(|(n, _)| *n == number) {
            let hit = kept.remove(place);
            let content = Arc::clone(&hit.1);
            kept.push(hit);
            return Ok((frame.stream_at, content));
        }
        drop(kept);
        let mut reader = SourceReader {
            source: &*self.source,
            buffer: Vec::new(),
            buffered_at: frame.at,
            at: frame.at,
        };
        let mut packed = vec![0; frame.bytes];
        reader.read_exact(&mut packed).map_err(read_error)?;
        let content = Arc::new(decompress_frame(&packed)?);
        let mut kept = lock(&self.kept);
        if kept.len() >= KEPT_FRAMES {
            kept.remove(0);
        }
        kept.push((number, Arc::clone(&content)));
        Ok((frame.stream_at, content))
    }
}

fn read_error(source: io::Error) -> ArchiveError {
    match source.kind() {
        io::ErrorKind::UnexpectedEof => ArchiveError::Truncated,
        _ => ArchiveError::Io {
            action: "read",
            source,
        },
    }
}

/// Reads the frames from the front, and notes their places.
pub(super) struct FramesInOrder<'a> {
    frames: &'a Frames,
    reader: SourceReader<'a>,
    stream_at: u64,
}

impl FramesInOrder<'_> {
    /// Returns the content of the next frame; `None` at the end.
    pub(super) fn next_piece(&mut self) -> Result<Option<Vec<u8>>, ArchiveError> {
        let Some(packed) = read_frame(&mut self.reader)? else {
            return Ok(None);
        };
        let content = decompress_frame(&packed)?;
        // Empty frames have no place in the stream.
        if !content.is_empty() {
            lock(&self.frames.found).push(Frame {
                at: self.reader.at - packed.len() as u64,
                bytes: packed.len(),
                stream_at: self.stream_at,
            });
        }
        self.stream_at += content.len() as u64;
        Ok(Some(content))
    }
}

/// Reads a source from an offset in large pieces.
struct SourceReader<'a> {
    source: &'a dyn ReadAt,
    buffer: Vec<u8>,
    /// Offset of the buffer's first byte.
    buffered_at: u64,
    /// Offset of the next byte.
    at: u64,
}

impl Read for SourceReader<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let inside = self.at.saturating_sub(self.buffered_at);
        let inside = usize::try_from(inside).unwrap_or(usize::MAX);
        if inside >= self.buffer.len() {
            // Many archives are smaller than one read.
            let rest = self.source.len().saturating_sub(self.at);
            let bytes = usize::try_from(rest).unwrap_or(READ_BYTES).min(READ_BYTES);
            self.buffer.resize(bytes, 0);
            self.buffered_at = self.at;
            let read = self.source.read_at(&mut self.buffer, self.at);
            self.buffer.truncate(*read.as_ref().unwrap_or(&0));
            if read? == 0 {
                return Ok(0);
            }
            return self.read(to);
        }
        let rest = self.buffer.get(inside..).unwrap_or_default();
        let n = rest.len().min(to.len());
        if let (Some(to), Some(from)) = (to.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        self.at += n as u64;
        Ok(n)
    }
}
