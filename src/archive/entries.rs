//! The tar stream: an entry writer, which emits pieces for frames, and an entry reader.

use crate::archive::error::ArchiveError;
use crate::archive::layout::BLOCK_BYTES;
use crate::archive::layout::EntryName;
use crate::archive::layout::FRAME_BYTES;
use crate::archive::layout::tar_header;

/// Takes the pieces of the tar stream, in order.
pub type PieceSink<'a> = dyn FnMut(Vec<u8>) -> Result<(), ArchiveError> + 'a;

/// Returns the pieces of the tar stream, in order; `None` at its end.
pub type PieceSource<'a> = dyn FnMut() -> Result<Option<Vec<u8>>, ArchiveError> + 'a;

/// Writes entries.
pub struct EntryWriter<'a> {
    piece: Vec<u8>,
    sink: &'a mut PieceSink<'a>,
}

impl<'a> EntryWriter<'a> {
    /// Makes a writer into a sink.
    pub fn new(sink: &'a mut PieceSink<'a>) -> Self {
        Self {
            piece: Vec::with_capacity(FRAME_BYTES),
            sink,
        }
    }

    /// Writes one entry.
    ///
    /// # Errors
    /// The sink's error.
    pub fn entry(&mut self, name: &EntryName, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.push(&tar_header(&name.path(), bytes.len() as u64))?;
        self.push(bytes)?;
        self.push(zeros(padding(bytes.len() as u64)))
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// The sink's error.
    pub fn finish(mut self) -> Result<(), ArchiveError> {
        self.push(&[0; BLOCK_BYTES])?;
        self.push(&[0; BLOCK_BYTES])?;
        if self.piece.is_empty() {
            return Ok(());
        }
        (self.sink)(std::mem::take(&mut self.piece))
    }

    fn push(&mut self, mut bytes: &[u8]) -> Result<(), ArchiveError> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(FRAME_BYTES - self.piece.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() == FRAME_BYTES {
                let full = std::mem::replace(&mut self.piece, Vec::with_capacity(FRAME_BYTES));
                (self.sink)(full)?;
            }
        }
        Ok(())
    }
}

/// The header of the next entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextEntry {
    /// The entry's name.
    pub name: EntryName,
    /// The entry's length, as its header states.
    pub bytes: u64,
}

/// Reads entries. It reads the header of an entry before its bytes.
pub struct EntryReader<'a> {
    source: &'a mut PieceSource<'a>,
    piece: Vec<u8>,
    at: usize,
    next: Option<NextEntry>,
    is_ended: bool,
    /// Bytes of the stream that were read.
    read_bytes: u64,
}

impl<'a> EntryReader<'a> {
    /// Makes a reader from a source.
    pub fn new(source: &'a mut PieceSource<'a>) -> Self {
        Self {
            source,
            piece: Vec::new(),
            at: 0,
            next: None,
            is_ended: false,
            read_bytes: 0,
        }
    }

    /// Returns the offset of the next entry in the tar stream.
    pub fn next_at(&self) -> u64 {
        let peeked = match self.next {
            Some(_) => BLOCK_BYTES as u64,
            None => 0,
        };
        self.read_bytes - peeked
    }

    /// Returns the next entry's header; `None` at the end of the tar.
    ///
    /// # Errors
    /// [`ArchiveError`] when the stream is damaged or holds an entry that no archive has.
    pub fn peek(&mut self) -> Result<Option<&NextEntry>, ArchiveError> {
        if self.next.is_none() && !self.is_ended {
            let mut header = [0; BLOCK_BYTES];
            self.fill(&mut header)?;
            if header == [0; BLOCK_BYTES] {
                let mut second = [1; BLOCK_BYTES];
                self.fill(&mut second)?;
                if second != [0; BLOCK_BYTES] {
                    return Err(ArchiveError::Trailing);
                }
                self.is_ended = true;
            } else {
                self.next = Some(entry_of(&header)?);
            }
        }
        Ok(self.next.as_ref())
    }

    /// Reads the bytes of the next entry.
    ///
    /// # Errors
    /// [`ArchiveError::TooLong`] when its stated length is over `limit`, before it reads anything;
    /// [`ArchiveError`] as for [`EntryReader::peek`].
    pub fn read(&mut self, limit: usize) -> Result<Vec<u8>, ArchiveError> {
        self.peek()?;
        let entry = self.next.take().ok_or(ArchiveError::Truncated)?;
        let length = usize::try_from(entry.bytes).unwrap_or(usize::MAX);
        if length > limit {
            return Err(ArchiveError::TooLong {
                path: entry.name.path(),
                bytes: entry.bytes,
            });
        }
        let mut bytes = vec![0; length];
        self.fill(&mut bytes)?;
        let mut pad = [0; BLOCK_BYTES];
        let pad = pad.get_mut(..padding(entry.bytes)).unwrap_or_default();
        self.fill(pad)?;
        if pad.iter().any(|b| *b != 0) {
            return Err(ArchiveError::Entry(entry.name.path()));
        }
        Ok(bytes)
    }

    /// Checks that nothing follows the end of the tar.
    ///
    /// # Errors
    /// [`ArchiveError`] when something does, or the tar has not ended.
    pub fn end(&mut self) -> Result<(), ArchiveError> {
        if let Some(more) = self.peek()? {
            let path = more.name.path();
            return Err(ArchiveError::unexpected(Some(&path), "the end"));
        }
        let rest = self.at < self.piece.len();
        if rest || (self.source)()?.is_some() {
            return Err(ArchiveError::Trailing);
        }
        Ok(())
    }

    fn fill(&mut self, mut to: &mut [u8]) -> Result<(), ArchiveError> {
        while !to.is_empty() {
            let have = self.piece.get(self.at..).unwrap_or_default();
            if have.is_empty() {
                self.piece = (self.source)()?.ok_or(ArchiveError::Truncated)?;
                self.at = 0;
                continue;
            }
            let n = have.len().min(to.len());
            let (now, later) = to.split_at_mut(n);
            now.copy_from_slice(have.get(..n).unwrap_or_default());
            self.at += n;
            self.read_bytes += n as u64;
            to = later;
        }
        Ok(())
    }
}

/// Returns the bytes of an entry in the tar stream, with its header and padding.
pub fn entry_bytes(bytes: u64) -> u64 {
    BLOCK_BYTES as u64 + bytes + padding(bytes) as u64
}

/// Decodes a header. It accepts only the bytes that a writer would write.
fn entry_of(block: &[u8; BLOCK_BYTES]) -> Result<NextEntry, ArchiveError> {
    let text = |bytes: &[u8]| {
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
    };
    // Name at 0..100, size at 124..136: POSIX 1003.1, pax, ustar header.
    let path = text(block.get(..100).unwrap_or_default());
    let size = text(block.get(124..136).unwrap_or_default());
    let refuse = || ArchiveError::Entry(path.clone());
    let bytes = u64::from_str_radix(size.trim(), 8).map_err(|_| refuse())?;
    let name = EntryName::parse(&path).ok_or_else(refuse)?;
    if tar_header(&path, bytes) == *block {
        Ok(NextEntry { name, bytes })
    } else {
        Err(refuse())
    }
}

/// Returns the number of zeros between an entry and the next block.
fn padding(bytes: u64) -> usize {
    let over = usize::try_from(bytes % BLOCK_BYTES as u64).unwrap_or(0);
    (BLOCK_BYTES - over) % BLOCK_BYTES
}

fn zeros(n: usize) -> &'static [u8] {
    const ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];
    ZEROS.get(..n).unwrap_or_default()
}
