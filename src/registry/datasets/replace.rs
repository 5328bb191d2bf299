//! Publishing a manifest in place of the one that is held: what revising and renaming have in common.

use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::Merged;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::publishing::publish::node_id;
use crate::registry::publishing::sign;
use crate::store::disk::Entry;
use crate::trust::Admitted;
use crate::trust::KeyPair;

/// The dataset that a dataset is now.
///
/// # Errors
/// [`Error::NotFound`] when it is gone.
pub(crate) fn current(tables: &dyn MetaRead, dataset: &Dataset) -> Result<Dataset, Error> {
    catalog::by_key(tables, dataset.key)?.ok_or_else(|| gone(&dataset.manifest))
}

/// Refuses what only its publisher may say.
///
/// # Errors
/// [`Error::NotItsPublisher`] for what is signed, without its publisher's key.
pub(crate) fn refuse_others(manifest: &Manifest, signer: Option<&KeyPair>) -> Result<(), Error> {
    match manifest.signer.is_some() && manifest.signer != signer.map(KeyPair::public_key) {
        true => Err(Error::NotItsPublisher(manifest.name.to_string())),
        false => Ok(()),
    }
}

/// Refuses a name and version that another dataset has, made here as the held one is or not.
///
/// # Errors
/// [`Error::VersionTaken`].
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
        Some(taken) => Err(Error::VersionTaken {
            name: manifest.name.clone(),
            version: manifest.dataset_version.clone(),
            held: taken.manifest.content_id,
        }),
        None => Ok(()),
    }
}

/// Publishes a manifest as the next one after the held one, signed where that was. The dataset then.
///
/// # Errors
/// [`Error::ClockFull`], [`Error::EditLost`], or a field beyond its limit.
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
    let admitted = Admitted::stored(envelope, held.origin())?;
    let merged = sign::publish_edit(tables, entries, &admitted, held.flags)?;
    if matches!(merged, Merged::Replaced(_)) {
        sign::retire(entries, salt, held);
    }
    catalog::of_register(tables, &manifest, held.origin())?.ok_or_else(|| gone(&manifest))
}

fn gone(manifest: &Manifest) -> Error {
    Error::NotFound(manifest.name.to_string())
}
