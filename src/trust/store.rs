//! The trust store: the user's entries of `trust.toml` and the statements of publishers.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::clock::Timestamp;
use crate::ident::Alias;
use crate::ident::ContentId;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::EnvelopeId;
use crate::ident::PublisherKey;
use crate::ident::SeriesId;
use crate::manifest::Manifest;
use crate::trust::lookalike::looks_like;
use crate::trust::policy::Origin;
use crate::trust::policy::PolicyInput;
use crate::trust::signature::SignatureState;
use crate::trust::statement::Statement;
use crate::trust::statement::StatementBody;
use crate::trust::trust_file::Level;
use crate::trust::trust_file::Publisher;
use crate::trust::trust_file::TrustFile;

type Withdrawn = (PublisherKey, SeriesId, DatasetVersion, ContentId);

/// A publisher's revocation of its key.
#[derive(Clone, Debug)]
struct Revoked {
    since: Timestamp,
    reason: String,
    manifests: BTreeSet<EnvelopeId>,
}

/// The fields of a manifest that trust depends on.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The signer.
    pub signer: Option<PublisherKey>,
    /// The dataset's name.
    pub name: &'a DatasetName,
    /// The dataset's version.
    pub version: &'a DatasetVersion,
    /// The dataset's series.
    pub series: SeriesId,
    /// The dataset's content id.
    pub content_id: ContentId,
}

impl<'a> From<&'a Manifest> for Claim<'a> {
    fn from(m: &'a Manifest) -> Self {
        Self {
            signer: m.signer,
            name: &m.name,
            version: &m.dataset_version,
            series: m.series,
            content_id: m.content_id,
        }
    }
}

/// The user's entries and the publishers' statements, at one moment.
#[derive(Clone, Debug)]
pub struct TrustStore {
    file: TrustFile,
    now: Timestamp,
    revocations: BTreeMap<PublisherKey, Revoked>,
    rotations: BTreeSet<(PublisherKey, PublisherKey)>,
    withdrawals: BTreeMap<Withdrawn, String>,
}

impl TrustStore {
    /// Combines the user's entries with the publishers' statements.
    pub fn new(file: TrustFile, statements: &[Statement], now: Timestamp) -> Self {
        let mut store = Self {
            file,
            now,
            revocations: BTreeMap::new(),
            rotations: BTreeSet::new(),
            withdrawals: BTreeMap::new(),
        };
        for s in statements {
            match &s.body {
                StatementBody::Withdrawal {
                    series,
                    version,
                    content_id,
                    reason,
                    ..
                } => {
                    let key = (s.by, *series, version.clone(), *content_id);
                    store.withdrawals.insert(key, reason.clone());
                }
                StatementBody::Rotation { to } => drop(store.rotations.insert((s.by, *to))),
                StatementBody::Revocation { reason, manifests } => {
                    let revocation = store.revocations.entry(s.by).or_insert_with(|| Revoked {
                        since: s.created_at,
                        reason: reason.clone(),
                        manifests: BTreeSet::new(),
                    });
                    revocation.manifests.extend(manifests);
                    // Of several statements, the first gives the reason.
                    if s.created_at < revocation.since {
                        revocation.since = s.created_at;
                        revocation.reason.clone_from(reason);
                    }
                }
            }
        }
        store
    }

    /// Returns the user's entries.
    pub fn file(&self) -> &TrustFile {
        &self.file
    }

    /// Returns the local name of a key.
    pub fn alias(&self, key: &PublisherKey) -> Option<&Alias> {
        self.file.by_key(key).map(|p| &p.name)
    }

    /// Returns the trust level of a key for a dataset of this name.
    pub fn level(&self, key: &PublisherKey, dataset: &DatasetName) -> Level {
        let publisher = self.file.by_key(key);
        if self.is_revoked(key) {
            return Level::Revoked;
        }
        let Some(publisher) = publisher else {
            return Level::Unknown;
        };
        let level = publisher.level_for(dataset, self.now);
        // A thief of the old key could have proposed the new one, so a person decides again.
        let followed_revoked = publisher.key == *key
            && publisher
                .previous
                .iter()
                .any(|old| self.revocations.contains_key(old));
        if followed_revoked {
            level.max(Level::Prompt)
        } else {
            level
        }
    }

    /// Returns true if a key is revoked, by its publisher or by the user.
    pub fn is_revoked(&self, key: &PublisherKey) -> bool {
        let by_people = self
            .file
            .by_key(key)
            .is_some_and(|p| p.level == Level::Revoked);
        by_people || self.revocations.contains_key(key)
    }

    /// Returns true if the publisher itself has revoked a key, whatever the user's entry says.
    pub fn is_revoked_by_publisher(&self, key: &PublisherKey) -> bool {
        self.revocations.contains_key(key)
    }

    /// Returns the reason of a revocation, the publisher's before the user's. `None` for a key that is
    /// not revoked or has no reason.
    pub fn revoked_because(&self, key: &PublisherKey) -> Option<&str> {
        let by_publisher = self
            .revocations
            .get(key)
            .map(|revocation| revocation.reason.as_str());
        let revoked = self.file.by_key(key).filter(|p| p.level == Level::Revoked);
        let by_people = || revoked.and_then(|p| p.reason.as_deref());
        let reason = by_publisher.filter(|r| !r.trim().is_empty());
        reason.or_else(by_people)
    }

    /// Returns the publisher that had this key before a confirmed rotation.
    pub fn superseded(&self, key: &PublisherKey) -> Option<&Publisher> {
        let publisher = self.file.by_key(key);
        publisher.filter(|p| p.key != *key)
    }

    /// Returns the keys that a key's publisher proposes as successors. A revoked key proposes none.
    pub fn proposed(&self, from: &PublisherKey) -> Vec<PublisherKey> {
        let proposals = self.rotations.iter().filter(|(old, _)| old == from);
        proposals
            .map(|(_, new)| *new)
            .filter(|new| !self.revocations.contains_key(from) && !self.is_revoked(new))
            .collect()
    }

    /// Returns the reason of a dataset's withdrawal; `None` when it is not withdrawn.
    pub fn withdrawn(&self, claim: &Claim<'_>) -> Option<&str> {
        if self.withdrawals.is_empty() {
            return None;
        }
        let version = claim.version.clone();
        let key = (claim.signer?, claim.series, version, claim.content_id);
        self.withdrawals.get(&key).map(String::as_str)
    }

    /// Returns the policy input of a manifest with a checked signature.
    pub fn policy_input(
        &self,
        claim: &Claim<'_>,
        id: &EnvelopeId,
        signature: SignatureState,
        origin: Origin,
    ) -> PolicyInput {
        let level = claim.signer.map(|key| self.level(&key, claim.name));
        let listed = claim.signer.and_then(|key| self.revocations.get(&key));
        PolicyInput {
            origin,
            signature,
            level: level.unwrap_or(Level::Unknown),
            is_grandfathered: listed.is_some_and(|revocation| revocation.manifests.contains(id)),
        }
    }

    /// Returns the local name that another name could be mistaken for.
    pub fn lookalike_of(&self, name: &Alias) -> Option<&Alias> {
        let mut aliases = self.file.publishers().map(|p| &p.name);
        aliases.find(|a| looks_like(a.as_str(), name.as_str()))
    }
}
