//! Assigns version numbers. A number stays bound to its content for ever, even after the dataset is
//! removed, because others may hold it.

use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::RegisterKey;
use crate::catalog::Removed;
use crate::ident::DatasetVersion;
use crate::manifest::Manifest;
use crate::meta_store::MetaRead;
use crate::registry::error::Error;
use crate::registry::error::dataset::DatasetError;
use crate::trust::Origin;

/// Assigns a version and a series to a new manifest.
///
/// `named` are this publisher's datasets of its name. Removed content gets its earlier number,
/// unless another one is requested. Returns the removed state of the same register, which the new
/// manifest has to supersede.
///
/// # Errors
/// [`DatasetError::VersionTaken`] or [`DatasetError::VersionGiven`] when the requested version belongs to
/// other content.
pub(crate) fn assign(
    tables: &dyn MetaRead,
    manifest: &mut Manifest,
    named: &[Dataset],
    is_wanted: bool,
) -> Result<Option<Dataset>, Error> {
    let mut given = catalog::removed_of(tables, &manifest.name)?;
    given.retain(|r| r.is_own(manifest.signer));
    let is_back = |r: &&Removed| {
        let fits = !is_wanted || r.summary.version == manifest.dataset_version;
        fits && r.summary.content_id == manifest.content_id
    };
    let order = |r: &&Removed| {
        (
            r.summary.version.clone(),
            r.summary.signer == manifest.signer,
        )
    };
    let back = given.iter().filter(is_back).max_by_key(order);
    let newest = named.iter().max_by_key(|d| &d.manifest.dataset_version);
    let newest_given = given.iter().max_by_key(|r| &r.summary.version);
    let fresh = manifest.series;
    let line = newest.map(|d| d.manifest.series);
    let line = line.or_else(|| newest_given.map(|r| r.summary.series));
    manifest.series = back.map(|r| r.summary.series).or(line).unwrap_or(fresh);
    if !is_wanted {
        let held = newest.map(|d| &d.manifest.dataset_version);
        let top = held.max(newest_given.map(|r| &r.summary.version));
        let next = back.map(|r| r.summary.version.clone());
        manifest.dataset_version = next
            .or_else(|| top.map(DatasetVersion::next))
            .unwrap_or(manifest.dataset_version.clone());
    }
    let taken = named
        .iter()
        .find(|d| d.manifest.dataset_version == manifest.dataset_version);
    if let Some(taken) = taken {
        return Err(Error::Dataset(DatasetError::VersionTaken {
            name: manifest.name.clone(),
            version: manifest.dataset_version.clone(),
            held: taken.manifest.content_id,
        }));
    }
    refuse_given(tables, manifest, &|r| r.is_own(manifest.signer))?;
    let register = |m: &Manifest| RegisterKey::of(m, Origin::Here);
    if catalog::by_key(tables, register(manifest))?.is_some() {
        // It now has another name, which it keeps.
        manifest.series = fresh;
    }
    let before = back.map(Removed::dataset).transpose()?.flatten();
    Ok(before.filter(|d| d.key == register(manifest)))
}

/// Refuses a name and version that `counts` selects and that other content once had.
///
/// # Errors
/// [`DatasetError::VersionGiven`].
pub(crate) fn refuse_given(
    tables: &dyn MetaRead,
    manifest: &Manifest,
    counts: &dyn Fn(&Removed) -> bool,
) -> Result<(), Error> {
    let given = catalog::given_before(tables, manifest, counts)?;
    match given {
        Some(given) => Err(DatasetError::VersionGiven {
            name: manifest.name.clone(),
            version: manifest.dataset_version.clone(),
            given: given.summary.content_id,
        }
        .into()),
        None => Ok(()),
    }
}
