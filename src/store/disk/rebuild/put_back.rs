//! Writing what only the old index knew to a pack of its own, in a rebuild.

use std::sync::Arc;

use crate::blob_store::BlobKey;
use crate::ident::BlobId;
use crate::meta_store::MetaWrite;
use crate::meta_store::Table;
use crate::pack::layout::PACK_HEADER_BYTES;
use crate::pack::layout::encode_pack_header;
use crate::store::disk::Entry;
use crate::store::disk::error::StoreError;
use crate::store::disk::index::rows;
use crate::store::disk::index::rows::PackRow;
use crate::store::disk::io::Disk;
use crate::store::disk::io::OpenMode;
use crate::store::disk::layout;
use crate::store::disk::pack::records::locations;
use crate::store::disk::pack::records::record_of_one;

/// Makes a pack of these entries, durable before their rows are. Returns the last sequence number
/// that was given out.
pub(crate) fn put_back(
    disk: &Arc<dyn Disk>,
    tables: &mut dyn MetaWrite,
    entries: &[Entry],
    number: u32,
    mut sequence: u64,
) -> Result<u64, StoreError> {
    // Under its own name it is whole, whatever happens: one that is torn would be damage.
    let path = layout::PACK_ASIDE;
    let file = disk
        .open(path, OpenMode::Create)
        .map_err(|e| StoreError::io("create", path, e))?;
    file.set_len(0)
        .map_err(|e| StoreError::io("create", path, e))?;
    let write = |bytes: &[u8], at: u64| {
        let written = file.write_all_at(bytes, at);
        written.map_err(|e| StoreError::io("write", path, e))
    };
    write(&encode_pack_header(number), 0)?;
    let mut end = PACK_HEADER_BYTES as u64;
    for entry in entries {
        sequence += 1;
        let (kind, id) = (entry.kind, BlobId::of(&entry.bytes));
        let key = BlobKey { kind, id };
        let record = record_of_one(key, &entry.bytes, sequence, entry.flags)?;
        let bytes = record.encode();
        write(&bytes, end)?;
        // All manifests of a registry together are shorter than 4 GiB.
        let place = (end as u32, bytes.len() as u32);
        for (item, location) in locations(number, place, &record.items, false) {
            let key = rows::blob_key(&BlobKey { kind, id: item.id });
            tables.put(Table::Blobs, &key, &rows::encode_location(&location))?;
        }
        end += bytes.len() as u64;
    }
    file.sync().map_err(|e| StoreError::io("sync", path, e))?;
    disk.rename(path, &layout::pack_path(number))
        .map_err(|e| StoreError::io("rename", path, e))?;
    disk.sync_dir(layout::PACKS_DIR)
        .map_err(|e| StoreError::io("sync the directory of", path, e))?;
    let row = PackRow {
        committed_bytes: end,
        retired: false,
    };
    let key = rows::pack_key(number);
    tables.put(Table::Packs, &key, &rows::encode_pack(row))?;
    Ok(sequence)
}
