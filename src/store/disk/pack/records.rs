//! Records that the store makes, and where their blobs are.

use crate::blob_store::BlobKey;
use crate::chunk::Compressor;
use crate::pack::Flags;
use crate::pack::Item;
use crate::pack::Record;
use crate::store::disk::Location;
use crate::store::disk::error::StoreError;
use crate::wire::limits::RECORD_RAW_BYTES_MAX;

/// A blob in a record of its own.
///
/// # Errors
/// [`StoreError::TooLarge`].
pub(crate) fn record_of_one(
    key: BlobKey,
    bytes: &[u8],
    sequence: u64,
    flags: Flags,
) -> Result<Record, StoreError> {
    if bytes.len() > RECORD_RAW_BYTES_MAX {
        return Err(StoreError::TooLarge {
            key,
            bytes: bytes.len(),
        });
    }
    let (codec, payload) = Compressor::new().compress(bytes);
    // Below the limit, so below 2^32.
    let items = vec![Item {
        id: key.id,
        raw_bytes: bytes.len() as u32,
    }];
    Ok(Record {
        kind: key.kind,
        codec,
        flags,
        sequence,
        items,
        bases: Vec::new(),
        payload,
    })
}

/// Where the items of a record are, once it is appended at an offset.
pub(crate) fn locations(
    pack: u32,
    (offset, record_bytes): (u32, u32),
    items: &[Item],
    is_delta: bool,
) -> impl Iterator<Item = (Item, Location)> {
    (0_u16..).zip(items.iter()).map(move |(n, item)| {
        let raw_bytes = item.raw_bytes;
        (
            *item,
            Location {
                pack,
                offset,
                record_bytes,
                item: n,
                raw_bytes,
                is_delta,
            },
        )
    })
}
