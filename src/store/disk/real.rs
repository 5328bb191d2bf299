//! The real disk: positioned reads and writes, fdatasync, and flock. Open-file locks, not lock
//! files: they end with the process, so no stale lock can outlive a crash.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::FlockOperation;

use crate::store::disk::io::Disk;
use crate::store::disk::io::DiskFile;
use crate::store::disk::io::LockGuard;
use crate::store::disk::io::OpenMode;
use crate::store::disk::io::Share;
use crate::store::disk::io::Wait;
use crate::store::disk::layout;

/// A home directory on a real file system.
#[derive(Debug)]
pub struct RealDisk {
    home: PathBuf,
}

impl RealDisk {
    /// Makes the home and its directories, readable by their owner alone.
    ///
    /// # Errors
    /// As the operating system.
    pub fn open(home: &Path) -> io::Result<Self> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        for dir in ["", layout::PACKS_DIR, layout::OPERATIONS_DIR] {
            builder.create(home.join(dir))?;
        }
        Ok(Self {
            home: home.to_owned(),
        })
    }
}

impl Disk for RealDisk {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        match mode {
            OpenMode::Existing => &mut options,
            OpenMode::Create => options.create(true).truncate(false),
            OpenMode::CreateNew => options.create_new(true),
        };
        Ok(Box::new(RealFile(options.open(self.home.join(path))?)))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(self.home.join(dir)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        // Names that are not UTF-8 are none of the store's.
        entries
            .filter_map(|e| e.map(|e| e.file_name().into_string().ok()).transpose())
            .collect()
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        match std::fs::remove_file(self.home.join(path)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.home.join(from), self.home.join(to))
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        File::open(self.home.join(dir))?.sync_all()
    }

    fn lock(&self, path: &str, share: Share, wait: Wait) -> io::Result<Box<dyn LockGuard>> {
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600);
        let file = options.open(self.home.join(path))?;
        let operation = match (share, wait) {
            (Share::Shared, Wait::Yes) => FlockOperation::LockShared,
            (Share::Shared, Wait::No) => FlockOperation::NonBlockingLockShared,
            (Share::Exclusive, Wait::Yes) => FlockOperation::LockExclusive,
            (Share::Exclusive, Wait::No) => FlockOperation::NonBlockingLockExclusive,
        };
        loop {
            match rustix::fs::flock(&file, operation) {
                Err(rustix::io::Errno::INTR) => {}
                other => break other?,
            }
        }
        Ok(Box::new(RealLock(file)))
    }
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buf, offset)
    }

    fn write_all_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// The lock goes when the file is closed.
#[derive(Debug)]
struct RealLock(File);

impl LockGuard for RealLock {
    fn load(&self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        match self.0.read_exact_at(&mut bytes, 0) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            other => other.map(|()| u64::from_le_bytes(bytes)),
        }
    }

    fn store(&self, value: u64) -> io::Result<()> {
        self.0.write_all_at(&value.to_le_bytes(), 0)
    }
}
