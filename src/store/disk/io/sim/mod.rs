//! A simulated disk for tests. It keeps apart what was written from what was synced, can lose
//! power before any change, fills up, and after a loss of power shows what a real disk may show:
//! everything synced, and any part of the rest.

mod files;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::store::disk::io::Disk;
use crate::store::disk::io::DiskFile;
use crate::store::disk::io::LockGuard;
use crate::store::disk::io::OpenMode;
use crate::store::disk::io::Share;
use crate::store::disk::io::Wait;

/// Writes reach the platter in pieces of this size, whole or not at all.
const SECTOR_BYTES: usize = 512;

/// A disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimDisk(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    unlocked: Condvar,
}

#[derive(Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    names_synced: BTreeMap<String, usize>,
    names_pending: Vec<NameChange>,
    changes: u64,
    reads: u64,
    power_cut_at: Option<u64>,
    fail_change_at: Option<(u64, io::ErrorKind)>,
    fail_read_at: Option<u64>,
    is_read_only: bool,
    capacity_bytes: Option<u64>,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    data: Vec<u8>,
    synced: Vec<u8>,
    pending: Vec<DataChange>,
    sharers: u32,
    owned: bool,
}

#[derive(Clone, Debug)]
enum DataChange {
    Write(usize, Vec<u8>),
    SetLen(usize),
}

#[derive(Clone, Debug)]
enum NameChange {
    Link(String, usize),
    Unlink(String),
    Rename(String, String),
}

/// Small, seeded, and good enough to choose which writes survive.
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides.max(1)
    }
}

impl SimDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many changes were made so far.
    pub(crate) fn changes(&self) -> u64 {
        self.state().changes
    }

    /// Power goes before the change of this number, counted from the first.
    pub(crate) fn cut_power_at(&self, change: u64) {
        self.state().power_cut_at = Some(change);
    }

    /// How many reads of files there were so far.
    pub(crate) fn reads(&self) -> u64 {
        self.state().reads
    }

    /// The change of this number, counted from the first, fails once.
    pub(crate) fn fail_change_at(&self, change: u64, kind: io::ErrorKind) {
        self.state().fail_change_at = Some((change, kind));
    }

    /// The read of this number, counted from the first, fails once.
    pub(crate) fn fail_read_at(&self, read: u64) {
        self.state().fail_read_at = Some(read);
    }

    /// Whether changes are refused from now on, as by a disk that is mounted so.
    pub(crate) fn make_read_only(&self, is_read_only: bool) {
        self.state().is_read_only = is_read_only;
    }

    /// How many bytes fit from now on; `None` for as many as you like.
    pub(crate) fn limit(&self, capacity_bytes: Option<u64>) {
        self.state().capacity_bytes = capacity_bytes;
    }

    /// Bytes of all files.
    pub(crate) fn used_bytes(&self) -> u64 {
        self.state().used_bytes()
    }

    /// The disk as a machine finds it that starts after a loss of power.
    pub(crate) fn after_power_cut(&self, dice: &mut Dice) -> Self {
        let state = self.state();
        let inodes = state.inodes.iter().map(|i| i.survived(dice)).collect();
        let mut names = state.names_synced.clone();
        for change in &state.names_pending {
            if dice.roll(2) == 0 {
                apply_name(&mut names, change);
            }
        }
        let survived = State {
            inodes,
            names_synced: names.clone(),
            names,
            ..State::default()
        };
        Self(Arc::new(Shared {
            state: Mutex::new(survived),
            unlocked: Condvar::new(),
        }))
    }
}

impl Inode {
    fn survived(&self, dice: &mut Dice) -> Self {
        let mut data = self.synced.clone();
        for change in &self.pending {
            match change {
                DataChange::SetLen(len) if dice.roll(2) == 0 => data.resize(*len, 0),
                DataChange::SetLen(_) => {}
                DataChange::Write(at, bytes) => match dice.roll(4) {
                    0 => {}
                    // Torn: some sectors of it.
                    1 => {
                        for (n, piece) in bytes.chunks(SECTOR_BYTES).enumerate() {
                            if dice.roll(2) == 0 {
                                write_at(&mut data, at + n * SECTOR_BYTES, piece);
                            }
                        }
                    }
                    _ => write_at(&mut data, *at, bytes),
                },
            }
        }
        Self {
            synced: data.clone(),
            data,
            ..Self::default()
        }
    }
}

fn write_at(data: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if data.len() < end {
        data.resize(end, 0);
    }
    data[at..end].copy_from_slice(bytes);
}

fn apply_name(names: &mut BTreeMap<String, usize>, change: &NameChange) {
    match change {
        NameChange::Link(path, inode) => {
            names.insert(path.clone(), *inode);
        }
        NameChange::Unlink(path) => {
            names.remove(path);
        }
        NameChange::Rename(from, to) => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
    }
}

impl State {
    fn used_bytes(&self) -> u64 {
        let inodes = self.names.values().filter_map(|n| self.inodes.get(*n));
        inodes.map(|i| i.data.len() as u64).sum()
    }

    fn alive(&self) -> io::Result<()> {
        match self.power_cut_at {
            Some(at) if self.changes >= at => Err(io::Error::other("no power")),
            _ => Ok(()),
        }
    }

