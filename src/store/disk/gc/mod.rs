//! Garbage collection: mark the blobs of datasets, condemn the rest, wait for operations that may have
//! found it before, mark again, sweep, and compact the packs.
//! It is safe to kill at any instant and safe beside every other operation; `spec/store-layout.md` gives
//! the argument.
//!
//! - `mark`, `bases`: live blobs; `sweep`: condemned blobs and their rows
//! - `survey`, `compact`: garbage of packs, and its removal

mod bases;
mod compact;
mod mark;
mod survey;
mod sweep;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::blob_store::BlobKey;
use crate::meta_store::MetaRead;
use crate::progress::Progress;
use crate::store::disk::DiskStore;
use crate::store::disk::LockGuard;
use crate::store::disk::Span;
use crate::store::disk::error::StoreError;
use crate::store::disk::gc::bases::RetainedBases;
use crate::store::disk::io::Share;
use crate::store::disk::io::Wait;
use crate::store::disk::layout;

/// Returns the roots from one view of the tables: blobs, and trees by their root nodes.
pub type Roots<'a> = dyn Fn(&dyn MetaRead) -> Result<RootSet, StoreError> + 'a;

/// The roots of a collection.
#[derive(Debug, Default)]
pub struct RootSet {
    /// Roots of datasets. An unreadable tree ends the collection.
    pub needed: Vec<BlobKey>,
    /// Roots of removed datasets that can still be restored. An incomplete one is collected.
    pub restorable: Vec<Restorable>,
}

impl From<Vec<BlobKey>> for RootSet {
    fn from(needed: Vec<BlobKey>) -> Self {
        Self {
            needed,
            restorable: Vec::new(),
        }
    }
}

/// A removed dataset that a user can still restore.
#[derive(Debug)]
pub struct Restorable {
    /// Its blobs, and its trees by their root nodes.
    pub roots: Vec<BlobKey>,
    /// The end of that time, in seconds since the Unix epoch.
    pub until: i64,
}

/// Default number of days for which a removed dataset can be restored.
pub const KEEP_DAYS: u32 = 7;

/// Options of a collection.
#[derive(Clone, Copy, Debug)]
pub struct GcOptions {
    /// Only report the effect.
    pub dry_run: bool,
    /// Maximum wait for operations that began before the marks. The next collection handles what they
    /// may still need.
    pub patience: Duration,
    /// Also drop byte ranges that a rebuild of the index could not read.
    pub discard_unreadable: bool,
    /// Days for which a removed dataset can be restored. The roots depend on it.
    pub keep_days: u32,
}

impl Default for GcOptions {
    fn default() -> Self {
        Self {
            dry_run: false,
            patience: Duration::from_secs(2),
            discard_unreadable: false,
            keep_days: KEEP_DAYS,
        }
    }
}

/// The reason why a collection left work to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deferred {
    /// Another collection is running.
    AnotherCollection,
    /// An earlier operation is still running.
    OperationsUnderWay,
    /// Unreadable ranges of packs may hold a manifest, so the needed blobs are unknown.
    Unreadable,
    /// There was no room to move needed blobs out of packs with garbage.
    NoRoom,
}

/// The effect of a collection, real or intended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Bytes in packs that datasets need.
    pub live_bytes: u64,
    /// Bytes freed on disk.
    pub freed_bytes: u64,
    /// Number of packs without needed blobs.
    pub packs_removed: u64,
    /// Number of packs whose needed records were moved.
    pub packs_rewritten: u64,
    /// Bytes in packs that only restorable datasets need.
    pub kept_back_bytes: u64,
    /// Number of restorable datasets.
    pub kept_back_datasets: u64,
    /// The time when the last of these expires, in seconds since the Unix epoch.
    pub kept_back_until: Option<i64>,
    /// The reason why work was left to the next collection.
    pub deferred: Option<Deferred>,
}

impl GcReport {
    fn with_kept_back(self, kept_back: RestorableData) -> Self {
        Self {
            kept_back_bytes: kept_back.bytes,
            kept_back_datasets: kept_back.datasets,
            kept_back_until: kept_back.until,
            ..self
        }
    }
}

/// Removed datasets that a collection keeps.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RestorableData {
    pub bytes: u64,
    pub datasets: u64,
    pub until: Option<i64>,
}

/// Packs with unreadable ranges.
#[derive(Debug, Default)]
struct UnreadablePacks {
    packs: BTreeSet<u32>,
    /// Set if they are handled like any other, and their garbage goes.
    is_discarded: bool,
}

impl UnreadablePacks {
    /// Returns true if the pack must stay as it is.
    fn keeps(&self, pack: u32) -> bool {
        !self.is_discarded && self.packs.contains(&pack)
    }

