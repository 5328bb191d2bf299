//! Row encoding of the store's own tables. `spec/store-layout.md` describes the fields.

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::ident::BlobId;
use crate::meta_store::MetaError;
use crate::meta_store::MetaRead;
use crate::meta_store::Table;
use crate::store::disk::error::StoreError;
use crate::store::disk::pack::location::Location;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;

/// In [`Table::Meta`]: the store's format version.
pub(crate) const VERSION_KEY: &[u8] = b"format";
/// In [`Table::Meta`]: the number of the last collection that condemned blobs.
pub(crate) const EPOCH_KEY: &[u8] = b"gc-epoch";
/// In [`Table::Meta`]: the greatest sequence number of an envelope or tombstone.
pub(crate) const SEQUENCE_KEY: &[u8] = b"sequence";

/// In [`Table::Meta`]: the greatest pack number ever given.
pub(crate) const LAST_PACK_KEY: &[u8] = b"last-pack";

/// Length of the key of a blob.
pub(crate) const BLOB_KEY_BYTES: usize = 33;

/// The key of a blob in [`Table::Blobs`] and [`Table::Condemned`].
pub(crate) fn blob_key(key: &BlobKey) -> [u8; BLOB_KEY_BYTES] {
    let mut bytes = [0; BLOB_KEY_BYTES];
    let (kind, id) = bytes.split_at_mut(1);
    kind.fill(key.kind.number());
    id.copy_from_slice(key.id.as_bytes());
    bytes
}

pub(crate) fn decode_blob_key(bytes: &[u8]) -> Result<BlobKey, MetaError> {
    let decode = || {
        let mut r = Reader::new(bytes);
        let kind = BlobKind::from_number(r.u8()?).ok_or(DecodeError::Invalid("blob kind"))?;
        let id = BlobId::new(r.array()?);
        r.end()?;
        Ok(BlobKey { kind, id })
    };
    decode().map_err(damaged(Table::Blobs))
}

/// Flag in the number of an item: its record is a delta. Records have fewer items than that.
const DIFFERENCE_BIT: u16 = 1 << 15;

pub(crate) fn encode_location(location: &Location) -> Vec<u8> {
    let delta = if location.is_delta { DIFFERENCE_BIT } else { 0 };
    let mut w = Writer::new();
    w.u32(location.pack)
        .u32(location.offset)
        .u32(location.record_bytes);
    w.u16(location.item | delta).u32(location.raw_bytes);
    w.into_bytes()
}

pub(crate) fn decode_location(bytes: &[u8]) -> Result<Location, MetaError> {
    let decode = || {
        let mut r = Reader::new(bytes);
        let (pack, offset, record_bytes) = (r.u32()?, r.u32()?, r.u32()?);
        let item = r.u16()?;
        let location = Location {
            pack,
            offset,
            record_bytes,
            item: item & !DIFFERENCE_BIT,
            raw_bytes: r.u32()?,
            is_delta: item & DIFFERENCE_BIT != 0,
        };
        r.end()?;
        Ok(location)
    };
    decode().map_err(damaged(Table::Blobs))
}

/// Returns the location of a blob in one view of the index.
pub(crate) fn locate(tables: &dyn MetaRead, key: &BlobKey) -> Result<Option<Location>, StoreError> {
    let row = tables.get(Table::Blobs, &blob_key(key))?;
    Ok(row.map(|bytes| decode_location(&bytes)).transpose()?)
}

/// The index row of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PackRow {
    /// Committed length of the pack. Further bytes are a leftover.
    pub committed_bytes: u64,
    /// Set if the pack is empty and waits for its removal.
    pub retired: bool,
}

pub(crate) fn encode_pack(row: PackRow) -> Vec<u8> {
    let mut w = Writer::new();
    w.u64(row.committed_bytes).u8(u8::from(row.retired));
    w.into_bytes()
}

pub(crate) fn decode_pack(bytes: &[u8]) -> Result<PackRow, MetaError> {
    let decode = || {
        let mut r = Reader::new(bytes);
        let committed_bytes = r.u64()?;
        let retired = match r.u8()? {
            0 => false,
            1 => true,
            _ => return Err(DecodeError::Invalid("pack state")),
        };
        r.end()?;
        Ok(PackRow {
            committed_bytes,
            retired,
        })
    };
    decode().map_err(damaged(Table::Packs))
}

/// Decodes the pack number in a key of [`Table::Packs`]; big-endian there, so that keys sort.
pub(crate) fn decode_pack_key(bytes: &[u8]) -> Result<u32, MetaError> {
    let digits: Result<[u8; 4], _> = bytes.try_into();
    digits
        .map(|d| d.iter().fold(0_u32, |n, b| n << 8 | u32::from(*b)))
        .map_err(|_| damaged(Table::Packs)(DecodeError::Invalid("pack number")))
}

pub(crate) fn pack_key(number: u32) -> [u8; 4] {
    let mut key = number.to_le_bytes();
    key.reverse();
    key
}

/// Decodes a counter; 0 where there is no row.
pub(crate) fn decode_counter(row: Option<Vec<u8>>, table: Table) -> Result<u64, MetaError> {
    let Some(bytes) = row else { return Ok(0) };
    let bytes: Result<[u8; 8], _> = bytes.try_into();
    bytes
        .map(u64::from_le_bytes)
        .map_err(|_| damaged(table)(DecodeError::Invalid("counter")))
}

pub(crate) fn damaged(table: Table) -> impl Fn(DecodeError) -> MetaError {
    move |source| MetaError::Row {
        table: table.name(),
        source,
    }
}
