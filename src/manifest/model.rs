//! The manifest: fields, limits, and the JSON that is signed, stored and sent.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::ident::BlobId;
use crate::ident::ContentId;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::ident::PublisherKey;
use crate::ident::SeriesId;
use crate::ident::TreeId;
use crate::manifest::error::MANIFEST_VERSION;
use crate::manifest::error::ManifestError;
use crate::manifest::provenance::Provenance;
use crate::manifest::provenance::SourceObject;
use crate::wire::limits;

/// The kind of a dataset: one file, or a directory of files. It decides the input of the
/// content id's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatasetKind {
    /// One file: the content id is the file's BLAKE3.
    File,
    /// A directory: the content id is the BLAKE3 of its canonical listing.
    Directory,
}

/// A publisher's description of one version of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The dataset's name.
    pub name: DatasetName,
    /// The dataset's version.
    pub dataset_version: DatasetVersion,
    /// One file or a directory.
    pub dataset_kind: DatasetKind,
    /// The dataset's content id.
    pub content_id: ContentId,
    /// The root of the chunk tree.
    pub chunk_tree_root: TreeId,
    /// The root of the tree of the encoded file table.
    pub file_table_root: TreeId,
    /// Length of the encoded file table, in bytes.
    pub file_table_bytes: u64,
    /// Number of files.
    pub num_files: u64,
    /// Arrow schema as an IPC schema message; empty where the files have none in common.
    pub schema: Vec<u8>,
    /// Rows of all files that have rows.
    pub num_rows: u64,
    /// Raw bytes of all files.
    pub size_bytes: u64,
    /// The description, in Markdown.
    pub description: Option<String>,
    /// The licence: an SPDX expression, or free text of an older program or another publisher.
    pub license: Option<String>,
    /// Labels, and aliases in their reserved form; sorted and distinct.
    pub tags: Vec<String>,
    /// The blob of the dataset card.
    pub card: Option<BlobId>,
    /// The series: the dataset's identity under its publisher.
    pub series: SeriesId,
    /// Sequence number: one more than the greatest of the superseded manifests; 1 at first.
    pub seq: u64,
    /// The envelopes that this manifest supersedes.
    pub prev: Vec<EnvelopeId>,
    /// Vector clock: edits seen, by editing node.
    pub clock: BTreeMap<NodeId, u64>,
    /// Time of creation, as its maker claims.
    pub created_at: Timestamp,
    /// Ed25519 public key of the publisher; `None` in an unsigned manifest.
    pub signer: Option<PublisherKey>,
    /// The place that the bytes were taken in from; `None` for data that came from no URL.
    pub source: Option<Provenance>,
}

impl Manifest {
    /// Encodes the manifest as JSON.
    ///
    /// # Errors
    /// [`ManifestError::Beyond`] when a reader would refuse it.
    pub fn encode(&self) -> Result<Vec<u8>, ManifestError> {
        let bytes = serde_json::to_vec_pretty(&Wire::from(self)).map_err(ManifestError::Json)?;
        match Self::decode(&bytes) {
            Ok(_) => Ok(bytes),
            Err(ManifestError::Limit(field)) => Err(beyond(field)),
            Err(error) => Err(error),
        }
    }

    /// Decodes a manifest.
    ///
    /// # Errors
    /// [`ManifestError`] when the bytes are not a manifest within the limits.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > limits::MANIFEST_BYTES_MAX {
            return Err(ManifestError::Limit("manifest"));
        }
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let head: Head = serde_json::from_slice(bytes).map_err(ManifestError::Json)?;
        if head.version != MANIFEST_VERSION {
            return Err(ManifestError::Version(head.version));
        }
        let wire: Wire = serde_json::from_slice(bytes).map_err(ManifestError::Json)?;
        wire.check_limits()?;
        wire.try_into()
    }
}

/// Parses a name that is in its normal form.
fn named(text: &str) -> Option<DatasetName> {
    let name: DatasetName = text.parse().ok()?;
    (name.as_str() == text).then_some(name)
}

/// The JSON object. The names and the order of its fields are those of `spec/manifest.md`.
#[derive(Serialize, Deserialize)]
struct Wire {
    version: u32,
    name: String,
    dataset_version: String,
    dataset_kind: DatasetKind,
    content_id: String,
    chunk_tree_root: String,
    file_table_root: String,
    file_table_bytes: u64,
    num_files: u64,
    schema: String,
    num_rows: u64,
    size_bytes: u64,
    description: Option<String>,
    license: Option<String>,
    tags: Vec<String>,
    card: Option<String>,
    line: String,
    seq: u64,
    prev: Vec<String>,
    clock: BTreeMap<String, u64>,
    created_at: String,
    signer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<SourceObject>,
}

