//! Compression of stored bytes. One byte in the record names the codec.
//! Zstd frames are read and written by pure Rust implementations. Only this file and `delta` name them.

use thiserror::Error;

/// The coding of a record's payload. `spec/pack.md` lists the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// The raw bytes.
    Raw,
    /// One zstd frame (RFC 8878) with its content size and without a dictionary.
    Zstd,
    /// One zstd frame with its content size. Its dictionary is the bytes of the record's bases.
    Delta,
}

impl Codec {
    /// Returns the codec's number in records.
    pub const fn number(self) -> u8 {
        match self {
            Self::Raw => 0,
            Self::Zstd => 1,
            Self::Delta => 2,
        }
    }

    /// Returns the codec with this number; `None` where this program does not know it.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Raw),
            1 => Some(Self::Zstd),
            2 => Some(Self::Delta),
            _ => None,
        }
    }
}

/// Failure to decompress a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The compressed bytes are damaged.
    #[error("the compressed bytes are damaged")]
    Damaged,
    /// The payload is a delta, and the caller gave no bases.
    #[error("a delta cannot be decoded without its bases")]
    NeedsBases,
    /// The payload unpacks to another length than the record says.
    #[error("unpacks to another length than the {expected} bytes that are recorded")]
    Length {
        /// The length in the record.
        expected: usize,
    },
}

/// Compresses payloads one after the other and reuses its tables.
pub struct Compressor {
    zstd: Option<zrip::CompressContext>,
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compressor")
    }
}

impl Default for Compressor {
    fn default() -> Self {
        Self::new()
    }
}

impl Compressor {
    const LEVEL: i32 = 1;
    /// Half as fast as the default level; saves up to a quarter more on large payloads.
    const LEVEL_CLOSER: i32 = 4;

    /// Makes a compressor with empty tables.
    pub fn new() -> Self {
        Self::of_level(Self::LEVEL)
    }

    /// Makes a slower compressor with smaller output, for payloads that go over a wire.
    pub fn closer() -> Self {
        Self::of_level(Self::LEVEL_CLOSER)
    }

    fn of_level(level: i32) -> Self {
        // These levels always exist. If one were refused, payloads would be stored raw.
        let mut zstd = zrip::CompressContext::new(level).ok();
        // The record has a check of its own over the payload.
        zstd.iter_mut().for_each(|z| z.set_content_checksum(false));
        Self { zstd }
    }

    /// Returns the shorter of the raw bytes and their zstd frame.
    /// The result is raw unless the frame saves at least 1/32, because each reader pays for a frame.
    pub fn compress(&mut self, raw: &[u8]) -> (Codec, Vec<u8>) {
        let worth = raw.len() - raw.len() / 32;
        let frame = self.zstd.as_mut().and_then(|z| z.compress(raw).ok());
        match frame {
            Some(frame) if frame.len() < worth => (Codec::Zstd, frame.into_owned()),
            _ => (Codec::Raw, raw.to_vec()),
        }
    }
}

/// Decompresses a payload to exactly `raw_bytes` bytes, and never allocates more.
///
/// # Errors
/// [`CodecError`] when the payload is damaged, of another length, or a delta.
pub fn decompress(codec: Codec, payload: &[u8], raw_bytes: usize) -> Result<Vec<u8>, CodecError> {
    let length = CodecError::Length {
        expected: raw_bytes,
    };
    let raw = match codec {
        Codec::Raw => payload.to_vec(),
        Codec::Zstd => {
            zrip::decompress_with_limit(payload, raw_bytes).map_err(|_| CodecError::Damaged)?
        }
        Codec::Delta => return Err(CodecError::NeedsBases),
    };
    if raw.len() == raw_bytes {
        Ok(raw)
    } else {
        Err(length)
    }
}
