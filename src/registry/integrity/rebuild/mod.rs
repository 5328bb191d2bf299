//! The catalogue of an index that is made anew, from the packs and from the index before it, and
//! repairs.

mod removed;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Merged;
use crate::catalog::RegisterKey;
use crate::catalog::Tombstone;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::EnvelopeId;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::meta_store::MetaError;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::pack::Flags;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::integrity::fsck::FsckReport;
use crate::registry::publishing::publish::NODE_KEY;
use crate::registry::step::Step;
use crate::store::disk::DiskStore;
use crate::store::disk::Entry;
use crate::store::disk::Recovered;
use crate::store::disk::Salvage;
use crate::store::disk::Span;
use crate::store::disk::StoreError;
use crate::store::disk::io::Disk;
use crate::trust::Admitted;
use crate::trust::Statement;

/// What a repair did.
#[derive(Clone, Debug)]
pub struct RepairReport {
    /// How things are now.
    pub now: FsckReport,
    /// Blobs that could not be read before and can be now.
    pub healed: u64,
    /// Whether the index was made anew from the packs.
    pub index_rebuilt: bool,
}

impl LocalRegistry {
    /// Checks the registry at a path and, where something is wrong, makes its index anew from
    /// whatever is whole in the packs and in the index before. What is lost is then missing
    /// instead of damaged: indexing or importing it again heals the datasets that need it.
    ///
    /// # Errors
    /// [`Error`] when the disk fails, a pack cannot be read for now, or the registry was written
    /// by a newer version. The index is then as it was.
    pub fn repair(home: &Path, progress: &dyn Progress) -> Result<RepairReport, Error> {
        let _step = Step::begin("repair", home.display());
        repair_by(
            &|| Self::open(home),
            &|| Ok(DiskStore::rebuild(home, &refill)?),
            progress,
        )
    }

    /// The same for a registry on any disk.
    ///
    /// # Errors
    /// As [`LocalRegistry::repair`].
    pub fn repair_on(disk: &Arc<dyn Disk>, progress: &dyn Progress) -> Result<RepairReport, Error> {
        repair_by(
            &|| Self::on(disk.clone()),
            &|| Ok(DiskStore::rebuild_on(disk.clone(), &refill)?),
            progress,
        )
    }
}

impl LocalRegistry {
    /// What could not be read of the packs, where the index was made anew when the registry was
    /// opened.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be read.
    pub fn losses(&self) -> Result<Vec<Span>, Error> {
        match self.store.is_rebuilt() {
            true => Ok(self.store.unreadable()?),
            false => Ok(Vec::new()),
        }
    }
}

/// A repair, where `open` opens the registry and `rebuild` makes its index anew.
pub(crate) fn repair_by(
    open: &dyn Fn() -> Result<LocalRegistry, Error>,
    rebuild: &dyn Fn() -> Result<(), Error>,
    progress: &dyn Progress,
) -> Result<RepairReport, Error> {
    let before = match open().and_then(|r| r.fsck(progress)) {
        Ok(found) if found.is_clean() => {
            return Ok(RepairReport {
                now: found,
                healed: 0,
                index_rebuilt: false,
            });
        }
        Ok(found) => found,
        Err(e) if e.kind() == ErrorKind::Integrity => FsckReport::default(),
        Err(other) => return Err(other),
    };
    rebuild()?;
    let now = open()?.fsck(progress)?;
    let lost = before.corrupt.len() + before.missing.len();
    let healed = lost.saturating_sub(now.corrupt.len() + now.missing.len());
    Ok(RepairReport {
        now,
        healed: healed as u64,
        index_rebuilt: true,
    })
}

/// What the packs say of an envelope.
struct Live<'a> {
    order: usize,
    flags: Flags,
    /// `None` where no record of it can be read whole.
    bytes: Option<&'a [u8]>,
    is_news: bool,
}

impl Live<'_> {
    fn decode(&self) -> Option<(Envelope, Manifest)> {
        let envelope = Envelope::decode(self.bytes?).ok()?;
        let manifest = Manifest::decode(&envelope.manifest).ok()?;
        Some((envelope, manifest))
    }
}

/// What the packs say of all envelopes.
#[derive(Default)]
struct InPacks<'a> {
    /// Those that no later tombstone removes.
    live: BTreeMap<EnvelopeId, Live<'a>>,
    /// Those that one removes, with what they said.
    removed: BTreeMap<EnvelopeId, Option<Live<'a>>>,
    /// Those of them that none removes, but what was signed in their place.
    replaced: Vec<EnvelopeId>,
    statements: Vec<Statement>,
}

