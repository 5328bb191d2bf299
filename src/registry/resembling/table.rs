//! The file that says where chunks lie, by their super-features.

use std::fs;
use std::fs::File;
use std::io;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::path::PathBuf;

use crate::registry::cache_files::create_aside;
use crate::registry::cache_files::make_directory;
use crate::registry::resembling::pages::Pages;
use crate::wire::limits::RESEMBLANCE_BYTES_MAX;

/// Where a chunk lies: its record, and the number within that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) pack: u32,
    pub(super) offset: u32,
    pub(super) item: u16,
}

/// A table of super-features in a file: buckets of four entries, the newest in front.
pub(super) struct Table {
    pages: Pages,
    path: PathBuf,
    /// There are as many buckets as this power of two.
    bits: u32,
    /// Entries that had no room since the table grew.
    dropped: u32,
}

type Entry = [u8; ENTRY_BYTES];

const BUCKET_ENTRIES: usize = 4;
const ENTRY_BYTES: usize = 16;
const BUCKET_BYTES: usize = BUCKET_ENTRIES * ENTRY_BYTES;
const HEADER_BYTES: usize = 64;
const MAGIC: [u8; 8] = *b"\x89ALI\r\n\x1a\n";
const VERSION: u32 = 1;
/// How features are made.
const SCHEME: u32 = 1;
const BITS_MIN: u32 = 10;
const BITS_MAX: u32 = (RESEMBLANCE_BYTES_MAX / BUCKET_BYTES).ilog2();
/// By how many bits a table grows at a time.
const BITS_GROWN: u32 = 2;

impl Table {
    /// The table in this directory, begun where there is none that can be read.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        make_directory(directory)?;
        let path = directory.join("resemblance");
        if let Ok(file) = File::options().read(true).write(true).open(&path)
            && let Some((bits, dropped)) = read_header(&file)
        {
            return Ok(Self {
                pages: Pages::new(file),
                path,
                bits,
                dropped,
            });
        }
        let (aside, file) = create_aside(&path)?;
        file.write_all_at(&header(BITS_MIN, 0), 0)?;
        file.set_len(table_bytes(BITS_MIN))?;
        fs::rename(aside, &path)?;
        Ok(Self {
            pages: Pages::new(file),
            path,
            bits: BITS_MIN,
            dropped: 0,
        })
    }

    fn bucket_at(&self, feature: u64) -> u64 {
        HEADER_BYTES as u64 + (feature >> (u64::BITS - self.bits)) * BUCKET_BYTES as u64
    }

    pub(super) fn find(&mut self, feature: u64) -> io::Result<Option<Place>> {
        let at = self.bucket_at(feature);
        let (entries, _) = self.pages.read(at)?.as_chunks();
        Ok(entries.iter().find_map(|entry| place_in(entry, feature)))
    }

    pub(super) fn put(&mut self, feature: u64, place: Place) -> io::Result<()> {
        if tag_of(feature) == 0 {
            return Ok(());
        }
        let at = self.bucket_at(feature);
        if put_in_front(self.pages.change(at)?, entry(feature, place)) {
            return Ok(());
        }
        self.dropped = self.dropped.saturating_add(1);
        match self.dropped > 1 << (self.bits - 1) && self.bits < BITS_MAX {
            true => self.grow(),
            false => Ok(()),
        }
    }

    /// Puts a larger table in the place of this one.
    fn grow(&mut self) -> io::Result<()> {
        let bits = (self.bits + BITS_GROWN).min(BITS_MAX);
        let (aside, file) = create_aside(&self.path)?;
        let mut to = BufWriter::with_capacity(1 << 20, &file);
        to.write_all(&header(bits, 0))?;
        self.pages.flush()?;
        let mut from = BufReader::with_capacity(1 << 20, &self.pages.file);
        from.seek(SeekFrom::Start(HEADER_BYTES as u64))?;
        let mut old = [0; BUCKET_BYTES];
        let mut new = vec![[0; BUCKET_BYTES]; 1 << (bits - self.bits)];
        for _ in 0..1_u64 << self.bits {
            from.read_exact(&mut old)?;
            new.fill([0; BUCKET_BYTES]);
            // The newest is put last, so that it is in front.
            let (entries, _) = old.as_chunks();
            for entry in entries.iter().rev().filter(|entry| !is_free(entry)) {
                let bucket = feature_of(entry) >> (u64::BITS - bits);
                let bucket = usize::try_from(bucket).unwrap_or(0) % new.len();
                new.get_mut(bucket)
                    .map(|bucket| put_in_front(bucket, *entry));
            }
            to.write_all(new.as_flattened())?;
        }
        to.flush()?;
        drop(to);
        fs::rename(aside, &self.path)?;
        (self.pages, self.bits, self.dropped) = (Pages::new(file), bits, 0);
        Ok(())
    }
}

/// Puts an entry in front of its bucket, in place of one of the same tag or a free one; whether there was
/// one, or else the last had to go.
fn put_in_front(bucket: &mut [u8; BUCKET_BYTES], new: Entry) -> bool {
    let (entries, _) = bucket.as_chunks_mut();
    let tag = feature_of(&new);
    let replaced = entries
        .iter()
        .position(|old| is_free(old) || feature_of(old) == tag);
    let until = replaced.unwrap_or(BUCKET_ENTRIES - 1);
    if let Some(moved) = entries.get_mut(..=until) {
        moved.rotate_right(1);
        if let Some(first) = moved.first_mut() {
            *first = new;
        }
    }
    replaced.is_some()
}

impl Drop for Table {
    fn drop(&mut self) {
        let header = header(self.bits, self.dropped);
        let flushed = self.pages.flush();
        let _ = flushed.and_then(|()| self.pages.file.write_all_at(&header, 0));
    }
}

