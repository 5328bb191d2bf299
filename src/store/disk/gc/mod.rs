//! Garbage collection: mark the blobs of datasets, condemn the rest, wait for operations that may have
//! found it before, mark again, sweep, and compact the packs.
//! It is safe to kill at any instant and safe beside every other operation; `spec/store-layout.md` gives
//! the argument.
//!
//! - `mark`, `bases`: live blobs; `sweep`: condemned blobs and their rows
//! - `survey`, `compact`: garbage of packs, and its removal
//! - `report`, `scan`: options and results, and visits to rows

mod bases;
mod compact;
mod mark;
mod report;
mod scan;
mod survey;
mod sweep;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::progress::Progress;
use crate::store::disk::DiskStore;
use crate::store::disk::LockGuard;
use crate::store::disk::Span;
use crate::store::disk::error::StoreError;
use crate::store::disk::gc::bases::RetainedBases;
pub use crate::store::disk::gc::report::Deferred;
pub use crate::store::disk::gc::report::GcOptions;
pub use crate::store::disk::gc::report::GcReport;
pub use crate::store::disk::gc::report::KEEP_DAYS;
pub use crate::store::disk::gc::report::Restorable;
pub use crate::store::disk::gc::report::RootSet;
pub use crate::store::disk::gc::report::Roots;
use crate::store::disk::gc::report::UnreadablePacks;
use crate::store::disk::io::Share;
use crate::store::disk::io::Wait;
use crate::store::disk::layout;

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
