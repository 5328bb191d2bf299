//! Aliases: movable names of versions. Counts in the manifests decide which version holds an alias,
//! so that every node gets the same result. Normative: `spec/manifest.md`.

use crate::registry::views::Descriptions;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::catalog;
use crate::catalog::Dataset;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::EnvelopeId;
use crate::ident::PublisherKey;
use crate::ident::VersionAlias;
use crate::registry::Edit;
use crate::registry::LocalRegistry;
use crate::registry::datasets::ranking::best_matches;
use crate::registry::datasets::ranking::is_publishers;
use crate::registry::error::Error;
use crate::registry::error::metadata::MetadataError;
use crate::trust::KeyPair;
use crate::trust::Origin;
use crate::wire::limits::CLOCK_EDITS_MAX;

/// An alias and the version that holds it.
#[derive(Clone, Debug)]
pub struct AliasEntry {
    /// The alias.
    pub alias: VersionAlias,
    /// The version that holds it.
    pub dataset: Dataset,
}

/// Owner of the versions that an alias moves among.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    /// Datasets indexed here, signed or not, and those that the same keys signed elsewhere.
    Own,
    Publisher(PublisherKey),
    UnsignedElsewhere,
}

/// Returns the owner of a dataset among those of one name.
fn owner_of(dataset: &Dataset, own_keys: &BTreeSet<PublisherKey>) -> Owner {
    match (dataset.origin(), dataset.manifest.signer) {
        (Origin::Here, _) => Owner::Own,
        (Origin::Elsewhere, Some(key)) if own_keys.contains(&key) => Owner::Own,
        (Origin::Elsewhere, Some(key)) => Owner::Publisher(key),
        (Origin::Elsewhere, None) => Owner::UnsignedElsewhere,
    }
}

fn own_keys(named: &[Dataset]) -> BTreeSet<PublisherKey> {
    let own = named.iter().filter(|d| d.origin() == Origin::Here);
    own.filter_map(|d| d.manifest.signer).collect()
}

/// Rank of a dataset among those with an alias. The greatest holds it.
type AliasRank = (u64, DatasetVersion, EnvelopeId);

fn rank(dataset: &Dataset, alias: &VersionAlias) -> Option<AliasRank> {
    let m = &dataset.manifest;
    let count = alias.count_in(&m.tags)?;
    Some((count, m.dataset_version.clone(), dataset.envelope_id))
}

/// Returns the version of each owner that holds an alias, among the datasets of one name.
pub(crate) fn holders(named: &[Dataset], alias: &VersionAlias) -> Vec<Dataset> {
    let mut all = all_holders(named);
    all.remove(alias).unwrap_or_default()
}

/// Returns the aliases that each of these datasets of one name holds, by envelope.
pub(crate) fn held_aliases(named: &[Dataset]) -> BTreeMap<EnvelopeId, Vec<VersionAlias>> {
    let mut held: BTreeMap<EnvelopeId, Vec<VersionAlias>> = BTreeMap::new();
    for (alias, holders) in all_holders(named) {
        for holder in holders {
            held.entry(holder.envelope_id)
                .or_default()
                .push(alias.clone());
        }
    }
    held
}

/// Returns the holders of all aliases. It visits each tag once, because the signers of manifests
/// determine the number of tags.
fn all_holders(named: &[Dataset]) -> BTreeMap<VersionAlias, Vec<Dataset>> {
    let own_keys = own_keys(named);
    let mut held: BTreeMap<(VersionAlias, Owner), (AliasRank, &Dataset)> = BTreeMap::new();
    for dataset in named {
        let m = &dataset.manifest;
        let owner = owner_of(dataset, &own_keys);
        for (alias, count) in m.tags.iter().filter_map(|tag| VersionAlias::of_tag(tag)) {
            let rank = (count, m.dataset_version.clone(), dataset.envelope_id);
            let best_matches = held
                .entry((alias, owner))
                .or_insert((rank.clone(), dataset));
            if best_matches.0 < rank {
                *best_matches = (rank, dataset);
            }
        }
    }
    let mut holders: BTreeMap<VersionAlias, Vec<Dataset>> = BTreeMap::new();
    for ((alias, _), (_, dataset)) in held {
        holders.entry(alias).or_default().push(dataset.clone());
    }
    holders
}

