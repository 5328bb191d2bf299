//! Answering peers. Nothing is kept between requests.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::Known;
use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::ident::PublisherKey;
use crate::ident::StatementId;
use crate::manifest::Envelope;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::peers::chunks::ChunkAnswer;
use crate::registry::peers::comparing::WantedAnswer;
use crate::registry::peers::nodes::NodeAnswer;
use crate::registry::peers::visible::Showing;
use crate::store::disk::BlobReader;
use crate::sync::Access;
use crate::sync::Answer;
use crate::sync::Hello;
use crate::sync::ListFilter;
use crate::sync::ReconcileRequest;
use crate::sync::Refusal;
use crate::sync::RefusalCode;
use crate::sync::Request;
use crate::sync::pack_batch;
use crate::trust::Action;
use crate::trust::Statement;
use crate::trust::UnverifiedManifest;
use crate::trust::Verdict;
use crate::wire::limits::KNOWN_PER_STRANGER_MAX;

/// Who asks, and what this node shows.
#[derive(Clone, Debug)]
pub struct Asking {
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
pub struct Answering {
    registry: LocalRegistry,
    ready: VecDeque<Answer>,
    rest: Rest,
    failed: Option<Error>,
}

/// What is still to be read.
#[derive(Debug)]
enum Rest {
    Nothing,
    Envelopes(std::vec::IntoIter<EnvelopeId>),
    Wanted(WantedAnswer),
    Nodes(NodeAnswer),
    Chunks(ChunkAnswer),
}

impl Answering {
    /// What failed here, at the end. The peer was told that something did, and no more.
    pub fn failed(self) -> Option<Error> {
        self.failed
    }

    /// What the peer is told at such an end.
    fn last_word(&mut self, ending: Ending) -> Answer {
        Answer::Refusal(match ending {
            Ending::Refused(refusal) => refusal,
            Ending::Failed(error) => {
                self.failed = Some(error);
                Refusal::new(RefusalCode::Failed, "failed here")
            }
        })
    }

