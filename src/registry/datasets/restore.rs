//! Restores unindexed datasets that are not collected yet.

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::Merged;
use crate::catalog::RemovalFate;
use crate::catalog::Removed;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::Reference;
use crate::ident::TreeId;
use crate::manifest::Manifest;
use crate::manifest::each_node;
use crate::meta_store::MetaRead;
use crate::registry::LocalRegistry;
use crate::registry::datasets::lookup::label;
use crate::registry::datasets::ranking::is_publishers;
use crate::registry::datasets::removal::Maker;
use crate::registry::error::Error;
use crate::registry::error::dataset::DatasetError;
use crate::registry::integrity::gc_roots::blobs_of;
use crate::registry::publishing::sign;
use crate::registry::views::Removal;
use crate::store::disk::BlobReader;
use crate::store::disk::WriteSession;
use crate::trust::Admitted;
use crate::trust::TrustStore;

/// Result of a restore.
#[derive(Clone, Debug, Default)]
pub struct RestoreReport {
    /// Restored datasets.
    pub restored: Vec<Dataset>,
    /// Datasets that were collected and cannot be restored, as `name@version`.
    pub collected: Vec<String>,
    /// The dataset that was meant, if it had not been removed.
    pub already_here: Option<Dataset>,
}

/// A removed dataset and its winning manifest.
type RestoreCandidate = (Removed, Dataset);

impl Removal<'_> {
    /// Returns the removed datasets that are kept for a restore, by name and version. Their blobs
    /// may be lost all the same.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be read.
    pub fn restorable(&self) -> Result<Vec<Removed>, Error> {
        let removed = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::removed(t)?))?;
        let is_restorable = |r: &Removed| matches!(r.fate, RemovalFate::Restorable(_));
        Ok(removed.into_iter().filter(is_restorable).collect())
    }

    /// Restores the datasets that a reference means: with `all_versions` every removed version of
    /// its name, otherwise the newest that matches.
    ///
    /// All of them become visible at once. Held datasets stay unchanged.
    ///
    /// # Errors
    /// [`DatasetError::NotRemoved`] when no removed dataset matches. [`DatasetError::Collected`] when its
    /// bytes are gone. [`DatasetError::Ambiguous`]. [`DatasetError::VersionTaken`] when its name and version now
    /// belong to other content.
    pub fn restore(
        &self,
        reference: &Reference,
        all_versions: bool,
    ) -> Result<RestoreReport, Error> {
        let mut report = RestoreReport::default();
        let wanted = self.registry.removed_matches(reference, all_versions)?;
        if wanted.is_empty() {
            report.already_here = Some(self.registry.resolve(reference).map_err(
                |e| match e.kind() {
                    ErrorKind::NotFound => DatasetError::NotRemoved(reference.to_string()).into(),
                    _ => e,
                },
            )?);
            return Ok(report);
        }
        // From here on no found blob is deleted, because a collection waits for the session.
        let session = WriteSession::begin(&self.registry.store)?;
        let mut whole = Vec::new();
        for (removed, dataset) in wanted {
            let is_restorable = matches!(removed.fate, RemovalFate::Restorable(_));
            if is_restorable && self.registry.is_whole(&session, &dataset)? {
                whole.push((removed, dataset))
            } else {
                report.collected.push(label(&dataset))
            }
        }
        if whole.is_empty() {
            return Err(DatasetError::Collected(report.collected.join(", ")).into());
        }
        session.commit(|tables, entries| {
            for (removed, dataset) in &whole {
                let now = catalog::removed_of(tables, &removed.summary.name)?;
                let is_same = |r: &&Removed| {
                    let is_one = r.summary.envelope_id == removed.summary.envelope_id;
                    is_one && matches!(r.fate, RemovalFate::Restorable(_))
                };
                let Some(envelope) = now.iter().find(is_same).and_then(|r| r.envelope.clone())
                else {
                    // It was collected, or restored by another process, since the lookup.
                    match catalog::by_key(tables, dataset.key)? {
                        Some(held) => report.already_here = Some(held),
                        None => report.collected.push(label(dataset)),
                    }
                    continue;
                };
                refuse_taken(tables, dataset)?;
                let admitted = Admitted::from_store(envelope, dataset.origin())?;
                match sign::publish(tables, entries, &admitted, dataset.flags)? {
                    Merged::Kept => report.already_here = Some(dataset.clone()),
                    _ => report.restored.push(dataset.clone()),
                }
            }
            Ok::<_, Error>(())
        })?;
        if report.restored.is_empty() && report.already_here.is_none() {
            Err(DatasetError::Collected(report.collected.join(", ")).into())
        } else {
            Ok(report)
        }
    }
}

