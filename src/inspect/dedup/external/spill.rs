//! Spill: storage for data that does not fit in memory. The only file of this module that uses a
//! disk.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Storage for runs of bytes that are read back later.
pub trait Spill: Sync {
    /// Starts a new run.
    ///
    /// # Errors
    /// Any I/O error of the storage.
    fn create(&self) -> io::Result<Box<dyn SpillRun>>;
}

/// A run of bytes: written once from front to back, then read as a whole. Dropping it deletes it.
pub trait SpillRun: Send {
    /// Appends bytes to the run.
    ///
    /// # Errors
    /// Any I/O error of the storage.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Passes the whole run to `sink`, piece by piece.
    ///
    /// # Errors
    /// Any I/O error of the storage.
    fn read_each(&mut self, sink: &mut dyn FnMut(&[u8])) -> io::Result<()>;
}

/// Spill in memory, without a limit: for data that is known to be small.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemorySpill;

impl Spill for MemorySpill {
    fn create(&self) -> io::Result<Box<dyn SpillRun>> {
        Ok(Box::new(Vec::new()))
    }
}

impl SpillRun for Vec<u8> {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn read_each(&mut self, sink: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        sink(self);
        Ok(())
    }
}

/// Spill in unnamed files of a private directory.
#[derive(Debug)]
pub struct DirectorySpill {
    directory: PathBuf,
    next: AtomicU64,
}

impl DirectorySpill {
    /// Creates a spill in `directory`, which must exist.
    pub fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            next: AtomicU64::new(0),
        }
    }
}

impl Spill for DirectorySpill {
    fn create(&self) -> io::Result<Box<dyn SpillRun>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.directory.join(format!("run-{number}"));
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .append(true)
            .create_new(true)
            .open(&path)?;
        // No other process opens the file. Without a name it disappears with this process.
        std::fs::remove_file(&path)?;
        Ok(Box::new(FileRun { file }))
    }
}

struct FileRun {
    file: File,
}

impl SpillRun for FileRun {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn read_each(&mut self, sink: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match self.file.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(n) => sink(piece.get(..n).unwrap_or_default()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}

/// Bytes per read.
const PIECE_BYTES: usize = 1 << 20;
