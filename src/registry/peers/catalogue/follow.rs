//! ReceivedRecords up to date what is followed: which manifests that were heard of are wanted, and which
//! datasets that came so are given up for later versions.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::catalog;
use crate::catalog::Brief;
use crate::ident::ContentId;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::ident::PublisherKey;
use crate::ident::VersionAlias;
use crate::protocol::Follow;
use crate::protocol::Followable;
use crate::protocol::ListFilter;
use crate::protocol::PeerCatalog;
use crate::protocol::Version;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::peers::client::offers::Offer;
use crate::registry::publishing::trust::Listed;
use crate::trust::Action;
use crate::trust::Trust;
use crate::trust::Verdict;

/// A dataset that is followed and not here yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its manifest.
    pub envelope: EnvelopeId,
    /// Its content.
    pub content: ContentId,
    /// Name and version, for messages.
    pub label: String,
    /// Who told of it first.
    pub from: NodeId,
}

/// What is missing of what is followed, and what is too much.
#[derive(Clone, Debug, Default)]
pub struct Followed {
    /// To be pulled, in this order.
    pub wanted: Vec<Wanted>,
    /// To be given up.
    pub retire: Vec<Brief>,
}

impl LocalRegistry {
    /// Compares what is followed with what is here.
    ///
    /// # Errors
    /// [`Error`] when the index or `trust.toml` cannot be read.
    pub fn follow(&self, follow: &Follow) -> Result<Followed, Error> {
        if follow.is_empty() {
            return Ok(Followed::default());
        }
        // First: what is pulled meanwhile goes from there to what is held, and must not be in neither.
        let heard = self.heard()?;
        let came = self.store.read(|t| Ok::<_, Error>(catalog::followed(t)?))?;
        let came: BTreeSet<EnvelopeId> = came.into_iter().collect();
        let mut versions = Vec::new();
        let mut held: BTreeMap<EnvelopeId, Brief> = BTreeMap::new();
        let here = self.list_in_short()?;
        let all = here.iter().map(|l| &l.dataset);
        let leading = Leading::of(all.chain(heard.iter().map(|l| &l.dataset.brief)));
        for listed in here {
            if let Some(version) = version((follow, &leading), &listed, &listed.dataset) {
                let id = listed.dataset.envelope_id;
                versions.push(Version {
                    is_held: true,
                    is_followed: came.contains(&id),
                    ..version
                });
                held.insert(id, listed.dataset);
            }
        }
        let mut wanted: BTreeMap<EnvelopeId, Wanted> = BTreeMap::new();
        for listed in heard {
            let known = &listed.dataset;
            if let Some(version) = version((follow, &leading), &listed, &known.brief)
                && !held.contains_key(&version.envelope)
            {
                wanted.insert(version.envelope, wish(known.from, &known.brief));
                versions.push(version);
            }
        }
        let plan = follow.plan(versions);
        let fetch = plan.fetch.iter().filter_map(|id| wanted.remove(id));
        let retire = plan.retire.iter().filter_map(|id| held.remove(id));
        Ok(Followed {
            wanted: fetch.collect(),
            retire: retire.collect(),
        })
    }

    /// The offer of a peer that has exactly this manifest; `None` where it has not.
    ///
    /// # Errors
    /// [`Error::Peer`].
    pub fn offer_of(
        &self,
        peer: &dyn PeerCatalog,
        wanted: &Wanted,
    ) -> Result<Option<Offer>, Error> {
        let Some(digits) = crate::ident::HexPrefix::parse(&wanted.content.to_hex()) else {
            return Ok(None);
        };
        let offers = self.list_remote(peer, &ListFilter::Content(digits))?;
        let mut offers = offers.into_iter();
        Ok(offers.find(|offer| offer.envelope_id() == wanted.envelope))
    }

    /// Notes that a dataset comes because it is followed.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be written.
    pub fn note_followed(&self, wanted: &Wanted) -> Result<(), Error> {
        self.store.write(|tables| {
            Ok::<_, Error>(catalog::put_followed(
                tables,
                &wanted.envelope,
                host::now(),
            )?)
        })
    }

