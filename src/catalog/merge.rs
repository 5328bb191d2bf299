//! Writes registers, and finds the register of a manifest.

use crate::catalog::Dataset;
use crate::catalog::DatasetSummary;
use crate::catalog::RegisterKey;
use crate::catalog::by_key;
use crate::catalog::content_key;
use crate::catalog::envelope;
use crate::catalog::envelope_if_held;
use crate::catalog::name_key;
use crate::catalog::origin_of;
use crate::catalog::partial::forget_partial;
use crate::catalog::remove;
use crate::catalog::removed::RemovalFate;
use crate::catalog::removed::forget_removed;
use crate::catalog::removed::note_removed;
use crate::ident::EnvelopeId;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::manifest::Rank;
use crate::meta_store::MetaError;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Table;
use crate::pack::Flags;
use crate::trust::Admitted;
use crate::trust::Origin;
use crate::wire::DecodeError;
use crate::wire::Writer;

/// Inserts or replaces the state of an admitted manifest's register. An unsigned remote manifest is
/// marked as foreign, regardless of the flags.
///
/// # Errors
/// [`MetaError`] when the tables cannot be written.
pub fn put(
    tables: &mut dyn MetaWrite,
    admitted: &Admitted,
    flags: Flags,
) -> Result<EnvelopeId, MetaError> {
    let key = RegisterKey::of(admitted.manifest(), admitted.origin());
    let is_unsigned = admitted.manifest().signer.is_none();
    let flags = Flags {
        foreign: flags.foreign || (is_unsigned && admitted.origin() == Origin::Elsewhere),
        ..flags
    };
    put_row(
        tables,
        key,
        (admitted.manifest(), admitted.envelope()),
        flags,
    )
}

/// Changes the local flags of a dataset. Its manifest stays.
///
/// # Errors
/// [`MetaError`] when the tables are damaged or cannot be written.
pub fn set_flags(
    tables: &mut dyn MetaWrite,
    held: &Dataset,
    flags: Flags,
) -> Result<(), MetaError> {
    let envelope = envelope(tables, &held.envelope_id)?;
    put_row(tables, held.key, (&held.manifest, &envelope), flags).map(drop)
}

pub(super) fn put_row(
    tables: &mut dyn MetaWrite,
    key: RegisterKey,
    (manifest, envelope): (&Manifest, &Envelope),
    flags: Flags,
) -> Result<EnvelopeId, MetaError> {
    let id = envelope.id();
    forget_partial(tables, key)?;
    let mut row = Writer::new();
    let signed = envelope.signature.is_some();
    let summary = DatasetSummary::of(key, manifest, signed, (id, flags));
    row.bytes(id.as_bytes())
        .u8(flags.bits())
        .bytes(&summary.encode());
    tables.put(Table::Envelopes, id.as_bytes(), &envelope.encode())?;
    tables.put(Table::Datasets, key.as_bytes(), row.as_bytes())?;
    tables.put(Table::Names, &name_key(&manifest.name, &key), &[])?;
    tables.put(
        Table::Contents,
        &content_key(&manifest.content_id, &key),
        &[],
    )?;
    forget_removed(tables, &manifest.name, &key)?;
    Ok(id)
}

/// Result of merging a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merged {
    /// It is the first of its register.
    Added,
    /// It replaced this envelope.
    Replaced(EnvelopeId),
    /// Another manifest wins, or it was already held.
    Kept,
}

/// Merges an admitted manifest: inserts it, or replaces the state of its register if it ranks
/// higher. An unsigned remote manifest adds nothing if a local one has the same content or more.
///
/// # Errors
/// [`MetaError`] when the tables are damaged or cannot be written.
pub fn merge(
    tables: &mut dyn MetaWrite,
    admitted: &Admitted,
    flags: Flags,
) -> Result<Merged, MetaError> {
    let manifest = admitted.manifest();
    let rank = Rank::of(manifest, admitted.envelope().id());
    let outranks = |held: &Dataset| rank > Rank::of(&held.manifest, held.envelope_id);
    let made_here = made_here(tables, manifest, admitted.origin())?;
    if made_here.is_some_and(|held| !outranks(&held)) {
        return Ok(Merged::Kept);
    }
    let Some(held) = of_register(tables, manifest, admitted.origin())? else {
        make_room(tables, RegisterKey::of(manifest, admitted.origin()))?;
        put(tables, admitted, flags)?;
        return Ok(Merged::Added);
    };
    if !outranks(&held) {
        return Ok(Merged::Kept);
    }
    if held.manifest.name != manifest.name {
        // Its number under that name is taken for ever.
        note_removed(tables, &held, RemovalFate::Renamed)?;
    }
    remove(tables, &held)?;
    put(tables, admitted, flags)?;
    Ok(Merged::Replaced(held.envelope_id))
}

/// Moves an unsigned remote manifest to its own key. Stores of the first version kept it under the
/// key of the local one.
fn make_room(tables: &mut dyn MetaWrite, key: RegisterKey) -> Result<(), MetaError> {
    let Some(held) = by_key(tables, key)? else {
        return Ok(());
    };
    let envelope = envelope(tables, &held.envelope_id)?;
    let own = RegisterKey::of(&held.manifest, held.origin());
    remove(tables, &held)?;
    put_row(tables, own, (&held.manifest, &envelope), held.flags).map(drop)
}

/// Returns the state of a manifest's register.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn of_register(
    tables: &dyn MetaRead,
    manifest: &Manifest,
    origin: Origin,
) -> Result<Option<Dataset>, MetaError> {
    if let Some(held) = by_key(tables, RegisterKey::of(manifest, origin))? {
        let is_apart = manifest.signer.is_some() || origin_of(held.flags) == origin;
        return Ok(Some(held).filter(|_| is_apart));
    }
    if manifest.signer.is_some() || origin == Origin::Here {
        return Ok(None);
    }
    // Stores of the first version kept both origins under one key.
    let held = by_key(tables, RegisterKey::of(manifest, Origin::Here))?;
    Ok(held.filter(|held| held.flags.foreign))
}

/// Returns the local dataset with the same series, version and content as an unsigned remote
/// manifest. Returns `None` for every other manifest.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn made_here(
    tables: &dyn MetaRead,
    manifest: &Manifest,
    origin: Origin,
) -> Result<Option<Dataset>, MetaError> {
    if manifest.signer.is_some() || origin == Origin::Here {
        return Ok(None);
    }
    of_register(tables, manifest, Origin::Here)
}

/// Returns the dataset whose winning manifest has this envelope.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn by_envelope(tables: &dyn MetaRead, id: &EnvelopeId) -> Result<Option<Dataset>, MetaError> {
    let Some(envelope) = envelope_if_held(tables, id)? else {
        return Ok(None);
    };
    let manifest = Manifest::decode(&envelope.manifest).map_err(|_| MetaError::Row {
        table: Table::Envelopes.name(),
        source: DecodeError::Invalid("manifest"),
    })?;
    for origin in [Origin::Here, Origin::Elsewhere] {
        let held = of_register(tables, &manifest, origin)?;
        if let Some(held) = held.filter(|d| d.envelope_id == *id) {
            return Ok(Some(held));
        }
    }
    Ok(None)
}
