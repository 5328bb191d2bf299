//! The use-cases over store and catalogue: index, list, resolve, check out, verify, compare.
//! Blocking; takes options and a [`Progress`](crate::progress::Progress), returns reports, never
//! prints.

mod archives;
mod by_hand;
mod cache_files;
mod cards;
mod checkout;
mod checkouts;
mod claims;
#[cfg(test)]
mod collecting_tests;
mod complete;
mod croissant;
mod dataset_file;
mod diff_rows;
#[cfg(test)]
mod difference_tests;
mod differences;
mod error;
mod error_kinds;
mod expansion;
mod feed;
mod files;
mod forget;
mod fsck;
#[cfg(test)]
mod full_disk_tests;
mod gc;
mod hashing;
mod homes;
pub mod host;
mod index;
mod ingest;
mod life_error;
pub(crate) mod line_file;
mod lines;
mod lookup;
mod metadata;
mod node_names;
mod nodes;
mod numbers;
pub mod peers;
#[cfg(test)]
mod power_cut_tests;
mod previous;
mod prints;
mod profiles;
mod publishing;
mod read;
mod read_files;
#[cfg(test)]
mod rebuild_tests;
mod recount;
mod recover;
mod removal;
#[cfg(test)]
mod removal_tests;
mod rename;
#[cfg(test)]
mod repair_tests;
mod replacing;
mod resembling;
mod restore;
mod revise;
mod rotation;
#[cfg(test)]
mod rotation_tests;
mod row_compare;
mod row_diff;
mod row_files;
mod row_indexes;
mod row_moves;
mod row_plan;
mod schemas;
mod search;
mod secrets;
mod segments;
mod sign;
mod sizes;
mod small_files;
mod source_error;
mod spill;
pub(crate) mod step;
mod target_columns;
mod target_file;
mod target_stream;
mod targets;
mod trust;
mod verify;
mod walk;

use std::path::Path;

pub use archives::ExportOptions;
pub use archives::ExportReport;
pub use archives::Gathered;
pub use archives::ImportOptions;
pub use archives::ImportOutcome;
pub use archives::ImportReport;
pub use archives::Openers;
pub use archives::Parcel;
pub use archives::Passphrase;
pub use archives::Received;
pub use archives::Receiver;
pub use archives::Recipient;
pub use archives::Refusal;
pub use archives::Rehearsal;
pub use archives::gathered;
pub use archives::is_receipt;
pub use archives::opened_parcels;
pub use archives::parcels;
pub use archives::receipts_in;
pub use by_hand::AcceptedByHand;
pub use cards::CardReport;
pub use checkout::CheckoutReport;
pub use checkouts::Change;
pub use checkouts::ChangeKind;
pub use checkouts::StatusReport;
pub use checkouts::UpdateReport;
pub use error::Error;
pub use expansion::Expansion;
pub use files::Skipped;
pub use files::WhySkipped;
pub use forget::ForgetPlan;
pub use forget::KeepRules;
pub use forget::Span as TimeSpan;
pub use forget::Weighed;
pub use fsck::Damaged;
pub use fsck::FalseClaim;
pub use fsck::FsckReport;
pub use index::IndexOptions;
pub use index::IndexReport;
pub use life_error::LifeError;
pub use lines::TextFile;
pub use lookup::StatsReport;
pub use metadata::AliasEntry;
pub use metadata::Inherited;
pub use metadata::differing;
pub use node_names::NodeError;
pub use prints::KeptPrints;
pub use profiles::FileSchema;
pub use recover::RepairReport;
pub use removal::Maker;
pub use restore::RestoreReport;
pub use revise::Edit;
pub use revise::LogEntry;
pub use rotation::Rotated;
pub use rotation::finish_rotation;
pub use row_diff::RowDiff;
pub use row_diff::RowSample;
pub use row_files::RowFileReport;
pub use row_files::RowFiles;
pub use row_files::RowsAs;
pub use row_files::format_of;
pub use row_moves::Moved;
pub use row_moves::Moving;
pub use row_moves::Picks;
pub use row_moves::RefusedRow;
pub use row_plan::plan_of;
pub use search::Found;
pub use search::SearchReport;
pub use secrets::SecretWarning;
pub use source_error::SourceError;
pub use spill::SpillDirectory;
pub use target_file::Described;
pub use target_file::TargetFile;
pub use targets::ColumnNotes;
pub use targets::Target;
pub use targets::TargetOptions;
pub use trust::Listed;
pub use verify::DiffReport;
pub use verify::FileDiff;
pub use verify::VerifyReport;

