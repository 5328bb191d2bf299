//! ResponseFrames peers. Nothing is kept between requests.

use std::collections::HashSet;
use std::collections::VecDeque;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::catalog::Dataset;
use crate::ident::ContentId;
use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::manifest::Envelope;
use crate::protocol::Access;
use crate::protocol::Filter;
use crate::protocol::Hello;
use crate::protocol::ItemId;
use crate::protocol::ListFilter;
use crate::protocol::ReconcileRequest;
use crate::protocol::Refusal;
use crate::protocol::RefusalCode;
use crate::protocol::Request;
use crate::protocol::Response;
use crate::protocol::pack_batch;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::peers::catalogue::receive::Source;
use crate::registry::peers::catalogue::reconcile::WantedResponse;
use crate::registry::peers::server::chunks::ChunkResponse;
use crate::registry::peers::server::deltas::DeltaResponse;
use crate::registry::peers::server::tree_delta;
use crate::registry::peers::server::visibility::Showing;
use crate::registry::peers::tree_nodes::NodeResponse;
use crate::store::disk::BlobReader;

/// Who asks, and what this node shows.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The peer; proven.
    pub peer: NodeId,
    /// What it said of itself.
    pub hello: Hello,
    /// What it may see.
    pub showing: Showing,
    /// Whom this node serves.
    pub access: Access,
}

/// How a request ends other than with an answer.
pub(crate) enum Ending {
    /// With a refusal.
    Refused(Refusal),
    /// This registry failed; the peer is not told how.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Ending {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// One word for what is not there and what is not to be seen.
pub(crate) fn not_found() -> Ending {
    Ending::Refused(Refusal::new(RefusalCode::NotFound, "no such dataset"))
}

/// For a place where nothing begins.
pub(crate) fn nothing_there() -> Ending {
    Ending::Refused(Refusal::new(RefusalCode::NotFound, "nothing begins there"))
}

/// An answer that is made frame by frame, as somebody takes them: nothing waits in memory for a
/// peer that reads slowly.
#[derive(Debug)]
pub struct ResponseFrames {
    registry: LocalRegistry,
    ready: VecDeque<Response>,
    rest: Rest,
    failed: Option<Error>,
}

/// What is still to be read.
#[derive(Debug)]
enum Rest {
    Nothing,
    Items(std::vec::IntoIter<ItemId>),
    Wanted(WantedResponse),
    Nodes(NodeResponse),
    Chunks(ChunkResponse),
    DeltaWriter(Box<DeltaResponse>),
}

impl ResponseFrames {
    /// What failed here, at the end. The peer was told that something did, and no more.
    pub fn failed(self) -> Option<Error> {
        self.failed
    }

    /// What the peer is told at such an end.
    fn last_word(&mut self, ending: Ending) -> Response {
        Response::Refusal(match ending {
            Ending::Refused(refusal) => refusal,
            Ending::Failed(error) => {
                self.failed = Some(error);
                Refusal::new(RefusalCode::Failed, "failed here")
            }
        })
    }

    fn step(&mut self) -> Result<Option<Response>, Ending> {
        loop {
            if let Some(answer) = self.ready.pop_front() {
                return Ok(Some(answer));
            }
            match &mut self.rest {
                Rest::Nothing => return Ok(None),
                Rest::Wanted(wanted) => match wanted.step(&self.registry)? {
                    Some(batches) => self.ready.extend(batches),
                    None => return Ok(None),
                },
                Rest::Nodes(nodes) => return nodes.step(),
                Rest::Chunks(chunks) => return chunks.step(),
                Rest::DeltaWriter(deltas) => return deltas.step(),
                Rest::Items(items) => {
                    let some: Vec<ItemId> = items.by_ref().take(1024).collect();
                    if some.is_empty() {
                        return Ok(None);
                    }
                    let batches = self.registry.batches(&some)?;
                    self.ready.extend(batches);
                }
            }
        }
    }
}

impl Iterator for ResponseFrames {
    type Item = Response;

