//! One window of a dataset: what is here is read, the rest is asked of a peer in one request, and
//! every chunk is checked before it is kept.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::chunk::count_newlines;
use crate::ident::BlobId;
use crate::ident::EnvelopeId;
use crate::manifest::ChunkEntry;
use crate::manifest::Manifest;
use crate::pack::Flags;
use crate::pack::Item;
use crate::pack::RecordView;
use crate::protocol::ChunkSource;
use crate::protocol::EachPart;
use crate::protocol::HeldVersion;
use crate::protocol::Part;
use crate::protocol::PeerError;
use crate::protocol::PullChunkRequest;
use crate::protocol::RefusalCode;
use crate::protocol::Run;
use crate::protocol::TreeKind;
use crate::registry::checkout::read_chunks::Located;
use crate::registry::checkout::read_chunks::each_located;
use crate::registry::delta::parent::Place;
use crate::registry::delta::similarity::ReceivedRecords;
use crate::registry::delta::writer::keep_delta;
use crate::registry::error::Error;
use crate::registry::integrity::claims;
use crate::registry::peers::client::delta_request;
use crate::registry::peers::client::delta_request::Named;
use crate::registry::peers::client::delta_request::put_to_bases;
use crate::store::disk::BlobReader;
use crate::store::disk::StoreError;
use crate::store::disk::WriteSession;

/// Neighbouring chunks of a tree.
#[derive(Debug)]
pub(crate) struct Window {
    /// Counts from 0.
    pub(crate) number: u64,
    /// Where the first begins.
    pub(crate) offset: u64,
    /// All of them.
    pub(crate) chunks: Vec<ChunkEntry>,
    /// What lies where they lie in the version that is here; empty without one.
    pub(crate) places: Vec<Place>,
}

impl Window {
    /// Bytes of data.
    pub(crate) fn bytes(&self) -> usize {
        self.chunks.iter().map(|c| c.bytes as usize).sum()
    }
}

/// A window's data, and what of it came from where.
#[derive(Debug, Default)]
pub(crate) struct Filled {
    /// The data, and bytes of earlier windows behind it.
    buffer: Vec<u8>,
    bytes: usize,
    /// Chunks that came from the peer.
    pub(crate) fetched: u64,
    /// Chunks that were here.
    pub(crate) local: u64,
}

impl Filled {
    /// The data.
    pub(crate) fn data(&self) -> &[u8] {
        self.buffer.get(..self.bytes).unwrap_or_default()
    }

    /// The buffer, for another window.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
}

/// Why a window could not be filled.
#[derive(Debug)]
pub(crate) enum WindowError {
    /// The peer's fault, or the network's.
    Peer(PeerError),
    /// A failure here.
    Here(Error),
}

/// Why a record was not taken.
enum NotTaken {
    /// It is a delta and does not become what it should: without one, the peer may do better.
    Delta,
    /// Anything else.
    Other(WindowError),
}

impl<E: Into<WindowError>> From<E> for NotTaken {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

impl From<PeerError> for WindowError {
    fn from(error: PeerError) -> Self {
        Self::Peer(error)
    }
}

impl From<StoreError> for WindowError {
    fn from(error: StoreError) -> Self {
        Self::Here(error.into())
    }
}

/// What a pull fills windows from and into.
#[derive(Clone, Copy)]
pub(crate) struct Filler<'a, 's> {
    /// What is pulled.
    pub(crate) manifest: &'a Manifest,
    /// Which manifest.
    pub(crate) envelope: EnvelopeId,
    /// Which of its trees.
    pub(crate) tree: TreeKind,
    /// Where chunks go.
    pub(crate) session: &'a WriteSession,
    /// What keeps records that come whole.
    pub(crate) keeping: &'a ReceivedRecords<'s>,
    /// For those that are here.
    pub(crate) reader: &'a BlobReader,
    /// Whether somebody else was faster, or the work is to stop.
    pub(crate) is_needless: &'a (dyn Fn(u64) -> bool + Sync),
    /// A version that is here, and the peer is told of.
    pub(crate) held: Option<HeldVersion>,
    /// Whether the peer is asked for deltas.
    pub(crate) reads_deltas: &'a AsksDeltas,
}

/// Whether a peer is asked for deltas: until it does not understand, or one is wrong.
#[derive(Debug, Default)]
pub(crate) struct AsksDeltas(AtomicBool);

impl AsksDeltas {
    pub(in crate::registry::peers) fn get(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }

    pub(in crate::registry::peers) fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks a peer for records, and hands them over.
type Ask<'a> = dyn Fn(&dyn Fn() -> bool, &mut EachPart<'_>) -> Result<(), PeerError> + 'a;

/// A chunk that is not here: its length, newlines, and where it goes in the window.
struct Missing {
    bytes: u32,
    newlines: u32,
    places: Vec<usize>,
}

impl Filler<'_, '_> {
    /// Fills a window, in a buffer that may have held another.
    pub(crate) fn fill(
        &self,
        window: &Window,
        source: &dyn ChunkSource,
        mut buffer: Vec<u8>,
    ) -> Result<Filled, WindowError> {
        let key = |c: &ChunkEntry| BlobKey::new(BlobKind::Chunk, *c.id.as_bytes());
        let keys: Vec<BlobKey> = window.chunks.iter().map(key).collect();
        let located = self.session.locate(&keys)?;
        let bytes = window.bytes();
        if buffer.len() < bytes {
            buffer.resize(bytes, 0);
        }
        // Every byte of it is written below, or the hash of the whole will not fit.
        let data = buffer.get_mut(..bytes).unwrap_or_default();
        let (mut here, mut chunks_here) = (Vec::new(), Vec::new());
        let mut missing: HashMap<BlobId, Missing> = HashMap::new();
        let mut asked: Vec<bool> = Vec::with_capacity(keys.len());
        let mut at = 0;
        for ((chunk, key), location) in window.chunks.iter().zip(&keys).zip(located) {
            match location {
                Some(location) => {
                    asked.push(false);
                    chunks_here.push((at, chunk));
                    here.push(Located {
                        at: at as u64,
                        key: *key,
                        location,
                    });
                }
                None => {
                    let entry = missing.entry(key.id).or_insert_with(|| Missing {
                        bytes: chunk.bytes,
                        newlines: chunk.newlines,
                        places: Vec::new(),
                    });
                    asked.push(entry.places.is_empty());
                    entry.places.push(at);
                }
            }
            at += chunk.bytes as usize;
        }
        let (fetched, local) = (missing.len() as u64, here.len() as u64);
        each_located((self.session, self.reader), here, data)?;
        for (at, chunk) in chunks_here {
            let bytes = data.get(at..at + chunk.bytes as usize).unwrap_or_default();
            let place = window.offset.saturating_add(at as u64);
            claims::check_newlines(self.manifest, place, chunk, bytes)
                .map_err(WindowError::Here)?;
        }
        if !missing.is_empty() {
            self.fetch(window, source, &asked, &mut missing, data)?;
        }
        Ok(Filled {
            buffer,
            bytes,
            fetched,
            local,
        })
    }