impl Descriptions<'_> {
    /// Returns the aliases of a name in order, for one publisher or as the bare name resolves.
    ///
    /// # Errors
    /// `DatasetError::NotFound` when no dataset has the name, or an error of the store.
    pub fn aliases(
        &self,
        name: &DatasetName,
        publisher: Option<&String>,
    ) -> Result<Vec<AliasEntry>, Error> {
        let trust = self.registry.trust().store()?;
        let named = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::by_name(t, name)?))?;
        if named.is_empty() {
            return Err(self.registry.not_found(name.to_string())?);
        }
        let mut entries = Vec::new();
        for (alias, mut found) in all_holders(&named) {
            found.retain(|d| is_publishers(d, publisher, &trust));
            let found = best_matches(found, &trust).into_iter();
            entries.extend(found.map(|dataset| AliasEntry {
                alias: alias.clone(),
                dataset,
            }));
        }
        Ok(entries)
    }

    /// Assigns an alias to a version, and removes it from the publisher's other versions. Returns
    /// the version that held it before, if it was another one.
    ///
    /// # Errors
    /// As [`Descriptions::revise`].
    pub fn set_alias(
        &self,
        dataset: &Dataset,
        alias: &VersionAlias,
        signer: Option<&KeyPair>,
    ) -> Result<Option<Dataset>, Error> {
        let carrying = self.registry.versions_with_tag(dataset, alias)?;
        let ranks = carrying.iter().filter_map(|d| rank(d, alias));
        let greatest = ranks.max();
        let had = carrying
            .iter()
            .find(|d| greatest.is_some() && rank(d, alias) == greatest);
        let is_here = had.is_some_and(|d| d.key == dataset.key);
        if !is_here {
            let count = greatest.as_ref().map_or(0, |(count, ..)| *count);
            if count >= CLOCK_EDITS_MAX {
                return Err(Error::Metadata(MetadataError::ClockFull(
                    dataset.manifest.name.to_string(),
                )));
            }
            let edit = Edit {
                alias: Some((alias.clone(), count + 1)),
                ..Edit::default()
            };
            self.revise(dataset, &edit, signer)?;
        }
        // The count decides already. The alias stays in a manifest that another key signed.
        let others = carrying.iter().filter(|d| d.key != dataset.key);
        for other in others.filter(|d| may_revise(d, signer)) {
            self.registry.drop_alias(other, alias, signer)?;
        }
        Ok(had.filter(|_| !is_here).cloned())
    }

    /// Removes an alias from every version of the publisher whose version holds it.
    ///
    /// # Errors
    /// As [`Descriptions::revise`].
    pub fn delete_alias(
        &self,
        dataset: &Dataset,
        alias: &VersionAlias,
        signer: Option<&KeyPair>,
    ) -> Result<(), Error> {
        for carrying in self.registry.versions_with_tag(dataset, alias)? {
            self.registry.drop_alias(&carrying, alias, signer)?;
        }
        Ok(())
    }
}

impl LocalRegistry {
    fn drop_alias(
        &self,
        dataset: &Dataset,
        alias: &VersionAlias,
        signer: Option<&KeyPair>,
    ) -> Result<(), Error> {
        let edit = Edit {
            drop_aliases: vec![alias.clone()],
            ..Edit::default()
        };
        self.descriptions().revise(dataset, &edit, signer).map(drop)
    }

    /// Returns all versions of a dataset's name and owner that have an alias in their tags.
    fn versions_with_tag(
        &self,
        dataset: &Dataset,
        alias: &VersionAlias,
    ) -> Result<Vec<Dataset>, Error> {
        let name = &dataset.manifest.name;
        let mut named = self
            .store
            .read(|t| Ok::<_, Error>(catalog::by_name(t, name)?))?;
        let own_keys = own_keys(&named);
        let owner = owner_of(dataset, &own_keys);
        named.retain(|d| owner_of(d, &own_keys) == owner && rank(d, alias).is_some());
        Ok(named)
    }
}

fn may_revise(dataset: &Dataset, signer: Option<&KeyPair>) -> bool {
    let key = dataset.manifest.signer;
    key.is_none() || key == signer.map(KeyPair::public_key)
}
