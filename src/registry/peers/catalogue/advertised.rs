//! Advertised items: the manifests and statements that this node forwards to peers.
//!
//! These are manifests of datasets that it shares, remote manifests of publishers that it trusts
//! enough, and statements. Catalogue reconciliation runs over this set.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::catalog;
#[cfg(feature = "doors")]
use crate::catalog::DatasetSummary;
use crate::catalog::RegisterKey;
use crate::catalog::RemoteManifest;
use crate::catalog::TrustDigest;
use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::ident::PublisherKey;
use crate::protocol::ItemId;
use crate::registry::error::Error;
use crate::registry::peers::Peers;
use crate::registry::peers::server::visibility::Showing;
use crate::registry::publishing::trust::Listed;
use crate::trust::Action;
use crate::trust::Claim;
use crate::trust::Statement;
use crate::trust::TrustStore;
use crate::trust::Verdict;

/// The items that a reconciliation with one peer runs over.
#[derive(Clone, Debug, Default)]
pub struct ReconcileItems {
    /// Items that this node forwards to the peer.
    pub passing: Vec<ItemId>,
    /// Items that the peer offered and this node does not forward. They are listed only so that the
    /// peer does not send them again.
    pub suppressed: Vec<ItemId>,
}

/// The encoded bytes of items.
#[derive(Clone, Debug, Default)]
pub struct ItemBytes {
    /// Encoded envelopes.
    pub envelopes: Vec<Vec<u8>>,
    /// Encoded statements.
    pub statements: Vec<Vec<u8>>,
}

impl ReconcileItems {
    /// Returns every item once.
    pub fn all(&self) -> impl Iterator<Item = ItemId> {
        let all: BTreeSet<ItemId> = self
            .passing
            .iter()
            .chain(&self.suppressed)
            .copied()
            .collect();
        all.into_iter()
    }
}

