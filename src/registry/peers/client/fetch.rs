//! Fills one window of a tree. Held chunks are read from the store, and one request to a peer
//! brings the rest. Every chunk is verified before it is kept.

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
use crate::protocol::PeerError;
use crate::protocol::PullChunkRequest;
use crate::protocol::RefusalCode;
use crate::protocol::ResponsePart;
use crate::protocol::Run;
use crate::protocol::TreeKind;
use crate::registry::checkout::read_chunks::LocatedChunk;
use crate::registry::checkout::read_chunks::each_located;
use crate::registry::delta::similarity::ReceivedRecords;
use crate::registry::delta::writer::keep_delta;
use crate::registry::error::Error;
use crate::registry::integrity::claims;
use crate::registry::peers::client::delta_request;
use crate::registry::peers::client::delta_request::NamedChunks;
use crate::registry::peers::client::delta_request::decode_on_bases;
use crate::registry::peers::client::window::Window;
use crate::store::disk::BlobReader;
use crate::store::disk::StoreError;
use crate::store::disk::WriteSession;

/// A window's data, with the origin of its chunks.
#[derive(Debug, Default)]
pub(crate) struct FilledWindow {
    /// The data, possibly followed by bytes of earlier windows.
    buffer: Vec<u8>,
    bytes: usize,
    /// Number of chunks that came from the peer.
    pub(crate) fetched: u64,
    /// Number of chunks that were held.
    pub(crate) local: u64,
}

impl FilledWindow {
    /// Returns the data.
    pub(crate) fn data(&self) -> &[u8] {
        self.buffer.get(..self.bytes).unwrap_or_default()
    }

    /// Returns the buffer for reuse in another window.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
}

/// Reason that a window could not be filled.
#[derive(Debug)]
pub(crate) enum WindowError {
    /// An error of the peer or of the network.
    Peer(PeerError),
    /// A local error.
    Here(Error),
}

/// Reason that a record was not accepted.
enum RecordError {
    /// The record is a delta and does not decode to the expected bytes. The peer may succeed
    /// without deltas.
    Delta,
    /// Any other error.
    Other(WindowError),
}

impl<E: Into<WindowError>> From<E> for RecordError {
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

/// Stores verified records of chunks.
pub(crate) trait RecordKeeper {
    /// Stores the chunks of a record. `raw` is its decompressed data and `bytes` its encoding.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be stored and the transfer has to end.
    fn keep(&self, items: &[Item], raw: &[u8], bytes: &[u8]) -> Result<(), StoreError>;
}

impl RecordKeeper for ReceivedRecords<'_> {
    fn keep(&self, items: &[Item], raw: &[u8], bytes: &[u8]) -> Result<(), StoreError> {
        ReceivedRecords::keep(self, items, raw, bytes)
    }
}

/// Fills the windows of one pull.
#[derive(Clone, Copy)]
pub(crate) struct WindowFiller<'a> {
    /// The manifest that is pulled.
    pub(crate) manifest: &'a Manifest,
    /// The manifest's envelope id.
    pub(crate) envelope: EnvelopeId,
    /// The tree of the manifest that is pulled.
    pub(crate) tree: TreeKind,
    /// The session that stores the chunks.
    pub(crate) session: &'a WriteSession,
    /// Stores the records that arrive.
    pub(crate) keeping: &'a dyn RecordKeeper,
    /// Reader for held chunks.
    pub(crate) reader: &'a BlobReader,
    /// Returns true if another peer has filled the window, or the pull is to stop.
    pub(crate) is_unneeded: &'a (dyn Fn(u64) -> bool + Sync),
    /// A held parent version that the peer is told about.
    pub(crate) held: Option<HeldVersion>,
    /// Tells if the peer is asked for deltas.
    pub(crate) reads_deltas: &'a DeltaFlag,
}

/// Flag per peer: deltas are requested until the peer does not understand them or sends a wrong
/// one.
#[derive(Debug, Default)]
pub(crate) struct DeltaFlag(AtomicBool);

impl DeltaFlag {
    pub(in crate::registry::peers) fn get(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }

    pub(in crate::registry::peers) fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Sends the request for records to a peer, and passes on each part of the response.
type SendRequest<'a> = dyn Fn(&dyn Fn() -> bool, &mut EachPart<'_>) -> Result<(), PeerError> + 'a;

