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

use rustix::fs::FallocateFlags;
use rustix::fs::FlockOperation;

use crate::store::disk::io::Disk;
use crate::store::disk::io::DiskFile;
use crate::store::disk::io::LockGuard;
use crate::store::disk::io::OpenMode;
use crate::store::disk::io::Share;
use crate::store::disk::io::Wait;
use crate::store::disk::io::is_refused;
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
        builder.create(home)?;
        for dir in [layout::PACKS_DIR, layout::OPERATIONS_DIR] {
            match builder.create(home.join(dir)) {
                // Who only reads needs neither.
                Err(e) if is_refused(&e) => {}
                other => other?,
            }
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
        let opened = open_file(&options, &self.home.join(path), mode != OpenMode::CreateNew)?;
        Ok(Box::new(RealFile(opened)))
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
        let opened = match open_file(&options, &self.home.join(path), true) {
            Err(e) if share == Share::Shared && is_refused(&e) => {
                return Ok(Box::new(RealLock(None)));
            }
            other => other?,
        };
        let operation = match (share, wait) {
            (Share::Shared, Wait::Yes) => FlockOperation::LockShared,
            (Share::Shared, Wait::No) => FlockOperation::NonBlockingLockShared,
            (Share::Exclusive, Wait::Yes) => FlockOperation::LockExclusive,
            (Share::Exclusive, Wait::No) => FlockOperation::NonBlockingLockExclusive,
        };
        loop {
            match rustix::fs::flock(&opened.file, operation) {
                Err(rustix::io::Errno::INTR) => {}
                other => break other?,
            }
        }
        Ok(Box::new(RealLock(Some(opened))))
    }

    fn reserve(&self, path: &str, bytes: u64) -> io::Result<()> {
        let full = self.home.join(path);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = options.open(&full)?;
        let allocated = rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, bytes);
        let done = match allocated {
            Ok(()) => Ok(()),
            Err(rustix::io::Errno::OPNOTSUPP) => {
                let zeros = vec![0; usize::try_from(bytes).unwrap_or(0)];
                file.write_all_at(&zeros, 0)
            }
            Err(other) => Err(other.into()),
        };
        if done.is_err() {
            // The error that is being returned matters more.
            let _ = std::fs::remove_file(&full);
        }
        done
    }
}

/// An open file, and why it cannot be written to, if so.
#[derive(Debug)]
struct Opened {
    file: File,
    refused: Option<io::ErrorKind>,
}

impl Opened {
    fn for_writing(&self) -> io::Result<&File> {
        match self.refused {
            Some(kind) => Err(kind.into()),
            None => Ok(&self.file),
        }
    }
}

/// Opens a plain file, for reading alone where writing is refused and that is enough.
fn open_file(options: &OpenOptions, path: &Path, or_read: bool) -> io::Result<Opened> {
    let (file, refused) = match options.open(path) {
        Err(e) if or_read && is_refused(&e) => {
            let mut reading = OpenOptions::new();
            // A pipe would wait for a writer.
            let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
            reading.read(true).custom_flags(nonblock);
            // What is not there, or not to be read either, is refused as it was.
            let Ok(file) = reading.open(path) else {
                return Err(e);
            };
            (file, Some(e.kind()))
        }
        other => (other?, None),
    };
    if !file.metadata()?.is_file() {
        let not_plain = "it is not a plain file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, not_plain));
    }
    Ok(Opened { file, refused })
}

#[derive(Debug)]
struct RealFile(Opened);

impl DiskFile for RealFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.file.metadata()?.len())
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.file.read_exact_at(buf, offset)
    }

    fn write_all_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        self.0.for_writing()?.write_all_at(data, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.for_writing()?.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.for_writing()?.sync_data()
    }
}

/// The lock goes when the file is closed; none where there is no file, and none may be made.
#[derive(Debug)]
struct RealLock(Option<Opened>);

impl LockGuard for RealLock {
    fn load(&self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        let Some(opened) = &self.0 else { return Ok(0) };
        match opened.file.read_exact_at(&mut bytes, 0) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            other => other.map(|()| u64::from_le_bytes(bytes)),
        }
    }

    fn store(&self, value: u64) -> io::Result<()> {
        match &self.0 {
            Some(opened) => opened.for_writing()?.write_all_at(&value.to_le_bytes(), 0),
            None => Err(io::ErrorKind::PermissionDenied.into()),
        }
    }
}
