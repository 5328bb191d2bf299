//! A handle that is used again and again, while others write.

use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::store::disk::DiskStore;
use crate::store::disk::StoreError;

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

/// What a reader keeps is of a state that the file may not have any more: it must be let go without
/// looking at the file again.
#[test]
fn a_reader_lets_go_of_a_state_that_others_have_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (reader, writer) = (open(dir.path()), open(dir.path()));
    let mut seed = 1_u64;
    let mut written = 0_u64;
    for round in 0..120_u64 {
        assert_eq!(rows(&reader), usize::try_from(written).unwrap());
        // Pages that a state no longer needs are used again only after some more of them.
        for _ in 0..1 + round % 6 {
            write(&writer, &mut seed, written);
            written += 7;
        }
        // Also the reader writes now and then, with a stale handle in its hand.
        if round % 5 == 4 {
            write(&reader, &mut seed, written);
            written += 7;
        }
    }
}

/// Adds rows to one table; in another they come and go, which moves pages.
fn write(store: &DiskStore, seed: &mut u64, written: u64) {
    let done = store.write(|tables| {
        for n in written..written + 7 {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(n);
            let key = [seed.to_le_bytes(), n.to_le_bytes()].concat();
            let value = vec![7; usize::try_from(*seed >> 53).unwrap()];
            tables.put(Table::Known, &key, &value)?;
            tables.put(Table::Aside, &key, &value)?;
            tables.put(Table::Names, &key, &[])?;
        }
        let mut old = Vec::new();
        tables.scan(Table::Aside, &[], &mut |key, _| {
            old.push(key.to_vec());
            Scan::Continue
        })?;
        for key in old.iter().take(old.len().saturating_sub(20)) {
            tables.delete(Table::Aside, key)?;
        }
        Ok::<_, StoreError>(())
    });
    done.unwrap();
}

#[test]
fn what_was_let_go_does_not_look_at_the_file_again() {
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
    overlay.severed().set();
    assert!(overlay.read(0, &mut bytes).is_err());
    assert!(overlay.write(0, &[1]).is_err());
    assert!(overlay.len().is_err());
}
