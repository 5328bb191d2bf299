//! Request handling: one request in, a stream of response frames out. No state is kept between
//! requests.

use std::collections::HashSet;
use std::collections::VecDeque;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::catalog::Dataset;
use crate::ident::ContentId;
use crate::ident::EnvelopeId;
use crate::manifest::Envelope;
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
use crate::registry::peers::Peers;
use crate::registry::peers::catalogue::receive::Source;
use crate::registry::peers::catalogue::reconcile::WantedResponse;
use crate::registry::peers::server::chunks::ChunkResponse;
use crate::registry::peers::server::deltas::DeltaResponse;
use crate::registry::peers::server::request_context::RequestContext;
use crate::registry::peers::server::response_end::ResponseEnd;
use crate::registry::peers::server::response_end::not_found;
use crate::registry::peers::server::tree_delta;
use crate::registry::peers::tree_nodes::NodeResponse;
use crate::store::disk::BlobReader;

/// A response that is produced frame by frame on demand. Nothing waits in memory for a peer that
/// reads slowly.
#[derive(Debug)]
pub struct ResponseFrames {
    registry: LocalRegistry,
    ready: VecDeque<Response>,
    rest: RemainingResponse,
    failed: Option<Error>,
}

/// Remaining part of a response.
#[derive(Debug)]
enum RemainingResponse {
    Nothing,
    ReconcileItems(std::vec::IntoIter<ItemId>),
    Wanted(WantedResponse),
    Nodes(NodeResponse),
    Chunks(ChunkResponse),
    DeltaWriter(Box<DeltaResponse>),
}

impl ResponseFrames {
    /// Returns the local error that ended the response. The peer only learned that there was one.
    pub fn failed(self) -> Option<Error> {
        self.failed
    }

    /// Returns the last frame of a response that ends in this way.
    fn last_word(&mut self, ending: ResponseEnd) -> Response {
        Response::Refusal(match ending {
            ResponseEnd::Refused(refusal) => refusal,
            ResponseEnd::Failed(error) => {
                self.failed = Some(error);
                Refusal::new(RefusalCode::Failed, "failed here")
            }
        })
    }

    fn step(&mut self) -> Result<Option<Response>, ResponseEnd> {
        loop {
            if let Some(answer) = self.ready.pop_front() {
                return Ok(Some(answer));
            }
            match &mut self.rest {
                RemainingResponse::Nothing => return Ok(None),
                RemainingResponse::Wanted(wanted) => match wanted.step(&self.registry)? {
                    Some(batches) => self.ready.extend(batches),
                    None => return Ok(None),
                },
                RemainingResponse::Nodes(nodes) => return nodes.step(),
                RemainingResponse::Chunks(chunks) => return chunks.step(),
                RemainingResponse::DeltaWriter(deltas) => return deltas.step(),
                RemainingResponse::ReconcileItems(items) => {
                    let some: Vec<ItemId> = items.by_ref().take(1024).collect();
                    if some.is_empty() {
                        return Ok(None);
                    }
                    let batches = self.registry.peers().batches(&some)?;
                    self.ready.extend(batches);
                }
            }
        }
    }
}

impl Iterator for ResponseFrames {
    type Item = Response;

    /// Returns the next frame. The last one is a refusal if the response ends with one.
    fn next(&mut self) -> Option<Response> {
        let ending = match self.step() {
            Ok(answer) => return answer,
            Err(ending) => ending,
        };
        self.rest = RemainingResponse::Nothing;
        self.ready.clear();
        Some(self.last_word(ending))
    }
}

