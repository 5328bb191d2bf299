//! Serves chunks to a peer that holds a parent version: as deltas against it where that is smaller,
//! and compressed at a higher level otherwise.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::catalog;
use crate::chunk::Codec;
use crate::chunk::Compressor;
use crate::chunk::DeltaEncoder;
use crate::chunk::params::DIFFERENCE_BYTES;
use crate::ident::BlobId;
use crate::ident::TreeId;
use crate::manifest::Manifest;
use crate::manifest::TreeWalk;
use crate::pack::RecordHeader;
use crate::protocol::BaseRun;
use crate::protocol::Delta;
use crate::protocol::HeldVersion;
use crate::protocol::PullDeltaRequest;
use crate::protocol::Response;
use crate::protocol::TreeKind;
use crate::registry::delta::writer::SURELY_PAYS;
use crate::registry::error::Error;
use crate::registry::peers::Peers;
use crate::registry::peers::server::chunks::PlacedChunk;
use crate::registry::peers::server::chunks::record_of;
use crate::registry::peers::server::request_context::RequestContext;
use crate::registry::peers::server::response_end::ResponseEnd;
use crate::registry::peers::server::response_end::bad_offset;
use crate::registry::peers::tree_nodes::tree_of;
use crate::store::disk::BlobReader;
use crate::store::disk::Location;
use crate::store::disk::StoreError;
use crate::wire::limits::RECORD_ITEMS_MAX;
use crate::wire::limits::RECORD_RAW_BYTES_MAX;

/// Number of deltas that may fail to save bytes before the response stops trying.
const IN_VAIN_MAX: usize = 8;

/// The tree that the peer reports to hold and may see: its root and its length in bytes.
pub(in crate::registry::peers) type HeldTree = (TreeId, u64);

/// Response with deltas and records, one at a time.
#[derive(Debug)]
pub(crate) struct DeltaResponse {
    reader: BlobReader,
    compressor: Compressor,
    in_vain: usize,
    jobs: std::vec::IntoIter<RecordJob>,
    /// Number of each chunk in the request, and of each base below.
    asked_at: HashMap<BlobId, usize>,
    named_at: HashMap<BlobId, usize>,
}

/// Source of one record of the response.
#[derive(Debug)]
enum RecordJob {
    /// The stored record of a chunk.
    Stored(PlacedChunk),
    /// Chunks to encode, and the possible bases of their delta.
    Made(Vec<PlacedChunk>, Vec<BlobKey>),
}

/// A requested chunk and the number of its group.
struct RequestedChunk {
    key: BlobKey,
    at: Location,
    group: usize,
}

impl DeltaResponse {
    /// Creates the response to a request about a manifest that the peer may see. `held` is the tree
    /// that the peer holds, if the peer may see it.
    pub(crate) fn new(
        reader: BlobReader,
        manifest: &Manifest,
        request: &PullDeltaRequest,
        held: Option<HeldTree>,
    ) -> Result<Self, ResponseEnd> {
        let asked = asked(&reader, manifest, request)?;
        let bases: Vec<Vec<BlobKey>> = (request.groups.iter())
            .map(|g| bases(&reader, held, g.bases).unwrap_or_default())
            .collect();
        let mut named_at = HashMap::new();
        let mut next = 0;
        for (group, keys) in request.groups.iter().zip(&bases) {
            for (n, key) in keys.iter().enumerate() {
                named_at.entry(key.id).or_insert(next + n);
            }
            let count = group.bases.map_or(0, |run| run.count);
            next += usize::try_from(count).unwrap_or(usize::MAX);
        }
        let ids = asked.iter().map(|a| a.key.id);
        let asked_at = ids.enumerate().map(|(n, id)| (id, n)).collect();
        let jobs = jobs(&reader, asked, &bases)?;
        Ok(Self {
            reader,
            compressor: Compressor::closer(),
            in_vain: 0,
            jobs: jobs.into_iter(),
            asked_at,
            named_at,
        })
    }

    /// Returns the next frame.
    pub(crate) fn step(&mut self) -> Result<Option<Response>, ResponseEnd> {
        Ok(match self.jobs.next() {
            None => None,
            Some(RecordJob::Stored(placed)) => Some(self.stored(&placed)?),
            Some(RecordJob::Made(chunks, bases)) => Some(self.made(&chunks, &bases)?),
        })
    }

    fn stored(&self, (key, at): &PlacedChunk) -> Result<Response, StoreError> {
        let corrupt = || StoreError::Blob(BlobError::Corrupt(*key));
        let mut bytes = self.reader.record_bytes(key, at)?;
        let header = RecordHeader::decode(&bytes).map_err(|_| corrupt())?;
        if header.bases.is_empty() {
            return Ok(Response::Chunks(bytes));
        }
        let payload = bytes.split_off(bytes.len().saturating_sub(header.stored_bytes));
        let items = header.items.iter().map(|item| item.id);
        let short = self.numbered_delta(items, header.bases.iter().copied(), payload);
        short.ok_or_else(corrupt)
    }

