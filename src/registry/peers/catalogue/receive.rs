//! Receiving items of a peer: manifests of data that is elsewhere, and statements.

use crate::registry::publishing::trust::Listed;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use crate::catalog;
use crate::catalog::DatasetSummary;
use crate::catalog::ReceivedManifest;
use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::ident::PublisherKey;
use crate::ident::StatementId;
use crate::manifest::Envelope;
use crate::protocol::Access;
use crate::protocol::ItemId;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::peers::Peers;
use crate::trust::Action;
use crate::trust::Statement;
use crate::trust::UnverifiedManifest;
use crate::trust::Verdict;
use crate::trust::has_plausible_clock;
use crate::wire::limits::KNOWN_PER_STRANGER_MAX;

/// The peer that sent an item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    /// The peer's id, proven by the handshake.
    pub(crate) peer: NodeId,
    /// The peers that it serves. Items of a node that serves an access list are not forwarded.
    pub(crate) access: Access,
}

impl Peers<'_> {
    /// Adds manifests whose data a peer has, unless trust refuses them.
    ///
    /// Returns the number of new ones. Returns `None`, and adds nothing, if a signature does not
    /// hold: no honest node sends such a manifest.
    pub(crate) fn receive_manifests(
        &self,
        from: &Source,
        envelopes: Vec<Envelope>,
    ) -> Result<Option<u64>, Error> {
        if envelopes.is_empty() {
            return Ok(Some(0));
        }
        let trust = self.registry.trust().store()?;
        let received_at = host::now();
        let is_private = from.access == Access::Listed;
        let mut received = Vec::new();
        // Items that this node does not forward.
        let mut apart: BTreeSet<EnvelopeId> = BTreeSet::new();
        for envelope in envelopes {
            let id = envelope.id();
            let Ok(verified) = UnverifiedManifest::new(envelope).verify() else {
                return Ok(None);
            };
            let listed = Listed::elsewhere(&trust, &verified);
            let is = |action| listed.decide(action).verdict;
            let is_hidden = is_private || listed.withdrawn.is_some();
            if is_hidden || is(Action::Share) != Verdict::Accept {
                apart.insert(id);
            }
            let is_refused =
                is(Action::Receive) == Verdict::Refuse || !has_plausible_clock(verified.manifest());
            if is_refused || listed.withdrawn.is_some() {
                continue;
            }
            received.push(ReceivedManifest {
                received_at,
                from: from.peer,
                is_private,
                manifest: verified.manifest().clone(),
                envelope: verified.envelope().clone(),
            });
        }
        let is_trusted =
            |b: &DatasetSummary| b.signer.is_some_and(|key| trust.alias(&key).is_some());
        let digest = self.trust_digest(&trust)?;
        self.registry.store.write(|tables| {
            let new = catalog::add_remote_manifests(tables, &received, &is_trusted)?;
            for received in &received {
                let id = received.envelope.id();
                // Superseded locally, or over the limit.
                let is_here = catalog::envelope_if_held(tables, &id)?.is_some();
                if !is_here && catalog::remote_envelope(tables, &id)?.is_none() {
                    apart.insert(id);
                }
            }
            let apart: Vec<ItemId> = apart.into_iter().map(ItemId::Manifest).collect();
            catalog::put_suppressed(tables, &from.peer, &apart, (&digest, received_at))?;
            Ok(Some(new.len() as u64))
        })
    }

    /// Adds statements whose signatures hold and whose publishers matter locally: known by name, or
    /// the signer of a held dataset. Skips all others. Returns the number of new ones.
    pub(crate) fn receive_statements(
        &self,
        from: &Source,
        encoded: &[Vec<u8>],
    ) -> Result<u64, Error> {
        if encoded.is_empty() {
            return Ok(0);
        }
        let trust = self.registry.trust().store()?;
        let (held, summaries) = self
            .registry
            .store
            .read(|t| Ok::<_, Error>((catalog::statements(t)?, catalog::summaries(t)?)))?;
        let signers: HashSet<PublisherKey> = summaries.iter().filter_map(|b| b.signer).collect();
        let mut ids: HashSet<StatementId> = held.iter().map(Statement::id).collect();
        let mut of_key: HashMap<PublisherKey, usize> = HashMap::new();
        for statement in &held {
            *of_key.entry(statement.by).or_default() += 1;
        }
        let mut new = 0;
        let mut apart = Vec::new();
        for bytes in encoded {
            // A kind of statement from a later version of the format is no fault of the peer.
            let Ok(statement) = Statement::decode(bytes) else {
                apart.push(ItemId::Statement(StatementId::of(bytes)));
                continue;
            };
            let matters = trust.alias(&statement.by).is_some() || signers.contains(&statement.by);
            let count = of_key.entry(statement.by).or_default();
            if !matters || *count >= KNOWN_PER_STRANGER_MAX {
                apart.push(ItemId::Statement(statement.id()));
            } else if ids.insert(statement.id()) {
                *count += 1;
                new += u64::from(self.registry.trust().accept_statement(&statement)?);
            }
        }
        if !apart.is_empty() {
            let digest = self.trust_digest(&self.registry.trust().store()?)?;
            self.registry.store.write(|tables| {
                let when = (&digest, host::now());
                Ok::<_, Error>(catalog::put_suppressed(tables, &from.peer, &apart, when)?)
            })?;
        }
        Ok(new)
    }
}
