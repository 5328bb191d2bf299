//! Renames all versions of a dataset in one step.

use crate::catalog::Dataset;
use crate::ident::DatasetName;
use crate::registry::datasets::removal::Maker;
use crate::registry::datasets::replace;
use crate::registry::datasets::version_numbers;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::views::Descriptions;
use crate::store::disk::WriteSession;
use crate::trust::KeyPair;

impl Descriptions<'_> {
    /// Renames all of these datasets or none. Signed ones need their publisher's key.
    ///
    /// # Errors
    /// `PublisherError::NotItsPublisher` without that key. `DatasetError::NotFound` when a dataset is gone.
    /// `DatasetError::VersionTaken` or
    /// [`DatasetError::VersionGiven`](crate::registry::DatasetError::VersionGiven) when the new name has
    /// or had one of the versions.
    pub fn rename_all(
        &self,
        datasets: &[Dataset],
        name: &DatasetName,
        signer: Option<&KeyPair>,
    ) -> Result<Vec<Dataset>, Error> {
        if let (Some(pair), Some(first)) = (signer, datasets.first()) {
            self.registry.may_sign(&first.manifest, pair)?;
        }
        let mut salts = Vec::new();
        for _ in datasets {
            let salt: [u8; 16] = host::random().map_err(Error::Random)?;
            salts.push(salt);
        }
        let session = WriteSession::begin(&self.registry.store)?;
        session.commit(|tables, entries| {
            let mut renamed = Vec::new();
            for (dataset, salt) in datasets.iter().zip(&salts) {
                let held = replace::current_state(tables, dataset)?;
                if held.manifest.name == *name {
                    renamed.push(held);
                    continue;
                }
                let mut manifest = held.manifest.clone();
                replace::refuse_others(&manifest, signer)?;
                manifest.name = name.clone();
                replace::refuse_taken(tables, &manifest, &held)?;
                if Maker::of(&held) == Maker::Here || manifest.signer.is_some() {
                    version_numbers::refuse_given(tables, &manifest, &|r| {
                        r.is_own(manifest.signer)
                    })?;
                }
                let by = (signer, *salt);
                renamed.push(replace::replace(tables, entries, manifest, &held, by)?);
            }
            Ok(renamed)
        })
    }
}