    fn fetch(
        &self,
        window: &Window,
        source: &dyn ChunkSource,
        asked: &[bool],
        missing: &mut HashMap<BlobId, Missing>,
        data: &mut [u8],
    ) -> Result<(), WindowError> {
        let held = self.held.filter(|_| self.reads_deltas.get());
        if let Some(held) = held {
            let (request, named) = delta_request::request(self, held, window, asked);
            let ask = |needless: &dyn Fn() -> bool, each: &mut EachPart<'_>| {
                source.deltas(&request, needless, each)
            };
            match self.receive(window, &ask, &named, missing, data) {
                Err(NotTaken::Other(WindowError::Peer(PeerError::Refused(r))))
                    if r.code == RefusalCode::NotUnderstood => {}
                Err(NotTaken::Delta) => {}
                Err(NotTaken::Other(error)) => return Err(error),
                Ok(()) => return Ok(()),
            }
            self.reads_deltas.end();
        }
        let request = PullChunkRequest {
            envelope: self.envelope,
            tree: self.tree,
            offset: window.offset,
            runs: runs(&still_asked(window, missing)),
        };
        let ask = |needless: &dyn Fn() -> bool, each: &mut EachPart<'_>| {
            source.chunks(&request, needless, &mut |record| each(Part::Record(record)))
        };
        let received = self.receive(window, &ask, &Named::default(), missing, data);
        received.map_err(|error| match error {
            NotTaken::Delta => PeerError::Misbehaved("a delta unasked").into(),
            NotTaken::Other(error) => error,
        })
    }

    /// Takes what is answered; deltas may be against what is named.
    fn receive(
        &self,
        window: &Window,
        ask: &Ask<'_>,
        named: &Named,
        missing: &mut HashMap<BlobId, Missing>,
        data: &mut [u8],
    ) -> Result<(), NotTaken> {
        let mut failed = Ok(());
        let is_needless = || (self.is_needless)(window.number);
        let answered = ask(&is_needless, &mut |part| {
            if is_needless() {
                failed = Err(PeerError::Stopped.into());
            } else {
                failed = self.take(part, named, missing, data);
            }
            failed.is_ok()
        });
        failed?;
        answered?;
        match missing.is_empty() {
            true => Ok(()),
            false => Err(PeerError::Misbehaved("fewer chunks than it was asked for").into()),
        }
    }

    /// Checks a record to its last byte, then keeps it.
    fn take(
        &self,
        part: Part,
        named: &Named,
        missing: &mut HashMap<BlobId, Missing>,
        data: &mut [u8],
    ) -> Result<(), NotTaken> {
        let damaged = || PeerError::Misbehaved("a damaged record");
        let (bytes, delta) = match part {
            Part::Record(bytes) => (bytes, None),
            Part::Delta(delta) => {
                let wrong = || PeerError::Misbehaved("a delta of what was not named");
                let record = named.record(delta).ok_or_else(wrong)?;
                (record.encode(), Some(record))
            }
        };
        let is_delta = delta.is_some();
        let view = RecordView::decode(&bytes).map_err(|_| damaged())?;
        let header = &view.header;
        let is_chunks = header.kind == Some(BlobKind::Chunk)
            && header.flags == Flags::default()
            && header.sequence == 0
            && header.bases.is_empty() != is_delta
            // One of nothing could be followed by any number of them.
            && !header.items.is_empty();
        if !is_chunks || !view.payload_is_whole() {
            return Err(damaged().into());
        }
        let raw = match is_delta {
            // What it is against may be damaged here: that is not the peer's fault.
            true => put_to_bases(self.reader, &view).ok_or(NotTaken::Delta)?,
            false => view.unpack().map_err(|_| damaged())?,
        };
        self.place(&header.items, &raw, is_delta, missing, data)?;
        match delta {
            Some(record) => Ok(keep_delta(self.session, self.reader, record, &raw)?),
            None => Ok(self.keeping.keep(&header.items, &raw, &bytes)?),
        }
    }

    /// Compares chunks with their hashes, and puts them where they belong.
    fn place(
        &self,
        items: &[Item],
        raw: &[u8],
        is_delta: bool,
        missing: &mut HashMap<BlobId, Missing>,
        data: &mut [u8],
    ) -> Result<(), NotTaken> {
        let mut chunks = Vec::with_capacity(items.len());
        let mut rest = raw;
        for item in items {
            let damaged = || PeerError::Misbehaved("a damaged record");
            let length = usize::try_from(item.raw_bytes).unwrap_or(usize::MAX);
            let (chunk, after) = rest.split_at_checked(length).ok_or_else(damaged)?;
            rest = after;
            if BlobId::of(chunk) != item.id {
                let lie = PeerError::Misbehaved("a chunk that is not what its id says");
                return Err(match is_delta {
                    true => NotTaken::Delta,
                    false => lie.into(),
                });
            }
            chunks.push((item, chunk));
        }
        for (item, chunk) in chunks {
            let wrong = || PeerError::Misbehaved("a chunk that it was not asked for");
            let wanted = missing.remove(&item.id).ok_or_else(wrong)?;
            if wanted.bytes != item.raw_bytes || count_newlines(chunk) != wanted.newlines {
                // The tree says so, and its signer made the tree.
                let key = BlobKey::new(BlobKind::Chunk, *item.id.as_bytes());
                let corrupt = crate::blob_store::BlobError::Corrupt(key);
                return Err(StoreError::Blob(corrupt).into());
            }
            for place in wanted.places {
                if let Some(to) = data.get_mut(place..place + chunk.len()) {
                    to.copy_from_slice(chunk);
                }
            }
        }
        Ok(())
    }
}

/// Which chunks of a window are asked for, each at its first place.
fn still_asked(window: &Window, missing: &HashMap<BlobId, Missing>) -> Vec<bool> {
    let mut at = 0;
    let first_there = |chunk: &ChunkEntry| {
        let id = BlobId::new(*chunk.id.as_bytes());
        let place = at;
        at += chunk.bytes as usize;
        let wanted = missing.get(&id).and_then(|m| m.places.first());
        wanted == Some(&place)
    };
    window.chunks.iter().map(first_there).collect()
}

/// Runs that name the chunks with `true`.
fn runs(asked: &[bool]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut skip = 0;
    for group in asked.chunk_by(|a, b| a == b) {
        let n = group.len() as u64;
        match group.first() {
            Some(true) => {
                runs.push(Run { skip, take: n });
                skip = 0;
            }
            _ => skip = n,
        }
    }
    runs
}
