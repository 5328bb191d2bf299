//! Following: selects the remote manifests that the follow rules want, and the followed datasets
//! that later versions replace.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::catalog;
use crate::catalog::DatasetSummary;
use crate::ident::ContentId;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::ident::PublisherKey;
use crate::ident::VersionAlias;
use crate::protocol::Follow;
use crate::protocol::Followable;
use crate::protocol::FollowedVersion;
use crate::protocol::ListFilter;
use crate::protocol::PeerCatalog;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::peers::Peers;
use crate::registry::peers::client::offers::Offer;
use crate::registry::publishing::trust::Listed;
use crate::trust::Action;
use crate::trust::Trust;
use crate::trust::Verdict;

/// A followed dataset that is not held yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedDataset {
    /// The manifest's envelope.
    pub envelope: EnvelopeId,
    /// The content id of its data.
    pub content: ContentId,
    /// Name and version, for messages.
    pub label: String,
    /// The signer.
    pub publisher: PublisherKey,
    /// The node that sent the manifest first.
    pub from: NodeId,
}

/// Result of applying the follow rules.
#[derive(Clone, Debug, Default)]
pub struct FollowPlan {
    /// Datasets to pull, in this order.
    pub wanted: Vec<WantedDataset>,
    /// Datasets to remove.
    pub retire: Vec<DatasetSummary>,
}

impl Peers<'_> {
    /// Applies the follow rules to the catalogue.
    ///
    /// # Errors
    /// [`Error`] when the index or `trust.toml` cannot be read.
    pub fn follow(&self, follow: &Follow) -> Result<FollowPlan, Error> {
        if follow.is_empty() {
            return Ok(FollowPlan::default());
        }
        // Read the remote manifests first. A pull that runs meanwhile moves a manifest from there
        // to the held ones. It must not be missing from both.
        let received = self.remote_manifests()?;
        let came = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::followed(t)?))?;
        let came: BTreeSet<EnvelopeId> = came.into_iter().collect();
        let mut versions = Vec::new();
        let mut held: BTreeMap<EnvelopeId, DatasetSummary> = BTreeMap::new();
        let here = self.registry.publishing().list_summaries()?;
        let all = here.iter().map(|l| &l.dataset);
        let leading = LeadingVersions::of(all.chain(received.iter().map(|l| &l.dataset.summary)));
        for listed in here {
            if let Some(version) = version((follow, &leading), &listed, &listed.dataset) {
                let id = listed.dataset.envelope_id;
                versions.push(FollowedVersion {
                    is_held: true,
                    is_followed: came.contains(&id),
                    ..version
                });
                held.insert(id, listed.dataset);
            }
        }
        let mut wanted: BTreeMap<EnvelopeId, WantedDataset> = BTreeMap::new();
        for listed in received {
            let known = &listed.dataset;
            if let Some(version) = version((follow, &leading), &listed, &known.summary)
                && !held.contains_key(&version.envelope)
            {
                let dataset = wanted_dataset(known.from, version.publisher, &known.summary);
                wanted.insert(version.envelope, dataset);
                versions.push(version);
            }
        }
        let plan = follow.plan(versions);
        let fetch = plan.fetch.iter().filter_map(|id| wanted.remove(id));
        let retire = plan.retire.iter().filter_map(|id| held.remove(id));
        Ok(FollowPlan {
            wanted: fetch.collect(),
            retire: retire.collect(),
        })
    }

    /// Returns the peer's offer with exactly this manifest, or `None` if the peer does not have it.
    ///
    /// # Errors
    /// [`Error::Peer`].
    pub fn offer_of(
        &self,
        peer: &dyn PeerCatalog,
        wanted: &WantedDataset,
    ) -> Result<Option<Offer>, Error> {
        let Some(digits) = crate::ident::HexPrefix::parse(&wanted.content.to_hex()) else {
            return Ok(None);
        };
        let offers = self.list_remote(peer, &ListFilter::Content(digits))?;
        let mut offers = offers.into_iter();
        Ok(offers.find(|offer| offer.envelope_id() == wanted.envelope))
    }

    /// Records that a dataset was pulled because of a follow rule.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be written.
    pub fn record_followed(&self, wanted: &WantedDataset) -> Result<(), Error> {
        self.registry.store.write(|tables| {
            Ok::<_, Error>(catalog::put_followed(
                tables,
                &wanted.envelope,
                host::now(),
            )?)
        })
    }

    /// Removes the record of [`Peers::record_followed`] after a failed pull.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be written.
    pub fn forget_followed(&self, wanted: &WantedDataset) -> Result<(), Error> {
        self.registry
            .store
            .write(|t| Ok::<_, Error>(catalog::forget_followed(t, &[wanted.envelope])?))
    }

    /// Removes followed datasets. Their bytes stay until the next garbage collection.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be written.
    pub fn retire(&self, datasets: &[DatasetSummary]) -> Result<(), Error> {
        let mut ids = Vec::new();
        for summary in datasets {
            let found = self
                .registry
                .store
                .read(|t| Ok::<_, Error>(catalog::by_key(t, summary.key)?))?;
            // A dataset that was revised since is not the one that the rules decided about.
            if let Some(held) = found.filter(|d| d.envelope_id == summary.envelope_id) {
                self.registry.removal().purge(&held)?;
                ids.push(held.envelope_id);
            }
        }
        self.registry
            .store
            .write(|tables| Ok::<_, Error>(catalog::forget_followed(tables, &ids)?))
    }
}

