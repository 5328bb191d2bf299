//! Attribution of damage to a dataset and a file.

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::manifest::FileEntry;
use crate::manifest::Manifest;
use crate::registry::error::Error;
use crate::registry::error::integrity::IntegrityError;
use crate::store::disk::StoreError;

/// Adds the dataset and file to an error about damage. Other errors stay unchanged.
pub(crate) fn blamed<'a>(
    manifest: &Manifest,
    files: impl Iterator<Item = (u64, &'a FileEntry)>,
    at: u64,
    error: Error,
) -> Error {
    match error {
        Error::Store(source) if source.kind() == ErrorKind::Integrity => {
            // Empty files have no bytes that could be damaged.
            let mut files = files.filter(|(_, f)| f.size_bytes > 0);
            let file = files.find(|(start, f)| at < start.saturating_add(f.size_bytes));
            let file = file.map_or_else(String::new, |(_, f)| f.path.clone());
            let dataset = manifest.name.to_string();
            Error::Integrity(IntegrityError::Corrupt {
                dataset,
                file,
                source: Box::<StoreError>::new(source),
            })
        }
        other => other,
    }
}
