//! Replacement of a held manifest, shared by edits and renames.

use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::Merged;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::registry::error::Error;
use crate::registry::error::dataset::DatasetError;
use crate::registry::error::publisher::PublisherError;
use crate::registry::host;
use crate::registry::publishing::node_id::node_id;
use crate::registry::publishing::sign;
use crate::store::disk::Entry;
use crate::trust::Admitted;
use crate::trust::KeyPair;

/// Returns the current state of a dataset.
///
/// # Errors
/// [`DatasetError::NotFound`] when it is gone.
pub(crate) fn current_state(tables: &dyn MetaRead, dataset: &Dataset) -> Result<Dataset, Error> {
    catalog::by_key(tables, dataset.key)?.ok_or_else(|| gone(&dataset.manifest))
}

/// Refuses a change that only the publisher may make.
///
/// # Errors
/// [`PublisherError::NotItsPublisher`] for a signed manifest without its publisher's key.
pub(crate) fn refuse_others(manifest: &Manifest, signer: Option<&KeyPair>) -> Result<(), Error> {
    if manifest.signer.is_some() && manifest.signer != signer.map(KeyPair::public_key) {
        Err(Error::Publisher(PublisherError::NotItsPublisher(
            manifest.name.to_string(),
        )))
    } else {
        Ok(())
    }
}

/// Refuses a name and version that another dataset of the same maker has.
///
/// # Errors
/// [`DatasetError::VersionTaken`].
pub(crate) fn refuse_taken(
    tables: &dyn MetaRead,
    manifest: &Manifest,
    held: &Dataset,
) -> Result<(), Error> {
    let named = catalog::by_name(tables, &manifest.name)?;
    let taken = named.into_iter().find(|d| {
        d.key != held.key
            && d.flags.foreign == held.flags.foreign
            && d.manifest.dataset_version == manifest.dataset_version
    });
    match taken {
        Some(taken) => Err(Error::Dataset(DatasetError::VersionTaken {
            name: manifest.name.clone(),
            version: manifest.dataset_version.clone(),
            held: taken.manifest.content_id,
        })),
        None => Ok(()),
    }
}

/// Publishes a manifest as the successor of the held one, signed if that was. Returns the new
/// dataset.
///
/// # Errors
/// `MetadataError::ClockFull`, `MetadataError::EditLost`, or a field beyond its limit.
pub(crate) fn replace(
    tables: &mut dyn MetaWrite,
    entries: &mut Vec<Entry>,
    mut manifest: Manifest,
    held: &Dataset,
    (signer, salt): (Option<&KeyPair>, [u8; 16]),
) -> Result<Dataset, Error> {
    sign::supersede(&mut manifest, held, node_id(tables)?)?;
    manifest.created_at = host::now();
    let envelope = match (manifest.signer, signer) {
        (Some(_), Some(pair)) => pair.sign(&mut manifest)?,
        _ => Envelope {
            manifest: manifest.encode()?,
            signature: None,
        },
    };
    let admitted = Admitted::from_store(envelope, held.origin())?;
    let merged = sign::publish_edit(tables, entries, &admitted, held.flags)?;
    if matches!(merged, Merged::Replaced(_)) {
        sign::retire(entries, salt, held);
    }
    catalog::of_register(tables, &manifest, held.origin())?.ok_or_else(|| gone(&manifest))
}

fn gone(manifest: &Manifest) -> Error {
    Error::Dataset(DatasetError::NotFound(manifest.name.to_string()))
}
