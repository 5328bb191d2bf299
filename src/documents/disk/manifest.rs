//! `manifest.json`: what a collection says about itself.

use serde::Deserialize;
use serde::Serialize;

use crate::documents::DocumentError;
use crate::documents::Layout;
use crate::documents::disk::layout::is_absent;
use crate::documents::format::limits::META_BYTES_MAX;
use crate::file_io::IfExists;
use crate::file_io::read_own;
use crate::file_io::write_atomically;

/// The description of a collection. Other programs write it when they make one, and read `strict`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CollectionManifest {
    /// A version, which nobody compares.
    #[serde(default)]
    pub version: String,
    /// The name of the collection.
    #[serde(default)]
    pub collection: String,
    /// True if all documents have the same types.
    #[serde(default)]
    pub strict: bool,
    /// The time at which it was made.
    #[serde(default)]
    pub created_at: String,
    /// A count that other programs write as 0 and never update.
    #[serde(default)]
    pub doc_count: u64,
    /// A count that other programs write as 0 and never update.
    #[serde(default)]
    pub schema_count: u64,
}

impl CollectionManifest {
    /// Makes the description of a new collection.
    pub fn new(collection: &str, strict: bool, created_at: String) -> Self {
        Self {
            version: "0.1.2".to_owned(),
            collection: collection.to_owned(),
            strict,
            created_at,
            doc_count: 0,
            schema_count: 0,
        }
    }

    /// Reads the description; `None` where there is none.
    ///
    /// # Errors
    /// [`DocumentError::File`]; [`DocumentError::Damaged`].
    pub fn read(layout: &Layout) -> Result<Option<Self>, DocumentError> {
        let path = layout.manifest_file();
        let bytes = match read_own(&path, META_BYTES_MAX) {
            Err(e) if is_absent(&e) => return Ok(None),
            other => other.map_err(|e| DocumentError::file("read", &path, e))?,
        };
        let read = serde_json::from_slice(&bytes);
        read.map(Some).map_err(|e| DocumentError::Damaged {
            path,
            reason: e.to_string(),
        })
    }

    /// Writes the description.
    ///
    /// # Errors
    /// [`DocumentError::File`].
    pub fn write(&self, layout: &Layout) -> Result<(), DocumentError> {
        let path = layout.manifest_file();
        let bytes = serde_json::to_vec_pretty(self)
            .map_err(std::io::Error::other)
            .and_then(|bytes| write_atomically(&path, &bytes, None, IfExists::Replace));
        bytes.map_err(|e| DocumentError::file("write", &path, e))
    }
}
