//! Positioned reads: the trait between parsers of data and the place of the bytes (memory, a file, a
//! dataset in the store). It does not write.

use std::io;
use std::ops::Range;

/// A range of bytes that will be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Offset of the first byte.
    pub start: u64,
    /// End of what is read soon.
    pub soon: u64,
    /// End of what is read in order, once it is begun.
    pub end: u64,
}

/// A source of bytes that any thread can read at any offset.
pub trait ReadAt: Send + Sync {
    /// Returns the length in bytes.
    fn len(&self) -> u64;

    /// Reads some bytes at `offset` into `buf`. Returns 0 only at or past the end, or for
    /// an empty `buf`.
    ///
    /// # Errors
    /// The source's error. Bytes that fail verification are `InvalidData`.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Returns true if a read takes long, however few bytes it reads.
    fn is_far(&self) -> bool {
        false
    }

    /// Takes note of ranges that will be read, so that a source far away fetches them in few
    /// requests. It neither waits nor fails.
    fn prefetch(&self, _wanted: &[Wanted]) {}

    /// Reads whole ranges, which a source far away fetches at the same time.
    ///
    /// # Errors
    /// As [`ReadAt::read_at`]; `UnexpectedEof` for a range beyond the end.
    fn read_ranges(&self, ranges: &[Range<u64>]) -> io::Result<Vec<Vec<u8>>> {
        let wanted = ranges.iter().map(|r| Wanted {
            start: r.start,
            soon: r.end,
            end: r.end,
        });
        self.prefetch(&wanted.collect::<Vec<_>>());
        let read = |range: &Range<u64>| read_range(self, range);
        ranges.iter().map(read).collect()
    }

    /// Returns the first error of reading, of a source that remembers it. Decoders hide errors.
    fn failure(&self) -> Option<io::Error> {
        None
    }

    /// Returns true if the source has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reads one whole range. Allocates no more than the source has.
pub(crate) fn read_range<S: ReadAt + ?Sized>(
    source: &S,
    range: &Range<u64>,
) -> io::Result<Vec<u8>> {
    if range.end > source.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let length = usize::try_from(range.end.saturating_sub(range.start));
    let mut bytes = vec![0; length.map_err(|_| io::ErrorKind::OutOfMemory)?];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|r| !r.is_empty()) {
        match source.read_at(rest, range.start + filled as u64) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(bytes)
}

impl ReadAt for &[u8] {
    fn len(&self) -> u64 {
        u64::try_from(<[u8]>::len(self)).unwrap_or(u64::MAX)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|at| self.get(at..))
            .unwrap_or_default();
        let n = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }
}

impl ReadAt for Vec<u8> {
    fn len(&self) -> u64 {
        ReadAt::len(&self.as_slice())
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.as_slice().read_at(buf, offset)
    }
}

#[cfg(unix)]
impl ReadAt for std::fs::File {
    fn len(&self) -> u64 {
        self.metadata().map_or(0, |m| m.len())
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buf, offset)
    }
}
