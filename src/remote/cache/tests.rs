use std::fs;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::UNIX_EPOCH;

use super::BlockFile;
use super::Head;
use super::keep_within;
use crate::clock::Timestamp;
use crate::remote::answer::Validator;
use crate::remote::limits::BLOCK_BYTES;

const URL: &str = "https://example.org/x";

fn validator(etag: &str) -> Validator {
    Validator {
        size_bytes: 1 << 20,
        etag: Some(format!("\"{etag}\"")),
        modified: None,
    }
}

fn open(directory: &Path, etag: &str, at: i64) -> BlockFile {
    let state = validator(etag);
    BlockFile::open(directory, (URL, &state), 1 << 20, Timestamp(at)).unwrap()
}

fn block(byte: u8) -> Vec<u8> {
    vec![byte; usize::try_from(BLOCK_BYTES).unwrap()]
}

fn path_of(directory: &Path, extension: &str) -> PathBuf {
    let entries = fs::read_dir(directory).unwrap().map(|e| e.unwrap().path());
    let mut found = entries.filter(|p| p.extension().is_some_and(|e| e == extension));
    found.next().unwrap()
}

#[test]
fn blocks_are_kept_from_one_opening_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let blocks = open(dir.path(), "a", 1);
    blocks.write(5, &[&block(5)]);
    blocks.write(2, &[b"short"]);
    drop(blocks);
    let blocks = open(dir.path(), "a", 2);
    assert_eq!(blocks.read(5, block(5).len()), Some(block(5)));
    assert_eq!(blocks.read(2, 5), Some(b"short".to_vec()));
    assert!(!blocks.has(0) && blocks.read(0, 5).is_none());
    // Another state of the file has none of them.
    assert!(!open(dir.path(), "b", 3).has(5));
}

#[test]
fn damaged_block_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let blocks = open(dir.path(), "a", 1);
    blocks.write(1, &[&block(1)]);
    let data = File::options()
        .write(true)
        .open(path_of(dir.path(), "blocks"))
        .unwrap();
    data.write_all_at(b"x", BLOCK_BYTES + 100).unwrap();
    assert!(blocks.has(1));
    assert_eq!(blocks.read(1, block(1).len()), None);
    // It can be kept again.
    blocks.write(1, &[&block(1)]);
    assert_eq!(blocks.read(1, block(1).len()), Some(block(1)));
    // So is one whose bytes never came: the list was durable, and the data not.
    data.set_len(BLOCK_BYTES).unwrap();
    assert_eq!(open(dir.path(), "a", 2).read(1, block(1).len()), None);
}

#[test]
fn torn_list_loses_the_torn_record_alone() {
    let dir = tempfile::tempdir().unwrap();
    let blocks = open(dir.path(), "a", 1);
    blocks.write(1, &[&block(1)]);
    blocks.write(2, &[&block(2)]);
    drop(blocks);
    let list = path_of(dir.path(), "list");
    let length = fs::metadata(&list).unwrap().len();
    File::options()
        .write(true)
        .open(&list)
        .unwrap()
        .set_len(length - 7)
        .unwrap();
    let blocks = open(dir.path(), "a", 2);
    assert!(blocks.has(1) && !blocks.has(2));
    // Later records stand behind the torn one.
    blocks.write(3, &[&block(3)]);
    drop(blocks);
    File::options()
        .append(true)
        .open(&list)
        .unwrap()
        .write_all(&[7; 40])
        .unwrap();
    let blocks = open(dir.path(), "a", 3);
    assert_eq!(blocks.read(3, block(3).len()), Some(block(3)));
    assert_eq!(blocks.read(1, block(1).len()), Some(block(1)));
}

#[test]
fn cache_without_room_keeps_nothing_and_fails_not() {
    let dir = tempfile::tempdir().unwrap();
    let state = validator("a");
    let room = BLOCK_BYTES + 1;
    let blocks = BlockFile::open(dir.path(), (URL, &state), room, Timestamp(1)).unwrap();
    blocks.write(1, &[&block(1)]);
    blocks.write(2, &[&block(2)]);
    blocks.write(3, &[b"x"]);
    assert!(blocks.has(1) && !blocks.has(2) && !blocks.has(3));
}

#[test]
fn state_without_a_strong_etag_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    for etag in [None, Some("W/\"a\"".to_owned())] {
        let state = Validator {
            etag,
            ..validator("a")
        };
        assert!(BlockFile::open(dir.path(), (URL, &state), 1, Timestamp(1)).is_none());
    }
}

#[test]
fn budget_removes_what_was_not_used_for_the_longest_time() {
    let dir = tempfile::tempdir().unwrap();
    for (etag, at) in [("a", 30), ("b", 10), ("c", 20)] {
        let blocks = open(dir.path(), etag, at);
        blocks.write(0, &[&block(1)]);
        let used = UNIX_EPOCH + Duration::from_secs(at.unsigned_abs());
        blocks.list_for_tests().set_modified(used).unwrap();
    }
    keep_within(dir.path(), 2 * BLOCK_BYTES + (16 << 10));
    let has = |etag: &str| open(dir.path(), etag, 40).has(0);
    assert_eq!([has("a"), has("b"), has("c")], [true, false, true]);
}

#[test]
fn head_is_stored_without_the_url() {
    let dir = tempfile::tempdir().unwrap();
    let head = Head {
        validator: validator("a"),
        commit: Some("c".repeat(40)),
    };
    head.write(dir.path(), "https://h/x?secret");
    assert_eq!(Head::read(dir.path(), "https://h/x?secret"), Some(head));
    assert_eq!(Head::read(dir.path(), "https://h/y"), None);
    let stored = fs::read_to_string(path_of(dir.path(), "head")).unwrap();
    assert!(!stored.contains("secret"));
    fs::write(path_of(dir.path(), "head"), b"{").unwrap();
    assert_eq!(Head::read(dir.path(), "https://h/x?secret"), None);
}
