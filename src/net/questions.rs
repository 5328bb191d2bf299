//! What a peer may be asked, over its connection.

use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::net::peer::Line;
use crate::net::peer::Peer;
use crate::sync::Access;
use crate::sync::Answer;
use crate::sync::ChunkSource;
use crate::sync::EachRecord;
use crate::sync::ListFilter;
use crate::sync::PeerCatalog;
use crate::sync::PeerError;
use crate::sync::PullChunkRequest;
use crate::sync::PullNodeRequest;
use crate::sync::ReconcileRequest;
use crate::sync::Reconciled;
use crate::sync::RefusalCode;
use crate::sync::Request;
use crate::sync::SeamRequest;
use crate::wire::limits::LIST_BYTES_MAX;
use crate::wire::limits::NODES_ASKED_MAX;

/// What was answered is not an answer to what was asked.
pub(super) fn unexpected() -> PeerError {
    PeerError::Misbehaved("an answer to something else")
}

impl PeerCatalog for Peer {
    fn id(&self) -> NodeId {
        self.id
    }

    fn address(&self) -> String {
        self.address.place()
    }

    fn access(&self) -> Access {
        self.hello.access
    }

    fn list(&self, filter: &ListFilter) -> Result<Vec<Vec<u8>>, PeerError> {
        let (mut all, mut bytes) = (Vec::new(), 0);
        self.ask(&Request::List(filter.clone()), |answer| {
            let Answer::Manifests(some) = answer else {
                return Err(unexpected());
            };
            take(&mut all, &mut bytes, some)
        })?;
        Ok(all)
    }

    fn reconcile(&self, request: &ReconcileRequest) -> Result<Reconciled, PeerError> {
        let mut found = Reconciled::default();
        let (mut is_begun, mut bytes) = (false, 0);
        self.ask(
            &Request::Reconcile(request.clone()),
            |answer| match answer {
                Answer::Reconciled(missing) if !is_begun => {
                    is_begun = true;
                    found.missing = missing;
                    Ok(())
                }
                Answer::Manifests(some) => take(&mut found.envelopes, &mut bytes, some),
                Answer::Statements(some) => take(&mut found.statements, &mut bytes, some),
                _ => Err(unexpected()),
            },
        )?;
        Ok(found)
    }

    fn announce(
        &self,
        envelopes: Vec<Vec<u8>>,
        statements: Vec<Vec<u8>>,
    ) -> Result<u64, PeerError> {
        let mut taken = None;
        let request = Request::Announce {
            envelopes,
            statements,
        };
        self.ask(&request, |answer| match answer {
            Answer::Announced(n) if taken.is_none() => {
                taken = Some(n);
                Ok(())
            }
            _ => Err(unexpected()),
        })?;
        taken.ok_or_else(unexpected)
    }

    fn card(&self, envelope: &EnvelopeId) -> Result<Vec<u8>, PeerError> {
        let mut card = None;
        self.ask(&Request::PullCard(*envelope), |answer| match answer {
            Answer::Card(bytes) if card.is_none() => {
                card = Some(bytes);
                Ok(())
            }
            _ => Err(unexpected()),
        })?;
        card.ok_or_else(unexpected)
    }
}

/// Manifests add up; who sends them without an end is not heard to it.
fn take(all: &mut Vec<Vec<u8>>, bytes: &mut usize, some: Vec<Vec<u8>>) -> Result<(), PeerError> {
    if some.is_empty() {
        // Of these there could be as many as one likes.
        return Err(PeerError::Misbehaved("a batch of nothing"));
    }
    // Empty ones take memory too.
    *bytes += some.iter().map(|item| item.len() + 64).sum::<usize>();
    all.extend(some);
    match *bytes <= LIST_BYTES_MAX {
        true => Ok(()),
        false => Err(PeerError::Misbehaved("manifests without an end")),
    }
}

impl ChunkSource for Peer {
    fn nodes(&self, request: &PullNodeRequest) -> Result<Vec<Vec<u8>>, PeerError> {
        let mut nodes = Vec::new();
        self.ask(&Request::PullNode(request.clone()), |answer| {
            let Answer::Nodes(some) = answer else {
                return Err(unexpected());
            };
            if some.is_empty() {
                return Err(PeerError::Misbehaved("a batch of nothing"));
            }
            nodes.extend(some);
            match nodes.len() <= NODES_ASKED_MAX {
                true => Ok(()),
                false => Err(PeerError::Misbehaved(
                    "more tree nodes than it was asked for",
                )),
            }
        })?;
        Ok(nodes)
    }

    fn revive(&self) -> Result<(), PeerError> {
        let mut line = self.line();
        if line.connection.close_reason().is_none() {
            return Ok(());
        }
        let (connection, found) = self.dialer.dial(&self.address)?;
        if found != self.id {
            connection.close(0_u32.into(), b"another node");
            let expected = self.id;
            return Err(PeerError::OtherNode { expected, found });
        }
        let before = line.traffic();
        *line = Line { connection, before };
        drop(line);
        self.greet().map(drop)
    }

    fn seams(&self, request: &SeamRequest) -> Result<Vec<usize>, PeerError> {
        let mut seams = Vec::new();
        let asked = self.ask(&Request::Seams(*request), |answer| match answer {
            Answer::Seams(ends) => {
                seams = ends;
                Ok(())
            }
            _ => Err(unexpected()),
        });
        match asked {
            Err(PeerError::Refused(r)) if r.code == RefusalCode::NotUnderstood => Ok(Vec::new()),
            other => other.map(|()| seams),
        }
    }

    fn chunks(
        &self,
        request: &PullChunkRequest,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachRecord<'_>,
    ) -> Result<(), PeerError> {
        let request = Request::PullChunk(request.clone());
        self.ask_unless(&request, is_needless, |answer| {
            let Answer::Chunks(record) = answer else {
                return Err(unexpected());
            };
            match each(record) {
                true => Ok(()),
                false => Err(PeerError::Stopped),
            }
        })
    }
}
