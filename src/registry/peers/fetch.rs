//! One window of a dataset: what is here is read, the rest is asked of a peer in one request, and
//! every chunk is checked before it is kept.

use std::collections::HashMap;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::chunk::Compressor;
use crate::chunk::count_newlines;
use crate::ident::BlobId;
use crate::ident::EnvelopeId;
use crate::manifest::ChunkEntry;
use crate::pack::Flags;
use crate::pack::Item;
use crate::pack::Record;
use crate::pack::RecordView;
use crate::registry::error::Error;
use crate::registry::read::Located;
use crate::registry::read::each_located;
use crate::store::disk::BlobReader;
use crate::store::disk::Session;
use crate::store::disk::StoreError;
use crate::sync::ChunkSource;
use crate::sync::PeerError;
use crate::sync::PullChunkRequest;
use crate::sync::Run;
use crate::sync::TreeKind;

/// Neighbouring chunks of a tree.
#[derive(Debug)]
pub(crate) struct Window {
    /// Counts from 0.
    pub(crate) number: u64,
    /// Where the first begins.
    pub(crate) offset: u64,
    /// All of them.
    pub(crate) chunks: Vec<ChunkEntry>,
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
pub(crate) enum NotFilled {
    /// The peer's fault, or the network's.
    Peer(PeerError),
    /// A failure here.
    Here(Error),
}

impl From<PeerError> for NotFilled {
    fn from(error: PeerError) -> Self {
        Self::Peer(error)
    }
}

impl From<StoreError> for NotFilled {
    fn from(error: StoreError) -> Self {
        Self::Here(error.into())
    }
}

/// What a pull fills windows from and into.
#[derive(Clone, Copy)]
pub(crate) struct Filler<'a> {
    /// Which manifest.
    pub(crate) envelope: EnvelopeId,
    /// Which of its trees.
    pub(crate) tree: TreeKind,
    /// Where chunks go.
    pub(crate) session: &'a Session,
    /// For those that are here.
    pub(crate) reader: &'a BlobReader,
    /// Whether somebody else was faster, or the work is to stop.
    pub(crate) is_needless: &'a (dyn Fn(u64) -> bool + Sync),
}

/// A chunk that is not here: its length, newlines, and where it goes in the window.
struct Missing {
    bytes: u32,
    newlines: u32,
    places: Vec<usize>,
}

impl Filler<'_> {
    /// Fills a window, in a buffer that may have held another.
    pub(crate) fn fill(
        &self,
        window: &Window,
        source: &dyn ChunkSource,
        mut buffer: Vec<u8>,
    ) -> Result<Filled, NotFilled> {
        let key = |c: &ChunkEntry| BlobKey::new(BlobKind::Chunk, *c.id.as_bytes());
        let keys: Vec<BlobKey> = window.chunks.iter().map(key).collect();
        let located = self.session.locate(&keys)?;
        let bytes = window.bytes();
        if buffer.len() < bytes {
            buffer.resize(bytes, 0);
        }
        // Every byte of it is written below, or the hash of the whole will not fit.
        let data = buffer.get_mut(..bytes).unwrap_or_default();
        let mut here = Vec::new();
        let mut missing: HashMap<BlobId, Missing> = HashMap::new();
        let mut asked: Vec<bool> = Vec::with_capacity(keys.len());
        let mut at = 0;
        for ((chunk, key), location) in window.chunks.iter().zip(&keys).zip(located) {
            match location {
                Some(location) => {
                    asked.push(false);
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
        each_located(self.reader, here, data)?;
        if !missing.is_empty() {
            self.fetch(window, source, &asked, missing, data)?;
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
        mut missing: HashMap<BlobId, Missing>,
        data: &mut [u8],
    ) -> Result<(), NotFilled> {
        let request = PullChunkRequest {
            envelope: self.envelope,
            tree: self.tree,
            offset: window.offset,
            runs: runs(asked),
        };
        let mut failed = Ok(());
        let is_needless = || (self.is_needless)(window.number);
        let answered = source.chunks(&request, &is_needless, &mut |record| {
            if is_needless() {
                failed = Err(PeerError::Stopped.into());
            } else {
                failed = self.take(&record, &mut missing, data);
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
        bytes: &[u8],
        missing: &mut HashMap<BlobId, Missing>,
        data: &mut [u8],
    ) -> Result<(), NotFilled> {
        let damaged = || PeerError::Misbehaved("a damaged record");
        let view = RecordView::decode(bytes).map_err(|_| damaged())?;
        let header = &view.header;
        let is_plain = header.kind == Some(BlobKind::Chunk)
            && header.flags == Flags::default()
            && header.sequence == 0
            && header.bases.is_empty()
            // One of nothing could be followed by any number of them.
            && !header.items.is_empty();
        if !is_plain || !view.payload_is_whole() {
            return Err(damaged().into());
        }
        let raw = view.unpack().map_err(|_| damaged())?;
        let mut rest = raw.as_slice();
        for item in &header.items {
            let length = usize::try_from(item.raw_bytes).unwrap_or(usize::MAX);
            let (chunk, after) = rest.split_at_checked(length).ok_or_else(damaged)?;
            rest = after;
            let wrong = || PeerError::Misbehaved("a chunk that it was not asked for");
            let wanted = missing.remove(&item.id).ok_or_else(wrong)?;
            let is_it = wanted.bytes == item.raw_bytes && BlobId::of(chunk) == item.id;
            if !is_it {
                return Err(PeerError::Misbehaved("a chunk that is not what its id says").into());
            }
            if count_newlines(chunk) != wanted.newlines {
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
        Ok(self.keep(&header.items, &raw, bytes)?)
    }

    /// Keeps a record as it came where all of it is new, and else what is.
    fn keep(&self, items: &[Item], raw: &[u8], bytes: &[u8]) -> Result<(), StoreError> {
        let key = |i: &Item| BlobKey {
            kind: BlobKind::Chunk,
            id: i.id,
        };
        let keys: Vec<BlobKey> = items.iter().map(key).collect();
        let fresh = self.session.claim(&keys)?;
        if !fresh.contains(&false) {
            return self.session.append_encoded(BlobKind::Chunk, items, bytes);
        }
        let (mut kept, mut some) = (Vec::new(), Vec::new());
        let mut at = 0;
        for (item, fresh) in items.iter().zip(fresh) {
            let end = at + item.raw_bytes as usize;
            if fresh {
                kept.push(*item);
                some.extend_from_slice(raw.get(at..end).unwrap_or_default());
            }
            at = end;
        }
        if kept.is_empty() {
            return Ok(());
        }
        let (codec, payload) = Compressor::new().compress(&some);
        self.session.append(&Record {
            kind: BlobKind::Chunk,
            codec,
            flags: Flags::default(),
            sequence: 0,
            items: kept,
            bases: Vec::new(),
            payload,
        })
    }
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
