//! Registry operations over store and catalogue.
//!
//! Each folder is a topic: `index` and `store_pipeline` store data, `checkout` and `targets` read
//! it, `datasets`, `metadata` and `publishing` manage manifests, `peers` and `archives` exchange
//! them, and `integrity` checks them. All calls block, take options and a
//! [`Progress`](crate::progress::Progress), and return reports. None prints.

mod archives;
mod assembly;
pub(crate) mod cache;
mod checkout;
pub(crate) mod datasets;
pub(crate) mod delta;
pub(crate) mod describe;
mod edits;
mod error;
mod feature_source;
mod hints;
pub mod host;
mod index;
mod intake;
pub(crate) mod integrity;
pub(crate) mod line_file;
mod metadata;
mod open;
pub mod peers;
pub(crate) mod publishing;
mod row_diff;
#[cfg(feature = "doors")]
pub(crate) mod served;
mod sizes;
pub(crate) mod step;
pub(crate) mod store_pipeline;
mod targets;
#[cfg(test)]
mod tests;
mod views;
pub(crate) mod working_copy;

use std::path::Path;

pub use crate::archive_check::Expansion;
pub use crate::registry::assembly::options::AssemblyOptions;
pub use crate::registry::assembly::options::NewFile;
pub use crate::registry::cache::collections::DatasetStore;
pub use crate::registry::cache::sketches::SketchFiles;
pub use crate::registry::cache::spill::SpillDirectory;
pub use crate::registry::datasets::edit::LogEntry;
pub use crate::registry::datasets::forget::ForgetDecision;
pub use crate::registry::datasets::forget::ForgetPlan;
pub use crate::registry::datasets::forget::KeepRules;
pub use crate::registry::datasets::forget::Span as TimeSpan;
pub use crate::registry::datasets::lookup::StatsReport;
pub use crate::registry::datasets::removal::Maker;
pub use crate::registry::datasets::restore::RestoreReport;
pub use crate::registry::describe::cards::CardReport;
pub use crate::registry::describe::profile::FileSchema;
pub use crate::registry::describe::search::SearchReport;
pub use crate::registry::describe::search::SearchResult;
pub use crate::registry::edits::change::CellChange;
pub use crate::registry::edits::commit::CommitOptions;
pub use crate::registry::edits::commit::CommitReport;
pub use crate::registry::edits::error::EditError;
pub use crate::registry::edits::fix::FixReport;
pub use crate::registry::edits::overview::EditList;
pub use crate::registry::edits::overview::ListedEdit;
pub use crate::registry::edits::overview::all_edits;
pub use crate::registry::edits::overview::edits_of;
pub use crate::registry::edits::overview::set_edits_aside;
pub use crate::registry::edits::ranges::parse_row_ranges;
pub use crate::registry::edits::session::EditSession;
pub use crate::registry::error::checkout::CheckoutError;
pub use crate::registry::error::dataset::DatasetError;
pub use crate::registry::error::integrity::IntegrityError;
pub use crate::registry::error::metadata::MetadataError;
pub use crate::registry::error::node::NodeError;
pub use crate::registry::error::publisher::PublisherError;
pub use crate::registry::error::skipped::SkipReason;
pub use crate::registry::error::skipped::Skipped;
pub use crate::registry::error::source::SourceError;
pub use crate::registry::error::target::TargetError;
pub use crate::registry::error::transfer::TransferError;
pub use crate::registry::feature_source::RegistrySources;
pub use crate::registry::index::secrets::SecretWarning;
pub use crate::registry::intake::error::IntakeError;
pub use crate::registry::intake::journal::FileNote;
pub use crate::registry::intake::journal::decode_part;
pub use crate::registry::intake::journal::encode_part;
pub use crate::registry::intake::options::IntakeOptions;
pub use crate::registry::intake::options::IntakeReport;
pub use crate::registry::intake::promise::Promise;
pub use crate::registry::intake::remote_source::RemoteSource;
pub use crate::registry::intake::source::FileSource;
pub use crate::registry::intake::source::Place;
pub use crate::registry::intake::source::SourceItem;
pub use crate::registry::integrity::fsck::Damaged;
pub use crate::registry::integrity::fsck::FalseClaim;
pub use crate::registry::integrity::fsck::FsckReport;
pub use crate::registry::integrity::rebuild::RepairReport;
pub use crate::registry::integrity::verify::VerifyReport;
pub use crate::registry::metadata::edit::Edit;
pub use crate::registry::publishing::manual_acceptance::AcceptedByHand;
pub use crate::registry::publishing::rotation::Rotated;
pub use crate::registry::publishing::rotation::finish_rotation;
pub use crate::registry::publishing::trust::Listed;
pub use crate::registry::publishing::trust_settings::TrustSettings;
pub use crate::registry::targets::access::FileLayout;
pub use crate::registry::targets::access::RowLayout;
pub use crate::registry::targets::column_plan::plan_of;
pub use crate::registry::targets::file::FileDescription;
pub use crate::registry::targets::file::TargetFile;
pub use crate::registry::targets::places::dataset_files::split_reference;
pub use crate::registry::targets::row_copy::CopyReport;
pub use crate::registry::targets::row_copy::RefusedRow;
pub use crate::registry::targets::row_copy::RowCopy;
pub use crate::registry::targets::row_selection::RowAssignment;
pub use crate::registry::targets::row_writer::RowFileReport;
pub use crate::registry::targets::row_writer::RowFiles;
pub use crate::registry::targets::row_writer::RowForm;
pub use crate::registry::targets::row_writer::format_of;
pub use crate::registry::targets::text_lines::TextFile;
pub use crate::registry::views::Comparison;
pub use crate::registry::views::Descriptions;
pub use crate::registry::views::Maintenance;
pub use crate::registry::views::Publishing;
pub use crate::registry::views::Removal;
pub use crate::registry::views::WorkingCopies;
pub use crate::registry::working_copy::Change;
pub use crate::registry::working_copy::ChangeKind;
pub use crate::registry::working_copy::StatusReport;
pub use crate::registry::working_copy::UpdateReport;
pub use archives::ArchiveInput;
pub use archives::Archives;
pub use archives::DecryptionKeys;
pub use archives::DryRun;
pub use archives::ExportOptions;
pub use archives::ExportReport;
pub use archives::FoundArchives;
pub use archives::ImportOptions;
pub use archives::ImportOutcome;
pub use archives::ImportReport;
pub use archives::Passphrase;
pub use archives::ReceiptContent;
pub use archives::Receiver;
pub use archives::Recipient;
pub use archives::Refusal;
pub use archives::archive_inputs;
pub use archives::find_archives;
pub use archives::is_receipt;
pub use archives::open_archive_inputs;
pub use archives::receipts_in;
pub use checkout::CheckoutReport;
pub use error::Error;
pub use hints::hint_of_kind;
pub use index::options::IndexOptions;
pub use index::options::IndexReport;
pub use metadata::AliasEntry;
pub use metadata::differing;
pub use metadata::inherited::Inherited;
pub use row_diff::RowDiff;
pub use row_diff::RowSample;
pub use row_diff::input::DiffInput;
pub use row_diff::totals::DiffReport;
pub use row_diff::totals::FileDiff;
pub use targets::Target;
pub use targets::TargetOptions;
pub use targets::columns::ColumnNotes;

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

