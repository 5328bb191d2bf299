//! A version of a dataset that is shown at the doors.

use crate::catalog::DatasetSummary;
use crate::clock::Timestamp;
use crate::ident::ContentId;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::EnvelopeId;
use crate::ident::PublisherKey;
use crate::registry::Listed;
use crate::trust::Trust;

/// The publisher in names of datasets that nobody signed.
pub(super) const LOCAL: &str = "local";
/// One version of a dataset.
#[derive(Clone, Debug)]
pub(super) struct ShownDataset {
    /// Local name of the publisher, or else the key; [`LOCAL`] where nobody signed.
    pub(super) publisher: String,
    pub(super) publisher_key: Option<PublisherKey>,
    pub(super) name: DatasetName,
    pub(super) version: DatasetVersion,
    pub(super) content_id: ContentId,
    pub(super) rows: u64,
    pub(super) size_bytes: u64,
    pub(super) created_at: Timestamp,
    pub(super) tags: Vec<String>,
    pub(super) license: Option<String>,
    pub(super) trust: Trust,
    pub(super) envelope_id: EnvelopeId,
    /// False if peers have it, and here is a part of it at most.
    pub(super) is_here: bool,
}

impl ShownDataset {
    pub(super) fn of(listed: Listed<DatasetSummary>, is_here: bool) -> Self {
        let publisher = listed.publisher().unwrap_or_else(|| LOCAL.to_owned());
        let trust = listed.trust();
        let d = listed.dataset;
        Self {
            publisher,
            publisher_key: d.signer,
            name: d.name,
            version: d.version,
            content_id: d.content_id,
            rows: d.rows,
            size_bytes: d.size_bytes,
            created_at: d.created_at,
            tags: d.tags,
            license: d.license,
            trust,
            envelope_id: d.envelope_id,
            is_here,
        }
    }

    /// Returns `publisher/name`.
    pub(super) fn repo_id(&self) -> String {
        format!("{}/{}", self.publisher, self.name)
    }

    /// Returns `publisher/name@version`.
    pub(super) fn key_prefix(&self) -> String {
        format!("{}/{}@{}", self.publisher, self.name, self.version)
    }
}
