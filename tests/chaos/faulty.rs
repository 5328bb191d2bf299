//! A disk that fails at a chosen call and is otherwise the disk below it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use alimentar::store::disk::io::Disk;
use alimentar::store::disk::io::DiskFile;
use alimentar::store::disk::io::LockGuard;
use alimentar::store::disk::io::OpenMode;
use alimentar::store::disk::io::Share;
use alimentar::store::disk::io::Wait;

/// `EIO` of Linux.
pub const INPUT_OUTPUT: i32 = 5;
/// `ENOSPC` of Linux.
pub const NO_SPACE: i32 = 28;

/// The calls that fail, and their error.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    /// The number of the first call that fails, counted from zero.
    pub at: u64,
    /// The error number of the operating system.
    pub errno: i32,
    /// Set if all calls after it fail as well.
    pub is_lasting: bool,
}

#[derive(Debug, Default)]
struct Plan {
    calls: AtomicU64,
    failure: Option<Failure>,
}

impl Plan {
    /// Counts a call; fails where the plan says so. `grows` is whether the call may need space.
    fn call(&self, grows: bool) -> io::Result<()> {
        let Some(failure) = self.failure else {
            self.calls.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        };
        if failure.errno == NO_SPACE && !grows {
            return Ok(());
        }
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let fails = call == failure.at || failure.is_lasting && call > failure.at;
        if fails && std::env::var_os("CHAOS_TRACE").is_some() {
            eprintln!(
                "call {call} fails at\n{}",
                std::backtrace::Backtrace::force_capture()
            );
        }
        match fails {
            true => Err(io::Error::from_raw_os_error(failure.errno)),
            false => Ok(()),
        }
    }
}

/// The disk. Clones share the count of calls.
#[derive(Clone, Debug)]
pub struct FaultyDisk {
    below: Arc<dyn Disk>,
    plan: Arc<Plan>,
}

impl FaultyDisk {
    /// A disk that fails as told; `None` only counts calls.
    pub fn new(below: impl Disk + 'static, failure: Option<Failure>) -> Self {
        let calls = AtomicU64::new(0);
        Self {
            below: Arc::new(below),
            plan: Arc::new(Plan { calls, failure }),
        }
    }

    /// Returns the number of calls that the disk has counted.
    pub fn calls(&self) -> u64 {
        self.plan.calls.load(Ordering::Relaxed)
    }
}

impl Disk for FaultyDisk {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        self.plan.call(mode != OpenMode::Existing)?;
        let file = self.below.open(path, mode)?;
        let plan = self.plan.clone();
        Ok(Box::new(FaultyFile { file, plan }))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.plan.call(false)?;
        self.below.list(dir)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.plan.call(false)?;
        self.below.remove(path)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.plan.call(true)?;
        self.below.rename(from, to)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.plan.call(true)?;
        self.below.sync_dir(dir)
    }

    fn reserve(&self, path: &str, bytes: u64) -> io::Result<()> {
        self.plan.call(true)?;
        self.below.reserve(path, bytes)
    }

    fn lock(&self, path: &str, share: Share, wait: Wait) -> io::Result<Box<dyn LockGuard>> {
        self.plan.call(true)?;
        let lock = self.below.lock(path, share, wait)?;
        let plan = self.plan.clone();
        Ok(Box::new(FaultyLock { lock, plan }))
    }
}

#[derive(Debug)]
struct FaultyFile {
    file: Box<dyn DiskFile>,
    plan: Arc<Plan>,
}

impl DiskFile for FaultyFile {
    fn size(&self) -> io::Result<u64> {
        self.plan.call(false)?;
        self.file.size()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.plan.call(false)?;
        self.file.read_exact_at(buf, offset)
    }

    fn write_all_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        if let Err(error) = self.plan.call(true) {
            // A write that fails may have done a part of its work.
            if let Some(part) = data.get(..data.len() / 2) {
                self.file.write_all_at(part, offset)?;
            }
            return Err(error);
        }
        self.file.write_all_at(data, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.plan.call(true)?;
        self.file.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.plan.call(true)?;
        self.file.sync()
    }
}

#[derive(Debug)]
struct FaultyLock {
    lock: Box<dyn LockGuard>,
    plan: Arc<Plan>,
}

impl LockGuard for FaultyLock {
    fn load(&self) -> io::Result<u64> {
        self.plan.call(false)?;
        self.lock.load()
    }

    fn store(&self, value: u64) -> io::Result<()> {
        self.plan.call(true)?;
        self.lock.store(value)
    }
}
