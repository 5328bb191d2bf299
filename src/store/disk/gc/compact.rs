//! Compaction: removes packs without needed blobs. It moves the needed blobs out of packs with much
//! garbage, and removes these when no operation can be reading them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::blob_store::BlobKey;
use crate::chunk::Codec;
use crate::chunk::Compressor;
use crate::chunk::DeltaEncoder;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::meta_store::Table;
use crate::pack::Record;
use crate::pack::RecordView;
use crate::progress::Progress;
use crate::store::disk::BlobReader;
use crate::store::disk::DiskStore;
use crate::store::disk::EpochGuard;
use crate::store::disk::error::StoreError;
use crate::store::disk::gc::mark::Live;
use crate::store::disk::gc::report::Deferred;
use crate::store::disk::gc::report::GcReport;
use crate::store::disk::gc::report::UnreadablePacks;
use crate::store::disk::gc::survey::Survey;
use crate::store::disk::gc::survey::UsedRecord;
use crate::store::disk::gc::survey::survey;
use crate::store::disk::index::rows;
use crate::store::disk::index::rows::PackRow;
use crate::store::disk::io::DiskFile;
use crate::store::disk::io::LockGuard;
use crate::store::disk::io::OpenMode;
use crate::store::disk::io::Share;
use crate::store::disk::io::Wait;
use crate::store::disk::layout;
use crate::store::disk::pack::file;
use crate::store::disk::pack::file::PackFile;
use crate::store::disk::pack::list;
use crate::store::disk::pack::location::Location;
use crate::store::disk::pack::records::locations;
use crate::store::disk::rebuild::unreadable;

/// A blob's new location, valid if it is still at the old one.
struct Move {
    key: BlobKey,
    from: Location,
    to: Location,
}

impl DiskStore {
    /// Returns the report of a collection without performing it.
    pub(super) fn dry_run_report(
        &self,
        live: &Live,
        kept: &UnreadablePacks,
    ) -> Result<GcReport, StoreError> {
        let mut report = GcReport::default();
        for pack in survey(self, &|key| live.holds(key))? {
            report.live_bytes += pack.live_bytes;
            if kept.keeps(pack.number) {
                continue;
            }
            if pack.is_empty() {
                report.packs_removed += 1;
                report.freed_bytes += pack.row.committed_bytes;
            } else if pack.is_worth_rewriting() || kept.discards(pack.number) {
                report.packs_rewritten += 1;
                report.freed_bytes += pack.row.committed_bytes.saturating_sub(pack.live_bytes);
            }
        }
        Ok(report)
    }

    /// Removes and rewrites packs.
    pub(super) fn compact(
        &self,
        kept: &UnreadablePacks,
        (patience, turn): (Duration, &Arc<dyn LockGuard>),
        progress: &dyn Progress,
    ) -> Result<GcReport, StoreError> {
        let mut packs = survey(self, &|_| true)?;
        packs.retain(|pack| !kept.keeps(pack.number));
        let mut report = GcReport::default();
        // First the steps that need no space of their own: the disk may be full.
        for pack in packs.iter().filter(|p| p.is_empty()) {
            if self.remove_pack(pack.number, pack.row)? {
                report.packs_removed += 1;
                report.freed_bytes += pack.row.committed_bytes;
            }
        }
        self.remove_orphans(kept)?;
        for pack in packs.iter().filter(|p| !p.is_empty()) {
            report.freed_bytes += self.trim(pack.number, pack.row)?;
        }
        let mut target: Option<PackFile> = None;
        let (mut written, mut retired) = (0, Vec::new());
        for pack in &packs {
            report.live_bytes += pack.live_bytes;
            let is_due = pack.is_worth_rewriting()
                || (kept.discards(pack.number) && !pack.damaged && !pack.is_empty());
            if !is_due || progress.cancelled() {
                continue;
            }
            match self.rewrite(pack, &mut target, turn) {
                Ok(Some(bytes)) => {
                    written += bytes;
                    report.packs_rewritten += 1;
                    retired.push(pack);
                }
                Ok(None) => {}
                Err(e) if e.kind() == ErrorKind::NoSpace => {
                    report.deferred = Some(Deferred::NoRoom);
                    break;
                }
                Err(other) => return Err(other),
            }
        }
        drop(target);
        if report.deferred.is_some() {
            // Leftovers of this collection take no room until the next one.
            self.trim_all()?;
        }
        if !retired.is_empty() && !self.wait_for_earlier_operations(patience)? {
            report.deferred = Some(Deferred::OperationsUnderWay);
            report.freed_bytes = report.freed_bytes.saturating_sub(written);
            return Ok(report);
        }
        for pack in retired {
            let row = PackRow {
                retired: true,
                ..pack.row
            };
            if self.remove_pack(pack.number, row)? {
                report.freed_bytes += pack.row.committed_bytes;
            }
        }
        report.freed_bytes = report.freed_bytes.saturating_sub(written);
        Ok(report)
    }

