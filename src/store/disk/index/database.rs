//! The index database: redb, opened for one transaction at a time, so that processes take turns.
//!
//! Readers share `registry.lock`, and a writer holds it alone. Readers open the file through an overlay
//! that keeps redb's own housekeeping in memory, so a reader never changes a byte. The opened handle is
//! reused while the lock's generation number says that no process wrote in between.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use redb::Database;
use redb::ReadableDatabase;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::locks::lock;
use crate::meta_store::MetaError;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Table;
use crate::panics::caught;
use crate::store::disk::error::StoreError;
use crate::store::disk::index::backend::CutSwitch;
use crate::store::disk::index::backend::FileBackend;
use crate::store::disk::index::backend::OverlayBackend;
use crate::store::disk::index::rows;
use crate::store::disk::index::tables::RedbRead;
use crate::store::disk::index::tables::RedbWrite;
use crate::store::disk::index::tables::guarded;
use crate::store::disk::io::Disk;
use crate::store::disk::io::LockGuard;
use crate::store::disk::io::OpenMode;
use crate::store::disk::io::Share;
use crate::store::disk::io::Wait;
use crate::store::disk::layout;
use crate::store::disk::rebuild::old_index::OldIndex;

/// Cache size of redb, instead of its default of 1 GiB.
const CACHE_BYTES: usize = 48 << 20;

/// Writes the first rows of a new index, given the one that it replaces, if there is one.
pub(crate) type Fill<'a> =
    dyn Fn(&mut dyn MetaWrite, Option<&OldIndex<'_>>) -> Result<(), StoreError> + 'a;

/// The steps that create an index.
pub(crate) struct IndexBuild<'a> {
    /// Fills the new index.
    pub(crate) fill: &'a Fill<'a>,
    /// Removes files made for an index that is not put in place.
    pub(crate) undo: &'a dyn Fn(),
}

/// The tables of a home.
pub(crate) struct RedbMeta {
    disk: Arc<dyn Disk>,
    cached: Mutex<Option<Cached>>,
}

#[derive(Clone)]
struct Cached {
    generation: u64,
    database: Arc<Database>,
    severed: CutSwitch,
}

impl Cached {
    /// Drops a state that the file no longer has. No other code uses it: readers hold the lock that a
    /// writer waits for.
    fn release(self) {
        self.severed.set();
        // Its cleanup has no effect on the file.
        let _ = caught(|| drop(self));
    }
}

impl fmt::Debug for RedbMeta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbMeta")
            .field("disk", &self.disk)
            .finish_non_exhaustive()
    }
}

impl Drop for RedbMeta {
    fn drop(&mut self) {
        self.forget();
    }
}