    /// The next frame; the last one is a refusal where it ends so.
    fn next(&mut self) -> Option<Response> {
        let ending = match self.step() {
            Ok(answer) => return answer,
            Err(ending) => ending,
        };
        self.rest = Rest::Nothing;
        self.ready.clear();
        Some(self.last_word(ending))
    }
}

impl LocalRegistry {
    /// Begins to answer a request.
    pub fn answer(&self, request: &Request, asking: &RequestContext) -> ResponseFrames {
        let mut answering = ResponseFrames {
            registry: self.clone(),
            ready: VecDeque::new(),
            rest: Rest::Nothing,
            failed: None,
        };
        match self.begin(request, asking, &mut answering.ready) {
            Ok(rest) => answering.rest = rest,
            Err(ending) => {
                let last = answering.last_word(ending);
                answering.ready = VecDeque::from([last]);
            }
        }
        answering
    }

    /// An answer that is a refusal.
    pub fn refuse(&self, refusal: Refusal) -> ResponseFrames {
        ResponseFrames {
            registry: self.clone(),
            ready: VecDeque::from([Response::Refusal(refusal)]),
            rest: Rest::Nothing,
            failed: None,
        }
    }

    fn begin(
        &self,
        request: &Request,
        asking: &RequestContext,
        ready: &mut VecDeque<Response>,
    ) -> Result<Rest, Ending> {
        match request {
            Request::Hello(_) => ready.push_back(Response::Hello(Hello::own(asking.access))),
            Request::List(filter) => return self.list_for_peer(filter, asking),
            Request::Reconcile(r) => return self.reconcile(r, asking, ready),
            Request::Symbols(r) => ready.push_back(Response::Symbols(self.symbols(r, asking)?)),
            Request::Wanted(r) => return Ok(Rest::Wanted(self.wanted(r, asking)?)),
            Request::PullNode(r) => {
                let (reader, dataset) = self.reader_shown(&r.envelope, asking)?;
                return Ok(Rest::Nodes(NodeResponse::new(reader, &dataset.manifest, r)));
            }
            Request::PullChunk(r) => {
                let (reader, dataset) = self.reader_shown(&r.envelope, asking)?;
                let hello = asking.hello.clone();
                let answer = ChunkResponse::new(reader, &dataset.manifest, r, hello)?;
                return Ok(Rest::Chunks(answer));
            }
            Request::PullDelta(r) => {
                let (reader, dataset) = self.reader_shown(&r.envelope, asking)?;
                let held = self.shown_version(&r.held, r.tree, asking)?;
                let answer = DeltaResponse::new(reader, &dataset.manifest, r, held)?;
                return Ok(Rest::DeltaWriter(Box::new(answer)));
            }
            Request::PullNodeDelta(r) => {
                let (nodes, held) = (&r.nodes, &r.held);
                let (reader, dataset) = self.reader_shown(&nodes.envelope, asking)?;
                let shown = self.shown_version(held, nodes.tree, asking)?;
                let m = &dataset.manifest;
                let short = match shown {
                    Some((root, _)) => tree_delta::answer(&reader, m, nodes, root)?,
                    None => None,
                };
                match short {
                    Some(answer) => ready.push_back(answer),
                    None => return Ok(Rest::Nodes(NodeResponse::new(reader, m, nodes))),
                }
            }
            Request::Seams(r) => {
                let (reader, dataset) = self.reader_shown(&r.envelope, asking)?;
                let seams =
                    crate::registry::peers::server::chunks::seams(&reader, &dataset.manifest, r)?;
                ready.push_back(Response::Seams(seams));
            }
            Request::Filter => {
                let shown = self.shown(asking.showing)?;
                let ids: Vec<ContentId> = shown.iter().map(|b| b.content_id).collect();
                ready.push_back(Response::Filter(Filter::build(&ids).encode()));
            }
            Request::PullCard(id) => {
                let (reader, dataset) = self.reader_shown(id, asking)?;
                let card = dataset.manifest.card.ok_or_else(not_found)?;
                let key = BlobKey::new(BlobKind::Card, *card.as_bytes());
                ready.push_back(Response::Card(reader.get(&key)?));
            }
            Request::Announce {
                envelopes,
                statements,
            } => {
                let taken = self.take_announced(asking, envelopes, statements)?;
                ready.push_back(Response::Announced(taken));
            }
        }
        Ok(Rest::Nothing)
    }

