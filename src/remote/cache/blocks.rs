//! Blocks of one state of one file: a sparse file with the bytes, and a list of the checksums of
//! those that are in it.

use std::collections::HashMap;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::UNIX_EPOCH;

use crate::clock::Timestamp;
use crate::file_io::open_plain;
use crate::locks::lock;
use crate::remote::answer::Validator;
use crate::remote::cache::name_of;
use crate::remote::limits::BLOCK_BYTES;

/// Bytes of a record in the list: the block's number, its checksum, and the record's own.
const RECORD_BYTES: usize = 32;
/// Bytes of a list that are read.
const LIST_BYTES_MAX: u64 = 256 << 20;

/// The extension of the files with the bytes.
pub(super) const DATA: &str = "blocks";
/// The extension of the lists.
pub(super) const LIST: &str = "list";

/// Checksum of a block: the first half of the BLAKE3 hash of its number and its bytes.
type Sum = [u8; 16];

/// Blocks of one state of one file.
#[derive(Debug)]
pub(crate) struct BlockFile {
    data: File,
    list: File,
    known: Mutex<HashMap<u64, Sum>>,
    /// Bytes that may still be written.
    room: AtomicU64,
    is_full: AtomicBool,
}

impl BlockFile {
    /// Opens the blocks of a state, and notes that they are used. Returns `None` if that cannot be.
    pub(crate) fn open(
        directory: &Path,
        (url, validator): (&str, &Validator),
        room: u64,
        now: Timestamp,
    ) -> Option<Self> {
        let etag = validator.strong_etag()?;
        let size = validator.size_bytes.to_string();
        let name = name_of(&[url, etag, &size]);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(directory).ok()?;
        let open = |extension: &str| {
            let path = directory.join(format!("{name}.{extension}"));
            let mut options = File::options();
            options.read(true).write(true).create(true).mode(0o600);
            options.append(extension == LIST);
            // A link, a pipe or a device under this name is not opened.
            match path.symlink_metadata() {
                Ok(meta) if !meta.is_file() => Err(io::ErrorKind::InvalidInput.into()),
                _ => options.open(path),
            }
        };
        let (data, list) = (open(DATA).ok()?, open(LIST).ok()?);
        let at = Duration::from_secs(u64::try_from(now.0).unwrap_or_default());
        let _ = list.set_modified(UNIX_EPOCH + at);
        let known = records(&list).ok()?;
        Some(Self {
            data,
            list,
            known: Mutex::new(known),
            room: AtomicU64::new(room),
            is_full: AtomicBool::new(false),
        })
    }

    #[cfg(test)]
    pub(super) fn list_for_tests(&self) -> &File {
        &self.list
    }

    /// Returns true if a block is said to be here.
    pub(crate) fn has(&self, block: u64) -> bool {
        lock(&self.known).contains_key(&block)
    }

    /// Returns a block of this length, if it is here and has its checksum.
    pub(crate) fn read(&self, block: u64, length: usize) -> Option<Vec<u8>> {
        let expected = *lock(&self.known).get(&block)?;
        let mut bytes = vec![0; length];
        let read = self.data.read_exact_at(&mut bytes, block * BLOCK_BYTES);
        if read.is_ok() && sum_of(block, &bytes) == expected {
            return Some(bytes);
        }
        lock(&self.known).remove(&block);
        None
    }

    /// Keeps blocks that follow each other. After an error, nothing is kept any more.
    pub(crate) fn write(&self, first: u64, blocks: &[&[u8]]) {
        let is_known = {
            let known = lock(&self.known);
            (first..).zip(blocks).all(|(n, _)| known.contains_key(&n))
        };
        if is_known || self.is_full.load(Ordering::Relaxed) {
            return;
        }
        let bytes = blocks.concat();
        let cost = bytes.len() as u64;
        let spent = self
            .room
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| {
                room.checked_sub(cost)
            });
        let numbered = (first..).zip(blocks);
        let sums: Vec<(u64, Sum)> = numbered.map(|(n, b)| (n, sum_of(n, b))).collect();
        let records: Vec<[u8; RECORD_BYTES]> =
            sums.iter().map(|(n, sum)| record(*n, sum)).collect();
        let written = match spent {
            Ok(_) => self
                .data
                .write_all_at(&bytes, first * BLOCK_BYTES)
                .and_then(|()| (&self.list).write_all(records.as_flattened())),
            Err(_) => Err(io::ErrorKind::StorageFull.into()),
        };
        match written {
            Ok(()) => lock(&self.known).extend(sums),
            Err(_) => self.is_full.store(true, Ordering::Relaxed),
        }
    }
}

fn sum_of(block: u64, bytes: &[u8]) -> Sum {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&block.to_le_bytes());
    hasher.update(bytes);
    first_half(&hasher)
}

fn first_half(hasher: &blake3::Hasher) -> Sum {
    let hash = hasher.finalize();
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

fn record(block: u64, sum: &Sum) -> [u8; RECORD_BYTES] {
    let mut record = [0; RECORD_BYTES];
    let body = [block.to_le_bytes().as_slice(), sum].concat();
    let check = blake3::hash(&body);
    let whole = body.iter().chain(check.as_bytes());
    record
        .iter_mut()
        .zip(whole)
        .for_each(|(to, from)| *to = *from);
    record
}

/// Reads the records of a list. Skips bytes that are no record, as after a torn write.
fn records(list: &File) -> io::Result<HashMap<u64, Sum>> {
    let mut bytes = Vec::new();
    list.take(LIST_BYTES_MAX).read_to_end(&mut bytes)?;
    let mut known = HashMap::new();
    let mut at = 0;
    while let Some(found) = bytes.get(at..at + RECORD_BYTES) {
        let parts = found.split_first_chunk::<8>();
        let parts = parts.and_then(|(block, rest)| Some((block, rest.first_chunk::<16>()?)));
        let whole = parts.map(|(block, sum)| (u64::from_le_bytes(*block), *sum));
        match whole.filter(|(block, sum)| record(*block, sum) == *found) {
            Some((block, sum)) => {
                known.insert(block, sum);
                at += RECORD_BYTES;
            }
            None => at += 1,
        }
    }
    Ok(known)
}

/// Opens a file of the cache for reading.
pub(super) fn open_kept(path: &Path) -> io::Result<File> {
    open_plain(path)
}