impl RedbMeta {
    /// Makes a handle without opening the index.
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self {
            disk,
            cached: Mutex::new(None),
        }
    }

    /// Opens the index, or creates it where there is none. Returns true if it created it.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        making: &IndexBuild<'_>,
    ) -> Result<(Self, bool), StoreError> {
        let meta = Self::new(disk);
        let mut is_made = false;
        if meta.is_absent()? {
            let _alone = meta.without_collection()?;
            let _lock = meta.lock(Share::Exclusive)?;
            // Another process may have been faster.
            if meta.is_absent()? {
                meta.make(None, making)?;
                is_made = true;
            }
        }
        meta.read(|_| Ok::<(), StoreError>(()))?;
        Ok((meta, is_made))
    }

    pub(crate) fn read<T, E: From<StoreError>>(
        &self,
        view: impl FnOnce(&dyn MetaRead) -> Result<T, E>,
    ) -> Result<T, E> {
        // Where the file may not be written, redb's repair happens in memory.
        let mut in_memory = false;
        loop {
            let lock = self.lock(Share::Shared)?;
            let generation = lock.load().map_err(io_error("read"))?;
            let Some(database) = self.snapshot(generation, in_memory)? else {
                // A writer was killed: the file needs redb's repair, which writes.
                drop(lock);
                match self.write(|_| Ok::<(), StoreError>(())) {
                    Err(error) if error.is_of_writing() => in_memory = true,
                    other => other?,
                }
                continue;
            };
            let transaction = guarded(|| database.begin_read()).map_err(StoreError::from)?;
            return view(&RedbRead::on(transaction));
        }
    }

    pub(crate) fn write<T, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&mut dyn MetaWrite) -> Result<T, E>,
    ) -> Result<T, E> {
        let lock = self.lock(Share::Exclusive)?;
        let generation = lock.load().map_err(io_error("read"))?;
        // Before the first byte changes: after a kill, other processes must not trust their handles.
        lock.store(generation.wrapping_add(1))
            .map_err(io_error("write"))?;
        self.forget();
        let file = self
            .disk
            .open(layout::INDEX, OpenMode::Existing)
            .map_err(io_error("open"))?;
        let database = guarded(|| builder().create_with_backend(FileBackend::new(file)))
            .map_err(StoreError::from)?;
        let done = Self::change(&database, change);
        close(database);
        done
    }

    fn change<T, E: From<StoreError>>(
        database: &Database,
        change: impl FnOnce(&mut dyn MetaWrite) -> Result<T, E>,
    ) -> Result<T, E> {
        let found = check_version(database)?;
        let transaction = guarded(|| database.begin_write()).map_err(StoreError::from)?;
        let changed = {
            let mut tables = RedbWrite::on(&transaction);
            // A program that knows only the older version must not read what follows.
            let raised = if found < layout::STORE_VERSION {
                put_version(&mut tables).map_err(StoreError::from)
            } else {
                Ok(())
            };
            raised.map_err(E::from).and_then(|()| change(&mut tables))
        };
        match changed {
            Ok(value) => {
                guarded(|| transaction.commit()).map_err(StoreError::from)?;
                Ok(value)
            }
            Err(error) => {
                // The returned error matters more than a failed abort.
                let _ = guarded(|| transaction.abort());
                Err(error)
            }
        }
    }

    /// Checks every page of the index against redb's checksums.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let lock = self.lock(Share::Shared)?;
        let file = self
            .disk
            .open(layout::INDEX, OpenMode::Existing)
            .map_err(io_error("open"))?;
        let overlay = OverlayBackend::new(file).map_err(io_error("read"))?;
        let mut database = guarded(|| builder().create_with_backend(overlay))?;
        let check_result = guarded(|| database.check_integrity());
        close(database);
        drop(lock);
        if check_result? {
            Ok(())
        } else {
            Err(MetaError::Damaged.into())
        }
    }

    /// Replaces the index by a new one. The old one stays until the new one is durable.
    pub(crate) fn replace(&self, making: &IndexBuild<'_>) -> Result<(), StoreError> {
        let _alone = self.without_collection()?;
        let lock = self.lock(Share::Exclusive)?;
        let generation = lock.load().map_err(io_error("read"))?;
        lock.store(generation.wrapping_add(1))
            .map_err(io_error("write"))?;
        self.forget();
        let old = self.old()?;
        let tables = old.as_ref().map(|(read, is_whole)| OldIndex {
            tables: read,
            is_whole: *is_whole,
        });
        self.make(tables.as_ref(), making)
    }

    /// Takes the lock of collections, because a running one would rely on the old index.
    fn without_collection(&self) -> Result<Box<dyn LockGuard>, StoreError> {
        self.disk
            .lock(layout::GC_LOCK, Share::Exclusive, Wait::Yes)
            .map_err(|e| StoreError::io("lock", layout::GC_LOCK, e))
    }

    /// Returns the index to replace, and true if it is whole; `None` where it is absent or unreadable.
    /// The caller holds the lock alone.
    fn old(&self) -> Result<Option<(RedbRead, bool)>, StoreError> {
        if self.is_absent()? {
            return Ok(None);
        }
        let database = || {
            let file = self.disk.open(layout::INDEX, OpenMode::Existing);
            let file = file.map_err(io_error("open"))?;
            let overlay = OverlayBackend::new(file).map_err(io_error("read"))?;
            Ok::<_, StoreError>(guarded(|| builder().create_with_backend(overlay))?)
        };
        let check_result = database().and_then(|mut checked| {
            let is_sound = guarded(|| checked.check_integrity());
            let version = check_version(&checked);
            close(checked);
            let is_sound = is_sound?;
            version.map(|_| is_sound)
        });
        let is_whole = unless_damaged(check_result)?.unwrap_or(false);
        // Another handle: one that meets damage is left in any state.
        let read = database().and_then(|database| {
            let transaction = guarded(|| database.begin_read());
            close(database);
            Ok(RedbRead::on(transaction?))
        });
        let read = unless_damaged(read)?;
        Ok(read.map(|read| (read, is_whole)))
    }

    /// Creates an index beside the old one and renames it, so that none is ever half-made.
    fn make(&self, old: Option<&OldIndex<'_>>, making: &IndexBuild<'_>) -> Result<(), StoreError> {
        let partial = format!("{}.new", layout::INDEX);
        let made = self.make_partial(&partial, old, making).and_then(|()| {
            let renamed = self.disk.rename(&partial, layout::INDEX);
            renamed.map_err(io_error("rename"))
        });
        if let Err(error) = made {
            // The returned error matters more than a leftover.
            let _ = self.disk.remove(&partial);
            (making.undo)();
            return Err(error);
        }
        self.disk.sync_dir("").map_err(io_error("sync"))
    }

    fn make_partial(
        &self,
        partial: &str,
        old: Option<&OldIndex<'_>>,
        making: &IndexBuild<'_>,
    ) -> Result<(), StoreError> {
        let open = || {
            let file = self.disk.open(partial, OpenMode::Create);
            file.map_err(|e| StoreError::io("create", partial, e))
        };
        let file = open()?;
        file.set_len(0)
            .map_err(|e| StoreError::io("create", partial, e))?;
        {
            let database = guarded(|| builder().create_with_backend(FileBackend::new(file)))?;
            let transaction = guarded(|| database.begin_write())?;
            {
                let mut tables = RedbWrite::on(&transaction);
                put_version(&mut tables)?;
                (making.fill)(&mut tables, old)?;
            }
            guarded(|| transaction.commit())?;
        }
        // The database writes when it closes; that must be durable too before the old index goes.
        open()?
            .sync()
            .map_err(|e| StoreError::io("sync", partial, e))
    }

    /// Returns true if there is no index. An unreachable one, such as a link to an absent disk,
    /// is not absent.
    fn is_absent(&self) -> Result<bool, StoreError> {
        match self.disk.open(layout::INDEX, OpenMode::Existing) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let names = self.disk.list("").map_err(io_error("open"))?;
                if names.iter().any(|name| name == layout::INDEX) {
                    Err(io_error("open")(e))
                } else {
                    Ok(true)
                }
            }
            other => other.map(|_| false).map_err(io_error("open")),
        }
    }

    fn lock(&self, share: Share) -> Result<Box<dyn LockGuard>, StoreError> {
        self.disk
            .lock(layout::INDEX_LOCK, share, Wait::Yes)
            .map_err(|e| StoreError::io("lock", layout::INDEX_LOCK, e))
    }

    fn forget(&self) {
        let mut cached = lock(&self.cached);
        if let Some(stale) = cached.take() {
            stale.release();
        }
    }

    /// Returns a handle on the current index; `None` when a killed writer left it in need of repair.
    fn snapshot(
        &self,
        generation: u64,
        may_repair: bool,
    ) -> Result<Option<Arc<Database>>, StoreError> {
        let mut cached = lock(&self.cached);
        if let Some(c) = cached.as_ref().filter(|c| c.generation == generation) {
            return Ok(Some(c.database.clone()));
        }
        if let Some(stale) = cached.take() {
            stale.release();
        }
        let file = self
            .disk
            .open(layout::INDEX, OpenMode::Existing)
            .map_err(io_error("open"))?;
        let overlay = OverlayBackend::new(file).map_err(io_error("read"))?;
        let severed = overlay.cut_switch();
        let repaired = Arc::new(AtomicBool::new(false));
        let saw_repair = repaired.clone();
        let mut builder = builder();
        if !may_repair {
            builder.set_repair_callback(move |session| {
                saw_repair.store(true, Ordering::Relaxed);
                session.abort();
            });
        }
        let opened = guarded(|| builder.create_with_backend(overlay));
        if repaired.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let database = opened?;
        if let Err(error) = check_version(&database) {
            close(database);
            return Err(error);
        }
        let database = Arc::new(database);
        *cached = Some(Cached {
            generation,
            database: database.clone(),
            severed,
        });
        Ok(Some(database))
    }
}

