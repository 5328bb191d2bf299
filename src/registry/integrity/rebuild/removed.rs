//! What an index that is made anew knows of removed datasets: which version numbers were given,
//! and what can be restored.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::Fate;
use crate::catalog::RegisterKey;
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
use crate::registry::integrity::rebuild::InPacks;
use crate::registry::integrity::rebuild::entry;
use crate::store::disk::Entry;
use crate::store::disk::StoreError;

/// A manifest that a tombstone names.
struct Gone {
    rank: Rank,
    dataset: Dataset,
    envelope: Envelope,
}

impl InPacks<'_> {
    /// Notes what tombstones removed and the catalogue does not have under that name. The packs do
    /// not say when that was, so the time to restore it begins now.
    pub(in crate::registry::integrity::rebuild) fn note_removed(
        &self,
        tables: &mut dyn MetaWrite,
    ) -> Result<(), StoreError> {
        let gone = self.gone();
        let mut tops: BTreeMap<RegisterKey, Rank> = BTreeMap::new();
        for g in gone.values() {
            let top = tops.entry(g.dataset.key).or_insert(g.rank);
            *top = (*top).max(g.rank);
        }
        let mut signed: BTreeSet<Signed> = BTreeSet::new();
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
            let fate = match held.is_none() && is_top {
                true => Fate::Restorable(now),
                false => Fate::Renamed,
            };
            catalog::put_removed_manifest(tables, &g.dataset, g.envelope.clone(), fate)?;
        }
        Ok(())
    }

    /// Of every register and name, the removed manifest that counted.
    fn gone(&self) -> BTreeMap<(DatasetName, RegisterKey), Gone> {
        let mut gone: BTreeMap<(DatasetName, RegisterKey), Gone> = BTreeMap::new();
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
            let found = Gone {
                rank,
                dataset,
                envelope,
            };
            gone.insert(place, found);
        }
        gone
    }

    /// Whether a record of it can be read.
    fn says(&self, id: &EnvelopeId) -> bool {
        let live = self.live.get(id);
        let removed = || self.removed.get(id).and_then(Option::as_ref);
        live.or_else(removed).is_some_and(|l| l.bytes.is_some())
    }
}

/// A number of a name that a signed manifest that was made here gives to its content.
type Signed = (DatasetName, SeriesId, DatasetVersion, ContentId);

fn number(dataset: &Dataset) -> Signed {
    let m = &dataset.manifest;
    let version = m.dataset_version.clone();
    (m.name.clone(), m.line, version, m.content_id)
}

fn is_signed_here(dataset: &&Dataset) -> bool {
    dataset.signed && !dataset.flags.foreign
}

/// Whether an unsigned manifest that was made here was removed because it was signed.
fn is_signed_since(signed: &BTreeSet<Signed>, dataset: &Dataset) -> bool {
    let is_unsigned_here = !dataset.signed && !dataset.flags.foreign;
    is_unsigned_here && signed.contains(&number(dataset))
}

/// Takes from a damaged index what can be read of its removed datasets: it knows when they were
/// removed.
pub(in crate::registry::integrity::rebuild) fn rescue(
    tables: &mut dyn MetaWrite,
    old: &dyn MetaRead,
) -> Result<(), StoreError> {
    for removed in catalog::readable_removed(old) {
        let held = catalog::by_key(tables, removed.brief.key)?;
        if held.is_none_or(|h| h.manifest.name != removed.brief.name) {
            catalog::put_removed(tables, &removed)?;
        }
    }
    Ok(())
}

/// Manifests of removed datasets that the packs have lost, and the index has: they are written
/// again, and need a tombstone.
pub(in crate::registry::integrity::rebuild) fn lost(
    old: &dyn MetaRead,
    in_packs: &InPacks<'_>,
) -> Result<(Vec<Entry>, Vec<EnvelopeId>), StoreError> {
    let (mut entries, mut ids) = (Vec::new(), Vec::new());
    let is_lost = |r: &Removed| !r.brief.flags.foreign && !in_packs.says(&r.brief.envelope_id);
    for removed in catalog::removed(old)?.into_iter().filter(is_lost) {
        if let Some(envelope) = &removed.envelope {
            let (bytes, flags) = (envelope.encode(), removed.brief.flags);
            entries.push(entry(BlobKind::Envelope, bytes, flags));
            ids.push(removed.brief.envelope_id);
        }
    }
    Ok((entries, ids))
}
