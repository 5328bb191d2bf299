//! Removed datasets of a rebuilt index: their version numbers stay taken, and some can be restored.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::RegisterKey;
use crate::catalog::RemovalFate;
use crate::catalog::Removed;
use crate::ident::ContentId;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::EnvelopeId;
use crate::ident::SeriesId;
use crate::manifest::Envelope;
use crate::manifest::Rank;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::registry::host;
use crate::registry::integrity::rebuild::pack_contents::PackContents;
use crate::registry::integrity::rebuild::pack_contents::entry;
use crate::store::disk::Entry;
use crate::store::disk::StoreError;

/// A manifest that a tombstone names.
struct RemovedManifest {
    rank: Rank,
    dataset: Dataset,
    envelope: Envelope,
}

impl PackContents<'_> {
    /// Records the removed datasets that the catalogue does not have under that name. The packs do
    /// not contain the time of removal, so the time for a restore begins now.
    pub(super) fn note_removed(&self, tables: &mut dyn MetaWrite) -> Result<(), StoreError> {
        let gone = self.removed_manifests();
        let mut tops: BTreeMap<RegisterKey, Rank> = BTreeMap::new();
        for g in gone.values() {
            let top = tops.entry(g.dataset.key).or_insert(g.rank);
            *top = (*top).max(g.rank);
        }
        let mut signed: BTreeSet<SignedVersion> = BTreeSet::new();
        let removed = gone.values().map(|g| &g.dataset);
        signed.extend(removed.filter(is_signed_here).map(number));
        let held = catalog::all(tables)?;
        signed.extend(held.iter().filter(is_signed_here).map(number));
        let now = host::now();
        for g in gone.values() {
            let held = catalog::by_key(tables, g.dataset.key)?;
            let name = &g.dataset.manifest.name;
            let is_here = held.as_ref().is_some_and(|h| h.manifest.name == *name);
            if is_here || is_signed_since(&signed, &g.dataset) {
                continue;
            }
            let is_top = tops.get(&g.dataset.key) == Some(&g.rank);
            let fate = if held.is_none() && is_top {
                RemovalFate::Restorable(now)
            } else {
                RemovalFate::Renamed
            };
            catalog::put_removed_manifest(tables, &g.dataset, g.envelope.clone(), fate)?;
        }
        Ok(())
    }

    /// Returns the winning removed manifest of every register and name.
    fn removed_manifests(&self) -> BTreeMap<(DatasetName, RegisterKey), RemovedManifest> {
        let mut gone: BTreeMap<(DatasetName, RegisterKey), RemovedManifest> = BTreeMap::new();
        for (id, live) in &self.removed {
            let Some(live) = live else { continue };
            let Some((envelope, manifest)) = live.decode() else {
                continue;
            };
            let key = RegisterKey::of(&manifest, catalog::origin_of(live.flags));
            let rank = Rank::of(&manifest, *id);
            let place = (manifest.name.clone(), key);
            if gone.get(&place).is_some_and(|other| other.rank > rank) {
                continue;
            }
            let dataset = Dataset {
                key,
                envelope_id: *id,
                signed: envelope.signature.is_some(),
                manifest,
                flags: live.flags,
            };
            let found = RemovedManifest {
                rank,
                dataset,
                envelope,
            };
            gone.insert(place, found);
        }
        gone
    }

    /// Returns true if a record of the envelope can be read.
    fn has_record(&self, id: &EnvelopeId) -> bool {
        let live = self.live.get(id);
        let removed = || self.removed.get(id).and_then(Option::as_ref);
        live.or_else(removed).is_some_and(|l| l.bytes.is_some())
    }
}

/// The name, series, version and content id of a signed local manifest.
type SignedVersion = (DatasetName, SeriesId, DatasetVersion, ContentId);

fn number(dataset: &Dataset) -> SignedVersion {
    let m = &dataset.manifest;
    let version = m.dataset_version.clone();
    (m.name.clone(), m.series, version, m.content_id)
}

fn is_signed_here(dataset: &&Dataset) -> bool {
    dataset.signed && !dataset.flags.foreign
}

/// Returns true if an unsigned local manifest was removed because it was signed.
fn is_signed_since(signed: &BTreeSet<SignedVersion>, dataset: &Dataset) -> bool {
    let is_unsigned_here = !dataset.signed && !dataset.flags.foreign;
    is_unsigned_here && signed.contains(&number(dataset))
}

/// Copies the readable entries of removed datasets from a damaged index, because it has the times
/// of removal.
pub(super) fn rescue(tables: &mut dyn MetaWrite, old: &dyn MetaRead) -> Result<(), StoreError> {
    for removed in catalog::readable_removed(old) {
        let held = catalog::by_key(tables, removed.summary.key)?;
        if held.is_none_or(|h| h.manifest.name != removed.summary.name) {
            catalog::put_removed(tables, &removed)?;
        }
    }
    Ok(())
}

/// Returns manifests of removed datasets that the old index has and the packs have lost. They are
/// written again, and need a tombstone.
pub(super) fn lost_manifests(
    old: &dyn MetaRead,
    in_packs: &PackContents<'_>,
) -> Result<(Vec<Entry>, Vec<EnvelopeId>), StoreError> {
    let (mut entries, mut ids) = (Vec::new(), Vec::new());
    let is_lost =
        |r: &Removed| !r.summary.flags.foreign && !in_packs.has_record(&r.summary.envelope_id);
    for removed in catalog::removed(old)?.into_iter().filter(is_lost) {
        if let Some(envelope) = &removed.envelope {
            let (bytes, flags) = (envelope.encode(), removed.summary.flags);
            entries.push(entry(BlobKind::Envelope, bytes, flags));
            ids.push(removed.summary.envelope_id);
        }
    }
    Ok((entries, ids))
}