    fn step(&mut self) -> Result<Option<Answer>, Ending> {
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
                Rest::Envelopes(ids) => {
                    let some: Vec<EnvelopeId> = ids.by_ref().take(1024).collect();
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

impl Iterator for Answering {
    type Item = Answer;

    /// The next frame; the last one is a refusal where it ends so.
    fn next(&mut self) -> Option<Answer> {
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
    pub fn answer(&self, request: &Request, asking: &Asking) -> Answering {
        let mut answering = Answering {
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
    pub fn refuse(&self, refusal: Refusal) -> Answering {
        Answering {
            registry: self.clone(),
            ready: VecDeque::from([Answer::Refusal(refusal)]),
            rest: Rest::Nothing,
            failed: None,
        }
    }

    fn begin(
        &self,
        request: &Request,
        asking: &Asking,
        ready: &mut VecDeque<Answer>,
    ) -> Result<Rest, Ending> {
        match request {
            Request::Hello(_) => ready.push_back(Answer::Hello(Hello::own(asking.access))),
            Request::List(filter) => return self.list_for_peer(filter, asking),
            Request::Reconcile(r) => return self.reconcile(r, asking, ready),
            Request::Symbols(r) => ready.push_back(Answer::Symbols(self.symbols(r, asking)?)),
            Request::Wanted(r) => return Ok(Rest::Wanted(self.wanted(r, asking, ready)?)),
            Request::PullNode(r) => {
                let (reader, dataset) = self.reader_shown(&r.envelope, asking)?;
                return Ok(Rest::Nodes(NodeAnswer::new(reader, &dataset.manifest, r)));
            }
            Request::PullChunk(r) => {
                let (reader, dataset) = self.reader_shown(&r.envelope, asking)?;
                let hello = asking.hello.clone();
                let answer = ChunkAnswer::new(reader, &dataset.manifest, r, hello)?;
                return Ok(Rest::Chunks(answer));
            }
            Request::Seams(r) => {
                let (reader, dataset) = self.reader_shown(&r.envelope, asking)?;
                let seams = super::chunks::seams(&reader, &dataset.manifest, r)?;
                ready.push_back(Answer::Seams(seams));
            }
            Request::PullCard(id) => {
                let (reader, dataset) = self.reader_shown(id, asking)?;
                let card = dataset.manifest.card.ok_or_else(not_found)?;
                let key = BlobKey::new(BlobKind::Card, *card.as_bytes());
                ready.push_back(Answer::Card(reader.get(&key)?));
            }
            Request::Announce {
                envelopes,
                statements,
            } => {
                let taken = self.take_announced(&asking.peer, envelopes, statements)?;
                ready.push_back(Answer::Announced(taken));
            }
        }
        Ok(Rest::Nothing)
    }

    /// A reader from before the look at the catalogue: what is found then is not collected.
    fn reader_shown(
        &self,
        id: &EnvelopeId,
        asking: &Asking,
    ) -> Result<(BlobReader, Dataset), Ending> {
        let reader = BlobReader::new(&self.store)?;
        let dataset = self.shown_by_envelope(id, asking.showing)?;
        Ok((reader, dataset.ok_or_else(not_found)?))
    }

    fn list_for_peer(&self, filter: &ListFilter, asking: &Asking) -> Result<Rest, Ending> {
        let mut shown = self.shown(asking.showing)?;
        shown.retain(|b| match filter {
            ListFilter::All => true,
            ListFilter::Name(name) => b.name == *name,
            ListFilter::Content(digits) => digits.matches(&b.content_id),
        });
        let ids: Vec<EnvelopeId> = shown.iter().map(|b| b.envelope_id).collect();
        Ok(Rest::Envelopes(ids.into_iter()))
    }

    /// Envelopes that are still here.
    pub(super) fn batches(&self, ids: &[EnvelopeId]) -> Result<Vec<Answer>, Error> {
        let envelopes = self.store.read(|t| {
            let held = ids.iter().map(|id| catalog::envelope_if_held(t, id));
            held.collect::<Result<Vec<_>, _>>().map_err(Error::from)
        })?;
        let encoded: Vec<Vec<u8>> = envelopes.iter().flatten().map(Envelope::encode).collect();
        let mut left = encoded.into_iter();
        Ok(std::iter::from_fn(|| pack_batch(&mut left).map(Answer::Manifests)).collect())
    }

    fn reconcile(
        &self,
        request: &ReconcileRequest,
        asking: &Asking,
        ready: &mut VecDeque<Answer>,
    ) -> Result<Rest, Ending> {
        let salt = &request.salt;
        let shown = self.shown(asking.showing)?;
        let (statements, mut held) = self.store.read(|t| {
            let mut held: Vec<EnvelopeId> = catalog::known_ids(t)?;
            held.extend(catalog::heads(t)?.into_iter().map(|(_, id)| id));
            Ok::<_, Error>((catalog::statements(t)?, held))
        })?;
        held.sort_unstable();
        let mut here: HashSet<_> = held.iter().map(|id| salt.envelope(id)).collect();
        here.extend(statements.iter().map(|s| salt.statement(&s.id())));
        let missing = request.elements.iter().enumerate();
        let missing = missing.filter(|(_, e)| !here.contains(e)).map(|(n, _)| n);
        ready.push_back(Answer::Reconciled(missing.collect()));
        let theirs = &request.elements;
        let new = statements
            .iter()
            .filter(|s| theirs.binary_search(&salt.statement(&s.id())).is_err());
        let encoded: Vec<Vec<u8>> = new.map(|s| s.encode().to_vec()).collect();
        let mut left = encoded.into_iter();
        while let Some(batch) = pack_batch(&mut left) {
            ready.push_back(Answer::Statements(batch));
        }
        let is_new = |id: &EnvelopeId| theirs.binary_search(&salt.envelope(id)).is_err();
        let new = shown.iter().map(|b| b.envelope_id).filter(is_new);
        Ok(Rest::Envelopes(new.collect::<Vec<_>>().into_iter()))
    }

    fn take_announced(
        &self,
        peer: &NodeId,
        envelopes: &[Vec<u8>],
        statements: &[Vec<u8>],
    ) -> Result<u64, Ending> {
        let mut verified = Vec::new();
        for bytes in envelopes {
            let envelope = Envelope::decode(bytes).map_err(|_| {
                Ending::Refused(Refusal::new(RefusalCode::Malformed, "not a manifest"))
            })?;
            verified.push(envelope);
        }
        let taken = self.note_elsewhere(peer, verified)?;
        Ok(taken + self.take_statements(statements)?)
    }
}

impl LocalRegistry {
    /// Notes manifests whose data a peer has, if trust does not refuse them; how many are new.
    pub(crate) fn note_elsewhere(
        &self,
        peer: &NodeId,
        envelopes: Vec<Envelope>,
    ) -> Result<u64, Error> {
        let trust = self.trust()?;
        let heard_at = host::now();
        let mut heard = Vec::new();
        for envelope in envelopes {
            let Ok(verified) = UnverifiedManifest::new(envelope).verify() else {
                continue;
            };
            let listed = Self::listed_elsewhere(&trust, &verified);
            let is_refused = listed.decide(Action::Receive).verdict == Verdict::Refuse;
            if is_refused || listed.withdrawn.is_some() {
                continue;
            }
            heard.push(Known {
                heard_at,
                from: *peer,
                envelope: verified.envelope().clone(),
            });
        }
        if heard.is_empty() {
            return Ok(0);
        }
        let is_trusted = |k: &Known| {
            let signer = k.envelope.signature.map(|s| s.key);
            signer.is_some_and(|key| trust.alias(&key).is_some())
        };
        self.store.write(|tables| {
            let mut absent = Vec::new();
            for known in &heard {
                if catalog::envelope_if_held(tables, &known.envelope.id())?.is_none() {
                    absent.push(known.clone());
                }
            }
            Ok(catalog::note_known(tables, &absent, &is_trusted)?)
        })
    }

    /// Keeps statements whose signatures hold, of publishers who matter here: known by name, or
    /// the signer of something held. How many are new. Others are passed over.
    pub(crate) fn take_statements(&self, encoded: &[Vec<u8>]) -> Result<u64, Error> {
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
        for bytes in encoded {
            // A kind of statement that came later is no fault of the peer's.
            let Ok(statement) = Statement::decode(bytes) else {
                continue;
            };
            let matters = trust.alias(&statement.by).is_some() || signers.contains(&statement.by);
            let count = of_key.entry(statement.by).or_default();
            if matters && *count < KNOWN_PER_STRANGER_MAX && ids.insert(statement.id()) {
                *count += 1;
                new += u64::from(self.accept_statement(&statement)?);
            }
        }
        Ok(new)
    }
}