    /// Returns true if the pack must go, however little garbage it has.
    fn discards(&self, pack: u32) -> bool {
        self.is_discarded && self.packs.contains(&pack)
    }
}

impl DiskStore {
    /// Removes the blobs that no root needs and frees their space.
    ///
    /// # Errors
    /// [`StoreError`] when a root's tree is damaged (nothing is removed then), or the disk fails.
    pub fn gc(
        &self,
        roots: &Roots<'_>,
        options: &GcOptions,
        progress: &dyn Progress,
    ) -> Result<GcReport, StoreError> {
        self.gc_after(&|| Ok(()), roots, options, progress)
    }

    /// Collects as [`DiskStore::gc`], and calls `begin` once the collection is certain to run, before it
    /// asks for the roots. A dry run does not call it.
    ///
    /// # Errors
    /// As [`DiskStore::gc`], and the error of `begin`.
    pub fn gc_after(
        &self,
        begin: &dyn Fn() -> Result<(), StoreError>,
        roots: &Roots<'_>,
        options: &GcOptions,
        progress: &dyn Progress,
    ) -> Result<GcReport, StoreError> {
        // A dry run works where nothing can be written.
        let share = if options.dry_run {
            Share::Shared
        } else {
            Share::Exclusive
        };
        let turn = self.disk.lock(layout::GC_LOCK, share, Wait::No);
        let turn = match turn {
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {
                return Ok(GcReport {
                    deferred: Some(Deferred::AnotherCollection),
                    ..GcReport::default()
                });
            }
            other => other.map_err(|e| StoreError::io("lock", layout::GC_LOCK, e))?,
        };
        let turn: Arc<dyn LockGuard> = turn.into();
        let mut trimmed_bytes = 0;
        if !options.dry_run {
            // First the step that does not write to the index: the disk may be full.
            trimmed_bytes = self.trim_all()?;
        }
        let unreadable = self.unreadable()?;
        let keeps_all = unreadable.iter().any(Span::may_hide_datasets);
        if keeps_all && !options.discard_unreadable {
            return Ok(GcReport {
                freed_bytes: trimmed_bytes,
                deferred: Some(Deferred::Unreadable),
                ..GcReport::default()
            });
        }
        let kept = UnreadablePacks {
            packs: unreadable.iter().map(|span| span.pack).collect(),
            is_discarded: options.discard_unreadable,
        };
        if !options.dry_run {
            begin()?;
        }
        progress.phase("marking", None);
        let live = mark::mark(self, roots, RetainedBases::Needed, &turn)?;
        let kept_back = live.kept_back;
        if options.dry_run {
            let report = self.dry_run_report(&live, &kept)?;
            return Ok(report.with_kept_back(kept_back));
        }
        if progress.cancelled() {
            return Err(StoreError::Interrupted);
        }
        sweep::condemn(self, &live)?;
        drop(live);
        if !self.wait_for_earlier_operations(options.patience)? {
            return Ok(GcReport {
                freed_bytes: trimmed_bytes,
                deferred: Some(Deferred::OperationsUnderWay),
                ..GcReport::default().with_kept_back(kept_back)
            });
        }
        // Marking again finds the blobs that an earlier operation took into use.
        progress.phase("sweeping", None);
        let live = mark::mark(self, roots, RetainedBases::NotCondemned, &turn)?;
        sweep::sweep(self, &live)?;
        drop(live);
        progress.phase("compacting", None);
        let mut report = self.compact(&kept, (options.patience, &turn), progress)?;
        report.freed_bytes += trimmed_bytes;
        self.forget_unreadable(&kept)?;
        Ok(report.with_kept_back(kept_back))
    }

    /// Waits until all operations running now have ended, and removes files of dead ones. Returns
    /// `false` if they do not end within `patience`.
    fn wait_for_earlier_operations(&self, patience: Duration) -> Result<bool, StoreError> {
        let fail = |e| StoreError::io("read", layout::OPERATIONS_DIR, e);
        let mut earlier = self.disk.list(layout::OPERATIONS_DIR).map_err(fail)?;
        let started = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            let mut still = Vec::new();
            for name in earlier {
                let path = format!("{}/{name}", layout::OPERATIONS_DIR);
                match self.disk.lock(&path, Share::Exclusive, Wait::No) {
                    Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => still.push(name),
                    Err(e) => return Err(StoreError::io("lock", path, e)),
                    // It has ended, or its process is dead.
                    Ok(_lock) => self.disk.remove(&path).map_err(fail)?,
                }
            }
            if still.is_empty() {
                return Ok(true);
            }
            if started.elapsed() >= patience {
                return Ok(false);
            }
            earlier = still;
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}
