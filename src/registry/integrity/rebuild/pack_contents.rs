//! State of the envelopes according to the packs.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Tombstone;
use crate::ident::EnvelopeId;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::pack::Flags;
use crate::store::disk::Entry;
use crate::store::disk::Recovered;
use crate::store::disk::StoreError;
use crate::trust::Admitted;
use crate::trust::Statement;

/// State of an envelope according to the packs.
pub(super) struct LiveEnvelope<'a> {
    pub(super) order: usize,
    pub(super) flags: Flags,
    /// `None` if no intact record of it exists.
    pub(super) bytes: Option<&'a [u8]>,
    pub(super) is_news: bool,
}

impl LiveEnvelope<'_> {
    pub(super) fn decode(&self) -> Option<(Envelope, Manifest)> {
        let envelope = Envelope::decode(self.bytes?).ok()?;
        let manifest = Manifest::decode(&envelope.manifest).ok()?;
        Some((envelope, manifest))
    }
}

/// State of all envelopes according to the packs.
#[derive(Default)]
pub(super) struct PackContents<'a> {
    /// Envelopes that no later tombstone removes.
    pub(super) live: BTreeMap<EnvelopeId, LiveEnvelope<'a>>,
    /// Envelopes that a tombstone removes, with their state.
    pub(super) removed: BTreeMap<EnvelopeId, Option<LiveEnvelope<'a>>>,
    /// Removed envelopes whose tombstone says that a signed one replaced them.
    pub(super) replaced: Vec<EnvelopeId>,
    pub(super) statements: Vec<Statement>,
}

impl<'a> PackContents<'a> {
    pub(super) fn of(recovered: &'a [Recovered]) -> Self {
        let mut found = Self::default();
        for (order, entry) in recovered.iter().enumerate() {
            let bytes = entry.bytes.as_deref();
            match (entry.kind, bytes) {
                (BlobKind::Envelope, bytes) => {
                    let id = EnvelopeId::new(*entry.id.as_bytes());
                    let removed = found.removed.remove(&id).flatten();
                    let before = found.live.get(&id).or(removed.as_ref());
                    let before = before.and_then(|live| live.bytes);
                    // The flags of a damaged record still count.
                    let live = LiveEnvelope {
                        order,
                        flags: entry.flags,
                        bytes: bytes.or(before),
                        is_news: entry.is_news,
                    };
                    found.live.insert(id, live);
                }
                // This program does not write an envelope that does not verify.
                (BlobKind::Statement, Some(bytes)) => {
                    found.statements.extend(Statement::decode(bytes).ok());
                }
                (BlobKind::Tombstone, Some(bytes)) => {
                    let tombstone = Tombstone::decode(bytes).ok();
                    for id in tombstone.into_iter().flat_map(|t| t.envelopes) {
                        // Another tombstone, or a copy of this one, may have named it before.
                        let removed = found.live.remove(&id);
                        let before = found.removed.entry(id).or_insert(None);
                        *before = removed.or(before.take());
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// Adds the envelopes that `is_wanted` selects to the catalogue, in order. A pack contains a
    /// manifest only after everything that the manifest needs.
    pub(super) fn merge(
        &self,
        tables: &mut dyn MetaWrite,
        is_wanted: &dyn Fn(&LiveEnvelope<'_>) -> bool,
    ) -> Result<(), StoreError> {
        let wanted = self.live.values().filter(|live| is_wanted(live));
        let mut in_order: Vec<&LiveEnvelope<'_>> = wanted.collect();
        in_order.sort_unstable_by_key(|live| live.order);
        for live in in_order {
            // This program does not write an envelope whose signature does not hold.
            if let Some((envelope, _)) = live.decode()
                && let Ok(admitted) = Admitted::from_store(envelope, catalog::origin_of(live.flags))
            {
                catalog::merge(tables, &admitted, live.flags)?;
            }
        }
        Ok(())
    }

    /// Removes unsigned local manifests whose signed replacement is held as well. A power cut may
    /// have kept the signed manifest and lost the tombstone that was written after it.
    pub(super) fn remove_replaced(&mut self) {
        let own = self.live.iter().filter(|(_, live)| !live.flags.foreign);
        let own: BTreeMap<EnvelopeId, Manifest> = own
            .filter_map(|(id, live)| Some((*id, live.decode()?.1)))
            .collect();
        for manifest in own.values().filter(|m| m.signer.is_some()) {
            for id in &manifest.prev {
                let is_replaced = own.get(id).is_some_and(|old| {
                    let same_content = old.content_id == manifest.content_id;
                    old.signer.is_none() && old.series == manifest.series && same_content
                });
                if is_replaced {
                    let replaced = self.live.remove(id);
                    self.removed.insert(*id, replaced);
                    self.replaced.push(*id);
                }
            }
        }
    }

    /// Returns the envelopes in the packs that the catalogue does not count.
    pub(super) fn superseded(&self, tables: &dyn MetaRead) -> Result<Vec<EnvelopeId>, StoreError> {
        let heads = catalog::heads(tables)?.into_iter().map(|(_, id)| id);
        let counted: BTreeSet<EnvelopeId> = heads.collect();
        let live = self.live.iter();
        let dead = live.filter(|(id, l)| !l.is_news && l.bytes.is_some() && !counted.contains(id));
        let dead = dead.map(|(id, _)| *id);
        Ok(dead.chain(self.replaced.iter().copied()).collect())
    }
}

/// Creates an entry of a pack.
pub(super) fn entry(kind: BlobKind, bytes: Vec<u8>, flags: Flags) -> Entry {
    Entry { kind, bytes, flags }
}
