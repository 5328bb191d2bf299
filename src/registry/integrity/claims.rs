//! Consistency checks of a manifest, its file table and its chunk tree, with errors of the registry.

use crate::archive_check::claims;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::manifest::ChunkEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::manifest::Totals;
use crate::registry::error::Error;

pub(crate) use crate::archive_check::claims::CutCheck;

/// Returns the error for a false claim of this manifest.
pub(crate) fn false_claim(manifest: &Manifest, claim: String) -> Error {
    claims::false_claim(manifest, claim).into()
}

/// Attributes a false claim to the signer of the manifest, if it is signed.
pub(crate) fn attribute_to_signer(error: Error, signer: Option<String>) -> Error {
    match (error.kind(), signer) {
        (ErrorKind::Integrity, Some(signer)) => Error::SignedLie {
            signer,
            source: Box::new(error),
        },
        (_, _) => error,
    }
}

/// Decodes the file table of a manifest.
///
/// # Errors
/// `IntegrityError::FalseClaim` when a path in it is invalid, or the lengths of its files do not add up to
/// the dataset's.
pub(crate) fn table_of(bytes: &[u8], m: &Manifest) -> Result<FileTable, Error> {
    Ok(claims::table_of(bytes, m)?)
}

/// Compares the numbers in a manifest with its file table, and checks the table itself.
///
/// # Errors
/// `IntegrityError::FalseClaim` naming the first claim that is false.
pub(crate) fn check_table(m: &Manifest, table: &FileTable) -> Result<(), Error> {
    Ok(claims::check_table(m, table)?)
}

/// Checks that a tree may hold its number of chunks.
///
/// # Errors
/// `IntegrityError::FalseClaim` otherwise.
pub(crate) fn check_totals(m: &Manifest, totals: Totals) -> Result<(), Error> {
    Ok(claims::check_totals(m, totals)?)
}

/// Compares the newlines of a chunk with the count in the tree.
///
/// # Errors
/// `IntegrityError::FalseClaim` when the counts differ.
pub(crate) fn check_newlines(
    m: &Manifest,
    at: u64,
    chunk: &ChunkEntry,
    bytes: &[u8],
) -> Result<(), Error> {
    Ok(claims::check_newlines(m, at, chunk, bytes)?)
}