    /// It did not come.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be written.
    pub fn forget_followed(&self, wanted: &Wanted) -> Result<(), Error> {
        self.store
            .write(|t| Ok::<_, Error>(catalog::forget_followed(t, &[wanted.envelope])?))
    }

    /// Gives up datasets that came because they were followed. Their bytes stay until they are
    /// collected.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be written.
    pub fn retire(&self, datasets: &[Brief]) -> Result<(), Error> {
        let mut ids = Vec::new();
        for brief in datasets {
            let found = self
                .store
                .read(|t| Ok::<_, Error>(catalog::by_key(t, brief.key)?))?;
            // Revised since, it is not the one that was decided about.
            if let Some(held) = found.filter(|d| d.envelope_id == brief.envelope_id) {
                self.purge(&held)?;
                ids.push(held.envelope_id);
            }
        }
        self.store
            .write(|tables| Ok::<_, Error>(catalog::forget_followed(tables, &ids)?))
    }
}

/// Of every publisher's datasets the newest version, and the one that has each alias, be it here
/// or elsewhere.
#[derive(Default)]
struct Leading {
    newest: BTreeMap<(PublisherKey, DatasetName), DatasetVersion>,
    aliases: BTreeMap<(PublisherKey, DatasetName, VersionAlias), (u64, DatasetVersion)>,
}

impl Leading {
    fn of<'a>(briefs: impl Iterator<Item = &'a Brief>) -> Self {
        let mut leading = Self::default();
        for brief in briefs {
            let Some(publisher) = brief.signer else {
                continue;
            };
            let version = &brief.version;
            let newest = leading.newest.entry((publisher, brief.name.clone()));
            let newest = newest.or_insert_with(|| version.clone());
            if *newest < *version {
                newest.clone_from(version);
            }
            for (alias, count) in brief.tags.iter().filter_map(|t| VersionAlias::of_tag(t)) {
                let key = (publisher, brief.name.clone(), alias);
                let rank = (count, version.clone());
                let greatest = leading.aliases.entry(key).or_insert_with(|| rank.clone());
                if *greatest < rank {
                    *greatest = rank;
                }
            }
        }
        leading
    }

    fn is_newest(&self, publisher: PublisherKey, brief: &Brief) -> bool {
        self.newest.get(&(publisher, brief.name.clone())) == Some(&brief.version)
    }

    /// The tags of a version whose aliases it has.
    fn aliases_of(&self, publisher: PublisherKey, brief: &Brief) -> Vec<String> {
        let has = |tag: &&String| {
            VersionAlias::of_tag(tag).is_some_and(|(alias, count)| {
                let key = (publisher, brief.name.clone(), alias);
                self.aliases.get(&key) == Some(&(count, brief.version.clone()))
            })
        };
        brief.tags.iter().filter(has).cloned().collect()
    }
}

fn wish(from: NodeId, brief: &Brief) -> Wanted {
    Wanted {
        envelope: brief.envelope_id,
        content: brief.content_id,
        label: format!("{}@{}", brief.name, brief.version),
        from,
    }
}

/// A manifest as something to follow; `None` where it is not followed, or must not come unasked.
fn version<D>(
    (follow, leading): (&Follow, &Leading),
    listed: &Listed<D>,
    brief: &Brief,
) -> Option<Version> {
    let publisher = listed.signer?;
    let alias = listed.alias.as_deref();
    let dataset = Followable {
        name: &brief.name,
        version: &brief.version,
        aliases: &leading.aliases_of(publisher, brief),
        is_newest: leading.is_newest(publisher, brief),
        is_trusted: listed.trust() == Trust::Full,
    };
    let is_wanted = follow.wants(&publisher, alias, dataset);
    let is_refused = listed.decide(Action::PullByName).verdict == Verdict::Refuse;
    if !is_wanted || is_refused || listed.withdrawn.is_some() {
        return None;
    }
    Some(Version {
        envelope: brief.envelope_id,
        register: *brief.key.as_bytes(),
        publisher,
        name: brief.name.clone(),
        version: brief.version.clone(),
        created_at: brief.created_at,
        is_held: false,
        is_followed: false,
    })
}
