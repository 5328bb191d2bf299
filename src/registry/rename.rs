//! Giving all versions of a name another name, in one step.

use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::Merged;
use crate::ident::DatasetName;
use crate::manifest::Envelope;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::numbers;
use crate::registry::publishing::node_id;
use crate::registry::removal::Maker;
use crate::registry::sign;
use crate::store::disk::Session;
use crate::trust::Admitted;
use crate::trust::KeyPair;

impl LocalRegistry {
    /// Gives datasets another name: all of them, or none. Signed ones need their publisher's key.
    ///
    /// # Errors
    /// [`Error::NotItsPublisher`] without that, [`Error::NotFound`] when one is gone,
    /// [`Error::VersionTaken`] or [`LifeError::VersionGiven`](crate::registry::LifeError::VersionGiven) when the new name has or had one of the
    /// versions.
    pub fn rename_all(
        &self,
        datasets: &[Dataset],
        name: &DatasetName,
        signer: Option<&KeyPair>,
    ) -> Result<Vec<Dataset>, Error> {
        if let (Some(pair), Some(first)) = (signer, datasets.first()) {
            self.may_sign(&first.manifest, pair)?;
        }
        let mut salts = Vec::new();
        for _ in datasets {
            let salt: [u8; 16] = host::random().map_err(|e| Error::file("seed", self.home(), e))?;
            salts.push(salt);
        }
        let session = Session::begin(&self.store)?;
        session.commit(|tables, entries| {
            let mut renamed = Vec::new();
            for (dataset, salt) in datasets.iter().zip(&salts) {
                let gone = || Error::NotFound(dataset.manifest.name.to_string());
                let held = catalog::by_key(tables, dataset.key)?.ok_or_else(gone)?;
                if held.manifest.name == *name {
                    renamed.push(held);
                    continue;
                }
                let mut manifest = held.manifest.clone();
                if manifest.signer.is_some() && manifest.signer != signer.map(KeyPair::public_key) {
                    return Err(Error::NotItsPublisher(manifest.name.to_string()));
                }
                manifest.name = name.clone();
                let named = catalog::by_name(tables, name)?;
                let taken = named.iter().find(|d| {
                    d.flags.foreign == held.flags.foreign
                        && d.manifest.dataset_version == manifest.dataset_version
                });
                if let Some(taken) = taken {
                    return Err(Error::VersionTaken {
                        name: manifest.name,
                        version: manifest.dataset_version,
                        held: taken.manifest.content_id,
                    });
                }
                if Maker::of(&held) == Maker::Here || manifest.signer.is_some() {
                    numbers::refuse_given(tables, &manifest, &|r| r.is_own(manifest.signer))?;
                }
                sign::supersede(&mut manifest, &held, node_id(tables)?)?;
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
                    sign::retire(entries, *salt, &held);
                }
                let now = catalog::of_register(tables, &manifest, held.origin())?;
                renamed.push(now.ok_or_else(gone)?);
            }
            Ok(renamed)
        })
    }
}
