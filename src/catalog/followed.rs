//! Datasets that were pulled because of a follow rule. Only these are removed when later versions
//! arrive.

use crate::clock::Timestamp;
use crate::ident::EnvelopeId;
use crate::meta_store::MetaError;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Scan;
use crate::meta_store::Table;

/// Returns the manifests of followed datasets.
///
/// # Errors
/// [`MetaError`] when the tables cannot be read.
pub fn followed(tables: &dyn MetaRead) -> Result<Vec<EnvelopeId>, MetaError> {
    let mut found = Vec::new();
    tables.scan(Table::Followed, &[], &mut |key, _| {
        found.extend(key.try_into().map(EnvelopeId::new));
        Scan::Continue
    })?;
    Ok(found)
}

/// Records that a dataset was pulled because of a follow rule.
///
/// # Errors
/// [`MetaError`] when the tables cannot be written.
pub fn put_followed(
    tables: &mut dyn MetaWrite,
    id: &EnvelopeId,
    now: Timestamp,
) -> Result<(), MetaError> {
    tables.put(Table::Followed, id.as_bytes(), &now.0.to_le_bytes())
}

/// Removes the records of followed datasets.
///
/// # Errors
/// [`MetaError`] when the tables cannot be written.
pub fn forget_followed(tables: &mut dyn MetaWrite, ids: &[EnvelopeId]) -> Result<(), MetaError> {
    for id in ids {
        tables.delete(Table::Followed, id.as_bytes())?;
    }
    Ok(())
}