fn table_bytes(bits: u32) -> u64 {
    HEADER_BYTES as u64 + ((BUCKET_BYTES as u64) << bits)
}

fn header(bits: u32, dropped: u32) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    let words = [VERSION, SCHEME, bits, dropped];
    let fields = MAGIC
        .into_iter()
        .chain(words.into_iter().flat_map(u32::to_le_bytes));
    for (to, from) in bytes.iter_mut().zip(fields) {
        *to = from;
    }
    bytes
}

/// The bits and what was dropped, of a file that is a table.
fn read_header(file: &File) -> Option<(u32, u32)> {
    let mut bytes = [0; HEADER_BYTES];
    file.read_exact_at(&mut bytes, 0).ok()?;
    let word = |n: usize| {
        let word = bytes.get(8 + 4 * n..)?.first_chunk()?;
        Some(u32::from_le_bytes(*word))
    };
    let (bits, dropped) = (word(2)?, word(3)?);
    let is_known = bytes.starts_with(&MAGIC) && word(0)? == VERSION && word(1)? == SCHEME;
    let is_whole =
        (BITS_MIN..=BITS_MAX).contains(&bits) && file.metadata().ok()?.len() == table_bytes(bits);
    (is_known && is_whole).then_some((bits, dropped))
}

/// The part of a super-feature by which an entry is known: all but the lowest 16 bits.
fn tag_of(feature: u64) -> u64 {
    feature & !0xffff
}

fn entry(feature: u64, place: Place) -> Entry {
    let tagged = tag_of(feature) | u64::from(place.item);
    let at = u64::from(place.pack) << 32 | u64::from(place.offset);
    let mut bytes = [0; ENTRY_BYTES];
    let (first, second) = bytes.split_at_mut(8);
    first.copy_from_slice(&tagged.to_le_bytes());
    second.copy_from_slice(&at.to_le_bytes());
    bytes
}

fn words_of(entry: &Entry) -> (u64, u64) {
    let (words, _) = entry.as_chunks();
    match words {
        [tagged, at] => (u64::from_le_bytes(*tagged), u64::from_le_bytes(*at)),
        _ => (0, 0),
    }
}

fn feature_of(entry: &Entry) -> u64 {
    tag_of(words_of(entry).0)
}

fn is_free(entry: &Entry) -> bool {
    feature_of(entry) == 0
}

/// Where the chunk of an entry lies, if it has this super-feature.
fn place_in(entry: &Entry, feature: u64) -> Option<Place> {
    let (tagged, at) = words_of(entry);
    (!is_free(entry) && tag_of(tagged) == tag_of(feature)).then_some(Place {
        pack: (at >> 32) as u32,
        offset: at as u32,
        item: tagged as u16,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::to_hex;
    use crate::splitmix::drawn;

    fn place(n: u64) -> Place {
        Place {
            pack: n as u32,
            offset: 7 * n as u32,
            item: (n % 60) as u16,
        }
    }

    #[test]
    fn what_was_put_is_found_through_growth_and_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut table = Table::open(dir.path()).unwrap();
        for n in 0..40_000 {
            table.put(drawn(n), place(n)).unwrap();
        }
        assert!(table.bits > BITS_MIN + BITS_GROWN);
        let found = |table: &mut Table| {
            let is_right = |n: &u64| table.find(drawn(*n)).unwrap() == Some(place(*n));
            (0..40_000).filter(is_right).count()
        };
        let (before, bits) = (found(&mut table), table.bits);
        assert!(before > 30_000, "{before}");
        assert_eq!(table.find(drawn(99_999)).unwrap(), None);
        drop(table);
        let mut table = Table::open(dir.path()).unwrap();
        assert_eq!((found(&mut table), table.bits), (before, bits));
        // What is newer counts.
        table.put(drawn(39_999), place(5)).unwrap();
        assert_eq!(table.find(drawn(39_999)).unwrap(), Some(place(5)));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_no_table_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("resemblance");
        let mut table = Table::open(dir.path()).unwrap();
        table.put(u64::MAX, place(3)).unwrap();
        drop(table);
        let good = fs::read(&path).unwrap();
        let flipped = |at: usize| {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            bad
        };
        let shorter = good[..good.len() - 1].to_vec();
        for bad in [
            vec![],
            shorter,
            flipped(0),
            flipped(8),
            flipped(12),
            flipped(16),
        ] {
            fs::write(&path, &bad).unwrap();
            let mut table = Table::open(dir.path()).unwrap();
            assert_eq!(table.find(u64::MAX).unwrap(), None);
            drop(table);
            assert_eq!(fs::read(&path).unwrap().len() as u64, table_bytes(BITS_MIN));
        }
        // Anything may be in the buckets.
        let mut noise = good.clone();
        for (n, byte) in noise.iter_mut().enumerate().skip(HEADER_BYTES) {
            *byte = (drawn(n as u64) >> 56) as u8;
        }
        fs::write(&path, &noise).unwrap();
        let mut table = Table::open(dir.path()).unwrap();
        for n in 0..20_000 {
            let _ = table.find(drawn(n)).unwrap();
            table.put(drawn(n), place(n)).unwrap();
        }
    }

    #[test]
    fn an_entry_is_written_as_the_page_says() {
        let one = Place {
            pack: 0x0102_0304,
            offset: 0x0506_0708,
            item: 0x090a,
        };
        let bytes = entry(0xfedc_ba98_7654_3210, one);
        assert_eq!(to_hex(&bytes), "0a09547698badcfe0807060504030201");
        assert_eq!(place_in(&bytes, 0xfedc_ba98_7654_ffff), Some(one));
    }
}
