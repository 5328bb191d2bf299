//! Write sessions: a session claims new blobs, appends them to a pack of its own, and commits. It syncs
//! pack bytes before the index names them, so a kill loses only uncommitted work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::thread::JoinHandle;

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::ident::BlobId;
use crate::locks::lock;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Table;
use crate::pack::Flags;
use crate::pack::Item;
use crate::pack::Record;
use crate::store::disk::BlobReader;
use crate::store::disk::DiskStore;
use crate::store::disk::EpochGuard;
use crate::store::disk::Unpacked;
use crate::store::disk::error::StoreError;
use crate::store::disk::index::rows;
use crate::store::disk::pack::file::PackFile;
use crate::store::disk::pack::location::Location;
use crate::store::disk::pack::reader::locate;
use crate::store::disk::pack::records::locations;
use crate::store::disk::pack::records::record_of_one;
#[cfg(feature = "registry")]
use crate::store::disk::session_rows::claimed_only;
use crate::store::disk::session_rows::is_held;
use crate::store::disk::session_rows::put_row;
use crate::store::disk::session_rows::put_rows;

/// Figures of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionStats {
    /// Raw bytes of new chunks.
    pub new_bytes: u64,
    /// Number of new chunks.
    pub new_chunks: u64,
    /// Bytes appended to packs.
    pub stored_bytes: u64,
}

/// A writer. The threads of a pipeline share it.
#[derive(Debug)]
pub struct WriteSession {
    store: DiskStore,
    /// Before the operation, so that its drop comes first and waits for the last write.
    state: Mutex<SessionState>,
    operation: EpochGuard,
}

#[derive(Debug, Default)]
struct SessionState {
    pack: Option<PackFile>,
    /// Claimed and uncommitted blobs; located once appended. Sorted as in the index.
    pending: BTreeMap<BlobKey, Option<Location>>,
    /// A full pack that becomes durable while the next one fills.
    sealing: Option<SealingPack>,
    stats: SessionStats,
}

/// Writes rows in the transaction of a checkpoint.
pub type AlsoRows = Box<dyn FnOnce(&mut dyn MetaWrite) -> Result<(), StoreError> + Send>;

/// A thread that syncs a pack and commits its rows.
#[derive(Debug)]
struct SealingPack {
    thread: Option<JoinHandle<Result<(), StoreError>>>,
    /// Blobs that stay pending until the thread is done.
    keys: Vec<BlobKey>,
}

impl SealingPack {
    fn wait(&mut self) -> Result<(), StoreError> {
        let panicked = |_| {
            let gone = std::io::Error::other("the thread that seals packs panicked");
            Err(StoreError::io("seal", "a pack", gone))
        };
        let thread = self.thread.take();
        thread.map_or(Ok(()), |t| t.join().unwrap_or_else(panicked))
    }
}

impl Drop for SealingPack {
    fn drop(&mut self) {
        // The operation must not end before its last write. Failed work is dropped anyhow.
        let _ = self.wait();
    }
}

/// A blob with a sequence number that the transaction itself writes.
#[derive(Clone, Debug)]
pub struct Entry {
    /// An envelope, a tombstone or a statement.
    pub kind: BlobKind,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// On an envelope: the local flags of its dataset.
    pub flags: Flags,
}

impl WriteSession {
    /// Begins a session, and with it an operation.
    ///
    /// # Errors
    /// [`StoreError`] when the home cannot be written.
    pub fn begin(store: &DiskStore) -> Result<Self, StoreError> {
        let operation = EpochGuard::begin(store)?;
        Ok(Self {
            store: store.clone(),
            operation,
            state: Mutex::default(),
        })
    }

    /// Claims blobs, and returns true for those that the caller must store: neither held nor claimed
    /// before in this session. The session cannot commit without them.
    ///
    /// # Errors
    /// [`StoreError`] when the index cannot be read.
    pub fn claim(&self, keys: &[BlobKey]) -> Result<Vec<bool>, StoreError> {
        let held = self.held(keys)?;
        let mut state = self.state();
        let fresh = keys.iter().zip(held).map(|(key, held)| {
            let fresh = !held && !state.pending.contains_key(key);
            if fresh {
                state.pending.insert(*key, None);
            }
            fresh
        });
        Ok(fresh.collect())
    }

