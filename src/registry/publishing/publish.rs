//! Giving a draft its version and putting it into the catalogue.

use std::collections::BTreeMap;

use crate::catalog;
use crate::catalog::Dataset;
use crate::ident::ContentId;
use crate::ident::NodeId;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::meta_store::MetaWrite;
use crate::meta_store::Table;
use crate::pack::Flags;
use crate::registry::datasets::version_numbers;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::index::IndexOptions;
use crate::registry::metadata;
use crate::registry::metadata::HeldCard;
use crate::registry::metadata::Inherited;
use crate::registry::metadata::Naming;
use crate::registry::publishing::sign;
use crate::store::disk::Entry;
use crate::trust::Admitted;
use crate::trust::KeyPair;

/// In [`Table::Meta`]: the key under which this registry counts its edits.
pub(crate) const NODE_KEY: &[u8] = b"node";

/// Whether a dataset that is here has this content, and the version that is asked for.
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

/// What is to be published, before it has a version.
pub(in crate::registry) struct Draft {
    pub(in crate::registry) manifest: Manifest,
    pub(in crate::registry) naming: Naming,
    /// The source and how it looked.
    pub(in crate::registry) source: Option<([u8; 32], [u8; 32])>,
    pub(in crate::registry) card_before: Option<HeldCard>,
}

/// What came of a draft.
pub(in crate::registry) struct Published {
    pub(in crate::registry) manifest: Manifest,
    /// It was there.
    pub(in crate::registry) unchanged: bool,
    /// What it took over.
    pub(in crate::registry) inherited: Option<Inherited>,
    /// It was there with a schema that is not the full one that was asked for.
    pub(in crate::registry) schema_kept: bool,
}

/// Gives the dataset its version and line and puts it into the tables, unless it is there.
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
    // Others' datasets of the same name are no versions of this one.
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
            // Others may have it: what is said now has to count more than what was said then.
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
    sign::publish_edit(tables, entries, &Admitted::made_here(envelope)?, flags)?;
    naming.remember(tables, &named)?;
    Ok(Published {
        manifest,
        unchanged: false,
        inherited,
        schema_kept: false,
    })
}

/// Whether a dataset was made here, or elsewhere by the publisher who is at work here.
pub(in crate::registry) fn is_own(dataset: &Dataset, options: &IndexOptions) -> bool {
    let signer = options.sign_with.as_ref().map(KeyPair::public_key);
    !dataset.flags.foreign || (signer.is_some() && dataset.manifest.signer == signer)
}

/// The key under which this registry counts its edits, made the first time.
pub(crate) fn node_id(tables: &mut dyn MetaWrite) -> Result<NodeId, Error> {
    if let Some(Ok(id)) = tables.get(Table::Meta, NODE_KEY)?.map(<[u8; 32]>::try_from) {
        return Ok(NodeId::new(id));
    }
    let fresh: [u8; 32] =
        host::random().map_err(|e| Error::machine("seed the random numbers of the registry", e))?;
    tables.put(Table::Meta, NODE_KEY, &fresh)?;
    Ok(NodeId::new(fresh))
}
