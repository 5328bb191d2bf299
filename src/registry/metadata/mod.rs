//! Metadata of datasets.
//!
//! This file checks it and inherits it from the version before. `license` parses licences,
//! `guessed` names datasets by path, and `aliases` moves names of versions. Normative:
//! `spec/manifest.md`, `spec/identifiers.md`.

mod aliases;
pub(crate) mod edit;
mod guessed;
pub(crate) mod inherited;
mod license;

pub use aliases::AliasEntry;
pub(crate) use aliases::held_aliases;
pub(crate) use aliases::holders;
pub(crate) use guessed::Naming;
pub(crate) use license::checked as checked_license;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore as _;
use crate::card::Card;
use crate::catalog;
use crate::catalog::Dataset;
use crate::ident::BlobId;
use crate::ident::RESERVED_TAG;
use crate::ident::VersionAlias;
use crate::ident::labels;
use crate::manifest::Manifest;
use crate::registry::Edit;
use crate::registry::IndexOptions;
use crate::registry::IndexReport;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::error::metadata::MetadataError;
use crate::store::disk::BlobReader;
use crate::wire::limits::TAG_BYTES_MAX;

/// A card in the store: its blob and its content.
#[derive(Clone, Debug)]
pub(crate) struct HeldCard {
    id: BlobId,
    card: Card,
}

/// Returns the options with checked licence and tags. An empty licence or description means none.
///
/// # Errors
/// [`MetadataError::License`], [`MetadataError::Tag`].
pub(crate) fn checked(options: &IndexOptions) -> Result<IndexOptions, Error> {
    check_tags(&options.tags)?;
    let license = options.license.as_deref().map(checked_license);
    Ok(IndexOptions {
        license: license.transpose()?,
        ..options.clone()
    })
}

/// Checks that users may give these tags.
///
/// # Errors
/// [`MetadataError::Tag`] for the first tag that is not allowed.
pub(crate) fn check_tags(tags: &[String]) -> Result<(), Error> {
    for tag in tags {
        let reason = match tag {
            tag if tag.is_empty() => "is empty",
            tag if tag.len() > TAG_BYTES_MAX => "is longer than 64 bytes",
            tag if tag.chars().any(char::is_control) => "has a control character",
            tag if tag.starts_with(RESERVED_TAG) => "begins with `@`, which is kept for aliases",
            _ => continue,
        };
        let tag = tag.chars().take(TAG_BYTES_MAX + 1).collect();
        return Err(Error::Metadata(MetadataError::Tag { tag, reason }));
    }
    Ok(())
}

/// Returns those labels of a card that a manifest may have. A card is data, so it sets no alias.
pub(crate) fn card_tags(card: &Card) -> Vec<String> {
    let mut tags = card.tags();
    tags.retain(|tag| !tag.starts_with(RESERVED_TAG));
    tags
}

/// Fills in inherited metadata, and returns the list of it.
pub(crate) fn inherit(
    manifest: &mut Manifest,
    (before, card_before): (&Dataset, Option<&HeldCard>),
    given: &IndexOptions,
) -> Vec<&'static str> {
    let old = &before.manifest;
    let mut fields = Vec::new();
    // Fields that came from the earlier card are dropped together with that card.
    let replaced = card_before.filter(|c| {
        let is_old = old.card == Some(c.id);
        is_old && manifest.card.is_some() && manifest.card != old.card
    });
    let replaced = replaced.map(|c| &c.card);
    let is_of_card = |license: &String| {
        let said = replaced.and_then(Card::license);
        said == Some(license.as_str())
    };
    if given.license.is_none() && manifest.license.is_none() {
        manifest.license = old.license.clone().filter(|l| !is_of_card(l));
        fields.extend(manifest.license.is_some().then_some("license"));
    }
    if given.description.is_none() && old.description.is_some() {
        manifest.description.clone_from(&old.description);
        fields.push("description");
    }
    if given.tags.is_empty() {
        let of_card = replaced.map(card_tags).unwrap_or_default();
        let mut tags = labels(&old.tags);
        tags.retain(|t| !of_card.contains(t) && !manifest.tags.contains(t));
        fields.extend((!tags.is_empty()).then_some("tags"));
        manifest.tags.extend(tags);
        manifest.tags.sort();
    }
    if manifest.card.is_none() && old.card.is_some() {
        manifest.card = old.card;
        fields.push("card");
    }
    if !given.private && before.flags.private {
        fields.push("private");
    }
    fields
}