    /// Appends a record of claimed blobs. It commits pending blobs whenever a pack is full.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full; nothing of the session will be visible.
    pub fn append(&self, record: &Record) -> Result<(), StoreError> {
        // Encoding hashes the payload, so it happens before the lock.
        let bytes = record.encode();
        let mut state = self.state();
        let is_delta = !record.bases.is_empty();
        self.append_bytes(&mut state, record.kind, &record.items, &bytes, is_delta)
    }

    /// Appends an encoded record from elsewhere that the caller has fully verified. It holds these
    /// claimed blobs, and is not a delta.
    ///
    /// # Errors
    /// As [`WriteSession::append`].
    pub fn append_encoded(
        &self,
        kind: BlobKind,
        items: &[Item],
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        self.append_bytes(&mut state, kind, items, bytes, false)
    }

    /// Returns the locations of those blobs that stay while the session lasts: held, or appended in it.
    /// Plain ones can be bases.
    ///
    /// # Errors
    /// [`StoreError`] when the index cannot be read.
    pub fn locate(&self, keys: &[BlobKey]) -> Result<Vec<Option<Location>>, StoreError> {
        let epoch = self.operation.epoch();
        let appended = self.appended(keys);
        let find = |t: &dyn MetaRead, key: &BlobKey, at: Option<Location>| match at {
            None if is_held(t, key, epoch)? => locate(t, key),
            at => Ok(at),
        };
        self.store.read(|t| {
            let pairs = keys.iter().zip(appended);
            pairs.map(|(key, at)| find(t, key, at)).collect()
        })
    }

    /// Returns the record at a location, which may be a delta against blobs of this session.
    ///
    /// # Errors
    /// As [`BlobReader::record`].
    pub(crate) fn unpack(
        &self,
        key: &BlobKey,
        at: &Location,
        reader: &BlobReader,
    ) -> Result<Arc<Unpacked>, StoreError> {
        reader.unpack_by(key, at, &|keys| {
            let appended = self.appended(keys);
            // A condemned base stays as long as a delta that needs it.
            let found = appended.into_iter().zip(reader.locate(keys)?);
            Ok(found.map(|(appended, held)| appended.or(held)).collect())
        })
    }

    /// Returns the locations of appended blobs not known to be in the index yet. Call it
    /// before the index.
    fn appended(&self, keys: &[BlobKey]) -> Vec<Option<Location>> {
        let state = self.state();
        keys.iter().map(|key| state.at(key)).collect()
    }

    /// Returns the location of a blob that this session appended.
    pub(crate) fn pending(&self, key: &BlobKey) -> Option<Location> {
        self.state().at(key)
    }

    /// Stores one blob unless it is held already.
    ///
    /// # Errors
    /// As [`WriteSession::append`].
    pub fn add(&self, kind: BlobKind, bytes: &[u8]) -> Result<BlobKey, StoreError> {
        let key = BlobKey {
            kind,
            id: BlobId::of(bytes),
        };
        if self.claim(&[key])?.contains(&true) {
            self.append_one(key, bytes)?;
        }
        Ok(key)
    }

    /// Appends one claimed blob.
    ///
    /// # Errors
    /// As [`WriteSession::append`].
    pub(crate) fn append_one(&self, key: BlobKey, bytes: &[u8]) -> Result<(), StoreError> {
        self.append(&record_of_one(key, bytes, 0, Flags::default())?)
    }

    /// Returns, for each blob, true if it is held or claimed in this session.
    ///
    /// # Errors
    /// [`StoreError`] when the index cannot be read.
    pub fn has(&self, keys: &[BlobKey]) -> Result<Vec<bool>, StoreError> {
        // First, because a claim that disappears is committed by then.
        let claimed: Vec<bool> = {
            let state = self.state();
            keys.iter().map(|k| state.pending.contains_key(k)).collect()
        };
        let held = self.held(keys)?.into_iter().zip(claimed);
        Ok(held.map(|(held, claimed)| held || claimed).collect())
    }

