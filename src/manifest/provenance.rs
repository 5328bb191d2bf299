//! Provenance: the place that a dataset's bytes were taken in from. Normative: `spec/manifest.md`.

use serde::Deserialize;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::manifest::error::ManifestError;
use crate::wire::limits::SOURCE_FILTERS_BYTES_MAX;
use crate::wire::limits::SOURCE_TEXT_BYTES_MAX;
use crate::wire::limits::SOURCE_URL_BYTES_MAX;

/// Place and state of the files that a dataset was taken in from, as its maker claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// URL of the repository, the file or the prefix, without credentials.
    pub url: String,
    /// Revision that the place named, such as a commit of a repository.
    pub revision: Option<String>,
    /// Validator of everything that was taken: an entity tag, or a digest of all promises.
    pub validator: Option<String>,
    /// Patterns of the paths that were taken; all paths if there are none.
    pub include: Vec<String>,
    /// Patterns of the paths that were left out.
    pub exclude: Vec<String>,
    /// Time when the last file was taken.
    pub fetched_at: Timestamp,
}

/// The JSON object of the field `source`.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SourceObject {
    url: String,
    revision: Option<String>,
    validator: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    include: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exclude: Vec<String>,
    fetched_at: String,
}

impl SourceObject {
    /// Returns true if no text is empty or has control characters.
    fn has_plain_texts(&self) -> bool {
        let is_text = |text: &String| !text.is_empty() && !text.chars().any(char::is_control);
        let optional = [&self.revision, &self.validator].into_iter().flatten();
        let patterns = self.include.iter().chain(&self.exclude);
        optional.chain(patterns).chain([&self.url]).all(is_text)
    }

    /// Returns true if a text is over its limit.
    pub(super) fn is_beyond(&self) -> bool {
        let is_long = |text: &Option<String>| {
            let text = text.as_ref();
            text.is_some_and(|t| t.len() > SOURCE_TEXT_BYTES_MAX)
        };
        self.url.len() > SOURCE_URL_BYTES_MAX
            || is_long(&self.revision)
            || is_long(&self.validator)
            || is_beyond_filters(&self.include)
            || is_beyond_filters(&self.exclude)
    }
}

/// Returns true if patterns are over the limit.
fn is_beyond_filters(patterns: &[String]) -> bool {
    let bytes: usize = patterns.iter().map(|p| p.len().saturating_add(1)).sum();
    bytes > SOURCE_FILTERS_BYTES_MAX
}

impl From<&Provenance> for SourceObject {
    fn from(source: &Provenance) -> Self {
        Self {
            url: source.url.clone(),
            revision: source.revision.clone(),
            validator: source.validator.clone(),
            include: source.include.clone(),
            exclude: source.exclude.clone(),
            fetched_at: source.fetched_at.to_rfc3339(),
        }
    }
}

impl TryFrom<SourceObject> for Provenance {
    type Error = ManifestError;

    fn try_from(object: SourceObject) -> Result<Self, ManifestError> {
        let bad = ManifestError::Field("source");
        if !object.has_plain_texts() {
            return Err(bad);
        }
        Ok(Self {
            fetched_at: Timestamp::parse_rfc3339(&object.fetched_at).ok_or(bad)?,
            url: object.url,
            revision: object.revision,
            validator: object.validator,
            include: object.include,
            exclude: object.exclude,
        })
    }
}
