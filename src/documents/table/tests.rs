//! Tests of the table in memory and in its file.

use std::collections::BTreeMap;
use std::io;

use super::hash_table::HashTable;
use super::slot::LENGTH_MAX;
use super::slot::Slot;
use super::*;
use crate::documents::format::HEADER_BYTES;
use crate::documents::format::Place;
use crate::documents::format::TableHeader;
use crate::splitmix::drawn;

/// A log in memory: a line for each `n`, whose id is that number.
struct Log(Vec<u8>);

impl Log {
    fn add(&mut self, id: u64) -> Place {
        let offset = self.0.len() as u64;
        let line = format!("{{\"_id\":\"{id}\",\"at\":{offset}}}\n");
        self.0.extend_from_slice(line.as_bytes());
        let length = u32::try_from(line.len()).unwrap();
        Place { offset, length }
    }
}

impl LineSource for Log {
    fn with_line<R>(&self, place: Place, read: impl FnOnce(&[u8]) -> R) -> io::Result<R> {
        let start = usize::try_from(place.offset).unwrap();
        let line = self.0.get(start..start + place.length as usize);
        line.map(read)
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

fn check(index: &LiveIndex, model: &BTreeMap<u64, Place>, log: &Log) {
    assert_eq!(index.len(), model.len());
    let bytes: u64 = model.values().map(|p| u64::from(p.length)).sum();
    assert_eq!(index.live_bytes(), bytes);
    for id in 0..400 {
        let found = index.find(&id.to_string(), log, |_| ()).unwrap();
        assert_eq!(found.map(|(place, ())| place), model.get(&id).copied());
    }
}

#[test]
fn table_with_random_changes_agrees_with_a_map_in_memory_and_from_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t");
    for seed in 0..6_u64 {
        let (mut log, mut model) = (Log(Vec::new()), BTreeMap::new());
        let mut index = LiveIndex::new([u8::try_from(seed).unwrap(); 16]);
        let mut dead = Vec::new();
        for step in 0..4000 {
            let random = drawn(seed << 32 | step);
            let id = random % 400;
            if random >> 60 < 10 {
                let place = log.add(id);
                index.put(&id.to_string(), place, &log).unwrap();
                dead.extend(model.insert(id, place).map(|p: Place| p.offset));
            } else {
                let removed = index.remove(&id.to_string(), u64::MAX, &log).unwrap();
                let known = model.remove(&id);
                assert_eq!(removed, known.is_some());
                dead.extend(known.map(|p| p.offset));
            }
            if step % 1000 == 999 {
                check(&index, &model, &log);
                index.table_mut().shrink().unwrap();
                write_table(&path, &index, TableHeader::default()).unwrap();
                let stored = StoredTable::open(&path).unwrap().unwrap();
                index = stored.map().unwrap().unwrap();
                check(&index, &model, &log);
                dead.sort_unstable();
                assert_eq!(index.dead().sorted().unwrap(), dead);
            }
        }
        assert!(model.len() > 100 && dead.len() > 1000);
    }
}

#[test]
fn slot_of_every_place_is_read_as_it_was_written() {
    for offset in [0, 1, (1 << 44) - 1] {
        for length in [1, 200, LENGTH_MAX - 1, LENGTH_MAX, u32::MAX] {
            let place = Place { offset, length };
            let slot = Slot { hash: 7, place };
            let read = Slot::decode(slot.encode()).unwrap();
            let length = length.min(LENGTH_MAX);
            assert_eq!(read.place, Place { offset, length });
            assert_eq!(read.hash, 7);
        }
    }
    assert_eq!(Slot::decode([0; 16]), None);
}

/// Writes a table of so many documents, a sixth of which have two lines.
fn written(path: &std::path::Path, count: u64) -> Log {
    let (mut log, mut index) = (Log(Vec::new()), LiveIndex::new([1; 16]));
    for n in 0..count + count / 6 {
        let id = n % count;
        let place = log.add(id);
        index.put(&id.to_string(), place, &log).unwrap();
    }
    write_table(path, &index, TableHeader::default()).unwrap();
    log
}

/// Changes bytes of a table in turns. Returns the number of tables that were refused, and of lookups.
fn change(path: &std::path::Path, log: &Log, count: u64, step: usize) -> (u64, u64) {
    let good = std::fs::read(path).unwrap();
    let (mut refused, mut noticed) = (0, 0);
    for at in (0..good.len()).step_by(step) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        std::fs::write(path, bytes).unwrap();
        let stored = StoredTable::open(path).unwrap();
        let Some(index) = stored.and_then(|stored| stored.map().unwrap()) else {
            refused += 1;
            continue;
        };
        for id in (0..count).step_by(7) {
            match index.find(&id.to_string(), log, |_| ()) {
                Ok(found) => assert!(found.is_some(), "{at}"),
                Err(e) => {
                    assert_eq!(e.kind(), io::ErrorKind::InvalidData);
                    noticed += 1;
                }
            }
        }
        let dead = index.dead().sorted();
        assert!(dead.is_err() || dead.unwrap().len() as u64 == count / 6);
    }
    std::fs::write(path, good).unwrap();
    (refused, noticed)
}

#[test]
fn table_with_a_byte_changed_anywhere_gives_no_wrong_answer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t");
    // A small table is checked when it is opened; only the padding of its header may change.
    let log = written(&path, 250);
    let (refused, noticed) = change(&path, &log, 250, 5);
    assert!(refused > 1000 && noticed == 0, "{refused} {noticed}");
    let length = std::fs::metadata(&path).unwrap().len();
    for length in [0, 100, HEADER_BYTES as u64, length - 1] {
        std::fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(length)
            .unwrap();
        assert!(StoredTable::open(&path).unwrap().is_none());
    }
    // A large one is checked where it is used.
    let log = written(&path, 60_000);
    let (_, noticed) = change(&path, &log, 60_000, 100_003);
    assert!(noticed > 1000, "{noticed}");
}

#[test]
fn table_of_one_hash_for_all_ids_still_finds_each() {
    let mut table = HashTable::new([0; 16]);
    for offset in 0..100 {
        let place = Place { offset, length: 9 };
        let hash = u64::MAX;
        table.put_new(Slot { hash, place }).unwrap();
    }
    for offset in 0..100 {
        let found = table.find(u64::MAX, |p| Ok(p.offset == offset)).unwrap();
        let (at, place) = found.unwrap();
        assert_eq!(place.offset, offset);
        table.remove(at).unwrap();
    }
    assert_eq!(table.len(), 0);
}
