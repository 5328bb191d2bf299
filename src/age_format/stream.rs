//! The payload: chunks of 64 KiB, each under ChaCha20-Poly1305 with its number (STREAM).

use std::fmt;
use std::io;
use std::io::BufRead;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;

use chacha20poly1305::AeadInOut as _;
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::KeyInit as _;
use zeroize::Zeroizing;

use crate::age_format::AgeError;
use crate::age_format::FileKey;
use crate::age_format::TAG_BYTES;
use crate::age_format::derive;

const CHUNK_BYTES: usize = 64 << 10;
const SEALED_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
/// Bytes of the nonce between header and payload.
pub(super) const NONCE_BYTES: usize = 16;
const INFO: &[u8] = b"payload";

/// The cipher and the number of the next chunk.
struct Chunks {
    cipher: ChaCha20Poly1305,
    number: u64,
}

impl Chunks {
    fn new(key: &FileKey, nonce: &[u8; NONCE_BYTES]) -> Result<Self, AgeError> {
        let key = derive(key.as_slice(), nonce, INFO)?;
        Ok(Self {
            cipher: ChaCha20Poly1305::new((&*key).into()),
            number: 0,
        })
    }

    /// Returns the nonce of this chunk: 11 bytes of its number, and 1 in the last byte of the final
    /// chunk.
    fn nonce(&self, is_final: bool) -> [u8; 12] {
        let mut nonce = [0; 12];
        // Big-endian.
        let bytes = self.number.to_le_bytes().into_iter().rev();
        for (to, from) in nonce.iter_mut().skip(3).zip(bytes) {
            *to = from;
        }
        if let Some(last) = nonce.last_mut() {
            *last = u8::from(is_final);
        }
        nonce
    }

    fn advance(&mut self) -> io::Result<()> {
        let next = self.number.checked_add(1);
        self.number = next.ok_or_else(|| io::Error::other("the age file is too long"))?;
        Ok(())
    }

    /// Encrypts a chunk in place and appends its tag.
    fn seal(&mut self, chunk: &mut Vec<u8>, is_final: bool) -> io::Result<()> {
        let nonce = self.nonce(is_final);
        let tag = self
            .cipher
            .encrypt_inout_detached(&nonce.into(), &[], chunk.as_mut_slice().into())
            .map_err(|_| io::Error::other("encryption error"))?;
        chunk.extend_from_slice(&tag);
        self.advance()
    }

    /// Decrypts a chunk in place and removes its tag. A chunk that does not fit stays as it is.
    fn open(&mut self, chunk: &mut Vec<u8>, is_final: bool) -> io::Result<()> {
        let nonce = self.nonce(is_final);
        let length = chunk.len().checked_sub(TAG_BYTES).ok_or_else(damaged)?;
        let (sealed, tag) = chunk.split_at_mut(length);
        let tag = (&*tag).try_into().map_err(|_| damaged())?;
        // The cipher compares the tag before it decrypts.
        self.cipher
            .decrypt_inout_detached(&nonce.into(), &[], sealed.into(), tag)
            .map_err(|_| damaged())?;
        chunk.truncate(length);
        self.advance()
    }
}

fn damaged() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "decryption error")
}

/// Encrypts a payload while it is written.
pub struct StreamWriter<W> {
    output: W,
    chunks: Chunks,
    /// Text that is not encrypted yet. A full chunk waits for the next byte or the end, since the
    /// final chunk is encrypted differently.
    chunk: Zeroizing<Vec<u8>>,
}

impl<W: Write> StreamWriter<W> {
    pub(super) fn new(
        output: W,
        key: &FileKey,
        nonce: &[u8; NONCE_BYTES],
    ) -> Result<Self, AgeError> {
        Ok(Self {
            output,
            chunks: Chunks::new(key, nonce)?,
            chunk: Zeroizing::new(Vec::with_capacity(SEALED_BYTES)),
        })
    }

    /// Writes the final chunk. A file that was not finished does not decrypt.
    ///
    /// # Errors
    /// [`io::Error`] of the output.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_chunk(true)?;
        Ok(self.output)
    }

    fn write_chunk(&mut self, is_final: bool) -> io::Result<()> {
        self.chunks.seal(&mut self.chunk, is_final)?;
        self.output.write_all(&self.chunk)?;
        self.chunk.clear();
        Ok(())
    }
}

impl<W: Write> Write for StreamWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.chunk.len() == CHUNK_BYTES {
            self.write_chunk(false)?;
        }
        let room = CHUNK_BYTES.saturating_sub(self.chunk.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.chunk.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

impl<W> fmt::Debug for StreamWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamWriter(chunk {})", self.chunks.number)
    }
}

/// Decrypts a payload while it is read. No byte is returned before its chunk was authenticated.
pub struct StreamReader<R> {
    input: R,
    chunks: Chunks,
    chunk: Zeroizing<Vec<u8>>,
    /// Bytes of the chunk that were returned.
    returned: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The final chunk was decrypted.
    Ended,
    /// A chunk was damaged. Nothing behind it is returned.
    Failed,
}

impl<R: BufRead> StreamReader<R> {
    pub(super) fn new(
        input: R,
        key: &FileKey,
        nonce: &[u8; NONCE_BYTES],
    ) -> Result<Self, AgeError> {
        Ok(Self {
            input,
            chunks: Chunks::new(key, nonce)?,
            chunk: Zeroizing::new(Vec::with_capacity(SEALED_BYTES)),
            returned: 0,
            state: State::Open,
        })
    }

    fn fail(&mut self) {
        self.chunk.clear();
        self.returned = 0;
        self.state = State::Failed;
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        self.chunk.clear();
        self.returned = 0;
        let mut sealed = self.input.by_ref().take(SEALED_BYTES as u64);
        sealed.read_to_end(&mut self.chunk)?;
        if self.chunk.is_empty() {
            let text = "age file is truncated";
            return Err(io::Error::new(ErrorKind::UnexpectedEof, text));
        }
        let is_first = self.chunks.number == 0;
        // A full chunk may be the final one, too.
        let is_full = self.chunk.len() == SEALED_BYTES;
        let is_final = !is_full || self.chunks.open(&mut self.chunk, false).is_err();
        if is_final {
            self.chunks.open(&mut self.chunk, true)?;
            self.state = State::Ended;
        }
        if self.chunk.is_empty() && !is_first {
            let text = "the last chunk of the age file is empty";
            return Err(io::Error::new(ErrorKind::InvalidData, text));
        }
        Ok(())
    }

    /// Refuses bytes behind the final chunk.
    fn check_end(&mut self) -> io::Result<()> {
        let rest = self.input.by_ref().take(1).read_to_end(&mut self.chunk)?;
        match rest {
            0 => Ok(()),
            _ => Err(damaged()),
        }
    }
}

impl<R: BufRead> Read for StreamReader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.returned == self.chunk.len() && !to.is_empty() {
            match self.state {
                State::Open => self.next_chunk().inspect_err(|_| self.fail())?,
                State::Ended => self.check_end().inspect_err(|_| self.fail())?,
                State::Failed => return Err(damaged()),
            }
        }
        let mut rest = self.chunk.get(self.returned..).unwrap_or_default();
        let count = rest.read(to)?;
        self.returned += count;
        Ok(count)
    }
}

impl<R> fmt::Debug for StreamReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamReader(chunk {})", self.chunks.number)
    }
}
