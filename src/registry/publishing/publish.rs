//! Publishes a draft: assigns its version and adds it to the catalogue.

use std::collections::BTreeMap;

use crate::catalog;
use crate::catalog::Dataset;
use crate::ident::ContentId;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::meta_store::MetaWrite;
use crate::meta_store::Table;
use crate::pack::Flags;
use crate::registry::datasets::version_numbers;
use crate::registry::error::Error;
use crate::registry::index::options::IndexOptions;
use crate::registry::metadata;
use crate::registry::metadata::HeldCard;
use crate::registry::metadata::Naming;
use crate::registry::metadata::inherited::Inherited;
use crate::registry::publishing::node_id::node_id;
use crate::registry::publishing::ownership::is_own;
use crate::registry::publishing::sign;
use crate::store::disk::Entry;
use crate::trust::Admitted;

/// Returns true if a held dataset has this content and the requested version.
pub(in crate::registry) fn same_claims(
    held: &Dataset,
    content: &ContentId,
    options: &IndexOptions,
) -> bool {
    let version_fits = options
        .version
        .as_ref()
        .is_none_or(|v| *v == held.manifest.dataset_version);
    held.manifest.content_id == *content && version_fits
}

/// A manifest to publish, before it has a version.
pub(in crate::registry) struct Draft {
    pub(in crate::registry) manifest: Manifest,
    pub(in crate::registry) naming: Naming,
    /// Key and fingerprint of the source.
    pub(in crate::registry) source: Option<([u8; 32], [u8; 32])>,
    pub(in crate::registry) card_before: Option<HeldCard>,
}

/// Result of publishing a draft.
pub(in crate::registry) struct Published {
    pub(in crate::registry) manifest: Manifest,
    /// True if it was already held.
    pub(in crate::registry) unchanged: bool,
    /// Inherited metadata.
    pub(in crate::registry) inherited: Option<Inherited>,
    /// True if it was already held with a schema that is not the requested full one.
    pub(in crate::registry) schema_kept: bool,
}

/// Assigns a version and a series, and adds the dataset to the tables unless it is held.
pub(in crate::registry) fn publish(
    tables: &mut dyn MetaWrite,
    entries: &mut Vec<Entry>,
    draft: Draft,
    options: &IndexOptions,
) -> Result<Published, Error> {
    let Draft {
        mut manifest,
        naming,
        source,
        card_before,
    } = draft;
    // Datasets of other publishers with the same name are no versions of this one.
    let mut named = catalog::by_name(tables, &manifest.name)?;
    named.retain(|d| is_own(d, options));
    let held = named
        .iter()
        .rfind(|d| same_claims(d, &manifest.content_id, options));
    let is_other = |held: &Dataset| held.manifest.file_table_root != manifest.file_table_root;
    let schema_kept = options.full_schema && held.is_some_and(is_other);
    if let Some((key, looks)) = source.filter(|_| !schema_kept) {
        let row = [looks, *manifest.content_id.as_bytes()].concat();
        tables.put(Table::Sources, &key, &row)?;
    }
    if let Some(held) = held {
        return Ok(Published {
            manifest: held.manifest.clone(),
            unchanged: true,
            inherited: None,
            schema_kept,
        });
    }
    naming.check(tables, &named)?;
    let removed =
        version_numbers::assign(tables, &mut manifest, &named, options.version.is_some())?;
    let node = node_id(tables)?;
    match removed {
        Some(removed) => {
            // Other nodes may hold it, so the new manifest has to win over the removed one.
            manifest.clock.clone_from(&removed.manifest.clock);
            sign::supersede(&mut manifest, &removed, node)?;
        }
        None => manifest.clock = BTreeMap::from([(node, 1)]),
    }
    let (mut inherited, mut is_private) = (None, options.private);
    let newest = named.iter().max_by_key(|d| &d.manifest.dataset_version);
    if let Some(newest) = newest {
        is_private |= newest.flags.private;
        let before = (newest, card_before.as_ref());
        let fields = metadata::inherit(&mut manifest, before, options);
        inherited = (!fields.is_empty()).then(|| Inherited {
            version: newest.manifest.dataset_version.clone(),
            fields,
        });
    }
    let envelope = match &options.sign_with {
        Some(pair) => pair.sign(&mut manifest)?,
        None => Envelope {
            manifest: manifest.encode()?,
            signature: None,
        },
    };
    let flags = Flags {
        private: is_private,
        ..Flags::default()
    };
    sign::publish_edit(tables, entries, &Admitted::from_here(envelope)?, flags)?;
    naming.remember(tables, &named)?;
    Ok(Published {
        manifest,
        unchanged: false,
        inherited,
        schema_kept: false,
    })
}