    /// Returns a blob that is held or was added in this session.
    ///
    /// # Errors
    /// [`StoreError`] when it is neither, or damaged.
    pub fn get(&self, key: &BlobKey, reader: &BlobReader) -> Result<Vec<u8>, StoreError> {
        let Some(at) = self.pending(key) else {
            return Ok(reader.get(key)?);
        };
        let corrupt = || StoreError::Blob(BlobError::Corrupt(*key));
        let record = self.unpack(key, &at, reader)?;
        let bytes = record.item(key, at.item).map(<[u8]>::to_vec);
        bytes.ok_or_else(corrupt)
    }

    /// Returns the store that it writes to.
    pub fn store(&self) -> &DiskStore {
        &self.store
    }

    /// Returns the figures so far.
    pub fn stats(&self) -> SessionStats {
        self.state().stats
    }

    /// Commits the session: all claimed blobs, and the rows and entries of `finish`, in one transaction.
    ///
    /// # Errors
    /// The error of `finish`, or [`StoreError`]; then nothing of this is visible.
    pub fn commit<T, E: From<StoreError>>(
        self,
        finish: impl FnOnce(&mut dyn MetaWrite, &mut Vec<Entry>) -> Result<T, E>,
    ) -> Result<T, E> {
        let Self {
            store,
            operation,
            state,
        } = self;
        let mut state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.sealed()?;
        if state.pack.is_none() {
            state.pack = Some(PackFile::claim(&store)?);
        }
        if let Some(pack) = &state.pack {
            pack.sync()?;
        }
        let done = store.write(|tables| {
            put_rows(tables, &state.pending)?;
            let mut entries = Vec::new();
            let value = finish(tables, &mut entries)?;
            if let Some(pack) = &mut state.pack {
                write_entries(tables, pack, &entries)?;
                pack.commit(tables)?;
            }
            Ok(value)
        });
        drop(operation);
        if done.is_ok() {
            store.keep_reserve();
        }
        done
    }

    /// Makes all that was appended so far durable and visible, with the rows of `also`, in one
    /// transaction. The session goes on.
    ///
    /// # Errors
    /// As [`WriteSession::commit`]; what was appended since the last checkpoint stays invisible.
    pub fn checkpoint<T, E: From<StoreError>>(
        &self,
        also: impl FnOnce(&mut dyn MetaWrite) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut state = self.state();
        state.sealed()?;
        if let Some(pack) = &state.pack {
            pack.sync()?;
        }
        let done = self.store.write(|tables| {
            put_rows(tables, &state.pending)?;
            let value = also(tables)?;
            if let Some(pack) = &state.pack {
                pack.commit(tables)?;
            }
            Ok::<_, E>(value)
        })?;
        // Claimed blobs that are not appended yet stay pending.
        state.pending.retain(|_, at| at.is_none());
        Ok(done)
    }

    /// Begins a checkpoint in the background. Its failure is the error of the next append or commit.
    ///
    /// # Errors
    /// The failure of the one before.
    pub fn begin_checkpoint(&self, also: AlsoRows) -> Result<(), StoreError> {
        let mut state = self.state();
        self.seal(&mut state, Some(also))
    }

    /// Waits until every blob that is claimed now has its bytes, which may be on their way in another
    /// thread. Returns false if such a thread failed.
    #[cfg(feature = "registry")]
    pub(crate) fn wait_for_claims(&self) -> bool {
        // Pause between two looks at claims that other threads are still storing, and the looks before they are given up.
        const PAUSE: std::time::Duration = std::time::Duration::from_millis(1);
        const LOOKS_MAX: u32 = 10_000;
        let mut open = claimed_only(&self.state().pending);
        for _ in 0..LOOKS_MAX {
            if open.is_empty() {
                return true;
            }
            std::thread::sleep(PAUSE);
            let state = self.state();
            open.retain(|key| matches!(state.pending.get(key), Some(None)));
        }
        open.is_empty()
    }

    fn held(&self, keys: &[BlobKey]) -> Result<Vec<bool>, StoreError> {
        let epoch = self.operation.epoch();
        self.store
            .read(|t| keys.iter().map(|k| is_held(t, k, epoch)).collect())
    }