impl<'a> InPacks<'a> {
    fn of(recovered: &'a [Recovered]) -> Self {
        let mut found = Self::default();
        for (order, entry) in recovered.iter().enumerate() {
            let bytes = entry.bytes.as_deref();
            match (entry.kind, bytes) {
                (BlobKind::Envelope, bytes) => {
                    let id = EnvelopeId::new(*entry.id.as_bytes());
                    let removed = found.removed.remove(&id).flatten();
                    let before = found.live.get(&id).or(removed.as_ref());
                    let before = before.and_then(|live| live.bytes);
                    // Of a record that is damaged the flags still count.
                    let live = Live {
                        order,
                        flags: entry.flags,
                        bytes: bytes.or(before),
                        is_news: entry.is_news,
                    };
                    found.live.insert(id, live);
                }
                // One that does not verify was not written by this program.
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

    /// Puts those that `is_wanted` into the catalogue, in order. A pack holds a manifest only after
    /// everything that it needs.
    fn merge(
        &self,
        tables: &mut dyn MetaWrite,
        is_wanted: &dyn Fn(&Live<'_>) -> bool,
    ) -> Result<(), StoreError> {
        let wanted = self.live.values().filter(|live| is_wanted(live));
        let mut in_order: Vec<&Live<'_>> = wanted.collect();
        in_order.sort_unstable_by_key(|live| live.order);
        for live in in_order {
            // One whose signature does not hold was not written by this program.
            if let Some((envelope, _)) = live.decode()
                && let Ok(admitted) = Admitted::stored(envelope, catalog::origin_of(live.flags))
            {
                catalog::merge(tables, &admitted, live.flags)?;
            }
        }
        Ok(())
    }

    /// Removes what was made here, unsigned, where what was signed in its place is here as well: a
    /// power cut may have kept the manifest and not the tombstone that was written after it.
    fn remove_replaced(&mut self) {
        let own = self.live.iter().filter(|(_, live)| !live.flags.foreign);
        let own: BTreeMap<EnvelopeId, Manifest> = own
            .filter_map(|(id, live)| Some((*id, live.decode()?.1)))
            .collect();
        for manifest in own.values().filter(|m| m.signer.is_some()) {
            for id in &manifest.prev {
                let is_replaced = own.get(id).is_some_and(|old| {
                    let same_content = old.content_id == manifest.content_id;
                    old.signer.is_none() && old.line == manifest.line && same_content
                });
                if is_replaced {
                    let replaced = self.live.remove(id);
                    self.removed.insert(*id, replaced);
                    self.replaced.push(*id);
                }
            }
        }
    }

    /// What the packs show and the catalogue does not count.
    fn superseded(&self, tables: &dyn MetaRead) -> Result<Vec<EnvelopeId>, StoreError> {
        let heads = catalog::heads(tables)?.into_iter().map(|(_, id)| id);
        let counted: BTreeSet<EnvelopeId> = heads.collect();
        let live = self.live.iter();
        let dead = live.filter(|(id, l)| !l.is_news && l.bytes.is_some() && !counted.contains(id));
        let dead = dead.map(|(id, _)| *id);
        Ok(dead.chain(self.replaced.iter().copied()).collect())
    }
}

/// Fills the catalogue of a rebuilt index. An index that is whole says what there is, and the
/// packs get what they have lost of it. Else the packs say it: every manifest in them that no later
/// tombstone removes, and what can be read of the old index besides.
pub(crate) fn refill(
    tables: &mut dyn MetaWrite,
    salvage: &Salvage<'_>,
) -> Result<Vec<Entry>, StoreError> {
    let mut in_packs = InPacks::of(salvage.recovered);
    for statement in &in_packs.statements {
        catalog::put_statement(tables, statement)?;
    }
    match salvage.old {
        Some(old) if old.is_whole && is_sound(old.tables) => {
            carry_over(tables, old.tables, &in_packs, salvage.has_losses)
        }
        old => {
            in_packs.remove_replaced();
            in_packs.merge(tables, &|_| true)?;
            let mut entries = match old {
                Some(old) => rescue(tables, old.tables, &in_packs)?,
                None => Vec::new(),
            };
            // None of them comes back when what took its place is removed.
            entries.extend(tombstone(in_packs.superseded(tables)?)?);
            in_packs.note_removed(tables)?;
            if let Some(old) = old {
                removed::rescue(tables, old.tables)?;
            }
            Ok(entries)
        }
    }
}

/// Whether a whole index also makes sense.
fn is_sound(old: &dyn MetaRead) -> bool {
    catalog::all(old).is_ok() && catalog::statements(old).is_ok() && catalog::removed(old).is_ok()
}

/// The tables above the store, apart from the sources and the registry's own number.
const CARRIED: [Table; 9] = [
    Table::Envelopes,
    Table::Datasets,
    Table::Names,
    Table::Contents,
    Table::Statements,
    Table::Known,
    Table::Aside,
    Table::Followed,
    Table::Removed,
];

/// Takes over everything that the old index says. Returns what the packs do not say as it does.
fn carry_over(
    tables: &mut dyn MetaWrite,
    old: &dyn MetaRead,
    in_packs: &InPacks<'_>,
    has_losses: bool,
) -> Result<Vec<Entry>, StoreError> {
    for table in CARRIED {
        copy(tables, old, table)?;
    }
    // Sources that look unchanged are not read again: they must be, where bytes are lost.
    if !has_losses {
        copy(tables, old, Table::Sources)?;
    }
    if let Some(node) = old.get(Table::Meta, NODE_KEY)? {
        tables.put(Table::Meta, NODE_KEY, &node)?;
    }
    let mut entries = Vec::new();
    for dataset in catalog::all(old)? {
        let envelope = catalog::envelope(old, &dataset.envelope_id)?;
        let live = in_packs.live.get(&dataset.envelope_id);
        let is_said = live.is_some_and(|l| l.bytes.is_some() && l.flags == dataset.flags);
        if !is_said {
            entries.push(entry(BlobKind::Envelope, envelope.encode(), dataset.flags));
        }
    }
    let said: BTreeSet<_> = in_packs.statements.iter().map(Statement::id).collect();
    for statement in catalog::statements(old)? {
        if !said.contains(&statement.id()) {
            let bytes = statement.encode().to_vec();
            entries.push(entry(BlobKind::Statement, bytes, Flags::default()));
        }
    }
    // What the packs show and the index did not count was removed or superseded: it stays so, also
    // where the record that says it is damaged.
    let (lost, ids) = removed::lost(old, in_packs)?;
    entries.extend(lost);
    entries.extend(tombstone([in_packs.superseded(old)?, ids].concat())?);
    in_packs.merge(tables, &|live| live.is_news)?;
    Ok(entries)
}

/// A tombstone of these; none of nothing.
fn tombstone(envelopes: Vec<EnvelopeId>) -> Result<Option<Entry>, StoreError> {
    if envelopes.is_empty() {
        return Ok(None);
    }
    let salt = host::random().map_err(|e| StoreError::io("seed", "a tombstone", e))?;
    let bytes = Tombstone { salt, envelopes }.encode();
    Ok(Some(entry(BlobKind::Tombstone, bytes, Flags::default())))
}

fn entry(kind: BlobKind, bytes: Vec<u8>, flags: Flags) -> Entry {
    Entry { kind, bytes, flags }
}

fn copy(tables: &mut dyn MetaWrite, old: &dyn MetaRead, table: Table) -> Result<(), MetaError> {
    let mut failed = None;
    old.scan(
        table,
        &[],
        &mut |key, value| match tables.put(table, key, value) {
            Ok(()) => Scan::Continue,
            Err(error) => {
                failed = Some(error);
                Scan::Stop
            }
        },
    )?;
    failed.map_or(Ok(()), Err)
}

/// Takes from a damaged index what the packs do not have. What cannot be read there is left.
fn rescue(
    tables: &mut dyn MetaWrite,
    old: &dyn MetaRead,
    in_packs: &InPacks<'_>,
) -> Result<Vec<Entry>, StoreError> {
    if let Ok(Some(node)) = old.get(Table::Meta, NODE_KEY)
        && node.len() == 32
    {
        tables.put(Table::Meta, NODE_KEY, &node)?;
    }
    let mut entries = Vec::new();
    let mut keys: Vec<RegisterKey> = Vec::new();
    // As far as it goes.
    if let Ok(heads) = catalog::heads(old) {
        keys.extend(heads.into_iter().map(|(key, _)| key));
    }
    for key in keys {
        let Ok(Some(dataset)) = catalog::by_key(old, key) else {
            continue;
        };
        let id = dataset.envelope_id;
        let Ok(envelope) = catalog::envelope(old, &id) else {
            continue;
        };
        if in_packs.removed.contains_key(&id) {
            continue;
        }
        // A record that is damaged may have told the flags.
        let flags = in_packs.live.get(&id).map_or(dataset.flags, |l| l.flags);
        let Ok(admitted) = Admitted::stored(envelope, catalog::origin_of(flags)) else {
            continue;
        };
        let merged = catalog::merge(tables, &admitted, flags)?;
        if merged != Merged::Kept {
            let bytes = admitted.envelope().encode();
            entries.push(entry(BlobKind::Envelope, bytes, flags));
        }
    }
    for statement in catalog::statements(old).unwrap_or_default() {
        if catalog::put_statement(tables, &statement)? {
            let bytes = statement.encode().to_vec();
            entries.push(entry(BlobKind::Statement, bytes, Flags::default()));
        }
    }
    Ok(entries)
}
