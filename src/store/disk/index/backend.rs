//! What redb reads from and writes to: a file of the home, or a file seen through an overlay.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use redb::StorageBackend;

use crate::store::disk::io::DiskFile;

/// The file itself. Locking is the business of `registry.lock`.
#[derive(Debug)]
pub(crate) struct FileBackend {
    file: Box<dyn DiskFile>,
}

impl FileBackend {
    pub(crate) fn new(file: Box<dyn DiskFile>) -> Self {
        Self { file }
    }
}

impl StorageBackend for FileBackend {
    fn len(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_all_at(data, offset)
    }
}

/// The file, with all writes kept in memory and forgotten in the end. redb writes a little even
/// when it is only read; a reader must not.
#[derive(Debug)]
pub(crate) struct OverlayBackend {
    file: Box<dyn DiskFile>,
    file_len: u64,
    overlay: RwLock<Overlay>,
    severed: Severed,
}

/// Set when the file is about to be, or was, changed by others: it is not looked at any more. A
/// database that is let go tidies up, and would take other bytes for its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Severed(Arc<AtomicBool>);

impl Severed {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn check(&self) -> io::Result<()> {
        match self.0.load(Ordering::Acquire) {
            true => Err(io::Error::other("the file has changed")),
            false => Ok(()),
        }
    }
}

#[derive(Debug)]
struct Overlay {
    len: u64,
    pages: BTreeMap<u64, Box<[u8; PAGE_BYTES]>>,
}

const PAGE_BYTES: usize = 4096;

impl OverlayBackend {
    pub(crate) fn new(file: Box<dyn DiskFile>) -> io::Result<Self> {
        let file_len = file.size()?;
        let overlay = RwLock::new(Overlay {
            len: file_len,
            pages: BTreeMap::new(),
        });
        Ok(Self {
            file,
            file_len,
            overlay,
            severed: Severed::default(),
        })
    }

    /// What ends all access to the file.
    pub(crate) fn severed(&self) -> Severed {
        self.severed.clone()
    }

    /// Fills `out` from the file, with zeros past its end.
    fn read_file(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let inside = self.file_len.saturating_sub(offset).min(out.len() as u64);
        let split = usize::try_from(inside).unwrap_or(out.len());
        let (head, tail) = out.split_at_mut(split);
        tail.fill(0);
        if head.is_empty() {
            Ok(())
        } else {
            self.file.read_exact_at(head, offset)
        }
    }
}

/// The parts of `[offset, offset + len)` that lie in one page each: page, where in the page, and
/// where in the buffer.
fn pages(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let page = PAGE_BYTES as u64;
    let mut done = 0;
    std::iter::from_fn(move || {
        (done < len).then(|| {
            let at = offset + done as u64;
            // Less than a page.
            let within = (at % page) as usize;
            let take = (PAGE_BYTES - within).min(len - done);
            let part = (at / page, within, done..done + take);
            done += take;
            part
        })
    })
}

impl StorageBackend for OverlayBackend {
    fn len(&self) -> io::Result<u64> {
        self.severed.check()?;
        Ok(self
            .overlay
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.severed.check()?;
        let overlay = self.overlay.read().unwrap_or_else(PoisonError::into_inner);
        if offset.saturating_add(out.len() as u64) > overlay.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read_file(offset, out)?;
        if overlay.pages.is_empty() {
            return Ok(());
        }
        for (page, within, range) in pages(offset, out.len()) {
            let to = out.get_mut(range);
            if let (Some(kept), Some(to)) = (overlay.pages.get(&page), to)
                && let Some(from) = kept.get(within..within + to.len())
            {
                to.copy_from_slice(from);
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.overlay
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.severed.check()?;
        let mut overlay = self.overlay.write().unwrap_or_else(PoisonError::into_inner);
        for (page, within, range) in pages(offset, data.len()) {
            if let Entry::Vacant(vacant) = overlay.pages.entry(page) {
                let mut fresh = Box::new([0; PAGE_BYTES]);
                self.read_file(page * PAGE_BYTES as u64, fresh.as_mut_slice())?;
                vacant.insert(fresh);
            }
            let to = overlay
                .pages
                .get_mut(&page)
                .and_then(|p| p.get_mut(within..within + range.len()));
            if let (Some(to), Some(from)) = (to, data.get(range)) {
                to.copy_from_slice(from);
            }
        }
        Ok(())
    }
}