impl LocalRegistry {
    /// Returns the removed datasets that match a reference. The result is empty if the dataset is
    /// held again.
    fn removed_matches(
        &self,
        reference: &Reference,
        all_versions: bool,
    ) -> Result<Vec<RestoreCandidate>, Error> {
        let trust = self.trust().store()?;
        let removed = self.store.read(|t| Ok::<_, Error>(catalog::removed(t)?))?;
        let mut fits: Vec<RestoreCandidate> = Vec::new();
        for removed in removed
            .into_iter()
            .filter(|r| r.fate != RemovalFate::Renamed)
        {
            if let Some(dataset) = removed.dataset()?
                && is_meant(&dataset, reference, &trust)
            {
                fits.push((removed, dataset));
            }
        }
        let is_restorable =
            |(r, _): &RestoreCandidate| matches!(r.fate, RemovalFate::Restorable(_));
        if fits.iter().any(is_restorable) {
            fits.retain(is_restorable);
        }
        // If a dataset was removed both unsigned and signed, the signed one represents both.
        let number = |d: &Dataset| {
            let m = &d.manifest;
            (Maker::of(d), m.name.clone(), m.dataset_version.clone())
        };
        let is_signed = |(_, d): &&RestoreCandidate| d.signed;
        let signed: Vec<_> = fits
            .iter()
            .filter(is_signed)
            .map(|(_, d)| number(d))
            .collect();
        fits.retain(|(_, d)| d.signed || !signed.contains(&number(d)));
        fits.sort_by_key(|(_, d)| d.manifest.dataset_version.clone());
        let Some((_, newest)) = fits.last().cloned() else {
            return Ok(fits);
        };
        if !all_versions && matches!(reference, Reference::Name { .. }) {
            let version = &newest.manifest.dataset_version;
            fits.retain(|(_, d)| d.manifest.dataset_version == *version);
        }
        let is_one = |(_, d): &RestoreCandidate| match all_versions {
            true => Maker::of(d) == Maker::of(&newest) && d.manifest.name == newest.manifest.name,
            false => {
                let same_content = d.manifest.content_id == newest.manifest.content_id;
                number(d) == number(&newest) && same_content
            }
        };
        match fits.iter().all(is_one) {
            true => Ok(fits),
            false => Err(Error::Dataset(DatasetError::Ambiguous {
                reference: reference.to_string(),
                candidates: fits.iter().map(|(_, d)| label(d)).collect(),
            })),
        }
    }

    /// Returns true if all blobs of a removed dataset are held, and the session protects them.
    fn is_whole(&self, session: &WriteSession, dataset: &Dataset) -> Result<bool, Error> {
        let reader = BlobReader::new(&self.store)?;
        let mut keys: Vec<BlobKey> = Vec::new();
        for root in blobs_of(dataset.envelope_id, &dataset.manifest) {
            if root.kind != BlobKind::Node {
                // The envelope is written again.
                keys.extend((root.kind != BlobKind::Envelope).then_some(root));
                continue;
            }
            let walked = each_node(&reader, TreeId::new(*root.id.as_bytes()), &mut |key| {
                keys.push(key);
                true
            });
            match walked.map_err(Error::from) {
                Ok(()) => {}
                Err(e) if matches!(e.kind(), ErrorKind::Integrity | ErrorKind::NotFound) => {
                    return Ok(false);
                }
                Err(other) => return Err(other),
            }
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(session.has(&keys)?.into_iter().all(|held| held))
    }
}

fn is_meant(dataset: &Dataset, reference: &Reference, trust: &TrustStore) -> bool {
    let m = &dataset.manifest;
    match reference {
        Reference::Content(digits) => digits.matches(&m.content_id),
        Reference::Name {
            name,
            version,
            or_content,
            publisher,
        } => {
            let is_content = or_content
                .as_ref()
                .is_some_and(|d| d.matches(&m.content_id));
            let named = m.name == *name
                && version.admits(&m.dataset_version, &m.tags)
                && is_publishers(dataset, publisher.as_ref(), trust);
            named || is_content
        }
    }
}

/// Refuses to restore a name and version that other content of the same maker now has.
fn refuse_taken(tables: &dyn MetaRead, dataset: &Dataset) -> Result<(), Error> {
    let m: &Manifest = &dataset.manifest;
    let named = catalog::by_name(tables, &m.name)?;
    let taken = named.iter().find(|d| {
        Maker::of(d) == Maker::of(dataset)
            && d.manifest.dataset_version == m.dataset_version
            && d.manifest.content_id != m.content_id
    });
    match taken {
        Some(taken) => Err(Error::Dataset(DatasetError::VersionTaken {
            name: m.name.clone(),
            version: m.dataset_version.clone(),
            held: taken.manifest.content_id,
        })),
        None => Ok(()),
    }
}
