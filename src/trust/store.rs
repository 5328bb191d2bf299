//! What is believed here: what people wrote in `trust.toml`, and what publishers have stated.

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

/// What a publisher said when it revoked its key.
#[derive(Clone, Debug)]
struct Revoked {
    since: Timestamp,
    reason: String,
    manifests: BTreeSet<EnvelopeId>,
}

/// What a manifest says that trust looks at.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Who signed it.
    pub signer: Option<PublisherKey>,
    /// The dataset's name.
    pub name: &'a DatasetName,
    /// Its version.
    pub version: &'a DatasetVersion,
    /// Its line.
    pub line: SeriesId,
    /// Its content.
    pub content_id: ContentId,
}

impl<'a> From<&'a Manifest> for Claim<'a> {
    fn from(m: &'a Manifest) -> Self {
        Self {
            signer: m.signer,
            name: &m.name,
            version: &m.dataset_version,
            line: m.line,
            content_id: m.content_id,
        }
    }
}

/// Both, at one moment.
#[derive(Clone, Debug)]
pub struct TrustStore {
    file: TrustFile,
    now: Timestamp,
    revocations: BTreeMap<PublisherKey, Revoked>,
    rotations: BTreeSet<(PublisherKey, PublisherKey)>,
    withdrawals: BTreeMap<Withdrawn, String>,
}

impl TrustStore {
    /// Puts together what people and publishers say.
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
                    line,
                    version,
                    content_id,
                    reason,
                    ..
                } => {
                    let key = (s.by, *line, version.clone(), *content_id);
                    store.withdrawals.insert(key, reason.clone());
                }
                StatementBody::Rotation { to } => drop(store.rotations.insert((s.by, *to))),
                StatementBody::Revocation { reason, manifests } => {
                    let said = store.revocations.entry(s.by).or_insert_with(|| Revoked {
                        since: s.created_at,
                        reason: reason.clone(),
                        manifests: BTreeSet::new(),
                    });
                    said.manifests.extend(manifests);
                    // Of several, the reason of the first is given.
                    if s.created_at < said.since {
                        said.since = s.created_at;
                        said.reason.clone_from(reason);
                    }
                }
            }
        }
        store
    }

    /// What people wrote.
    pub fn file(&self) -> &TrustFile {
        &self.file
    }

    /// What a key is called here.
    pub fn alias(&self, key: &PublisherKey) -> Option<&Alias> {
        self.file.by_key(key).map(|p| &p.name)
    }

    /// What a key is trusted with for a dataset of this name.
    pub fn level(&self, key: &PublisherKey, dataset: &DatasetName) -> Level {
        let publisher = self.file.by_key(key);
        if self.is_revoked(key) {
            return Level::Revoked;
        }
        let Some(publisher) = publisher else {
            return Level::Unknown;
        };
        let level = publisher.level_for(dataset, self.now);
        // Whoever had the old key could have proposed the new one: it is asked about again.
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

    /// Whether a key is revoked, by its publisher or by people here.
    pub fn is_revoked(&self, key: &PublisherKey) -> bool {
        let by_people = self
            .file
            .by_key(key)
            .is_some_and(|p| p.level == Level::Revoked);
        by_people || self.revocations.contains_key(key)
    }

    /// Whether the publisher itself has revoked a key, whatever people here say.
    pub fn is_revoked_by_publisher(&self, key: &PublisherKey) -> bool {
        self.revocations.contains_key(key)
    }

    /// Why a key is revoked: what its publisher says, or people here where it says nothing. `None` for
    /// a key that is not revoked or where nobody gave a reason.
    pub fn revoked_because(&self, key: &PublisherKey) -> Option<&str> {
        let by_publisher = self.revocations.get(key).map(|said| said.reason.as_str());
        let revoked = self.file.by_key(key).filter(|p| p.level == Level::Revoked);
        let by_people = || revoked.and_then(|p| p.reason.as_deref());
        let reason = by_publisher.filter(|r| !r.trim().is_empty());
        reason.or_else(by_people)
    }

    /// The publisher that a key was the key of, before a rotation that a person here confirmed.
    pub fn superseded(&self, key: &PublisherKey) -> Option<&Publisher> {
        let publisher = self.file.by_key(key);
        publisher.filter(|p| p.key != *key)
    }

    /// The keys that a key's publisher proposes to follow it. None of a revoked key counts.
    pub fn proposed(&self, from: &PublisherKey) -> Vec<PublisherKey> {
        let proposals = self.rotations.iter().filter(|(old, _)| old == from);
        proposals
            .map(|(_, new)| *new)
            .filter(|new| !self.revocations.contains_key(from) && !self.is_revoked(new))
            .collect()
    }

    /// Why a dataset was withdrawn by its publisher; `None` when it was not.
    pub fn withdrawn(&self, claim: &Claim<'_>) -> Option<&str> {
        if self.withdrawals.is_empty() {
            return None;
        }
        let version = claim.version.clone();
        let key = (claim.signer?, claim.line, version, claim.content_id);
        self.withdrawals.get(&key).map(String::as_str)
    }

    /// How a manifest stands whose signature was looked at.
    pub fn standing(
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
            is_grandfathered: listed.is_some_and(|said| said.manifests.contains(id)),
        }
    }

    /// The alias here that another name could be taken for.
    pub fn mimicked(&self, name: &Alias) -> Option<&Alias> {
        let mut aliases = self.file.publishers().map(|p| &p.name);
        aliases.find(|a| looks_like(a.as_str(), name.as_str()))
    }
}