    /// Moves the needed blobs of a pack to `target` and returns the bytes written. Returns `None` when a
    /// writer has the pack, or it has changed since the survey, or is damaged.
    fn rewrite(
        &self,
        pack: &Survey,
        target: &mut Option<PackFile>,
        turn: &Arc<dyn LockGuard>,
    ) -> Result<Option<u64>, StoreError> {
        let Some(_lock) = self.lock_unchanged(pack.number, pack.row)? else {
            return Ok(None);
        };
        let path = layout::pack_path(pack.number);
        let file = self.disk.open(&path, OpenMode::Existing);
        let file = file.map_err(|e| StoreError::io("open", &path, e))?;
        let fresh = target.as_ref().is_none_or(PackFile::is_full);
        if fresh {
            *target = Some(PackFile::start(self)?);
        }
        let Some(to) = target.as_mut() else {
            return Ok(None);
        };
        let before = if fresh { 0 } else { to.end() };
        let mut moves = Vec::new();
        let reader = BlobReader::under(self, EpochGuard::within_collection(self, turn)?);
        for used in &pack.used {
            if !move_record(&reader, pack.number, &*file, used, to, &mut moves)? {
                return Ok(None);
            }
        }
        // Its operation would be waited for.
        drop(reader);
        to.sync()?;
        self.write(|t| {
            for m in &moves {
                let key = rows::blob_key(&m.key);
                let now = t.get(Table::Blobs, &key)?;
                if now.map(|row| rows::decode_location(&row)).transpose()? == Some(m.from) {
                    t.put(Table::Blobs, &key, &rows::encode_location(&m.to))?;
                }
            }
            let retired = PackRow {
                retired: true,
                ..pack.row
            };
            t.put(
                Table::Packs,
                &rows::pack_key(pack.number),
                &rows::encode_pack(retired),
            )?;
            to.commit(t)
        })?;
        Ok(Some(to.end() - before))
    }

    /// Cuts uncommitted leftovers of writers off all packs, which frees space without a change
    /// to the index.
    pub(crate) fn trim_all(&self) -> Result<u64, StoreError> {
        let packs = self.read(|t| list::all(t))?;
        let mut bytes = 0;
        for (number, row) in packs {
            bytes += self.trim(number, row)?;
        }
        Ok(bytes)
    }

    /// Cuts uncommitted leftovers off a pack and returns the bytes freed.
    fn trim(&self, number: u32, row: PackRow) -> Result<u64, StoreError> {
        let path = layout::pack_path(number);
        let Ok(file) = self.disk.open(&path, OpenMode::Existing) else {
            return Ok(0);
        };
        let fail = |e| StoreError::io("truncate", &path, e);
        let leftover = |file: &dyn DiskFile| Ok(file.size()?.saturating_sub(row.committed_bytes));
        if leftover(&*file).map_err(fail)? == 0 {
            return Ok(0);
        }
        let Some(_lock) = self.lock_unchanged(number, row)? else {
            return Ok(0);
        };
        let bytes = leftover(&*file).map_err(fail)?;
        file.set_len(row.committed_bytes).map_err(fail)?;
        // Before a writer writes over it: see `PackFile::take`.
        file.sync().map_err(fail)?;
        Ok(bytes)
    }

    /// Removes a pack that no operation reads: first its row, durably, then the file.
    fn remove_pack(&self, number: u32, row: PackRow) -> Result<bool, StoreError> {
        let Some(_lock) = self.lock_unchanged(number, row)? else {
            return Ok(false);
        };
        self.write(|t| Ok::<_, StoreError>(t.delete(Table::Packs, &rows::pack_key(number))?))?;
        let path = layout::pack_path(number);
        self.disk
            .remove(&path)
            .map_err(|e| StoreError::io("remove", &path, e))?;
        Ok(true)
    }

    /// Locks a pack with an unchanged row; `None` when a writer has or had it.
    fn lock_unchanged(
        &self,
        number: u32,
        row: PackRow,
    ) -> Result<Option<Box<dyn LockGuard>>, StoreError> {
        let path = layout::pack_path(number);
        let lock = match self.disk.lock(&path, Share::Exclusive, Wait::No) {
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return Ok(None),
            other => other.map_err(|e| StoreError::io("lock", &path, e))?,
        };
        let now = self.read(|t| file::row(t, number))?;
        Ok((now == Some(row)).then_some(lock))
    }

    /// Forgets the unreadable ranges of removed packs, and of those without lost blobs.
    pub(super) fn forget_unreadable(&self, kept: &UnreadablePacks) -> Result<(), StoreError> {
        let noted = self.read(|t| unreadable::packs(t))?;
        if noted.is_empty() {
            return Ok(());
        }
        self.write(|t| {
            let present: BTreeSet<u32> = list::all(t)?
                .into_iter()
                .filter(|(_, row)| !row.retired)
                .map(|(number, _)| number)
                .collect();
            let lost: BTreeSet<(u32, u64)> = unreadable::all(t)?
                .iter()
                .map(|span| (span.pack, span.offset))
                .collect();
            unreadable::forget(t, &|span| {
                if kept.is_discarded {
                    !present.contains(&span.pack)
                } else {
                    !lost.contains(&(span.pack, span.offset))
                }
            })
        })
    }