/// A window whose held chunks are in place.
struct HeldPart {
    buffer: Vec<u8>,
    bytes: usize,
    /// Number of chunks that were held.
    local: u64,
    missing: HashMap<BlobId, MissingChunk>,
    /// Set for each chunk to ask for: the first position of each that is missing.
    asked: Vec<bool>,
}

/// A chunk that is not held: its length, its newlines, and its positions in the window.
struct MissingChunk {
    bytes: u32,
    newlines: u32,
    places: Vec<usize>,
}

impl WindowFiller<'_> {
    /// Fills a window, in a buffer that may be left over from another.
    pub(crate) fn fill(
        &self,
        window: &Window,
        source: &dyn ChunkSource,
        buffer: Vec<u8>,
    ) -> Result<FilledWindow, WindowError> {
        let mut part = self.fill_held(window, buffer)?;
        let fetched = part.missing.len() as u64;
        if !part.missing.is_empty() {
            let data = part.buffer.get_mut(..part.bytes).unwrap_or_default();
            self.fetch(window, source, &part.asked, &mut part.missing, data)?;
        }
        Ok(FilledWindow {
            buffer: part.buffer,
            bytes: part.bytes,
            fetched,
            local: part.local,
        })
    }

    /// Fills a window if all of it is here.
    pub(crate) fn fill_from_here(
        &self,
        window: &Window,
    ) -> Result<Option<FilledWindow>, WindowError> {
        let located = self.session.locate(&keys_of(window))?;
        if located.contains(&None) {
            return Ok(None);
        }
        let part = self.fill_held(window, Vec::new())?;
        Ok(part.missing.is_empty().then_some(FilledWindow {
            buffer: part.buffer,
            bytes: part.bytes,
            fetched: 0,
            local: part.local,
        }))
    }

    /// Reads the held chunks of a window into a buffer.
    fn fill_held(&self, window: &Window, mut buffer: Vec<u8>) -> Result<HeldPart, WindowError> {
        let keys = keys_of(window);
        let located = self.session.locate(&keys)?;
        let bytes = window.bytes();
        if buffer.len() < bytes {
            buffer.resize(bytes, 0);
        }
        // Every byte is overwritten below; otherwise the hash of the whole does not match.
        let data = buffer.get_mut(..bytes).unwrap_or_default();
        let (mut here, mut chunks_here) = (Vec::new(), Vec::new());
        let mut missing: HashMap<BlobId, MissingChunk> = HashMap::new();
        let mut asked: Vec<bool> = Vec::with_capacity(keys.len());
        let mut at = 0;
        for ((chunk, key), location) in window.chunks.iter().zip(&keys).zip(located) {
            match location {
                Some(location) => {
                    asked.push(false);
                    chunks_here.push((at, chunk));
                    here.push(LocatedChunk {
                        at: at as u64,
                        key: *key,
                        location,
                    });
                }
                None => {
                    let entry = missing.entry(key.id).or_insert_with(|| MissingChunk {
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
        let local = here.len() as u64;
        each_located((self.session, self.reader), here, data)?;
        for (at, chunk) in chunks_here {
            let bytes = data.get(at..at + chunk.bytes as usize).unwrap_or_default();
            let place = window.offset.saturating_add(at as u64);
            claims::check_newlines(self.manifest, place, chunk, bytes)
                .map_err(WindowError::Here)?;
        }
        Ok(HeldPart {
            buffer,
            bytes,
            local,
            missing,
            asked,
        })
    }

    fn fetch(
        &self,
        window: &Window,
        source: &dyn ChunkSource,
        asked: &[bool],
        missing: &mut HashMap<BlobId, MissingChunk>,
        data: &mut [u8],
    ) -> Result<(), WindowError> {
        let held = self.held.filter(|_| self.reads_deltas.get());
        if let Some(held) = held {
            let (request, named) =
                delta_request::request((self.envelope, self.tree), held, window, asked);
            let ask = |needless: &dyn Fn() -> bool, each: &mut EachPart<'_>| {
                source.deltas(&request, needless, each)
            };
            match self.receive(window, &ask, &named, missing, data) {
                Err(RecordError::Other(WindowError::Peer(PeerError::Refused(r))))
                    if r.code == RefusalCode::NotUnderstood => {}
                Err(RecordError::Delta) => {}
                Err(RecordError::Other(error)) => return Err(error),
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
            source.chunks(&request, needless, &mut |record| {
                each(ResponsePart::Record(record))
            })
        };
        let received = self.receive(window, &ask, &NamedChunks::default(), missing, data);
        received.map_err(|error| match error {
            RecordError::Delta => PeerError::Misbehaved("a delta unasked").into(),
            RecordError::Other(error) => error,
        })
    }

    /// Receives the records of a response. Deltas may refer to the bases that the request named.
    fn receive(
        &self,
        window: &Window,
        ask: &SendRequest<'_>,
        named: &NamedChunks,
        missing: &mut HashMap<BlobId, MissingChunk>,
        data: &mut [u8],
    ) -> Result<(), RecordError> {
        let mut failed = Ok(());
        let is_unneeded = || (self.is_unneeded)(window.number);
        let answered = ask(&is_unneeded, &mut |part| {
            if is_unneeded() {
                failed = Err(PeerError::Stopped.into());
            } else {
                failed = self.take(part, named, missing, data);
            }
            failed.is_ok()
        });
        failed?;
        answered?;
        if missing.is_empty() {
            Ok(())
        } else {
            Err(PeerError::Misbehaved("fewer chunks than it was asked for").into())
        }
    }

    /// Verifies all bytes of a record, then keeps it.
    fn take(
        &self,
        part: ResponsePart,
        named: &NamedChunks,
        missing: &mut HashMap<BlobId, MissingChunk>,
        data: &mut [u8],
    ) -> Result<(), RecordError> {
        let damaged = || PeerError::Misbehaved("a damaged record");
        let (bytes, delta) = match part {
            ResponsePart::Record(bytes) => (bytes, None),
            ResponsePart::Delta(delta) => {
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
            // An empty record could be repeated without limit.
            && !header.items.is_empty();
        if !is_chunks || !view.payload_is_intact() {
            return Err(damaged().into());
        }
        let raw = match is_delta {
            // A local base may be damaged, which is no fault of the peer.
            true => decode_on_bases(self.reader, &view).ok_or(RecordError::Delta)?,
            false => view.unpack().map_err(|_| damaged())?,
        };
        self.place(&header.items, &raw, is_delta, missing, data)?;
        match delta {
            Some(record) => Ok(keep_delta(self.session, self.reader, record, &raw)?),
            None => Ok(self.keeping.keep(&header.items, &raw, &bytes)?),
        }
    }

    /// Compares chunks with their hashes, and copies them to their positions in the window.
    fn place(
        &self,
        items: &[Item],
        raw: &[u8],
        is_delta: bool,
        missing: &mut HashMap<BlobId, MissingChunk>,
        data: &mut [u8],
    ) -> Result<(), RecordError> {
        let mut chunks = Vec::with_capacity(items.len());
        let mut rest = raw;
        for item in items {
            let damaged = || PeerError::Misbehaved("a damaged record");
            let length = usize::try_from(item.raw_bytes).unwrap_or(usize::MAX);
            let (chunk, after) = rest.split_at_checked(length).ok_or_else(damaged)?;
            rest = after;
            if BlobId::of(chunk) != item.id {
                let lie = PeerError::Misbehaved("a chunk that is not what its id says");
                return Err(if is_delta {
                    RecordError::Delta
                } else {
                    lie.into()
                });
            }
            chunks.push((item, chunk));
        }
        for (item, chunk) in chunks {
            let wrong = || PeerError::Misbehaved("a chunk that it was not asked for");
            let wanted = missing.remove(&item.id).ok_or_else(wrong)?;
            if wanted.bytes != item.raw_bytes || count_newlines(chunk) != wanted.newlines {
                // The count comes from the tree, so its signer is responsible for it.
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

fn keys_of(window: &Window) -> Vec<BlobKey> {
    let key = |c: &ChunkEntry| BlobKey::new(BlobKind::Chunk, *c.id.as_bytes());
    window.chunks.iter().map(key).collect()
}

/// Marks the chunks of a window that are still missing, each at its first position.
fn still_asked(window: &Window, missing: &HashMap<BlobId, MissingChunk>) -> Vec<bool> {
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

/// Converts marked chunks into runs.
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
