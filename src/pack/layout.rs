//! Constants of the pack format; the fields are described in `spec/pack.md`.

use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;

/// The first bytes of a pack: like PNG's, so that a transfer in text mode is noticed.
pub const PACK_MAGIC: [u8; 8] = *b"\x89ALP\r\n\x1a\n";
/// The version of the pack format that is written: since 2, records may be deltas.
pub const PACK_VERSION: u32 = 2;
/// The oldest version that is read.
pub const PACK_VERSION_OLDEST: u32 = 1;
/// Bytes before the first record: magic, version, pack number.
pub const PACK_HEADER_BYTES: usize = 8 + 4 + 4;
/// A pack this long takes no more records.
pub const PACK_BYTES_SEALED: u64 = 64 << 20;

/// The first bytes of a record.
pub const RECORD_MAGIC: [u8; 4] = *b"ALR\x01";
/// Bytes before the header check: magic, kind, codec, flags, item and base counts, raw and
/// stored length, sequence number, payload check.
pub const RECORD_CHECKED_BYTES: usize = 4 + 1 + 1 + 2 + 4 + 4 + 4 + 4 + 8 + 16;
/// Bytes before the items.
pub const RECORD_FIXED_BYTES: usize = RECORD_CHECKED_BYTES + 8;
/// Bytes of one item: hash and raw length.
pub const ITEM_BYTES: usize = 32 + 4;
/// Bytes of one base: its hash.
pub const BASE_BYTES: usize = 32;

/// The header of a pack.
pub fn encode_pack_header(number: u32) -> Vec<u8> {
    let mut w = Writer::new();
    w.bytes(&PACK_MAGIC).u32(PACK_VERSION).u32(number);
    w.into_bytes()
}

/// Checks a pack's header and returns the pack number in it.
///
/// # Errors
/// [`DecodeError`] when it is not a pack of a version this program reads.
pub fn decode_pack_header(bytes: &[u8]) -> Result<u32, DecodeError> {
    let mut r = Reader::new(bytes);
    if r.array::<8>()? != PACK_MAGIC {
        return Err(DecodeError::Magic("pack"));
    }
    match r.u32()? {
        PACK_VERSION_OLDEST..=PACK_VERSION => {}
        0 => return Err(DecodeError::Invalid("pack version")),
        newer => return Err(DecodeError::Version(newer)),
    }
    let number = r.u32()?;
    r.end()?;
    Ok(number)
}
