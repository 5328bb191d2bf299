//! Rebuild of the catalogue from the packs and from the old index, and repair.

mod pack_contents;
mod removed;

use crate::registry::views::Maintenance;
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
use crate::registry::integrity::rebuild::pack_contents::PackContents;
use crate::registry::integrity::rebuild::pack_contents::entry;
use crate::registry::publishing::node_id::NODE_KEY;
use crate::registry::step::Step;
use crate::store::disk::DiskStore;
use crate::store::disk::Entry;
use crate::store::disk::Salvage;
use crate::store::disk::Span;
use crate::store::disk::StoreError;
use crate::store::disk::io::Disk;
use crate::trust::Admitted;
use crate::trust::Statement;

/// Result of a repair.
#[derive(Clone, Debug)]
pub struct RepairReport {
    /// Check of the registry after the repair.
    pub now: FsckReport,
    /// Number of blobs that could not be read before the repair and can be read after it.
    pub healed: u64,
    /// True if the index was rebuilt from the packs.
    pub index_rebuilt: bool,
}

impl Maintenance<'_> {
    /// Checks the registry at a path.
    ///
    /// If it finds damage, it rebuilds the index from the intact parts of the packs and of the old
    /// index. Lost blobs are then missing instead of damaged. Indexing or importing them again
    /// heals the datasets that need them.
    ///
    /// # Errors
    /// [`Error`] when the disk fails, a pack is unreadable for now, or a newer version wrote the
    /// registry. The index is left unchanged then.
    pub fn repair(home: &Path, progress: &dyn Progress) -> Result<RepairReport, Error> {
        let _step = Step::begin("repair", home.display());
        repair_by(
            &|| LocalRegistry::open(home),
            &|| Ok(DiskStore::rebuild(home, &refill)?),
            progress,
        )
    }

    /// Repairs a registry on any disk.
    ///
    /// # Errors
    /// As [`Maintenance::repair`].
    pub fn repair_on(disk: &Arc<dyn Disk>, progress: &dyn Progress) -> Result<RepairReport, Error> {
        repair_by(
            &|| LocalRegistry::on(disk.clone()),
            &|| Ok(DiskStore::rebuild_on(disk.clone(), &refill)?),
            progress,
        )
    }

    /// Returns the parts of packs that were unreadable when opening the registry rebuilt its index.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be read.
    pub fn losses(&self) -> Result<Vec<Span>, Error> {
        if self.registry.store.is_rebuilt() {
            Ok(self.registry.store.unreadable()?)
        } else {
            Ok(Vec::new())
        }
    }
}

/// Repairs with the given functions: `open` opens the registry and `rebuild` rebuilds its index.
pub(crate) fn repair_by(
    open: &dyn Fn() -> Result<LocalRegistry, Error>,
    rebuild: &dyn Fn() -> Result<(), Error>,
    progress: &dyn Progress,
) -> Result<RepairReport, Error> {
    let before = match open().and_then(|r| r.maintenance().fsck(progress)) {
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
    let now = open()?.maintenance().fsck(progress)?;
    let lost = before.corrupt.len() + before.missing.len();
    let healed = lost.saturating_sub(now.corrupt.len() + now.missing.len());
    Ok(RepairReport {
        now,
        healed: healed as u64,
        index_rebuilt: true,
    })
}

/// Fills the catalogue of a rebuilt index.
///
/// An intact old index is authoritative, and the packs get the records that they have lost.
/// Otherwise every manifest in the packs that no later tombstone removes is added, with everything
/// readable in the old index.
pub(crate) fn refill(
    tables: &mut dyn MetaWrite,
    salvage: &Salvage<'_>,
) -> Result<Vec<Entry>, StoreError> {
    let mut in_packs = PackContents::of(salvage.recovered);
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
            // None of them returns when its replacement is removed.
            entries.extend(tombstone(in_packs.superseded(tables)?)?);
            in_packs.note_removed(tables)?;
            if let Some(old) = old {
                removed::rescue(tables, old.tables)?;
            }
            Ok(entries)
        }
    }
}

/// Returns true if an intact index is also consistent.
fn is_sound(old: &dyn MetaRead) -> bool {
    catalog::all(old).is_ok() && catalog::statements(old).is_ok() && catalog::removed(old).is_ok()
}

/// The tables above the store, except for the sources and the registry's own number.
const CARRIED: [Table; 11] = [
    Table::Envelopes,
    Table::Datasets,
    Table::Names,
    Table::Contents,
    Table::Statements,
    Table::Known,
    Table::Suppressed,
    Table::Followed,
    Table::Removed,
    Table::Partial,
    Table::Intakes,
];

/// Copies all entries of the old index. Returns the records in which the packs differ from it.
fn carry_over(
    tables: &mut dyn MetaWrite,
    old: &dyn MetaRead,
    in_packs: &PackContents<'_>,
    has_losses: bool,
) -> Result<Vec<Entry>, StoreError> {
    for table in CARRIED {
        copy(tables, old, table)?;
    }
    // Unchanged sources are normally skipped. After a loss they must be read again, so they are not
    // copied.
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
    // Envelopes in the packs that the index did not count were removed or superseded. A new
    // tombstone keeps them so, also if the record of the old one is damaged.
    let (lost, ids) = removed::lost_manifests(old, in_packs)?;
    entries.extend(lost);
    entries.extend(tombstone([in_packs.superseded(old)?, ids].concat())?);
    in_packs.merge(tables, &|live| live.is_news)?;
    Ok(entries)
}

/// Returns a tombstone of these envelopes, or `None` for an empty list.
fn tombstone(envelopes: Vec<EnvelopeId>) -> Result<Option<Entry>, StoreError> {
    if envelopes.is_empty() {
        return Ok(None);
    }
    let salt = host::random().map_err(|e| StoreError::io("seed", "a tombstone", e))?;
    let bytes = Tombstone { salt, envelopes }.encode();
    Ok(Some(entry(BlobKind::Tombstone, bytes, Flags::default())))
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

/// Copies entries that the packs lack from a damaged index. Unreadable entries are skipped.
fn rescue(
    tables: &mut dyn MetaWrite,
    old: &dyn MetaRead,
    in_packs: &PackContents<'_>,
) -> Result<Vec<Entry>, StoreError> {
    if let Ok(Some(node)) = old.get(Table::Meta, NODE_KEY)
        && node.len() == 32
    {
        tables.put(Table::Meta, NODE_KEY, &node)?;
    }
    let mut entries = Vec::new();
    let mut keys: Vec<RegisterKey> = Vec::new();
    // As far as the table can be read.
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
        // A damaged record may have contained the flags.
        let flags = in_packs.live.get(&id).map_or(dataset.flags, |l| l.flags);
        let Ok(admitted) = Admitted::from_store(envelope, catalog::origin_of(flags)) else {
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
