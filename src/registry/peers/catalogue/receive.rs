//! Taking what peers show of themselves: manifests of data that is elsewhere, and statements.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use crate::catalog;
use crate::catalog::Brief;
use crate::catalog::Heard;
use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::ident::PublisherKey;
use crate::ident::StatementId;
use crate::manifest::Envelope;
use crate::protocol::Access;
use crate::protocol::ItemId;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::host;
use crate::trust::Action;
use crate::trust::Statement;
use crate::trust::UnverifiedManifest;
use crate::trust::Verdict;
use crate::trust::has_plausible_clock;
use crate::wire::limits::KNOWN_PER_STRANGER_MAX;

/// Who showed something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    /// The peer; proven.
    pub(crate) peer: NodeId,
    /// Whom it serves: what comes from a node that serves a list is not passed on.
    pub(crate) access: Access,
}

impl LocalRegistry {
    /// Notes manifests whose data a peer has, if trust does not refuse them; how many are new.
    /// `None` when a signature does not hold: no honest node shows such a manifest, and nothing
    /// of what came with it is noted.
    pub(crate) fn note_elsewhere(
        &self,
        from: &Source,
        envelopes: Vec<Envelope>,
    ) -> Result<Option<u64>, Error> {
        if envelopes.is_empty() {
            return Ok(Some(0));
        }
        let trust = self.trust()?;
        let heard_at = host::now();
        let is_private = from.access == Access::Listed;
        let mut heard = Vec::new();
        // What is not passed on.
        let mut apart: BTreeSet<EnvelopeId> = BTreeSet::new();
        for envelope in envelopes {
            let id = envelope.id();
            let Ok(verified) = UnverifiedManifest::new(envelope).verify() else {
                return Ok(None);
            };
            let listed = Self::listed_elsewhere(&trust, &verified);
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
            heard.push(Heard {
                heard_at,
                from: from.peer,
                is_private,
                manifest: verified.manifest().clone(),
                envelope: verified.envelope().clone(),
            });
        }
        let is_trusted = |b: &Brief| b.signer.is_some_and(|key| trust.alias(&key).is_some());
        let digest = self.trust_digest(&trust)?;
        self.store.write(|tables| {
            let new = catalog::note_known(tables, &heard, &is_trusted)?;
            for heard in &heard {
                let id = heard.envelope.id();
                // Superseded here, or more than fits.
                let is_here = catalog::envelope_if_held(tables, &id)?.is_some();
                if !is_here && catalog::known_envelope(tables, &id)?.is_none() {
                    apart.insert(id);
                }
            }
            let apart: Vec<ItemId> = apart.into_iter().map(ItemId::Manifest).collect();
            catalog::put_aside(tables, &from.peer, &apart, (&digest, heard_at))?;
            Ok(Some(new.len() as u64))
        })
    }

    /// Keeps statements whose signatures hold, of publishers who matter here: known by name, or
    /// the signer of something held. How many are new. Others are passed over.
    pub(crate) fn take_statements(&self, from: &Source, encoded: &[Vec<u8>]) -> Result<u64, Error> {
        if encoded.is_empty() {
            return Ok(0);
        }
        let trust = self.trust()?;
        let (held, briefs) = self
            .store
            .read(|t| Ok::<_, Error>((catalog::statements(t)?, catalog::briefs(t)?)))?;
        let signers: HashSet<PublisherKey> = briefs.iter().filter_map(|b| b.signer).collect();
        let mut ids: HashSet<StatementId> = held.iter().map(Statement::id).collect();
        let mut of_key: HashMap<PublisherKey, usize> = HashMap::new();
        for statement in &held {
            *of_key.entry(statement.by).or_default() += 1;
        }
        let mut new = 0;
        let mut apart = Vec::new();
        for bytes in encoded {
            // A kind of statement that came later is no fault of the peer's.
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
                new += u64::from(self.accept_statement(&statement)?);
            }
        }
        if !apart.is_empty() {
            let digest = self.trust_digest(&self.trust()?)?;
            self.store.write(|tables| {
                let when = (&digest, host::now());
                Ok::<_, Error>(catalog::put_aside(tables, &from.peer, &apart, when)?)
            })?;
        }
        Ok(new)
    }
}
