//! How stored bytes are compressed. One byte in the record says which codec; zstd frames come
//! from and go to pure Rust implementations that stay behind this file and `delta`.

use thiserror::Error;

/// How the payload of a record is coded. Numbers as in `spec/pack.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// The bytes as they are.
    Raw,
    /// One zstd frame (RFC 8878) with its content size, without a dictionary.
    Zstd,
    /// One zstd frame with its content size, whose dictionary is the bytes of the record's bases.
    Delta,
}

impl Codec {
    /// The number in records.
    pub const fn number(self) -> u8 {
        match self {
            Self::Raw => 0,
            Self::Zstd => 1,
            Self::Delta => 2,
        }
    }

    /// The codec of a number; `None` where this program does not know it.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Raw),
            1 => Some(Self::Zstd),
            2 => Some(Self::Delta),
            _ => None,
        }
    }
}

/// Why a payload could not be decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The compressed bytes are damaged.
    #[error("the compressed bytes are damaged")]
    Damaged,
    /// The payload is a delta, and its bases were not given.
    #[error("a delta, which only its bases can be put to")]
    NeedsBases,
    /// The bytes unpack to another length than the record says.
    #[error("unpacks to another length than the {expected} bytes that are recorded")]
    Length {
        /// What the record says.
        expected: usize,
    },
}

/// Compresses payloads one after the other, reusing its tables.
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
    /// Half as fast, and a quarter less where there is much of it.
    const LEVEL_CLOSER: i32 = 4;

    /// A compressor with empty tables.
    pub fn new() -> Self {
        Self::of_level(Self::LEVEL)
    }

    /// One that takes more time and gives less, for what goes over a wire.
    pub fn closer() -> Self {
        Self::of_level(Self::LEVEL_CLOSER)
    }

    fn of_level(level: i32) -> Self {
        // These levels always exist; were one refused, payloads would be stored raw.
        let mut zstd = zrip::CompressContext::new(level).ok();
        // Records have a check of their own, over the payload.
        zstd.iter_mut().for_each(|z| z.set_content_checksum(false));
        Self { zstd }
    }

    /// The shorter of the raw bytes and their zstd frame; raw unless at least 1/32 is saved,
    /// because a reader pays for every frame.
    pub fn compress(&mut self, raw: &[u8]) -> (Codec, Vec<u8>) {
        let worth = raw.len() - raw.len() / 32;
        let frame = self.zstd.as_mut().and_then(|z| z.compress(raw).ok());
        match frame {
            Some(frame) if frame.len() < worth => (Codec::Zstd, frame.into_owned()),
            _ => (Codec::Raw, raw.to_vec()),
        }
    }
}

/// The raw bytes of a payload, exactly `raw_bytes` of them; never allocates beyond that.
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
