//! Records of a pack in a rebuild: their places, their bytes, and rows for their blobs.

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::ident::BlobId;
use crate::meta_store::MetaWrite;
use crate::meta_store::Table;
use crate::pack::Item;
use crate::store::disk::error::StoreError;
use crate::store::disk::index::rows;
use crate::store::disk::io::DiskFile;
use crate::store::disk::layout;
use crate::store::disk::pack::location::Location;

/// The location of a record.
pub(crate) struct RecordPlace {
    pub(crate) pack: u32,
    pub(crate) offset: u64,
    pub(crate) record_bytes: usize,
}

/// Reads a number of bytes of a pack; `None` where it ends before.
pub(crate) fn read_exactly(
    file: &dyn DiskFile,
    number: u32,
    offset: u64,
    length: usize,
) -> Result<Option<Vec<u8>>, StoreError> {
    let mut bytes = vec![0; length];
    match file.read_exact_at(&mut bytes, offset) {
        Ok(()) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        // A failed read may succeed later, so nothing is decided by it.
        Err(e) => Err(StoreError::io("read", layout::pack_path(number), e)),
    }
}

/// Writes rows for the blobs that match their ids, unless they have one. Returns `false` when the record
/// does not hold the blobs that it names.
pub(crate) fn put_whole(
    kind: BlobKind,
    items: impl Iterator<Item = (Item, Location)>,
    raw: &[u8],
    tables: &mut dyn MetaWrite,
) -> Result<bool, StoreError> {
    let mut rest = raw;
    let mut is_whole = true;
    for (item, location) in items {
        let length = usize::try_from(item.raw_bytes).unwrap_or(usize::MAX);
        let Some((blob, after)) = rest.split_at_checked(length) else {
            return Ok(false);
        };
        rest = after;
        if BlobId::of(blob) != item.id {
            is_whole = false;
            continue;
        }
        let key = rows::blob_key(&BlobKey { kind, id: item.id });
        if tables.get(Table::Blobs, &key)?.is_none() {
            tables.put(Table::Blobs, &key, &rows::encode_location(&location))?;
        }
    }
    Ok(is_whole)
}
