//! What this node passes on: manifests of datasets that it shows, manifests it heard of whose
//! publishers it trusts enough to share, and statements. This is what catalogues are compared by.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::catalog;
use crate::catalog::Known;
use crate::catalog::RegisterKey;
use crate::catalog::TrustDigest;
use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::ident::PublisherKey;
use crate::protocol::ItemId;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::peers::server::visibility::Showing;
use crate::registry::publishing::trust::Listed;
use crate::trust::Action;
use crate::trust::Claim;
use crate::trust::Statement;
use crate::trust::TrustStore;
use crate::trust::Verdict;

/// What is compared with one peer.
#[derive(Clone, Debug, Default)]
pub struct Items {
    /// What it may have from here.
    pub passing: Vec<ItemId>,
    /// What it showed and is not passed on: only so that it does not show it again.
    pub aside: Vec<ItemId>,
}

/// The bytes of items.
#[derive(Clone, Debug, Default)]
pub struct Bodies {
    /// Encoded envelopes.
    pub envelopes: Vec<Vec<u8>>,
    /// Encoded statements.
    pub statements: Vec<Vec<u8>>,
}

impl Items {
    /// All of it, each once.
    pub fn all(&self) -> impl Iterator<Item = ItemId> {
        let all: BTreeSet<ItemId> = self.passing.iter().chain(&self.aside).copied().collect();
        all.into_iter()
    }
}

impl LocalRegistry {
    /// What is passed on, whoever asks: of each register the manifest that counts.
    ///
    /// # Errors
    /// [`Error`] when the index or `trust.toml` cannot be read.
    pub fn passing(&self, showing: Showing) -> Result<Vec<ItemId>, Error> {
        let shown = self.shown(showing)?;
        let heard = self.heard()?;
        let statements = self
            .store
            .read(|t| Ok::<_, Error>(catalog::statements(t)?))?;
        let passed = heard.into_iter().filter(passes).map(|l| l.dataset.brief);
        // A later state of what is here counts, also while its data is still elsewhere.
        let mut winners: BTreeMap<RegisterKey, EnvelopeId> = BTreeMap::new();
        winners.extend(shown.iter().map(|b| (b.key, b.envelope_id)));
        winners.extend(passed.map(|b| (b.key, b.envelope_id)));
        let manifests = winners.into_values().map(ItemId::Manifest);
        let statements = statements.iter().map(|s| ItemId::Statement(s.id()));
        Ok(manifests.chain(statements).collect())
    }

    /// What is compared with a peer.
    ///
    /// # Errors
    /// [`Error`] when the index or `trust.toml` cannot be read.
    pub fn items_with(&self, peer: &NodeId, showing: Showing) -> Result<Items, Error> {
        let digest = self.trust_digest(&self.trust()?)?;
        let aside = self
            .store
            .read(|t| Ok::<_, Error>(catalog::aside(t, peer, &digest)?))?;
        Ok(Items {
            passing: self.passing(showing)?,
            aside,
        })
    }

    /// Every manifest heard of that is news here, and how it stands.
    ///
    /// # Errors
    /// [`Error`] when the index or `trust.toml` cannot be read.
    pub fn heard(&self) -> Result<Vec<Listed<Known>>, Error> {
        let trust = self.trust()?;
        let known = self.store.read(|t| {
            let held: BTreeSet<RegisterKey> =
                catalog::heads(t)?.into_iter().map(|(k, _)| k).collect();
            let mut news = Vec::new();
            for known in catalog::known(t)? {
                // It may have come by another way since.
                if !held.contains(&known.brief.key) || catalog::is_news(t, &known.brief)? {
                    news.push(known);
                }
            }
            Ok::<_, Error>(news)
        })?;
        Ok(known.into_iter().map(|k| stands(&trust, k)).collect())
    }

    /// The bytes of items that are still here.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be read.
    pub fn bodies(&self, items: &[ItemId]) -> Result<Bodies, Error> {
        let is_statement = |item: &&ItemId| matches!(item, ItemId::Statement(_));
        let wanted: BTreeSet<&ItemId> = items.iter().filter(is_statement).collect();
        self.store.read(|t| {
            let mut envelopes = Vec::new();
            for item in items {
                let ItemId::Manifest(id) = item else { continue };
                let held = catalog::envelope_if_held(t, id)?;
                let envelope = match held {
                    Some(held) => Some(held),
                    None => catalog::known_envelope(t, id)?,
                };
                envelopes.extend(envelope.map(|e| e.encode()));
            }
            let mut statements = Vec::new();
            if !wanted.is_empty() {
                let all = catalog::statements(t)?.into_iter();
                let wanted = all.filter(|s| wanted.contains(&ItemId::Statement(s.id())));
                statements.extend(wanted.map(|s: Statement| s.encode().to_vec()));
            }
            Ok::<_, Error>(Bodies {
                envelopes,
                statements,
            })
        })
    }

    /// Stands for all that decides what of a peer's things is taken.
    pub(crate) fn trust_digest(&self, trust: &TrustStore) -> Result<TrustDigest, Error> {
        let briefs = self.store.read(|t| Ok::<_, Error>(catalog::briefs(t)?))?;
        let signers: BTreeSet<PublisherKey> = briefs.iter().filter_map(|b| b.signer).collect();
        let mut hasher = blake3::Hasher::new();
        let mut digest = |bytes: &[u8]| {
            let hash = hasher.update(bytes).finalize();
            hash.as_bytes().first_chunk().copied().unwrap_or_default()
        };
        // What is refused for a statement stays refused: those only add reasons.
        let manifests = digest(trust.file().encode().as_bytes());
        let signers: Vec<[u8; 32]> = signers.iter().map(|key| *key.as_bytes()).collect();
        let statements = digest(signers.as_flattened());
        Ok(TrustDigest {
            manifests,
            statements,
        })
    }
}

/// How a manifest that was heard of stands.
fn stands(trust: &TrustStore, known: Known) -> Listed<Known> {
    let (name, version) = (known.brief.name.clone(), known.brief.version.clone());
    let claim = Claim {
        signer: known.brief.signer,
        name: &name,
        version: &version,
        line: known.brief.line,
        content_id: known.brief.content_id,
    };
    let b = &known.brief;
    let local = (b.envelope_id, b.signed, b.flags);
    Listed::new(trust, known, claim, local)
}

/// Whether a manifest that was heard of is passed on.
fn passes(listed: &Listed<Known>) -> bool {
    let is_private = listed.dataset.brief.flags.private;
    !is_private
        && listed.withdrawn.is_none()
        && listed.decide(Action::Share).verdict == Verdict::Accept
}
