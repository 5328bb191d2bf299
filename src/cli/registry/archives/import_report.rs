//! The result of an import: datasets that came, that were here, and that were refused.

use serde::Serialize;

use crate::cli::exit::Failure;
use crate::registry::ArchiveInput;
use crate::registry::Listed;

/// The results of all archives.
#[derive(Default)]
pub(super) struct ImportReport {
    pub imported: Vec<ImportedDataset>,
    pub already_here: Vec<ImportedDataset>,
    pub refused: Vec<RefusedArchive>,
    pub text: String,
    pub ids: Vec<String>,
    /// The first failure.
    pub first_failure: Option<Failure>,
    /// The datasets that were imported.
    pub arrived: Vec<Listed>,
}

/// A dataset of an archive in JSON.
#[derive(Debug, Serialize)]
pub(super) struct ImportedDataset {
    content_id: String,
    name: String,
    version: String,
    trust: &'static str,
    publisher: Option<String>,
    new_chunks: u64,
    path: String,
    /// A later edit of the same version is here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    older: bool,
}

/// A refusal in JSON.
#[derive(Debug, Serialize)]
pub(super) struct RefusedArchive {
    path: String,
    reason: String,
}

impl ImportedDataset {
    pub(super) fn of(listed: &Listed, path: &str, new_chunks: u64) -> Self {
        let m = &listed.dataset.manifest;
        Self {
            content_id: m.content_id.to_string(),
            name: m.name.to_string(),
            version: m.dataset_version.to_string(),
            trust: listed.trust().name(),
            publisher: listed.publisher(),
            new_chunks,
            path: path.to_owned(),
            older: false,
        }
    }

    pub(super) fn older(listed: &Listed, path: &str) -> Self {
        Self {
            older: true,
            ..Self::of(listed, path, 0)
        }
    }
}

impl ImportReport {
    /// True if an archive had at least one dataset that is here now.
    pub(super) fn has_success(&self) -> bool {
        !self.imported.is_empty() || !self.already_here.is_empty()
    }

    /// Adds a refusal.
    pub(super) fn refuse(&mut self, path: &str, reason: &str, failure: Failure) {
        self.text += &format!("Refused {path}: {reason}\n");
        self.refused.push(RefusedArchive {
            path: path.to_owned(),
            reason: reason.to_owned(),
        });
        self.first_failure.get_or_insert(failure);
    }

    /// Adds the failure of a whole archive.
    pub(super) fn fail(&mut self, archive: &ArchiveInput, failure: Failure) {
        let path = archive.path().display().to_string();
        let reason = failure.message();
        self.refuse(&path, &reason, failure);
    }

    /// Adds a line about a dataset.
    pub(super) fn add_line(&mut self, did: &str, listed: &Listed, more: &str) {
        let m = &listed.dataset.manifest;
        let by = listed.publisher_short().map(|p| format!(" by {p}"));
        self.text += &format!(
            "{did} {}@{}{}, trust {}{more}\n  {}\n",
            m.name,
            m.dataset_version,
            by.unwrap_or_default(),
            listed.trust().name(),
            m.content_id,
        );
        self.ids.push(m.content_id.to_string());
    }
}
