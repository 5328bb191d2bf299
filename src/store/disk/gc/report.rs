//! Inputs and results of a collection: roots, options and report.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::blob_store::BlobKey;
use crate::meta_store::MetaRead;
use crate::store::disk::error::StoreError;

/// Returns the roots from one view of the tables: blobs, and trees by their root nodes.
pub type Roots<'a> = dyn Fn(&dyn MetaRead) -> Result<RootSet, StoreError> + 'a;

/// The roots of a collection.
#[derive(Debug, Default)]
pub struct RootSet {
    /// Roots of datasets. An unreadable tree ends the collection.
    pub needed: Vec<BlobKey>,
    /// Roots of removed datasets that can still be restored. An incomplete one is collected.
    pub restorable: Vec<Restorable>,
    /// Roots of partial holdings. Blobs below them may be missing.
    pub partial: Vec<BlobKey>,
}

impl From<Vec<BlobKey>> for RootSet {
    fn from(needed: Vec<BlobKey>) -> Self {
        Self {
            needed,
            restorable: Vec::new(),
            partial: Vec::new(),
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
#[non_exhaustive]
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
    pub(super) fn with_kept_back(self, kept_back: RestorableData) -> Self {
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
pub(super) struct UnreadablePacks {
    pub(super) packs: BTreeSet<u32>,
    /// Set if they are handled like any other, and their garbage goes.
    pub(super) is_discarded: bool,
}

impl UnreadablePacks {
    /// Returns true if the pack must stay as it is.
    pub(super) fn keeps(&self, pack: u32) -> bool {
        !self.is_discarded && self.packs.contains(&pack)
    }

    /// Returns true if the pack must go, however little garbage it has.
    pub(super) fn discards(&self, pack: u32) -> bool {
        self.is_discarded && self.packs.contains(&pack)
    }
}