    /// Removes pack files without a row, which a kill between the two steps of a removal leaves. It
    /// keeps packs to which this index gave no number, because another home may own them.
    fn remove_orphans(&self, kept: &UnreadablePacks) -> Result<(), StoreError> {
        let fail = |e| StoreError::io("read", layout::PACKS_DIR, e);
        let names = self.disk.list(layout::PACKS_DIR).map_err(fail)?;
        for number in names.iter().filter_map(|name| layout::pack_number(name)) {
            let path = layout::pack_path(number);
            let has_row = || self.read(|t| Ok::<_, StoreError>(file::row(t, number)?.is_some()));
            // Rows come before files, and no number is given twice.
            if has_row()? || kept.keeps(number) {
                continue;
            }
            let Ok(_lock) = self.disk.lock(&path, Share::Exclusive, Wait::No) else {
                continue;
            };
            if !has_row()? {
                self.disk
                    .remove(&path)
                    .map_err(|e| StoreError::io("remove", &path, e))?;
            }
        }
        // The leftover of a killed rebuild.
        self.disk.remove(layout::PACK_ASIDE).map_err(fail)?;
        self.disk.sync_dir(layout::PACKS_DIR).map_err(fail)
    }
}

/// Copies the needed blobs of a record; returns `false` when the record is damaged.
fn move_record(
    reader: &BlobReader,
    pack: u32,
    file: &dyn DiskFile,
    used: &UsedRecord,
    to: &mut PackFile,
    moves: &mut Vec<Move>,
) -> Result<bool, StoreError> {
    let mut bytes = vec![0; used.header.record_bytes()];
    if file.read_exact_at(&mut bytes, used.offset).is_err() {
        return Ok(false);
    }
    let Ok(view) = RecordView::decode(&bytes) else {
        return Ok(false);
    };
    let Some(kind) = view.header.kind.filter(|_| view.payload_is_intact()) else {
        return Ok(false);
    };
    let whole = used.items.len() == view.header.items.len();
    let (offset, record_bytes) = if whole {
        to.append_bytes(&bytes)?
    } else {
        let Some(rest) = only_items(reader, &view, &used.items) else {
            return Ok(false);
        };
        to.append(&rest)?
    };
    // Packs end soon after PACK_BYTES_SEALED and records have a limit: all fit 32 bits.
    let old = (used.offset as u32, bytes.len() as u32);
    let is_delta = view.header.codec == Some(Codec::Delta);
    let of_old = locations(pack, old, &view.header.items, is_delta);
    let kept: Vec<_> = of_old
        .filter(|(_, at)| used.items.binary_search(&at.item).is_ok())
        .collect();
    for (n, (item, from)) in (0_u16..).zip(kept) {
        let to = Location {
            pack: to.number(),
            offset,
            record_bytes,
            item: n,
            raw_bytes: item.raw_bytes,
            is_delta,
        };
        let key = BlobKey { kind, id: item.id };
        moves.push(Move { key, from, to });
    }
    Ok(true)
}

/// Makes a record of some items of another one, with its bases. `None` when the record or a wanted item
/// is damaged, or the codec is unknown.
fn only_items(reader: &BlobReader, view: &RecordView<'_>, wanted: &[u16]) -> Option<Record> {
    let first = view.header.items.first()?;
    let key = BlobKey {
        kind: view.header.kind?,
        id: first.id,
    };
    let locate = |keys: &[BlobKey]| reader.locate(keys);
    let bases = reader.bases(&key, &view.header.bases, &locate).ok()?;
    let raw = match view.header.codec {
        Some(Codec::Delta) => view.unpack_on(bases.clone()).ok()?,
        _ => view.unpack().ok()?,
    };
    let (mut items, mut kept, mut at) = (Vec::new(), Vec::new(), 0_usize);
    for (n, item) in (0_u16..).zip(&view.header.items) {
        let end = at.checked_add(usize::try_from(item.raw_bytes).ok()?)?;
        if wanted.binary_search(&n).is_ok() {
            kept.extend_from_slice(raw.get(at..end)?);
            items.push(*item);
        }
        at = end;
    }
    let (codec, payload) = match view.header.codec {
        Some(c @ Codec::Delta) => (c, DeltaEncoder::new().encode(&kept, bases)?),
        _ => Compressor::new().compress(&kept),
    };
    Some(Record {
        kind: view.header.kind?,
        codec,
        flags: view.header.flags,
        sequence: view.header.sequence,
        items,
        bases: view.header.bases.clone(),
        payload,
    })
}