/// Modification times of the files that contain the index and the trust settings.
#[cfg(feature = "federation")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp([Option<(std::time::SystemTime, u64)>; 2]);

#[cfg(feature = "federation")]
impl Stamp {
    /// Returns true if the files are older than this, by the clock of their timestamps.
    pub(crate) fn is_older_than(&self, age: std::time::Duration) -> bool {
        let mut written = self.0.iter().flatten().map(|(at, _)| at);
        // A timestamp in the future comes from a clock that was wrong, and the next write changes
        // it.
        let is_old = |at: &std::time::SystemTime| match at.elapsed() {
            Ok(ago) => ago > age,
            Err(ahead) => ahead.duration() > age,
        };
        written.all(is_old)
    }
}

impl LocalRegistry {
    /// Creates a registry on an open store.
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

    /// Waits for an exclusive lock of the layers above. Dropping the guard releases it.
    ///
    /// # Errors
    /// [`Error`] when the home cannot be written.
    pub(crate) fn exclusive(&self, name: &str) -> Result<Box<dyn LockGuard>, Error> {
        Ok(self.store.lock(name)?)
    }

    /// Takes the lock without waiting. Returns `None` if another process holds it.
    ///
    /// # Errors
    /// [`Error`] when the home cannot be written.
    #[cfg(feature = "federation")]
    pub(crate) fn exclusive_now(&self, name: &str) -> Result<Option<Box<dyn LockGuard>>, Error> {
        Ok(self.store.try_lock(name)?)
    }

    /// Returns a value that changes whenever any process changes a dataset, a statement or the
    /// trust settings. Different values may belong to the same state.
    #[cfg(feature = "federation")]
    pub(crate) fn stamp(&self) -> Stamp {
        let files = [self.store.index_path(), self.trust().path()];
        Stamp(files.map(|path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        }))
    }

    /// Returns the home directory.
    pub fn home(&self) -> &Path {
        self.store.home()
    }
}
