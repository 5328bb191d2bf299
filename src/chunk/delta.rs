//! Delta encoding: bytes as a zstd frame whose dictionary is the bytes of similar blobs, the bases.
//! `zstd -D` reads such a frame too. Only this file and `codec` name the implementation.

use structured_zstd::decoding::Dictionary;
use structured_zstd::decoding::DictionaryHandle;
use structured_zstd::decoding::FrameDecoder;
use structured_zstd::encoding::CompressionLevel;
use structured_zstd::encoding::FrameCompressor;

use crate::chunk::CodecError;
use crate::panics::caught;
use crate::wire::limits::RECORD_BASE_BYTES_MAX;
use crate::wire::limits::RECORD_RAW_BYTES_MAX;

/// Encodes deltas one after the other and reuses its tables.
///
/// ```
/// use alimentar::chunk::DeltaEncoder;
/// use alimentar::chunk::apply;
///
/// let base = "a row of the parent version\n".repeat(100).into_bytes();
/// let changed = [base.as_slice(), b"one more row\n"].concat();
/// let delta = DeltaEncoder::new().encode(&changed, base.clone()).ok_or("no delta")?;
/// assert!(delta.len() < 100);
/// assert_eq!(apply(&delta, base, changed.len())?, changed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DeltaEncoder {
    zstd: FrameCompressor,
}

impl std::fmt::Debug for DeltaEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeltaEncoder")
    }
}

impl Default for DeltaEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl DeltaEncoder {
    /// The lowest level at which the implementation makes good use of the dictionary.
    const LEVEL: i32 = 3;

    /// Makes an encoder with empty tables.
    pub fn new() -> Self {
        let mut zstd = FrameCompressor::new(CompressionLevel::from_level(Self::LEVEL));
        // Records have a check of their own, and readers compare blobs with their hashes.
        zstd.set_content_checksum(false);
        Self { zstd }
    }

    /// Encodes `raw` as a delta against the concatenated bytes of its bases.
    /// Returns `None` where the bases are empty or over the limit, or where the delta would not decode
    /// to `raw`.
    pub fn encode(&mut self, raw: &[u8], bases: Vec<u8>) -> Option<Vec<u8>> {
        if bases.len() > RECORD_BASE_BYTES_MAX || raw.len() > RECORD_RAW_BYTES_MAX {
            return None;
        }
        let dictionary = Dictionary::from_raw_content(0, bases).ok()?;
        self.zstd.set_dictionary(dictionary).ok()?;
        Some(self.zstd.compress_independent_frame(raw))
    }
}

/// Decodes a delta to exactly `raw_bytes` bytes.
/// Never allocates more than these and the bases.
///
/// # Errors
/// [`CodecError`] when the payload is damaged or of another length.
pub fn apply(payload: &[u8], bases: Vec<u8>, raw_bytes: usize) -> Result<Vec<u8>, CodecError> {
    // A peer may have made the payload.
    caught(|| decode(payload, bases, raw_bytes)).unwrap_or(Err(CodecError::Damaged))
}

fn decode(payload: &[u8], bases: Vec<u8>, raw_bytes: usize) -> Result<Vec<u8>, CodecError> {
    let damaged = |_| CodecError::Damaged;
    if bases.len() > RECORD_BASE_BYTES_MAX || raw_bytes > RECORD_RAW_BYTES_MAX {
        return Err(CodecError::Damaged);
    }
    let dictionary = Dictionary::from_raw_content(0, bases).map_err(|_| CodecError::Damaged)?;
    let dictionary = DictionaryHandle::from_dictionary(dictionary);
    let mut decoder = FrameDecoder::new();
    decoder
        .set_max_window_size(RECORD_RAW_BYTES_MAX as u64)
        .map_err(damaged)?;
    let mut raw = vec![0; raw_bytes];
    let length = decoder
        .decode_all_with_dict_handle(payload, &mut raw, &dictionary)
        .map_err(damaged)?;
    if length == raw_bytes {
        Ok(raw)
    } else {
        Err(CodecError::Length {
            expected: raw_bytes,
        })
    }
}