    /// Counts a change, or refuses it when power is gone.
    fn change(&mut self) -> io::Result<()> {
        self.alive()?;
        if self.is_read_only {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        self.changes += 1;
        match self.fail_change_at {
            Some((at, kind)) if self.changes > at => {
                self.fail_change_at = None;
                Err(kind.into())
            }
            _ => Ok(()),
        }
    }

    /// Counts a read, or refuses it.
    fn read(&mut self) -> io::Result<()> {
        self.alive()?;
        self.reads += 1;
        match self.fail_read_at {
            Some(at) if self.reads > at => {
                self.fail_read_at = None;
                Err(io::Error::other("a bad sector"))
            }
            _ => Ok(()),
        }
    }

    fn rename_inode(&mut self, change: NameChange) {
        apply_name(&mut self.names, &change);
        self.names_pending.push(change);
    }

    fn make(&mut self, path: &str) -> io::Result<usize> {
        self.change()?;
        self.inodes.push(Inode::default());
        let inode = self.inodes.len() - 1;
        self.rename_inode(NameChange::Link(path.to_owned(), inode));
        Ok(inode)
    }

    fn grow(&mut self, inode: usize, len: usize) -> io::Result<()> {
        let more = len.saturating_sub(self.inodes[inode].data.len()) as u64;
        match self.capacity_bytes {
            Some(capacity) if more > 0 && self.used_bytes() + more > capacity => {
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }
}

fn dir_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

impl Disk for SimDisk {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.alive()?;
        let inode = match (state.names.get(path).copied(), mode) {
            (Some(_), OpenMode::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
            (None, OpenMode::Existing) => return Err(io::ErrorKind::NotFound.into()),
            (Some(inode), _) => inode,
            (None, _) => state.make(path)?,
        };
        let disk = self.clone();
        Ok(Box::new(SimFile { disk, inode }))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let state = self.state();
        state.alive()?;
        let inside = state.names.keys().filter(|path| dir_of(path) == dir);
        Ok(inside
            .map(|path| path.rsplit('/').next().unwrap_or(path).to_owned())
            .collect())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut state = self.state();
        state.change()?;
        if state.names.contains_key(path) {
            state.rename_inode(NameChange::Unlink(path.to_owned()));
        }
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.change()?;
        if !state.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.rename_inode(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = self.state();
        state.change()?;
        let pending = std::mem::take(&mut state.names_pending);
        for change in pending {
            let of = match &change {
                NameChange::Link(path, _) | NameChange::Unlink(path) => dir_of(path),
                NameChange::Rename(_, to) => dir_of(to),
            };
            if of == dir {
                apply_name(&mut state.names_synced, &change);
            } else {
                state.names_pending.push(change);
            }
        }
        Ok(())
    }

    fn lock(&self, path: &str, share: Share, wait: Wait) -> io::Result<Box<dyn LockGuard>> {
        let mut state = self.state();
        state.alive()?;
        let inode = match state.names.get(path).copied() {
            Some(inode) => inode,
            None => state.make(path)?,
        };
        loop {
            state.alive()?;
            let file = &mut state.inodes[inode];
            let free = !file.owned && (share == Share::Shared || file.sharers == 0);
            if free {
                match share {
                    Share::Shared => file.sharers += 1,
                    Share::Exclusive => file.owned = true,
                }
                let disk = self.clone();
                return Ok(Box::new(SimLock { disk, inode, share }));
            }
            if wait == Wait::No {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            state = self
                .0
                .unlocked
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn reserve(&self, path: &str, bytes: u64) -> io::Result<()> {
        let file = self.open(path, OpenMode::CreateNew)?;
        let reserved = file.set_len(bytes);
        if reserved.is_err() {
            self.remove(path)?;
        }
        reserved
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: usize,
}

impl DiskFile for SimFile {
    fn size(&self) -> io::Result<u64> {
        let state = self.disk.state();
        state.alive()?;
        Ok(state.inodes[self.inode].data.len() as u64)
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.read()?;
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = at.saturating_add(buf.len());
        let from = state.inodes[self.inode].data.get(at..end);
        buf.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_all_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.change()?;
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        state.grow(self.inode, at + data.len())?;
        let inode = &mut state.inodes[self.inode];
        write_at(&mut inode.data, at, data);
        inode.pending.push(DataChange::Write(at, data.to_vec()));
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.change()?;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        state.grow(self.inode, len)?;
        let inode = &mut state.inodes[self.inode];
        inode.data.resize(len, 0);
        inode.pending.push(DataChange::SetLen(len));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.change()?;
        let inode = &mut state.inodes[self.inode];
        inode.synced = inode.data.clone();
        inode.pending.clear();
        Ok(())
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    inode: usize,
    share: Share,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        let file = &mut state.inodes[self.inode];
        match self.share {
            Share::Shared => file.sharers -= 1,
            Share::Exclusive => file.owned = false,
        }
        self.disk.0.unlocked.notify_all();
    }
}

impl LockGuard for SimLock {
    fn load(&self) -> io::Result<u64> {
        let state = self.disk.state();
        let bytes = state.inodes[self.inode].data.get(..8);
        Ok(bytes
            .and_then(|b| b.try_into().ok())
            .map_or(0, u64::from_le_bytes))
    }

    fn store(&self, value: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.alive()?;
        if state.is_read_only {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        write_at(&mut state.inodes[self.inode].data, 0, &value.to_le_bytes());
        Ok(())
    }
}