/// Returns the error of a field that is too long to be written.
fn beyond(field: &'static str) -> ManifestError {
    let (most, limit) = match field {
        "tags" => (
            format!(
                "{} labels of {} bytes each",
                limits::TAGS_MAX,
                limits::TAG_BYTES_MAX
            ),
            "tags_max",
        ),
        "description" | "license" => (
            format!("{} bytes", limits::TEXT_BYTES_MAX),
            "text_bytes_max",
        ),
        "num_files" => (format!("{} files", limits::FILES_MAX), "files_max"),
        "source" => (
            format!(
                "{} bytes of URL and {} of each other text",
                limits::SOURCE_URL_BYTES_MAX,
                limits::SOURCE_TEXT_BYTES_MAX
            ),
            "source_url_bytes_max",
        ),
        "prev" => (format!("{} entries", limits::PREV_MAX), "prev_max"),
        "clock" => (
            format!("{} entries", limits::CLOCK_ENTRIES_MAX),
            "clock_entries_max",
        ),
        _ => (
            format!("{} bytes", limits::MANIFEST_BYTES_MAX),
            "manifest_bytes_max",
        ),
    };
    ManifestError::Beyond { field, most, limit }
}

impl Wire {
    fn check_limits(&self) -> Result<(), ManifestError> {
        let long = |text: &Option<String>| {
            text.as_ref()
                .is_some_and(|t| t.len() > limits::TEXT_BYTES_MAX)
        };
        let tag_long = self.tags.iter().any(|t| t.len() > limits::TAG_BYTES_MAX);
        let broken = [
            ("description", long(&self.description)),
            ("license", long(&self.license)),
            ("tags", self.tags.len() > limits::TAGS_MAX || tag_long),
            ("prev", self.prev.len() > limits::PREV_MAX),
            ("clock", self.clock.len() > limits::CLOCK_ENTRIES_MAX),
            ("num_files", self.num_files > limits::FILES_MAX),
            (
                "source",
                self.source.as_ref().is_some_and(SourceObject::is_beyond),
            ),
        ];
        match broken.into_iter().find(|(_, over)| *over) {
            Some((field, _)) => Err(ManifestError::Limit(field)),
            None => Ok(()),
        }
    }
}

impl From<&Manifest> for Wire {
    fn from(m: &Manifest) -> Self {
        Self {
            version: MANIFEST_VERSION,
            name: m.name.to_string(),
            dataset_version: m.dataset_version.to_string(),
            dataset_kind: m.dataset_kind,
            content_id: m.content_id.to_hex(),
            chunk_tree_root: m.chunk_tree_root.to_hex(),
            file_table_root: m.file_table_root.to_hex(),
            file_table_bytes: m.file_table_bytes,
            num_files: m.num_files,
            schema: STANDARD.encode(&m.schema),
            num_rows: m.num_rows,
            size_bytes: m.size_bytes,
            description: m.description.clone(),
            license: m.license.clone(),
            tags: m.tags.clone(),
            card: m.card.map(|c| c.to_hex()),
            line: m.series.to_hex(),
            seq: m.seq,
            prev: m.prev.iter().map(EnvelopeId::to_hex).collect(),
            clock: m
                .clock
                .iter()
                .map(|(node, n)| (node.to_hex(), *n))
                .collect(),
            created_at: m.created_at.to_rfc3339(),
            signer: m.signer.map(|k| k.to_hex()),
            source: m.source.as_ref().map(SourceObject::from),
        }
    }
}

impl TryFrom<Wire> for Manifest {
    type Error = ManifestError;

    fn try_from(w: Wire) -> Result<Self, ManifestError> {
        let bad = ManifestError::Field;
        let tags_sorted = w.tags.iter().zip(w.tags.iter().skip(1)).all(|(a, b)| a < b);
        if !tags_sorted
            || w.tags
                .iter()
                .any(|t| t.is_empty() || t.chars().any(char::is_control))
        {
            return Err(bad("tags"));
        }
        let prev: Option<Vec<_>> = w.prev.iter().map(|p| EnvelopeId::parse_hex(p)).collect();
        let clock: Option<BTreeMap<_, _>> = w
            .clock
            .iter()
            .map(|(k, n)| Some((NodeId::parse_hex(k)?, *n)))
            .collect();
        let card = w
            .card
            .map(|c| BlobId::parse_hex(&c).ok_or(bad("card")))
            .transpose()?;
        let signer = w
            .signer
            .map(|k| PublisherKey::parse_hex(&k).ok_or(bad("signer")))
            .transpose()?;
        Ok(Self {
            name: named(&w.name).ok_or(bad("name"))?,
            dataset_version: w
                .dataset_version
                .parse()
                .map_err(|_| bad("dataset_version"))?,
            dataset_kind: w.dataset_kind,
            content_id: ContentId::parse_hex(&w.content_id).ok_or(bad("content_id"))?,
            chunk_tree_root: TreeId::parse_hex(&w.chunk_tree_root).ok_or(bad("chunk_tree_root"))?,
            file_table_root: TreeId::parse_hex(&w.file_table_root).ok_or(bad("file_table_root"))?,
            file_table_bytes: w.file_table_bytes,
            num_files: w.num_files,
            schema: STANDARD.decode(&w.schema).map_err(|_| bad("schema"))?,
            num_rows: w.num_rows,
            size_bytes: w.size_bytes,
            description: w.description,
            license: w.license,
            tags: w.tags,
            card,
            series: SeriesId::parse_hex(&w.line).ok_or(bad("line"))?,
            seq: w.seq,
            prev: prev.ok_or(bad("prev"))?,
            clock: clock.ok_or(bad("clock"))?,
            created_at: Timestamp::parse_rfc3339(&w.created_at).ok_or(bad("created_at"))?,
            signer,
            source: w.source.map(Provenance::try_from).transpose()?,
        })
    }
}
