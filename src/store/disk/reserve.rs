//! Reserved space: room for removals from a registry on a full disk. A removal writes a few pages of the
//! index and a record before it frees anything.

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::store::disk::DiskStore;
use crate::store::disk::error::StoreError;
use crate::store::disk::io::OpenMode;
use crate::store::disk::layout::RESERVE;

/// Enough for the pages of a transaction of few rows, several times.
const RESERVE_BYTES: u64 = 1 << 20;

impl DiskStore {
    /// Makes the reserve where it is missing and the disk has room for it.
    pub(crate) fn keep_reserve(&self) {
        let is_kept = self.disk.open(RESERVE, OpenMode::Existing);
        if is_kept.is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound) {
            // Without it, a full disk is harder to clean up.
            let _ = self.disk.reserve(RESERVE, RESERVE_BYTES);
        }
    }

    /// Runs `work`, which frees space. On a full disk it first cuts leftovers of writers, and gives up
    /// the reserve.
    ///
    /// # Errors
    /// The error of `work`.
    pub fn with_reserve<T, E>(&self, work: impl Fn() -> Result<T, E>) -> Result<T, E>
    where
        E: From<StoreError> + Classify,
    {
        let is_full = |done: &Result<T, E>| {
            let failed = done.as_ref().err();
            failed.is_some_and(|e| e.kind() == ErrorKind::NoSpace)
        };
        let mut done = work();
        if is_full(&done) && self.trim_all()? > 0 {
            done = work();
        }
        if is_full(&done) {
            let removed = self.disk.remove(RESERVE);
            removed.map_err(|e| StoreError::io("remove", RESERVE, e))?;
            done = work();
        }
        self.keep_reserve();
        done
    }
}