    /// Builds a delta that refers to items and bases by number.
    fn numbered_delta(
        &self,
        items: impl Iterator<Item = BlobId>,
        bases: impl Iterator<Item = BlobId>,
        payload: Vec<u8>,
    ) -> Option<Response> {
        let chunks = items.map(|id| self.asked_at.get(&id).copied());
        let bases = bases.map(|id| self.named_at.get(&id).copied());
        Some(Response::Delta(Delta {
            chunks: chunks.collect::<Option<_>>()?,
            bases: bases.collect::<Option<_>>()?,
            payload,
        }))
    }

    fn made(&mut self, chunks: &[PlacedChunk], bases: &[BlobKey]) -> Result<Response, StoreError> {
        let raw = joined(&self.reader, chunks)?;
        if bases.is_empty() || self.in_vain >= IN_VAIN_MAX {
            return Ok(self.plain(chunks, &raw));
        }
        let items = chunks.iter().map(|(key, _)| key.id);
        let ids = bases.iter().map(|key| key.id);
        let payload = self.delta(&raw, bases);
        let cost = payload.as_ref().map_or(usize::MAX, Vec::len);
        if cost.saturating_mul(SURELY_PAYS) < raw.len() {
            let short = payload.and_then(|payload| self.numbered_delta(items, ids, payload));
            return Ok(short.unwrap_or_else(|| self.plain(chunks, &raw)));
        }
        let (codec, plain) = self.compressor.compress(&raw);
        if cost < plain.len()
            && let Some(short) =
                payload.and_then(|payload| self.numbered_delta(items, ids, payload))
        {
            return Ok(short);
        }
        self.in_vain += 1;
        let record = record_of(chunks, (codec, plain), Vec::new());
        Ok(Response::Chunks(record.encode()))
    }

    fn plain(&mut self, chunks: &[PlacedChunk], raw: &[u8]) -> Response {
        let coded = self.compressor.compress(raw);
        Response::Chunks(record_of(chunks, coded, Vec::new()).encode())
    }

    /// Encodes a delta. Returns `None` if the bases cannot be read, so that the chunks go without
    /// one.
    fn delta(&self, raw: &[u8], bases: &[BlobKey]) -> Option<Vec<u8>> {
        let located = self.reader.locate(bases).ok()?;
        let pairs = bases.iter().zip(located);
        let placed: Option<Vec<PlacedChunk>> = pairs.map(|(key, at)| Some((*key, at?))).collect();
        let bases = joined(&self.reader, &placed?).ok()?;
        // The encoder stays on its thread, while the next record may be made on another.
        DeltaEncoder::new().encode(raw, bases)
    }
}

/// Concatenates the bytes of chunks.
fn joined(reader: &BlobReader, chunks: &[PlacedChunk]) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    for (key, at) in chunks {
        let corrupt = || StoreError::Blob(BlobError::Corrupt(*key));
        let record = reader.record(key, at)?;
        bytes.extend_from_slice(record.item(key, at.item).ok_or_else(corrupt)?);
    }
    Ok(bytes)
}

fn chunk_key(entry: &crate::manifest::ChunkEntry) -> BlobKey {
    BlobKey::new(BlobKind::Chunk, *entry.id.as_bytes())
}

/// Returns the requested chunks in the order of the data, without repetitions.
fn asked(
    reader: &BlobReader,
    manifest: &Manifest,
    request: &PullDeltaRequest,
) -> Result<Vec<RequestedChunk>, ResponseEnd> {
    let (root, size) = tree_of(manifest, request.tree);
    let mut walk = TreeWalk::new(reader, root, size, request.offset)?;
    if walk.offset() != request.offset {
        return Err(bad_offset());
    }
    let mut seen = HashSet::new();
    let (mut keys, mut groups) = (Vec::new(), Vec::new());
    for (number, group) in request.groups.iter().enumerate() {
        for n in 0..group.skip.saturating_add(group.take) {
            let (_, chunk) = walk.next().ok_or_else(bad_offset)??;
            let key = chunk_key(&chunk);
            if n >= group.skip && seen.insert(key) {
                keys.push(key);
                groups.push(number);
            }
        }
    }
    let mut asked = Vec::with_capacity(keys.len());
    for ((key, group), at) in keys.iter().zip(groups).zip(reader.locate(&keys)?) {
        asked.push(RequestedChunk {
            key: *key,
            at: at.ok_or(StoreError::Blob(BlobError::Missing(*key)))?,
            group,
        });
    }
    Ok(asked)
}

