//! Which version numbers may be given. A number that was given once stands for its content for
//! ever, also when the dataset is removed: others may have it.

use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::RegisterKey;
use crate::catalog::Removed;
use crate::ident::DatasetVersion;
use crate::manifest::Manifest;
use crate::meta_store::MetaRead;
use crate::registry::error::Error;
use crate::registry::error::life::LifeError;
use crate::trust::Origin;

/// Gives a new manifest its version and line, where `named` are this publisher's datasets of its
/// name. Content that was removed gets its number back, unless another is wanted. Returns the
/// state of the same register that was removed, which the new manifest has to supersede.
///
/// # Errors
/// [`Error::VersionTaken`] or [`LifeError::VersionGiven`] when the version that is wanted stands for
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
        let fits = !is_wanted || r.brief.version == manifest.dataset_version;
        fits && r.brief.content_id == manifest.content_id
    };
    let order = |r: &&Removed| (r.brief.version.clone(), r.brief.signer == manifest.signer);
    let back = given.iter().filter(is_back).max_by_key(order);
    let newest = named.iter().max_by_key(|d| &d.manifest.dataset_version);
    let newest_given = given.iter().max_by_key(|r| &r.brief.version);
    let fresh = manifest.line;
    let line = newest.map(|d| d.manifest.line);
    let line = line.or_else(|| newest_given.map(|r| r.brief.line));
    manifest.line = back.map(|r| r.brief.line).or(line).unwrap_or(fresh);
    if !is_wanted {
        let held = newest.map(|d| &d.manifest.dataset_version);
        let top = held.max(newest_given.map(|r| &r.brief.version));
        let next = back.map(|r| r.brief.version.clone());
        manifest.dataset_version = next
            .or_else(|| top.map(DatasetVersion::next))
            .unwrap_or(manifest.dataset_version.clone());
    }
    let taken = named
        .iter()
        .find(|d| d.manifest.dataset_version == manifest.dataset_version);
    if let Some(taken) = taken {
        return Err(Error::VersionTaken {
            name: manifest.name.clone(),
            version: manifest.dataset_version.clone(),
            held: taken.manifest.content_id,
        });
    }
    refuse_given(tables, manifest, &|r| r.is_own(manifest.signer))?;
    let register = |m: &Manifest| RegisterKey::of(m, Origin::Here);
    if catalog::by_key(tables, register(manifest))?.is_some() {
        // It has another name now, which it keeps.
        manifest.line = fresh;
    }
    let before = back.map(Removed::dataset).transpose()?.flatten();
    Ok(before.filter(|d| d.key == register(manifest)))
}

/// Refuses a name and version that stood for other content once, in what `counts`.
///
/// # Errors
/// [`LifeError::VersionGiven`].
pub(crate) fn refuse_given(
    tables: &dyn MetaRead,
    manifest: &Manifest,
    counts: &dyn Fn(&Removed) -> bool,
) -> Result<(), Error> {
    let given = catalog::given_before(tables, manifest, counts)?;
    match given {
        Some(given) => Err(LifeError::VersionGiven {
            name: manifest.name.clone(),
            version: manifest.dataset_version.clone(),
            given: given.brief.content_id,
        }
        .into()),
        None => Ok(()),
    }
}