    /// A reader from before the look at the catalogue: what is found then is not collected.
    fn reader_shown(
        &self,
        id: &EnvelopeId,
        asking: &RequestContext,
    ) -> Result<(BlobReader, Dataset), Ending> {
        let reader = BlobReader::new(&self.store)?;
        let dataset = self.shown_by_envelope(id, asking.showing)?;
        Ok((reader, dataset.ok_or_else(not_found)?))
    }

    fn list_for_peer(&self, filter: &ListFilter, asking: &RequestContext) -> Result<Rest, Ending> {
        let mut shown = self.shown(asking.showing)?;
        shown.retain(|b| match filter {
            ListFilter::All => true,
            ListFilter::Name(name) => b.name == *name,
            ListFilter::Content(digits) => digits.matches(&b.content_id),
        });
        let ids = shown.iter().map(|b| ItemId::Manifest(b.envelope_id));
        Ok(Rest::Items(ids.collect::<Vec<_>>().into_iter()))
    }

    /// Items that are still here, statements first.
    pub(in crate::registry::peers) fn batches(
        &self,
        items: &[ItemId],
    ) -> Result<Vec<Response>, Error> {
        let bodies = self.bodies(items)?;
        let mut envelopes = bodies.envelopes.into_iter();
        let mut statements = bodies.statements.into_iter();
        let first = std::iter::from_fn(|| pack_batch(&mut statements).map(Response::Statements));
        let mut batches: Vec<Response> = first.collect();
        batches.extend(std::iter::from_fn(|| {
            pack_batch(&mut envelopes).map(Response::Manifests)
        }));
        Ok(batches)
    }

    fn reconcile(
        &self,
        request: &ReconcileRequest,
        asking: &RequestContext,
        ready: &mut VecDeque<Response>,
    ) -> Result<Rest, Ending> {
        let salt = &request.salt;
        let items = self.items_with(&asking.peer, asking.showing)?;
        let here: HashSet<_> = items.all().map(|item| item.element(salt)).collect();
        let missing = request.elements.iter().enumerate();
        let missing = missing.filter(|(_, e)| !here.contains(e)).map(|(n, _)| n);
        ready.push_back(Response::Reconciled(missing.collect()));
        let theirs = &request.elements;
        let new = items.passing.into_iter();
        let new = new.filter(|item| theirs.binary_search(&item.element(salt)).is_err());
        Ok(Rest::Wanted(WantedResponse::new(new.collect())))
    }

    fn take_announced(
        &self,
        asking: &RequestContext,
        envelopes: &[Vec<u8>],
        statements: &[Vec<u8>],
    ) -> Result<u64, Ending> {
        let mut decoded = Vec::new();
        for bytes in envelopes {
            let envelope = Envelope::decode(bytes).map_err(|_| {
                Ending::Refused(Refusal::new(RefusalCode::Malformed, "not a manifest"))
            })?;
            decoded.push(envelope);
        }
        let from = Source {
            peer: asking.peer,
            access: asking.hello.access,
        };
        // Statements first: a withdrawal counts for what comes with it.
        let taken = self.take_statements(&from, statements)?;
        match self.note_elsewhere(&from, decoded)? {
            Some(new) => Ok(taken + new),
            // Whoever passes it on has looked.
            None => {
                let text = "a signature that does not hold";
                Err(Ending::Refused(Refusal::new(RefusalCode::NotAllowed, text)))
            }
        }
    }
}
