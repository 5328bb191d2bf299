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

use crate::chunk::similarity::Bucket;
use crate::chunk::similarity::Place;
use crate::chunk::similarity::ResemblanceHeader;
use crate::chunk::similarity::find_in;
use crate::chunk::similarity::put_into;
use crate::chunk::similarity::spread;
use crate::registry::cache::files::create_aside;
use crate::registry::cache::files::make_directory;
use crate::registry::delta::similarity::page_cache::Pages;

/// A table of super-features in a file.
pub(in crate::registry::delta::similarity) struct Table {
    pages: Pages,
    path: PathBuf,
    header: ResemblanceHeader,
}

impl Table {
    /// The table in this directory, begun where there is none that can be read.
    pub(in crate::registry::delta::similarity) fn open(directory: &Path) -> io::Result<Self> {
        make_directory(directory)?;
        let path = directory.join("resemblance");
        if let Ok(file) = File::options().read(true).write(true).open(&path)
            && let Some(header) = read_header(&file)
        {
            return Ok(Self {
                pages: Pages::new(file),
                path,
                header,
            });
        }
        let (aside, file) = create_aside(&path)?;
        let header = ResemblanceHeader::first();
        file.write_all_at(&header.encode(), 0)?;
        file.set_len(header.table_bytes())?;
        fs::rename(aside, &path)?;
        Ok(Self {
            pages: Pages::new(file),
            path,
            header,
        })
    }

    pub(in crate::registry::delta::similarity) fn find(
        &mut self,
        feature: u64,
    ) -> io::Result<Option<Place>> {
        let at = self.header.bucket_at(feature);
        Ok(find_in(self.pages.read(at)?, feature))
    }

    pub(in crate::registry::delta::similarity) fn put(
        &mut self,
        feature: u64,
        place: Place,
    ) -> io::Result<()> {
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

    /// Puts a larger table in the place of this one.
    fn grow(&mut self, larger: ResemblanceHeader) -> io::Result<()> {
        let (aside, file) = create_aside(&self.path)?;
        let mut to = BufWriter::with_capacity(1 << 20, &file);
        to.write_all(&larger.encode())?;
        self.pages.flush()?;
        let mut from = BufReader::with_capacity(1 << 20, &self.pages.file);
        from.seek(SeekFrom::Start(ResemblanceHeader::BYTES as u64))?;
        let mut bucket: Bucket = [0; size_of::<Bucket>()];
        for _ in 0..1_u64 << self.header.bits {
            from.read_exact(&mut bucket)?;
            to.write_all(spread(&bucket, self.header, larger).as_flattened())?;
        }
        to.flush()?;
        drop(to);
        fs::rename(aside, &self.path)?;
        (self.pages, self.header) = (Pages::new(file), larger);
        Ok(())
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        let flushed = self.pages.flush();
        let _ = flushed.and_then(|()| self.pages.file.write_all_at(&self.header.encode(), 0));
    }
}

/// That of a file that is a table.
fn read_header(file: &File) -> Option<ResemblanceHeader> {
    let mut bytes = [0; ResemblanceHeader::BYTES];
    file.read_exact_at(&mut bytes, 0).ok()?;
    ResemblanceHeader::decode(&bytes, file.metadata().ok()?.len())
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
    fn what_was_put_is_found_through_growth_and_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut table = Table::open(dir.path()).unwrap();
        for n in 0..40_000 {
            table.put(drawn(n), place(n)).unwrap();
        }
        assert!(table.header.bits > ResemblanceHeader::first().bits + 2);
        let found = |table: &mut Table| {
            let is_right = |n: &u64| table.find(drawn(*n)).unwrap() == Some(place(*n));
            (0..40_000).filter(is_right).count()
        };
        let (before, bits) = (found(&mut table), table.header.bits);
        assert!(before > 30_000, "{before}");
        assert_eq!(table.find(drawn(99_999)).unwrap(), None);
        drop(table);
        let mut table = Table::open(dir.path()).unwrap();
        assert_eq!((found(&mut table), table.header.bits), (before, bits));
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
            assert_eq!(
                fs::read(&path).unwrap().len() as u64,
                ResemblanceHeader::first().table_bytes()
            );
        }
        // Anything may be in the buckets.
        let mut noise = good.clone();
        for (n, byte) in noise.iter_mut().enumerate().skip(ResemblanceHeader::BYTES) {
            *byte = (drawn(n as u64) >> 56) as u8;
        }
        fs::write(&path, &noise).unwrap();
        let mut table = Table::open(dir.path()).unwrap();
        for n in 0..20_000 {
            let _ = table.find(drawn(n)).unwrap();
            table.put(drawn(n), place(n)).unwrap();
        }
    }
}