/// Applies an edit to a manifest.
pub(crate) fn apply(edit: &Edit, manifest: &mut Manifest) {
    let set = edit.alias.as_ref().map(|(alias, _)| alias);
    let is_dropped = |tag: &String| {
        let carried = VersionAlias::of_tag(tag);
        let is_named =
            |(a, _): &(VersionAlias, u64)| edit.drop_aliases.contains(a) || set == Some(a);
        carried.as_ref().is_some_and(is_named) || edit.remove_tags.contains(tag)
    };
    manifest.tags.retain(|t| !is_dropped(t));
    manifest.tags.extend(edit.add_tags.iter().cloned());
    let alias = edit.alias.as_ref();
    manifest
        .tags
        .extend(alias.map(|(alias, n)| alias.to_tag(*n)));
    manifest.tags.sort();
    manifest.tags.dedup();
    let text = |new: &Option<String>, old: &mut Option<String>| {
        if new.is_some() {
            *old = new.clone().filter(|text| !text.is_empty());
        }
    };
    text(&edit.description, &mut manifest.description);
    text(&edit.license, &mut manifest.license);
}

/// Returns the names of the metadata fields that differ.
pub fn differing(a: &Manifest, b: &Manifest) -> Vec<&'static str> {
    let differs = [
        ("name", a.name != b.name),
        ("licence", a.license != b.license),
        ("description", a.description != b.description),
        ("tags", a.tags != b.tags),
        ("card", a.card != b.card),
        ("source", a.source != b.source),
    ];
    let differing = differs.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(field, _)| field).collect()
}

impl LocalRegistry {
    /// Returns the stored card of a dataset, or `None` if it has none or it cannot be read.
    pub(crate) fn held_card(&self, dataset: &Dataset) -> Result<Option<HeldCard>, Error> {
        let Some(id) = dataset.manifest.card else {
            return Ok(None);
        };
        let reader = BlobReader::new(&self.store)?;
        let bytes = reader.get(&BlobKey::new(BlobKind::Card, *id.as_bytes()));
        // A damaged card must not prevent an index.
        Ok(bytes.ok().map(|bytes| HeldCard {
            id,
            card: Card::read(&bytes),
        }))
    }

    /// Signs a held unsigned dataset, and returns the metadata that held content still lacks.
    pub(crate) fn complete_metadata(
        &self,
        report: IndexReport,
        options: &IndexOptions,
        card: Option<Vec<u8>>,
    ) -> Result<IndexReport, Error> {
        let mut report = self.sign_if_requested(report, options)?;
        if report.unchanged {
            report.revision = self.missing_metadata(&report.manifest, options, card)?;
        }
        Ok(report)
    }

    /// Returns the dataset and the edit with the metadata in the options that the manifest of held
    /// content does not have.
    fn missing_metadata(
        &self,
        manifest: &Manifest,
        options: &IndexOptions,
        card: Option<Vec<u8>>,
    ) -> Result<Option<(Dataset, Edit)>, Error> {
        let edit = Edit {
            add_tags: options.tags.clone(),
            description: options.description.clone(),
            license: options.license.clone(),
            card_bytes: card,
            ..Edit::default()
        };
        let named = self
            .store
            .read(|t| Ok::<_, Error>(catalog::by_name(t, &manifest.name)?))?;
        let Some(held) = named.into_iter().find(|d| d.manifest == *manifest) else {
            return Ok(None);
        };
        let mut after = manifest.clone();
        apply(&edit, &mut after);
        let card = edit.card_bytes.as_deref().map(BlobId::of);
        let has_card = card.is_none() || card == manifest.card;
        let is_private = !options.private || held.flags.private;
        let is_said = after == *manifest && has_card && is_private;
        Ok((!is_said).then_some((held, edit)))
    }
}
