//! Which datasets came because somebody here follows them: only those are given up when later
//! versions arrive.

use crate::clock::Timestamp;
use crate::ident::EnvelopeId;
use crate::meta_store::MetaError;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Scan;
use crate::meta_store::Table;

/// The manifests of datasets that were followed.
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

/// Notes that a dataset came by being followed.
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

/// Forgets that datasets were followed.
///
/// # Errors
/// [`MetaError`] when the tables cannot be written.
pub fn forget_followed(tables: &mut dyn MetaWrite, ids: &[EnvelopeId]) -> Result<(), MetaError> {
    for id in ids {
        tables.delete(Table::Followed, id.as_bytes())?;
    }
    Ok(())
}