/// Returns the possible bases of a group's delta, or none if not all of them are held.
fn bases(
    reader: &BlobReader,
    held: Option<HeldTree>,
    run: Option<BaseRun>,
) -> Option<Vec<BlobKey>> {
    let ((root, size), run) = (held?, run?);
    let walk = TreeWalk::new(reader, root, size, run.from).ok()?;
    if walk.offset() != run.from {
        return None;
    }
    let count = usize::try_from(run.count).ok()?;
    let mut keys: Vec<BlobKey> = Vec::new();
    for chunk in walk.take(count) {
        keys.push(chunk_key(&chunk.ok()?.1));
    }
    (keys.len() == count).then_some(keys)
}

/// Decides for each record if it goes as stored, and collects the chunks of the others.
fn jobs(
    reader: &BlobReader,
    asked: Vec<RequestedChunk>,
    bases: &[Vec<BlobKey>],
) -> Result<Vec<RecordJob>, StoreError> {
    let bases_of = |a: &RequestedChunk| bases.get(a.group).map_or(&[][..], Vec::as_slice);
    let named: HashSet<BlobId> = bases.iter().flatten().map(|key| key.id).collect();
    // For each record, the number of requested chunks, and a flag that any of them has bases.
    let mut records: HashMap<(u32, u32), (usize, bool)> = HashMap::new();
    for a in &asked {
        let record = records.entry((a.at.pack, a.at.offset)).or_default();
        record.0 += 1;
        record.1 |= !bases_of(a).is_empty();
    }
    let mut as_stored: HashMap<(u32, u32), bool> = HashMap::new();
    let mut jobs = Vec::new();
    let mut open = OpenRecord::default();
    for a in asked {
        let place = (a.at.pack, a.at.offset);
        let (count, has_bases) = records.get(&place).copied().unwrap_or_default();
        let is_first = !as_stored.contains_key(&place);
        let goes = match as_stored.get(&place) {
            Some(goes) => *goes,
            None => {
                let header = reader.header(&a.key, &a.at)?;
                let goes =
                    header.items.len() == count && goes_as_stored(&header, has_bases, &named);
                as_stored.insert(place, goes);
                goes
            }
        };
        match goes {
            true if is_first => jobs.push(RecordJob::Stored((a.key, a.at))),
            true => {}
            false => open.add(&a, bases_of(&a), &mut jobs),
        }
    }
    open.end(&mut jobs);
    Ok(jobs)
}

/// Returns true if encoding a record again would save nothing.
fn goes_as_stored(header: &RecordHeader, has_bases: bool, named: &HashSet<BlobId>) -> bool {
    match header.codec {
        Some(Codec::Delta) => header.bases.iter().all(|id| named.contains(id)),
        Some(Codec::Raw) => !has_bases,
        _ => false,
    }
}

/// Chunks collected for the record in progress.
#[derive(Default)]
struct OpenRecord {
    chunks: Vec<PlacedChunk>,
    bases: Vec<BlobKey>,
    group: usize,
    bytes: usize,
}

impl OpenRecord {
    fn add(&mut self, a: &RequestedChunk, bases: &[BlobKey], jobs: &mut Vec<RecordJob>) {
        let most = if bases.is_empty() {
            RECORD_RAW_BYTES_MAX
        } else {
            2 * DIFFERENCE_BYTES
        };
        let bytes = a.at.raw_bytes as usize;
        let same_bases = if bases.is_empty() {
            self.bases.is_empty()
        } else {
            self.group == a.group
        };
        let is_full = self.bytes + bytes > most || self.chunks.len() >= RECORD_ITEMS_MAX;
        if !same_bases || is_full {
            self.end(jobs);
        }
        if self.chunks.is_empty() {
            self.bases = bases.to_vec();
            self.group = a.group;
        }
        self.bytes += bytes;
        self.chunks.push((a.key, a.at));
    }

    fn end(&mut self, jobs: &mut Vec<RecordJob>) {
        let Self { chunks, bases, .. } = std::mem::take(self);
        if !chunks.is_empty() {
            jobs.push(RecordJob::Made(chunks, bases));
        }
    }
}

impl Peers<'_> {
    /// Returns the tree that the sender of a request reports to hold, if the sender may see it and
    /// reads deltas.
    pub(in crate::registry::peers) fn shown_version(
        &self,
        held: &HeldVersion,
        tree: TreeKind,
        context: &RequestContext,
    ) -> Result<Option<HeldTree>, Error> {
        if !context.hello.reads(Codec::Delta) {
            return Ok(None);
        }
        let wanted = held.content_id;
        let named = self.registry.store.read(|t| {
            let named = catalog::by_content(t, &wanted, |id| *id == wanted)?;
            Ok::<_, Error>(named)
        })?;
        let trees = named.into_iter().filter_map(|dataset| {
            let (root, size) = tree_of(&dataset.manifest, tree);
            (root == held.root).then_some((dataset.envelope_id, (root, size)))
        });
        for (envelope, tree) in trees {
            if self
                .shown_by_envelope(&envelope, context.showing)?
                .is_some()
            {
                return Ok(Some(tree));
            }
        }
        Ok(None)
    }
}