    fn state(&self) -> MutexGuard<'_, SessionState> {
        lock(&self.state)
    }

    fn append_bytes(
        &self,
        state: &mut SessionState,
        kind: BlobKind,
        items: &[Item],
        bytes: &[u8],
        is_delta: bool,
    ) -> Result<(), StoreError> {
        let pack = match &mut state.pack {
            Some(pack) => pack,
            none => none.insert(PackFile::claim(&self.store)?),
        };
        let extent = pack.append_bytes(bytes)?;
        let number = pack.number();
        for (item, location) in locations(number, extent, items, is_delta) {
            state
                .pending
                .insert(BlobKey { kind, id: item.id }, Some(location));
            if kind == BlobKind::Chunk {
                state.stats.new_chunks += 1;
                state.stats.new_bytes += u64::from(item.raw_bytes);
            }
        }
        state.stats.stored_bytes += u64::from(extent.1);
        if state.pack.as_ref().is_some_and(PackFile::is_full) {
            self.seal(state, None)?;
        }
        Ok(())
    }

    /// Syncs and commits the pack in the background, with the rows of `also`. It bounds memory and keeps
    /// callers from waiting for the disk.
    fn seal(&self, state: &mut SessionState, also: Option<AlsoRows>) -> Result<(), StoreError> {
        let Some(pack) = state.pack.take() else {
            return Ok(());
        };
        state.sealed()?;
        let located = state.pending.iter();
        let rows: Vec<(BlobKey, Location)> = located
            .filter_map(|(key, at)| at.map(|at| (*key, at)))
            .collect();
        let keys = rows.iter().map(|(key, _)| *key).collect();
        let store = self.store.clone();
        let work = move || {
            pack.sync()?;
            store.write(|tables| {
                rows.iter()
                    .try_for_each(|(key, at)| put_row(tables, key, at))?;
                also.map_or(Ok(()), |also| also(tables))?;
                pack.commit(tables)
            })
        };
        state.sealing = Some(SealingPack {
            thread: Some(std::thread::spawn(work)),
            keys,
        });
        Ok(())
    }
}

impl SessionState {
    fn at(&self, key: &BlobKey) -> Option<Location> {
        self.pending.get(key).copied().flatten()
    }

    /// Waits until the previous pack is sealed. Blobs that are still being compressed, or were appended
    /// since, stay pending.
    fn sealed(&mut self) -> Result<(), StoreError> {
        if let Some(mut sealing) = self.sealing.take() {
            sealing.wait()?;
            for key in &sealing.keys {
                self.pending.remove(key);
            }
        }
        Ok(())
    }
}

/// Appends entries with the next sequence numbers and makes them durable, inside a transaction.
/// Tombstones come last, when the rest is durable: after a power cut, the pack must not hold one without
/// the manifest that replaces the removed one.
fn write_entries(
    tables: &mut dyn MetaWrite,
    pack: &mut PackFile,
    entries: &[Entry],
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let counter = tables.get(Table::Meta, rows::SEQUENCE_KEY)?;
    let mut sequence = rows::decode_counter(counter, Table::Meta)?;
    let is_tombstone = |entry: &&Entry| entry.kind == BlobKind::Tombstone;
    let others = entries.iter().filter(|e| !is_tombstone(e));
    let mut unsynced = false;
    for entry in others.chain(entries.iter().filter(is_tombstone)) {
        if unsynced && is_tombstone(&entry) {
            pack.sync()?;
        }
        unsynced = !is_tombstone(&entry);
        sequence += 1;
        let key = BlobKey {
            kind: entry.kind,
            id: BlobId::of(&entry.bytes),
        };
        let record = record_of_one(key, &entry.bytes, sequence, entry.flags)?;
        let extent = pack.append(&record)?;
        for (item, location) in locations(pack.number(), extent, &record.items, false) {
            let key = rows::blob_key(&BlobKey {
                kind: entry.kind,
                id: item.id,
            });
            tables.put(Table::Blobs, &key, &rows::encode_location(&location))?;
            tables.delete(Table::Condemned, &key)?;
        }
    }
    tables.put(Table::Meta, rows::SEQUENCE_KEY, &sequence.to_le_bytes())?;
    pack.sync()
}
