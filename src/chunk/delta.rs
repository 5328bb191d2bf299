//! Bytes as a delta against others that resemble them: a zstd frame whose dictionary is the
//! bytes of the bases, so that `zstd -D` reads it too. The implementation stays behind this file.

use structured_zstd::decoding::Dictionary;
use structured_zstd::decoding::DictionaryHandle;
use structured_zstd::decoding::FrameDecoder;
use structured_zstd::encoding::CompressionLevel;
use structured_zstd::encoding::FrameCompressor;

use crate::chunk::CodecError;
use crate::panics::caught;
use crate::wire::limits::RECORD_BASE_BYTES_MAX;
use crate::wire::limits::RECORD_RAW_BYTES_MAX;

/// Makes deltas one after the other, reusing its tables.
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
    /// Below this one, the implementation hardly looks into the dictionary.
    const LEVEL: i32 = 3;

    /// With empty tables.
    pub fn new() -> Self {
        let mut zstd = FrameCompressor::new(CompressionLevel::from_level(Self::LEVEL));
        // Records have a check of their own, and blobs are compared with their hashes.
        zstd.set_content_checksum(false);
        Self { zstd }
    }

    /// `raw` as a delta against the bytes of bases, one after the other; `None` where there
    /// are none, or too many, or it would not be read back.
    pub fn encode(&mut self, raw: &[u8], bases: Vec<u8>) -> Option<Vec<u8>> {
        if bases.len() > RECORD_BASE_BYTES_MAX || raw.len() > RECORD_RAW_BYTES_MAX {
            return None;
        }
        let dictionary = Dictionary::from_raw_content(0, bases).ok()?;
        self.zstd.set_dictionary(dictionary).ok()?;
        Some(self.zstd.compress_independent_frame(raw))
    }
}

/// The raw bytes of a delta, exactly `raw_bytes` of them; never allocates beyond that and
/// the bases.
///
/// # Errors
/// [`CodecError`] when the payload is damaged or of another length.
pub fn apply(payload: &[u8], bases: Vec<u8>, raw_bytes: usize) -> Result<Vec<u8>, CodecError> {
    // Peers may have made it.
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