pub use crate::store::disk::Deferred;
pub use crate::store::disk::GcOptions;
pub use crate::store::disk::GcReport;
pub use crate::store::disk::HomeFault;
pub use crate::store::disk::KEEP_DAYS;
pub use crate::store::disk::Span;
pub use crate::store::disk::home_fault;

use crate::store::disk::DiskStore;
use crate::store::disk::LockGuard;

use sizes::Sizes;

/// A registry in a home directory. Opening is quick and holds no lock between calls; several
/// processes may use one home at a time.
#[derive(Clone, Debug)]
pub struct LocalRegistry {
    store: DiskStore,
    sizes: Sizes,
}

/// When the files that say what is here and what is trusted were written last.
#[cfg(feature = "federation")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp([Option<(std::time::SystemTime, u64)>; 2]);

#[cfg(feature = "federation")]
impl Stamp {
    /// Whether the files were last written longer ago than this, by their own clock.
    pub(crate) fn is_older_than(&self, age: std::time::Duration) -> bool {
        let mut written = self.0.iter().flatten().map(|(at, _)| at);
        // By a clock that was wrong: what is written now has another time.
        let is_old = |at: &std::time::SystemTime| match at.elapsed() {
            Ok(ago) => ago > age,
            Err(ahead) => ahead.duration() > age,
        };
        written.all(is_old)
    }
}

impl LocalRegistry {
    /// Opens the registry in a directory, making it when there is none.
    ///
    /// # Errors
    /// [`Error`] when the home cannot be made or read, or was written by a newer version.
    pub fn open(home: &Path) -> Result<Self, Error> {
        let _step = step::Step::begin("open", home.display());
        Ok(Self {
            store: DiskStore::open(home, &recover::refill)?,
            sizes: Sizes::default(),
        })
    }

    /// Opens the registry on any disk. It has no home directory: nothing is kept beside the store
    /// that can be made anew, and no trust file is found.
    ///
    /// # Errors
    /// As [`LocalRegistry::open`].
    pub fn on(disk: std::sync::Arc<dyn crate::store::disk::io::Disk>) -> Result<Self, Error> {
        Ok(Self {
            store: DiskStore::on(disk, &recover::refill)?,
            sizes: Sizes::default(),
        })
    }

    /// The registry on a store that is open already.
    #[cfg(test)]
    pub(crate) fn over(store: DiskStore) -> Self {
        let sizes = Sizes::default();
        Self { store, sizes }
    }

    /// The same registry with the sizes of tests.
    #[cfg(test)]
    pub(crate) fn with_small_sizes(self) -> Self {
        let sizes = Sizes::SMALL;
        Self { sizes, ..self }
    }

    /// Waits for a lock of the layers above, and holds it alone until it is dropped.
    ///
    /// # Errors
    /// [`Error`] when the home cannot be written.
    pub(crate) fn exclusive(&self, name: &str) -> Result<Box<dyn LockGuard>, Error> {
        Ok(self.store.lock(name)?)
    }

    /// The same without waiting; `None` when somebody else holds it.
    ///
    /// # Errors
    /// [`Error`] when the home cannot be written.
    #[cfg(feature = "federation")]
    pub(crate) fn exclusive_now(&self, name: &str) -> Result<Option<Box<dyn LockGuard>>, Error> {
        Ok(self.store.try_lock(name)?)
    }

    /// What changes whenever a dataset, a statement or what is trusted does; by whichever process.
    /// Two of them that differ may stand for the same state.
    #[cfg(feature = "federation")]
    pub(crate) fn stamp(&self) -> Stamp {
        let files = [self.store.index_path(), self.trust_path()];
        Stamp(files.map(|path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        }))
    }

    /// Where the registry is.
    pub fn home(&self) -> &Path {
        self.store.home()
    }
}