impl Peers<'_> {
    /// Starts the response to a request.
    pub fn answer(&self, request: &Request, context: &RequestContext) -> ResponseFrames {
        let mut answering = ResponseFrames {
            registry: self.registry.clone(),
            ready: VecDeque::new(),
            rest: RemainingResponse::Nothing,
            failed: None,
        };
        match self.begin(request, context, &mut answering.ready) {
            Ok(rest) => answering.rest = rest,
            Err(ending) => {
                let last = answering.last_word(ending);
                answering.ready = VecDeque::from([last]);
            }
        }
        answering
    }

    /// Returns a response that is only a refusal.
    pub fn refuse(&self, refusal: Refusal) -> ResponseFrames {
        ResponseFrames {
            registry: self.registry.clone(),
            ready: VecDeque::from([Response::Refusal(refusal)]),
            rest: RemainingResponse::Nothing,
            failed: None,
        }
    }

    fn begin(
        &self,
        request: &Request,
        context: &RequestContext,
        ready: &mut VecDeque<Response>,
    ) -> Result<RemainingResponse, ResponseEnd> {
        match request {
            Request::Hello(_) => ready.push_back(Response::Hello(Hello::own(context.access))),
            Request::List(filter) => return self.list_for_peer(filter, context),
            Request::Reconcile(r) => return self.reconcile(r, context, ready),
            Request::Symbols(r) => ready.push_back(Response::Symbols(self.symbols(r, context)?)),
            Request::Wanted(r) => return Ok(RemainingResponse::Wanted(self.wanted(r, context)?)),
            Request::PullNode(r) => {
                let (reader, dataset) = self.reader_shown(&r.envelope, context)?;
                return Ok(RemainingResponse::Nodes(NodeResponse::new(
                    reader,
                    &dataset.manifest,
                    r,
                )));
            }
            Request::PullChunk(r) => {
                let (reader, dataset) = self.reader_shown(&r.envelope, context)?;
                let hello = context.hello.clone();
                let answer = ChunkResponse::new(reader, &dataset.manifest, r, hello)?;
                return Ok(RemainingResponse::Chunks(answer));
            }
            Request::PullDelta(r) => {
                let (reader, dataset) = self.reader_shown(&r.envelope, context)?;
                let held = self.shown_version(&r.held, r.tree, context)?;
                let answer = DeltaResponse::new(reader, &dataset.manifest, r, held)?;
                return Ok(RemainingResponse::DeltaWriter(Box::new(answer)));
            }
            Request::PullNodeDelta(r) => {
                let (nodes, held) = (&r.nodes, &r.held);
                let (reader, dataset) = self.reader_shown(&nodes.envelope, context)?;
                let shown = self.shown_version(held, nodes.tree, context)?;
                let m = &dataset.manifest;
                let short = match shown {
                    Some((root, _)) => tree_delta::answer(&reader, m, nodes, root)?,
                    None => None,
                };
                match short {
                    Some(answer) => ready.push_back(answer),
                    None => {
                        return Ok(RemainingResponse::Nodes(NodeResponse::new(
                            reader, m, nodes,
                        )));
                    }
                }
            }
            Request::RecordBoundaries(r) => {
                let (reader, dataset) = self.reader_shown(&r.envelope, context)?;
                let seams = crate::registry::peers::server::chunks::record_boundaries(
                    &reader,
                    &dataset.manifest,
                    r,
                )?;
                ready.push_back(Response::RecordBoundaries(seams));
            }
            Request::Filter => {
                let shown = self.shown(context.showing)?;
                let ids: Vec<ContentId> = shown.iter().map(|b| b.content_id).collect();
                ready.push_back(Response::Filter(Filter::build(&ids).encode()));
            }
            Request::PullCard(id) => {
                let (reader, dataset) = self.reader_shown(id, context)?;
                let card = dataset.manifest.card.ok_or_else(not_found)?;
                let key = BlobKey::new(BlobKind::Card, *card.as_bytes());
                ready.push_back(Response::Card(reader.get(&key)?));
            }
            Request::Announce {
                envelopes,
                statements,
            } => {
                let taken = self.take_announced(context, envelopes, statements)?;
                ready.push_back(Response::Announced(taken));
            }
        }
        Ok(RemainingResponse::Nothing)
    }

    /// Opens a reader before the catalogue is read, so that no chunk of a found dataset is
    /// collected meanwhile.
    fn reader_shown(
        &self,
        id: &EnvelopeId,
        context: &RequestContext,
    ) -> Result<(BlobReader, Dataset), ResponseEnd> {
        let reader = BlobReader::new(&self.registry.store)?;
        let dataset = self.shown_by_envelope(id, context.showing)?;
        Ok((reader, dataset.ok_or_else(not_found)?))
    }

    fn list_for_peer(
        &self,
        filter: &ListFilter,
        context: &RequestContext,
    ) -> Result<RemainingResponse, ResponseEnd> {
        let mut shown = self.shown(context.showing)?;
        shown.retain(|b| match filter {
            ListFilter::All => true,
            ListFilter::Name(name) => b.name == *name,
            ListFilter::Content(digits) => digits.matches(&b.content_id),
        });
        let ids = shown.iter().map(|b| ItemId::Manifest(b.envelope_id));
        Ok(RemainingResponse::ReconcileItems(
            ids.collect::<Vec<_>>().into_iter(),
        ))
    }

    /// Encodes the items that are still in the catalogue, statements first.
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
        context: &RequestContext,
        ready: &mut VecDeque<Response>,
    ) -> Result<RemainingResponse, ResponseEnd> {
        let salt = &request.salt;
        let items = self.reconcile_items(&context.peer, context.showing)?;
        let here: HashSet<_> = items.all().map(|item| item.element(salt)).collect();
        let missing = request.elements.iter().enumerate();
        let missing = missing.filter(|(_, e)| !here.contains(e)).map(|(n, _)| n);
        ready.push_back(Response::Reconciled(missing.collect()));
        let theirs = &request.elements;
        let new = items.passing.into_iter();
        let new = new.filter(|item| theirs.binary_search(&item.element(salt)).is_err());
        Ok(RemainingResponse::Wanted(WantedResponse::new(
            new.collect(),
        )))
    }

    fn take_announced(
        &self,
        context: &RequestContext,
        envelopes: &[Vec<u8>],
        statements: &[Vec<u8>],
    ) -> Result<u64, ResponseEnd> {
        let mut decoded = Vec::new();
        for bytes in envelopes {
            let envelope = Envelope::decode(bytes).map_err(|_| {
                ResponseEnd::Refused(Refusal::new(RefusalCode::Malformed, "not a manifest"))
            })?;
            decoded.push(envelope);
        }
        let from = Source {
            peer: context.peer,
            access: context.hello.access,
        };
        // Statements first: a withdrawal applies to the manifests that come with it.
        let taken = self.receive_statements(&from, statements)?;
        match self.receive_manifests(&from, decoded)? {
            Some(new) => Ok(taken + new),
            // The forwarding node has verified them.
            None => {
                let text = "a signature that does not hold";
                Err(ResponseEnd::Refused(Refusal::new(
                    RefusalCode::NotAllowed,
                    text,
                )))
            }
        }
    }
}
