//! Garbage collection: mark what datasets need, condemn the rest, wait for whoever may have found
//! it before, mark again, sweep, and give the space of packs back. Safe to kill at any instant
//! and safe beside every other operation; `spec/store-layout.md` gives the argument.

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

/// Names what may not be removed, from one view of the tables: blobs, and trees by their roots.
pub type Roots<'a> = dyn Fn(&dyn MetaRead) -> Result<Rooted, StoreError> + 'a;

/// What a collection leaves.
#[derive(Debug, Default)]
pub struct Rooted {
    /// What datasets need. A tree that cannot be read ends the collection.
    pub needed: Vec<BlobKey>,
    /// What was removed and can be restored for now. One that is not whole any more is collected.
    pub restorable: Vec<Restorable>,
}

impl From<Vec<BlobKey>> for Rooted {
    fn from(needed: Vec<BlobKey>) -> Self {
        Self {
            needed,
            restorable: Vec::new(),
        }
    }
}

/// A removed dataset that is kept back.
#[derive(Debug)]
pub struct Restorable {
    /// Its blobs, and its trees by their roots.
    pub roots: Vec<BlobKey>,
    /// Until when, in seconds since the Unix epoch.
    pub until: i64,
}

/// Days for which a removed dataset can be restored, unless told otherwise.
pub const KEEP_DAYS: u32 = 7;

/// How a collection is to be done.
#[derive(Clone, Copy, Debug)]
pub struct GcOptions {
    /// Only say what would be done.
    pub dry_run: bool,
    /// How long to wait for operations that began before the marks. What they may still need is
    /// left to the next collection.
    pub patience: Duration,
    /// Also give up bytes of packs that could not be read when the index was made anew.
    pub discard_unreadable: bool,
    /// Days for which what was removed can be restored; the roots go by it.
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

/// Why a collection left something to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deferred {
    /// Another collection is under way.
    AnotherCollection,
    /// An operation that began earlier is still under way.
    OperationsUnderWay,
    /// Bytes of packs cannot be read, and may hold a manifest: what is needed is not known.
    Unreadable,
    /// There was no room to move what is needed out of packs with garbage.
    NoRoom,
}

/// What a collection did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Bytes in packs that datasets need.
    pub live_bytes: u64,
    /// Bytes given back to the disk.
    pub freed_bytes: u64,
    /// Packs that held nothing needed.
    pub packs_removed: u64,
    /// Packs whose needed records were moved to another.
    pub packs_rewritten: u64,
    /// Bytes in packs that only removed datasets need, which can be restored.
    pub kept_back_bytes: u64,
    /// How many of these there are.
    pub kept_back_datasets: u64,
    /// When the last of these may be collected, in seconds since the Unix epoch.
    pub kept_back_until: Option<i64>,
    /// Why something was left.
    pub deferred: Option<Deferred>,
}

impl GcReport {
    fn with_kept_back(self, kept_back: KeptBack) -> Self {
        Self {
            kept_back_bytes: kept_back.bytes,
            kept_back_datasets: kept_back.datasets,
            kept_back_until: kept_back.until,
            ..self
        }
    }
}

/// Removed datasets that a collection leaves.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeptBack {
    pub bytes: u64,
    pub datasets: u64,
    pub until: Option<i64>,
}

/// Packs with bytes that could not be read.
#[derive(Debug, Default)]
struct Kept {
    packs: BTreeSet<u32>,
    /// They are taken apart like any other, and whatever there is of garbage in them goes.
    is_discarded: bool,
}

impl Kept {
    /// Nothing of this pack may go.
    fn keeps(&self, pack: u32) -> bool {
        !self.is_discarded && self.packs.contains(&pack)
    }

    /// This pack is to go, however little garbage it has.
    fn discards(&self, pack: u32) -> bool {
        self.is_discarded && self.packs.contains(&pack)
    }
}

impl DiskStore {
    /// Removes what no root needs and gives its space back.
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

    /// The same, where `begin` is called when it is certain that blobs will be looked for that can
    /// go, and before the roots are asked for. Not where the collection only says what it would do.
    ///
    /// # Errors
    /// As [`DiskStore::gc`], and what `begin` returns.
    pub fn gc_after(
        &self,
        begin: &dyn Fn() -> Result<(), StoreError>,
        roots: &Roots<'_>,
        options: &GcOptions,
        progress: &dyn Progress,
    ) -> Result<GcReport, StoreError> {
        // Who only looks may do so where nothing can be written.
        let share = match options.dry_run {
            true => Share::Shared,
            false => Share::Exclusive,
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
            // First what needs no write to the index: the disk may be full.
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
        let kept = Kept {
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
            let report = self.would_free(&live, &kept)?;
            return Ok(report.with_kept_back(kept_back));
        }
        if progress.cancelled() {
            return Err(StoreError::Interrupted);
        }
        sweep::condemn(self, &live)?;
        drop(live);
        if !self.outlives_earlier(options.patience)? {
            return Ok(GcReport {
                freed_bytes: trimmed_bytes,
                deferred: Some(Deferred::OperationsUnderWay),
                ..GcReport::default().with_kept_back(kept_back)
            });
        }
        // What an earlier operation took into use is found by marking again.
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

    /// Waits until every operation that is under way now has ended; `false` when it does not
    /// within `patience`. Files of dead ones are removed.
    fn outlives_earlier(&self, patience: Duration) -> Result<bool, StoreError> {
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
