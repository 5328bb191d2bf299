//! The use-cases over store and catalogue: index, list, resolve, check out, verify, compare.
//! Blocking; takes options and a [`Progress`](crate::progress::Progress), returns reports, never
//! prints.

mod archives;
pub(crate) mod cache;
mod checkout;
pub(crate) mod datasets;
pub(crate) mod delta;
pub(crate) mod describe;
mod error;
pub mod host;
mod index;
pub(crate) mod integrity;
pub(crate) mod line_file;
mod metadata;
pub mod peers;
pub(crate) mod publishing;
mod row_diff;
pub(crate) mod step;
pub(crate) mod store_pipeline;
mod targets;
#[cfg(test)]
mod tests;
pub(crate) mod working_copy;

use std::path::Path;

pub use crate::registry::cache::sketches::KeptPrints;
pub use crate::registry::cache::spill::SpillDirectory;
pub use crate::registry::datasets::edit::Edit;
pub use crate::registry::datasets::edit::LogEntry;
pub use crate::registry::datasets::forget::ForgetPlan;
pub use crate::registry::datasets::forget::KeepRules;
pub use crate::registry::datasets::forget::Span as TimeSpan;
pub use crate::registry::datasets::forget::Weighed;
pub use crate::registry::datasets::lookup::StatsReport;
pub use crate::registry::datasets::removal::Maker;
pub use crate::registry::datasets::restore::RestoreReport;
pub use crate::registry::describe::cards::CardReport;
pub use crate::registry::describe::profile::FileSchema;
pub use crate::registry::describe::search::Found;
pub use crate::registry::describe::search::SearchReport;
pub use crate::registry::error::life::LifeError;
pub use crate::registry::error::source::SourceError;
pub use crate::registry::index::secrets::SecretWarning;
pub use crate::registry::index::source_files::Skipped;
pub use crate::registry::index::source_files::WhySkipped;
pub use crate::registry::integrity::expansion::Expansion;
pub use crate::registry::integrity::fsck::Damaged;
pub use crate::registry::integrity::fsck::FalseClaim;
pub use crate::registry::integrity::fsck::FsckReport;
pub use crate::registry::integrity::rebuild::RepairReport;
pub use crate::registry::integrity::verify::DiffReport;
pub use crate::registry::integrity::verify::FileDiff;
pub use crate::registry::integrity::verify::VerifyReport;
pub use crate::registry::peers::node_names::NodeError;
pub use crate::registry::publishing::manual_acceptance::AcceptedByHand;
pub use crate::registry::publishing::rotation::Rotated;
pub use crate::registry::publishing::rotation::finish_rotation;
pub use crate::registry::publishing::trust::Listed;
pub use crate::registry::targets::column_plan::plan_of;
pub use crate::registry::targets::file::Described;
pub use crate::registry::targets::file::TargetFile;
pub use crate::registry::targets::row_copy::Moved;
pub use crate::registry::targets::row_copy::Moving;
pub use crate::registry::targets::row_copy::Picks;
pub use crate::registry::targets::row_copy::RefusedRow;
pub use crate::registry::targets::row_writer::RowFileReport;
pub use crate::registry::targets::row_writer::RowFiles;
pub use crate::registry::targets::row_writer::RowsAs;
pub use crate::registry::targets::row_writer::format_of;
pub use crate::registry::targets::text_lines::TextFile;
pub use crate::registry::working_copy::Change;
pub use crate::registry::working_copy::ChangeKind;
pub use crate::registry::working_copy::StatusReport;
pub use crate::registry::working_copy::UpdateReport;
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
pub use checkout::CheckoutReport;
pub use error::Error;
pub use index::IndexOptions;
pub use index::IndexReport;
pub use metadata::AliasEntry;
pub use metadata::Inherited;
pub use metadata::differing;
pub use row_diff::RowDiff;
pub use row_diff::RowSample;
pub use targets::ColumnNotes;
pub use targets::Target;
pub use targets::TargetOptions;

pub use crate::store::disk::Deferred;
pub use crate::store::disk::GcOptions;
pub use crate::store::disk::GcReport;
pub use crate::store::disk::HomeFault;
pub use crate::store::disk::KEEP_DAYS;
pub use crate::store::disk::Span;
pub use crate::store::disk::home_fault;

use crate::store::disk::DiskStore;
use crate::store::disk::LockGuard;

/// A registry in a home directory. Opening is quick and holds no lock between calls; several
/// processes may use one home at a time.
#[derive(Clone, Debug)]
pub struct LocalRegistry {
    store: DiskStore,
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
            store: DiskStore::open(home, &crate::registry::integrity::rebuild::refill)?,
        })
    }

    /// Opens the registry on any disk. It has no home directory: nothing is kept beside the store
    /// that can be made anew, and no trust file is found.
    ///
    /// # Errors
    /// As [`LocalRegistry::open`].
    pub fn on(disk: std::sync::Arc<dyn crate::store::disk::io::Disk>) -> Result<Self, Error> {
        Ok(Self {
            store: DiskStore::on(disk, &crate::registry::integrity::rebuild::refill)?,
        })
    }

    /// The registry on a store that is open already.
    #[cfg(test)]
    pub(crate) fn over(store: DiskStore) -> Self {
        Self { store }
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
