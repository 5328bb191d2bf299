//! Where that goes for which there is no room in memory. The only file here that knows of disks.

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

/// A place for runs of bytes that are needed later.
pub trait Spill: Sync {
    /// Begins a run.
    ///
    /// # Errors
    /// What the place says.
    fn create(&self) -> io::Result<Box<dyn SpillRun>>;
}

/// A run of bytes: written from front to back, then read as a whole. It goes with its owner.
pub trait SpillRun: Send {
    /// Puts bytes behind those that are there.
    ///
    /// # Errors
    /// What the place says.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Shows all of them to `sink`, piece by piece.
    ///
    /// # Errors
    /// What the place says.
    fn read_each(&mut self, sink: &mut dyn FnMut(&[u8])) -> io::Result<()>;
}

/// Keeps runs in memory, beyond any budget: for data that is known to be small.
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

/// Keeps runs in files of a directory that nobody else uses, which have no names.
#[derive(Debug)]
pub struct DirectorySpill {
    directory: PathBuf,
    next: AtomicU64,
}

impl DirectorySpill {
    /// Files go into this directory, which exists.
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
        // Nobody else opens it, and without a name it goes when this process does.
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

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 1 << 20;
