//! Delta records in a rebuild. They follow when every plain record has its rows, because their bases may
//! be in any pack.

use std::sync::Arc;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::pack::RecordHeader;
use crate::pack::RecordView;
use crate::store::disk::error::StoreError;
use crate::store::disk::io::Disk;
use crate::store::disk::io::OpenMode;
use crate::store::disk::layout;
use crate::store::disk::pack::reader::locate;
use crate::store::disk::pack::records::locations;
use crate::store::disk::pack::unpacked::Unpacked;
use crate::store::disk::rebuild::records::RecordPlace;
use crate::store::disk::rebuild::records::put_whole;
use crate::store::disk::rebuild::records::read_exactly;
use crate::store::disk::rebuild::unreadable::Span;
use crate::wire::limits::RECORD_BASE_BYTES_MAX;

/// Writes the rows of deltas whose bases are whole.
pub(crate) struct DeltaRows<'a> {
    disk: &'a Arc<dyn Disk>,
    /// The last record with a base: adjacent deltas often share it.
    recent: Option<(u32, u32, Unpacked)>,
}

impl<'a> DeltaRows<'a> {
    pub(crate) fn new(disk: &'a Arc<dyn Disk>) -> Self {
        Self { disk, recent: None }
    }

    /// Writes the rows of these records, and returns those that cannot be read.
    pub(crate) fn put(
        &mut self,
        places: Vec<RecordPlace>,
        tables: &mut dyn MetaWrite,
    ) -> Result<Vec<Span>, StoreError> {
        let mut spans = Vec::new();
        // The new rows are of deltas, so they are no bases.
        for location in places {
            // The scan read this header a moment ago.
            let bytes = self.read(location.pack, location.offset, location.record_bytes)?;
            let Some(Ok(view)) = bytes.as_deref().map(RecordView::decode) else {
                spans.push(Span::of_unknown(&location));
                continue;
            };
            if !self.put_one(&location, &view, tables)? {
                let span = Span::of_record(location.pack, location.offset, &view.header);
                spans.push(span);
            }
        }
        Ok(spans)
    }

    /// Writes the rows of one record; returns `false` when it cannot be read.
    fn put_one(
        &mut self,
        location: &RecordPlace,
        view: &RecordView<'_>,
        tables: &mut dyn MetaWrite,
    ) -> Result<bool, StoreError> {
        let Some(kind) = view.header.kind.filter(|_| view.payload_is_intact()) else {
            return Ok(false);
        };
        let Some(bases) = self.bases(kind, &view.header, tables)? else {
            return Ok(false);
        };
        let Ok(raw) = view.unpack_on(bases) else {
            return Ok(false);
        };
        // Records end below 4 GiB, as packs do.
        let at = (location.offset as u32, location.record_bytes as u32);
        let items = locations(location.pack, at, &view.header.items, true);
        put_whole(kind, items, &raw, tables)
    }

    /// Returns the bytes of the bases; `None` where one is missing or a delta.
    fn bases(
        &mut self,
        kind: BlobKind,
        header: &RecordHeader,
        tables: &dyn MetaRead,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut joined = Vec::new();
        for id in &header.bases {
            let key = BlobKey { kind, id: *id };
            let at = locate(tables, &key)?.filter(|at| !at.is_delta);
            let Some(at) = at else { return Ok(None) };
            let is_recent = |r: &(u32, u32, Unpacked)| (r.0, r.1) == (at.pack, at.offset);
            if !self.recent.as_ref().is_some_and(is_recent) {
                let length = usize::try_from(at.record_bytes).unwrap_or(usize::MAX);
                let bytes = self.read(at.pack, u64::from(at.offset), length)?;
                let view = bytes.as_deref().map(RecordView::decode);
                let Some(Ok(view)) = view else {
                    return Ok(None);
                };
                let Ok(raw) = view.unpack() else {
                    return Ok(None);
                };
                let unpacked = Unpacked::new(view.header.items, raw);
                self.recent = Some((at.pack, at.offset, unpacked));
            }
            // Its hash was compared when it got its row.
            let bytes = self.recent.as_ref().and_then(|r| r.2.item(&key, at.item));
            let Some(bytes) = bytes else { return Ok(None) };
            joined.extend_from_slice(bytes);
            if joined.len() > RECORD_BASE_BYTES_MAX {
                return Ok(None);
            }
        }
        Ok(Some(joined))
    }

    fn read(&self, pack: u32, offset: u64, length: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let path = layout::pack_path(pack);
        let file = self.disk.open(&path, OpenMode::Existing);
        let file = file.map_err(|e| StoreError::io("read", &path, e))?;
        read_exactly(&*file, pack, offset, length)
    }
}