impl Peers<'_> {
    /// Returns the items that this node forwards to any peer: of each register the winning
    /// manifest, and all statements.
    ///
    /// # Errors
    /// [`Error`] when the index or `trust.toml` cannot be read.
    pub fn advertised_items(&self, showing: Showing) -> Result<Vec<ItemId>, Error> {
        let shown = self.shown(showing)?;
        let received = self.remote_manifests()?;
        let statements = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::statements(t)?))?;
        let passed = received
            .into_iter()
            .filter(is_forwarded)
            .map(|l| l.dataset.summary);
        // A later state of a held dataset wins, also while its data is still elsewhere.
        let mut winners: BTreeMap<RegisterKey, EnvelopeId> = BTreeMap::new();
        winners.extend(shown.iter().map(|b| (b.key, b.envelope_id)));
        winners.extend(passed.map(|b| (b.key, b.envelope_id)));
        let manifests = winners.into_values().map(ItemId::Manifest);
        let statements = statements.iter().map(|s| ItemId::Statement(s.id()));
        Ok(manifests.chain(statements).collect())
    }

    /// Returns summaries of the datasets that are not here, or not whole, and that this node names to any peer.
    ///
    /// # Errors
    /// [`Error`] when the index or `trust.toml` cannot be read.
    #[cfg(feature = "doors")]
    pub(crate) fn named_elsewhere(&self) -> Result<Vec<Listed<DatasetSummary>>, Error> {
        let mut named = self.remote_manifests()?;
        named.retain(is_forwarded);
        let summaries = named.into_iter().map(|l| l.map(|known| known.summary));
        Ok(summaries.collect())
    }

    /// Returns the items that a reconciliation with `peer` runs over.
    ///
    /// # Errors
    /// [`Error`] when the index or `trust.toml` cannot be read.
    pub fn reconcile_items(
        &self,
        peer: &NodeId,
        showing: Showing,
    ) -> Result<ReconcileItems, Error> {
        let digest = self.trust_digest(&self.registry.trust().store()?)?;
        let suppressed = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::suppressed(t, peer, &digest)?))?;
        Ok(ReconcileItems {
            passing: self.advertised_items(showing)?,
            suppressed,
        })
    }

    /// Returns every remote manifest that is newer than the local one, with its standing under the
    /// trust settings.
    ///
    /// # Errors
    /// [`Error`] when the index or `trust.toml` cannot be read.
    pub fn remote_manifests(&self) -> Result<Vec<Listed<RemoteManifest>>, Error> {
        let trust = self.registry.trust().store()?;
        let known = self.registry.store.read(|t| {
            let held: BTreeSet<RegisterKey> =
                catalog::heads(t)?.into_iter().map(|(k, _)| k).collect();
            let mut news = Vec::new();
            for known in catalog::remote_manifests(t)? {
                // The dataset may have arrived by another way since.
                if !held.contains(&known.summary.key)
                    || catalog::is_newer_than_held(t, &known.summary)?
                {
                    news.push(known);
                }
            }
            Ok::<_, Error>(news)
        })?;
        Ok(known.into_iter().map(|k| judge(&trust, k)).collect())
    }

    /// Returns the bytes of those items that are still in the catalogue.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be read.
    pub fn bodies(&self, items: &[ItemId]) -> Result<ItemBytes, Error> {
        let is_statement = |item: &&ItemId| matches!(item, ItemId::Statement(_));
        let wanted: BTreeSet<&ItemId> = items.iter().filter(is_statement).collect();
        self.registry.store.read(|t| {
            let mut envelopes = Vec::new();
            for item in items {
                let ItemId::Manifest(id) = item else { continue };
                let held = catalog::envelope_if_held(t, id)?;
                let envelope = match held {
                    Some(held) => Some(held),
                    None => catalog::remote_envelope(t, id)?,
                };
                envelopes.extend(envelope.map(|e| e.encode()));
            }
            let mut statements = Vec::new();
            if !wanted.is_empty() {
                let all = catalog::statements(t)?.into_iter();
                let wanted = all.filter(|s| wanted.contains(&ItemId::Statement(s.id())));
                statements.extend(wanted.map(|s: Statement| s.encode().to_vec()));
            }
            Ok::<_, Error>(ItemBytes {
                envelopes,
                statements,
            })
        })
    }

    /// Digest of everything that decides which items of a peer are taken.
    pub(crate) fn trust_digest(&self, trust: &TrustStore) -> Result<TrustDigest, Error> {
        let summaries = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::summaries(t)?))?;
        let signers: BTreeSet<PublisherKey> = summaries.iter().filter_map(|b| b.signer).collect();
        let mut hasher = blake3::Hasher::new();
        let mut digest = |bytes: &[u8]| {
            let hash = hasher.update(bytes).finalize();
            hash.as_bytes().first_chunk().copied().unwrap_or_default()
        };
        // A statement can only add reasons to refuse, so it never lifts a refusal.
        let manifests = digest(trust.file().encode().as_bytes());
        let signers: Vec<[u8; 32]> = signers.iter().map(|key| *key.as_bytes()).collect();
        let statements = digest(signers.as_flattened());
        Ok(TrustDigest {
            manifests,
            statements,
        })
    }
}

/// Applies the trust settings to a remote manifest.
fn judge(trust: &TrustStore, known: RemoteManifest) -> Listed<RemoteManifest> {
    let (name, version) = (known.summary.name.clone(), known.summary.version.clone());
    let claim = Claim {
        signer: known.summary.signer,
        name: &name,
        version: &version,
        series: known.summary.series,
        content_id: known.summary.content_id,
    };
    let b = &known.summary;
    let local = (b.envelope_id, b.signed, b.flags);
    Listed::new(trust, known, claim, local)
}

/// Returns true if a remote manifest is forwarded to peers.
fn is_forwarded(listed: &Listed<RemoteManifest>) -> bool {
    let is_private = listed.dataset.summary.flags.private;
    !is_private
        && listed.withdrawn.is_none()
        && listed.decide(Action::Share).verdict == Verdict::Accept
}