/// Closes a database. In a damaged file that may make redb panic as any other call does. The committed
/// data is durable by then.
fn close(database: Database) {
    let _ = caught(|| drop(database));
}

/// Turns damage into `None`; other failures stay errors.
fn unless_damaged<T>(result: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::Integrity => Ok(None),
        Err(error) => Err(error),
    }
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

fn put_version(tables: &mut dyn MetaWrite) -> Result<(), MetaError> {
    let version = layout::STORE_VERSION.to_le_bytes();
    tables.put(Table::Meta, rows::VERSION_KEY, &version)
}

/// Returns the version of an index, if this program can read it.
fn check_version(database: &Database) -> Result<u32, StoreError> {
    let transaction = guarded(|| database.begin_read())?;
    let read = RedbRead::on(transaction);
    let row = read.get(Table::Meta, rows::VERSION_KEY)?;
    let found = row.and_then(|v| v.try_into().ok()).map(u32::from_le_bytes);
    match found {
        Some(found) if found > layout::STORE_VERSION => Err(StoreError::Newer {
            found,
            known: layout::STORE_VERSION,
        }),
        Some(found) => Ok(found),
        None => Err(MetaError::Damaged.into()),
    }
}

fn io_error(action: &'static str) -> impl Fn(std::io::Error) -> StoreError {
    move |e| StoreError::io(action, layout::INDEX, e)
}
