//! Blobs that are stored as deltas against others: read, collected, lost and found again.

use std::sync::Arc;

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::chunk::Codec;
use crate::chunk::DeltaEncoder;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Table;
use crate::pack::Flags;
use crate::pack::Item;
use crate::pack::Record;
use crate::progress::NoProgress;
use crate::store::disk::BlobReader;
use crate::store::disk::DiskStore;
use crate::store::disk::GcOptions;
use crate::store::disk::Location;
use crate::store::disk::StoreError;
use crate::store::disk::WriteSession;
use crate::store::disk::io::Disk;
use crate::store::disk::io::OpenMode;
use crate::store::disk::io::sim::SimDisk;
use crate::store::disk::layout;

fn blob(n: u64) -> Vec<u8> {
    let line = |k: u64| format!("line {k} {:x}\n", k.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let lines: String = (0..400)
        .map(|k| line(if k == 200 { n } else { k }))
        .collect();
    lines.into_bytes()
}

fn key(bytes: &[u8]) -> BlobKey {
    BlobKey::new(BlobKind::Chunk, *blake3::hash(bytes).as_bytes())
}

fn open(disk: &SimDisk) -> DiskStore {
    DiskStore::on(Arc::new(disk.clone()), &|_, _| Ok(Vec::new())).unwrap()
}

/// Blobs as one record, as a delta against others.
fn delta(blobs: &[&[u8]], bases: &[&[u8]]) -> Record {
    let payload = DeltaEncoder::new().encode(&blobs.concat(), bases.concat());
    let item = |b: &&[u8]| Item {
        id: key(b).id,
        raw_bytes: b.len() as u32,
    };
    Record {
        kind: BlobKind::Chunk,
        codec: Codec::Delta,
        flags: Flags::default(),
        sequence: 0,
        items: blobs.iter().map(item).collect(),
        bases: bases.iter().map(|b| key(b).id).collect(),
        payload: payload.unwrap(),
    }
}

/// Stores `base` plain, then `blobs` as a delta against it.
fn store(disk: &SimDisk, base: &[u8], blobs: &[&[u8]]) -> DiskStore {
    let store = open(disk);
    let session = WriteSession::begin(&store).unwrap();
    session.add(BlobKind::Chunk, base).unwrap();
    session.commit(|_, _| Ok::<_, StoreError>(())).unwrap();
    let session = WriteSession::begin(&store).unwrap();
    let keys: Vec<BlobKey> = blobs.iter().map(|b| key(b)).collect();
    session.claim(&keys).unwrap();
    session.append(&delta(blobs, &[base])).unwrap();
    session.commit(|_, _| Ok::<_, StoreError>(())).unwrap();
    store
}

fn gc(store: &DiskStore, roots: &[BlobKey]) {
    let report = store.gc(
        &|_: &dyn MetaRead| Ok(roots.to_vec().into()),
        &GcOptions::default(),
        &NoProgress,
    );
    assert_eq!(report.unwrap().deferred, None);
}

fn location(store: &DiskStore, bytes: &[u8]) -> Option<Location> {
    BlobReader::new(store)
        .unwrap()
        .locate(&[key(bytes)])
        .unwrap()[0]
}

fn rebuild(disk: &SimDisk) -> DiskStore {
    disk.remove(layout::INDEX).unwrap();
    open(disk)
}

#[test]
fn a_collection_keeps_what_a_delta_needs_and_no_longer() {
    let disk = SimDisk::default();
    let (base, one, two) = (blob(1), blob(2), blob(3));
    let store = store(&disk, &base, &[&one, &two]);
    assert!(location(&store, &one).unwrap().is_delta);
    // The second blob goes, so that the record is made anew.
    gc(&store, &[key(&one)]);
    assert_eq!(location(&store, &two), None);
    for store in [&store, &rebuild(&disk)] {
        let reader = BlobReader::new(store).unwrap();
        assert_eq!(reader.get(&key(&one)).unwrap(), one);
        assert_eq!(reader.get(&key(&base)).unwrap(), base);
        assert!(location(store, &one).unwrap().is_delta);
    }
    let store = open(&disk);
    gc(&store, &[]);
    assert_eq!(store.stats().unwrap().chunks, 0);
}

#[test]
fn who_depends_on_a_damaged_base_is_named_and_lost_with_it() {
    let disk = SimDisk::default();
    let (base, one) = (blob(1), blob(2));
    let store = store(&disk, &base, &[&one]);
    let at = location(&store, &base).unwrap();
    let path = layout::pack_path(at.pack);
    let file = disk.open(&path, OpenMode::Existing).unwrap();
    let last = u64::from(at.offset + at.record_bytes - 1);
    let mut byte = [0];
    file.read_exact_at(&mut byte, last).unwrap();
    file.write_all_at(&[byte[0] ^ 1], last).unwrap();
    let mut both = vec![key(&base), key(&one)];
    both.sort_unstable();
    let mut corrupt = store.fsck(&NoProgress).unwrap().corrupt;
    corrupt.sort_unstable();
    assert_eq!(corrupt, both);
    let error = BlobReader::new(&store)
        .unwrap()
        .get(&key(&one))
        .unwrap_err();
    assert!(
        matches!(&error, BlobError::Base { base: b, .. } if *b == key(&base)),
        "{error}"
    );
    // Neither has a row then, and both can be stored again.
    let store = rebuild(&disk);
    assert_eq!(store.stats().unwrap().chunks, 0);
    let session = WriteSession::begin(&store).unwrap();
    session.add(BlobKind::Chunk, &one).unwrap();
    session.commit(|_, _| Ok::<_, StoreError>(())).unwrap();
    let reader = BlobReader::new(&store).unwrap();
    assert_eq!(reader.get(&key(&one)).unwrap(), one);
}

#[test]
fn a_base_that_is_a_delta_is_refused() {
    let disk = SimDisk::default();
    let (base, one, two) = (blob(1), blob(2), blob(3));
    let store = store(&disk, &base, &[&one]);
    let session = WriteSession::begin(&store).unwrap();
    session.claim(&[key(&two)]).unwrap();
    session.append(&delta(&[&two], &[&one])).unwrap();
    session.commit(|_, _| Ok::<_, StoreError>(())).unwrap();
    let itself = delta(&[&base], &[&base]);
    for store in [&store, &open(&disk)] {
        let reader = BlobReader::new(store).unwrap();
        assert_eq!(reader.get(&key(&one)).unwrap(), one);
        let error = reader.get(&key(&two)).unwrap_err();
        assert!(matches!(error, BlobError::Base { .. }), "{error}");
    }
    // A record that is its own base gets no row from the packs, nor does one of a delta.
    let session = WriteSession::begin(&store).unwrap();
    session.append(&itself).unwrap();
    session.commit(|_, _| Ok::<_, StoreError>(())).unwrap();
    let store = rebuild(&disk);
    assert_eq!(location(&store, &two), None);
    assert!(!location(&store, &base).unwrap().is_delta);
}

#[test]
fn a_condemned_base_stays_plain_when_it_is_stored_again() {
    let disk = SimDisk::default();
    let (base, one, other) = (blob(1), blob(2), blob(4));
    let store = store(&disk, &base, &[&one]);
    let session = WriteSession::begin(&store).unwrap();
    session.add(BlobKind::Chunk, &other).unwrap();
    session.commit(|_, _| Ok::<_, StoreError>(())).unwrap();
    // As a collection leaves it that was killed after condemning it.
    let condemn = |t: &mut dyn MetaWrite| {
        let row = crate::store::disk::index::rows::blob_key(&key(&base));
        t.put(Table::Condemned, &row, &1_u64.to_le_bytes())?;
        let epoch = crate::store::disk::index::rows::EPOCH_KEY;
        Ok::<_, StoreError>(t.put(Table::Meta, epoch, &1_u64.to_le_bytes())?)
    };
    store.write(condemn).unwrap();
    let session = WriteSession::begin(&store).unwrap();
    assert_eq!(session.claim(&[key(&base)]).unwrap(), [true]);
    session.append(&delta(&[&base], &[&other])).unwrap();
    session.commit(|_, _| Ok::<_, StoreError>(())).unwrap();
    let reader = BlobReader::new(&store).unwrap();
    assert_eq!(reader.get(&key(&base)).unwrap(), base);
    assert_eq!(reader.get(&key(&one)).unwrap(), one);
}

/// Stores a base plain and a delta against it in one session; not committed.
fn both(store: &DiskStore, base: &[u8], one: &[u8]) -> WriteSession {
    let session = WriteSession::begin(store).unwrap();
    session.add(BlobKind::Chunk, base).unwrap();
    session.claim(&[key(one)]).unwrap();
    session.append(&delta(&[one], &[base])).unwrap();
    session
}

#[test]
fn a_session_reads_its_deltas_against_what_it_appended() {
    let disk = SimDisk::default();
    let store = open(&disk);
    let (base, one) = (blob(1), blob(2));
    let session = both(&store, &base, &one);
    let reader = BlobReader::new(&store).unwrap();
    let located = session.locate(&[key(&base), key(&one)]).unwrap();
    let kinds: Vec<bool> = (located.iter().flatten()).map(|at| at.is_delta).collect();
    assert_eq!(kinds, [false, true]);
    assert_eq!(session.get(&key(&one), &reader).unwrap(), one);
    assert!(reader.get(&key(&one)).is_err());
    session.commit(|_, _| Ok::<_, StoreError>(())).unwrap();
    for store in [store, rebuild(&disk)] {
        let reader = BlobReader::new(&store).unwrap();
        assert_eq!(reader.get(&key(&one)).unwrap(), one);
    }
}

/// Two sessions store the same blob, the one as a base of its own.
#[test]
fn whoever_commits_first_a_base_is_plain() {
    for plain_is_first in [false, true] {
        let disk = SimDisk::default();
        let (base, one, other) = (blob(1), blob(2), blob(4));
        let store = store(&disk, &other, &[&blob(5)]);
        let plain = both(&store, &base, &one);
        let close = WriteSession::begin(&store).unwrap();
        close.claim(&[key(&base)]).unwrap();
        close.append(&delta(&[&base], &[&other])).unwrap();
        let order = match plain_is_first {
            true => [plain, close],
            false => [close, plain],
        };
        for session in order {
            session.commit(|_, _| Ok::<_, StoreError>(())).unwrap();
        }
        gc(&store, &[key(&one)]);
        for store in [store, rebuild(&disk)] {
            assert!(!location(&store, &base).unwrap().is_delta);
            let reader = BlobReader::new(&store).unwrap();
            assert_eq!(reader.get(&key(&one)).unwrap(), one);
        }
    }
}
