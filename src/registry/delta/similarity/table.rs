//! Table of super-features: a file that maps them to locations of chunks.

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

use crate::chunk::similarity::Bucket;
use crate::chunk::similarity::Place;
use crate::chunk::similarity::SimilarityHeader;
use crate::chunk::similarity::find_in;
use crate::chunk::similarity::put_into;
use crate::chunk::similarity::spread;
use crate::registry::cache::files::create_partial;
use crate::registry::cache::files::make_directory;
use crate::registry::delta::similarity::page_cache::PageCache;

/// A table of super-features in a file.
pub(super) struct FeatureTable {
    pages: PageCache,
    path: PathBuf,
    header: SimilarityHeader,
}

impl FeatureTable {
    /// Opens the table in this directory, or creates one if there is no readable one.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        make_directory(directory)?;
        let path = directory.join("resemblance");
        if let Ok(file) = File::options().read(true).write(true).open(&path)
            && let Some(header) = read_header(&file)
        {
            return Ok(Self {
                pages: PageCache::new(file),
                path,
                header,
            });
        }
        let (partial, file) = create_partial(&path)?;
        let header = SimilarityHeader::first();
        file.write_all_at(&header.encode(), 0)?;
        file.set_len(header.table_bytes())?;
        fs::rename(partial, &path)?;
        Ok(Self {
            pages: PageCache::new(file),
            path,
            header,
        })
    }

    pub(super) fn find(&mut self, feature: u64) -> io::Result<Option<Place>> {
        let at = self.header.bucket_at(feature);
        Ok(find_in(self.pages.read(at)?, feature))
    }

    pub(super) fn put(&mut self, feature: u64, place: Place) -> io::Result<()> {
        let at = self.header.bucket_at(feature);
        if put_into(self.pages.change(at)?, feature, place) {
            return Ok(());
        }
        self.header.dropped = self.header.dropped.saturating_add(1);
        match self.header.larger().filter(|_| self.header.is_full()) {
            Some(larger) => self.grow(larger),
            None => Ok(()),
        }
    }

    /// Replaces this table by a larger one.
    fn grow(&mut self, larger: SimilarityHeader) -> io::Result<()> {
        let (partial, file) = create_partial(&self.path)?;
        let mut to = BufWriter::with_capacity(1 << 20, &file);
        to.write_all(&larger.encode())?;
        self.pages.flush()?;
        let mut from = BufReader::with_capacity(1 << 20, &self.pages.file);
        from.seek(SeekFrom::Start(SimilarityHeader::BYTES as u64))?;
        let mut bucket: Bucket = [0; size_of::<Bucket>()];
        for _ in 0..1_u64 << self.header.bits {
            from.read_exact(&mut bucket)?;
            to.write_all(spread(&bucket, self.header, larger).as_flattened())?;
        }
        to.flush()?;
        drop(to);
        fs::rename(partial, &self.path)?;
        (self.pages, self.header) = (PageCache::new(file), larger);
        Ok(())
    }
}

impl Drop for FeatureTable {
    fn drop(&mut self) {
        let flushed = self.pages.flush();
        let _ = flushed.and_then(|()| self.pages.file.write_all_at(&self.header.encode(), 0));
    }
}

/// Reads the header of a file, if it is a table.
fn read_header(file: &File) -> Option<SimilarityHeader> {
    let mut bytes = [0; SimilarityHeader::BYTES];
    file.read_exact_at(&mut bytes, 0).ok()?;
    SimilarityHeader::decode(&bytes, file.metadata().ok()?.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splitmix::drawn;

    fn place(n: u64) -> Place {
        Place {
            pack: n as u32,
            offset: 7 * n as u32,
            item: (n % 60) as u16,
        }
    }

    #[test]
    fn similarity_table_finds_entries_after_growth() {
        let dir = tempfile::tempdir().unwrap();
        let mut table = FeatureTable::open(dir.path()).unwrap();
        for n in 0..40_000 {
            table.put(drawn(n), place(n)).unwrap();
        }
        assert!(table.header.bits > SimilarityHeader::first().bits + 2);
        let found = |table: &mut FeatureTable| {
            let is_right = |n: &u64| table.find(drawn(*n)).unwrap() == Some(place(*n));
            (0..40_000).filter(is_right).count()
        };
        let (before, bits) = (found(&mut table), table.header.bits);
        assert!(before > 30_000, "{before}");
        assert_eq!(table.find(drawn(99_999)).unwrap(), None);
        drop(table);
        let mut table = FeatureTable::open(dir.path()).unwrap();
        assert_eq!((found(&mut table), table.header.bits), (before, bits));
        // The newer entry wins.
        table.put(drawn(39_999), place(5)).unwrap();
        assert_eq!(table.find(drawn(39_999)).unwrap(), Some(place(5)));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn similarity_table_that_is_invalid_is_recreated() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("resemblance");
        let mut table = FeatureTable::open(dir.path()).unwrap();
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
            let mut table = FeatureTable::open(dir.path()).unwrap();
            assert_eq!(table.find(u64::MAX).unwrap(), None);
            drop(table);
            assert_eq!(
                fs::read(&path).unwrap().len() as u64,
                SimilarityHeader::first().table_bytes()
            );
        }
        // The buckets may contain any bytes.
        let mut noise = good.clone();
        for (n, byte) in noise.iter_mut().enumerate().skip(SimilarityHeader::BYTES) {
            *byte = (drawn(n as u64) >> 56) as u8;
        }
        fs::write(&path, &noise).unwrap();
        let mut table = FeatureTable::open(dir.path()).unwrap();
        for n in 0..20_000 {
            let _ = table.find(drawn(n)).unwrap();
            table.put(drawn(n), place(n)).unwrap();
        }
    }
}
