//! Raw bytes of a held dataset, as the base of a delta.

use crate::archive::BaseBytes;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::ident::BlobId;
use crate::manifest::Manifest;
use crate::manifest::TreeWalk;
use crate::registry::error::Error;
use crate::store::disk::BlobReader;
use crate::wire::limits::RECORD_BASE_BYTES_MAX;

/// Bytes of a dataset, and the ids of their chunks.
type BytesAndChunks = (Vec<u8>, Vec<BlobId>);

/// Reads a range of a held dataset. Returns `None` if it does not consist of whole chunks, or of
/// too many.
pub(crate) fn base_bytes(
    reader: &BlobReader,
    m: &Manifest,
    wanted: BaseBytes,
) -> Result<Option<BytesAndChunks>, Error> {
    let Some(end) = wanted.from.checked_add(wanted.bytes) else {
        return Ok(None);
    };
    if end > m.size_bytes || wanted.bytes > RECORD_BASE_BYTES_MAX as u64 || wanted.bytes == 0 {
        return Ok(None);
    }
    let mut walk = TreeWalk::new(reader, m.chunk_tree_root, m.size_bytes, wanted.from)?;
    let (mut bytes, mut ids) = (Vec::new(), Vec::new());
    if walk.offset() != wanted.from {
        return Ok(None);
    }
    while (bytes.len() as u64) < wanted.bytes {
        let Some(chunk) = walk.next() else {
            return Ok(None);
        };
        let key = BlobKey::new(BlobKind::Chunk, *chunk?.1.id.as_bytes());
        bytes.extend_from_slice(&reader.get(&key)?);
        ids.push(key.id);
    }
    Ok((bytes.len() as u64 == wanted.bytes).then_some((bytes, ids)))
}