/// Newest version of every dataset, and the version that holds each alias, by publisher. Held and
/// remote datasets count alike.
#[derive(Default)]
struct LeadingVersions {
    newest: BTreeMap<(PublisherKey, DatasetName), DatasetVersion>,
    aliases: BTreeMap<(PublisherKey, DatasetName, VersionAlias), (u64, DatasetVersion)>,
}

impl LeadingVersions {
    fn of<'a>(summaries: impl Iterator<Item = &'a DatasetSummary>) -> Self {
        let mut leading = Self::default();
        for summary in summaries {
            let Some(publisher) = summary.signer else {
                continue;
            };
            let version = &summary.version;
            let newest = leading.newest.entry((publisher, summary.name.clone()));
            let newest = newest.or_insert_with(|| version.clone());
            if *newest < *version {
                newest.clone_from(version);
            }
            for (alias, count) in summary.tags.iter().filter_map(|t| VersionAlias::of_tag(t)) {
                let key = (publisher, summary.name.clone(), alias);
                let rank = (count, version.clone());
                let greatest = leading.aliases.entry(key).or_insert_with(|| rank.clone());
                if *greatest < rank {
                    *greatest = rank;
                }
            }
        }
        leading
    }

    fn is_newest(&self, publisher: PublisherKey, summary: &DatasetSummary) -> bool {
        self.newest.get(&(publisher, summary.name.clone())) == Some(&summary.version)
    }

    /// Returns those tags of a version that are aliases it still holds.
    fn aliases_of(&self, publisher: PublisherKey, summary: &DatasetSummary) -> Vec<String> {
        let has = |tag: &&String| {
            VersionAlias::of_tag(tag).is_some_and(|(alias, count)| {
                let key = (publisher, summary.name.clone(), alias);
                self.aliases.get(&key) == Some(&(count, summary.version.clone()))
            })
        };
        summary.tags.iter().filter(has).cloned().collect()
    }
}

fn wanted_dataset(
    from: NodeId,
    publisher: PublisherKey,
    summary: &DatasetSummary,
) -> WantedDataset {
    WantedDataset {
        envelope: summary.envelope_id,
        content: summary.content_id,
        label: format!("{}@{}", summary.name, summary.version),
        publisher,
        from,
    }
}

/// Converts a manifest into a version for the follow rules. Returns `None` if no rule wants it, or
/// if the policy refuses it.
fn version<D>(
    (follow, leading): (&Follow, &LeadingVersions),
    listed: &Listed<D>,
    summary: &DatasetSummary,
) -> Option<FollowedVersion> {
    let publisher = listed.signer?;
    let alias = listed.alias.as_deref();
    let dataset = Followable {
        name: &summary.name,
        version: &summary.version,
        aliases: &leading.aliases_of(publisher, summary),
        is_newest: leading.is_newest(publisher, summary),
        is_trusted: listed.trust() == Trust::Full,
    };
    let is_wanted = follow.wants(&publisher, alias, dataset);
    let is_refused = listed.decide(Action::PullByName).verdict == Verdict::Refuse;
    if !is_wanted || is_refused || listed.withdrawn.is_some() {
        return None;
    }
    Some(FollowedVersion {
        envelope: summary.envelope_id,
        register: *summary.key.as_bytes(),
        publisher,
        name: summary.name.clone(),
        version: summary.version.clone(),
        created_at: summary.created_at,
        is_held: false,
        is_followed: false,
    })
}
