//! Handles that are reused while others write.

use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::store::disk::DiskStore;
use crate::store::disk::StoreError;
use crate::testing::Random;

fn open(home: &std::path::Path) -> DiskStore {
    DiskStore::open(home, &|_, _| Ok(Vec::new())).unwrap()
}

fn rows(store: &DiskStore) -> usize {
    let counted = store.read(|tables| {
        let mut rows = 0;
        tables.scan(Table::Known, &[], &mut |_, _| {
            rows += 1;
            Scan::Continue
        })?;
        Ok::<_, StoreError>(rows)
    });
    counted.unwrap()
}

/// A reader must drop a state that the file may no longer have, without reading the file again.
#[test]
fn index_reader_drops_state_that_others_overwrote() {
    let dir = tempfile::tempdir().unwrap();
    let (reader, writer) = (open(dir.path()), open(dir.path()));
    let mut random = Random::new(1);
    let mut written = 0_u64;
    for round in 0..120_u64 {
        assert_eq!(rows(&reader), usize::try_from(written).unwrap());
        // Pages that a state no longer needs are reused only after some more of them.
        for _ in 0..1 + round % 6 {
            write(&writer, &mut random, written);
            written += 7;
        }
        // The reader writes now and then too, with a stale handle.
        if round % 5 == 4 {
            write(&reader, &mut random, written);
            written += 7;
        }
    }
}

/// Adds rows to one table; in another they come and go, which moves pages.
fn write(store: &DiskStore, random: &mut Random, written: u64) {
    let done = store.write(|tables| {
        for n in written..written + 7 {
            let number = random.next_u64();
            let key = [number.to_le_bytes(), n.to_le_bytes()].concat();
            let value = vec![7; usize::try_from(number >> 53).unwrap()];
            tables.put(Table::Known, &key, &value)?;
            tables.put(Table::Suppressed, &key, &value)?;
            tables.put(Table::Names, &key, &[])?;
        }
        let mut old = Vec::new();
        tables.scan(Table::Suppressed, &[], &mut |key, _| {
            old.push(key.to_vec());
            Scan::Continue
        })?;
        for key in old.iter().take(old.len().saturating_sub(20)) {
            tables.delete(Table::Suppressed, key)?;
        }
        Ok::<_, StoreError>(())
    });
    done.unwrap();
}

#[test]
fn index_released_state_reads_the_file_no_more() {
    use crate::store::disk::index::backend::OverlayBackend;
    use crate::store::disk::io::Disk as _;
    use crate::store::disk::io::OpenMode;
    use redb::StorageBackend as _;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), [7; 5000]).unwrap();
    let disk = crate::store::disk::io::real::RealDisk::open(dir.path()).unwrap();
    let overlay = OverlayBackend::new(disk.open("file", OpenMode::Existing).unwrap()).unwrap();
    let mut bytes = [0; 10];
    overlay.read(0, &mut bytes).unwrap();
    assert_eq!(bytes, [7; 10]);
    overlay.cut_switch().set();
    assert!(overlay.read(0, &mut bytes).is_err());
    assert!(overlay.write(0, &[1]).is_err());
    assert!(overlay.len().is_err());
}
