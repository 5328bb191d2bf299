//! Chunks for a peer that holds others which resemble them: as deltas against these where
//! that is shorter, and packed closely where it is not.

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
use crate::registry::LocalRegistry;
use crate::registry::delta::writer::SURELY_PAYS;
use crate::registry::error::Error;
use crate::registry::peers::server::chunks::Placed;
use crate::registry::peers::server::chunks::record_of;
use crate::registry::peers::server::responses::Ending;
use crate::registry::peers::server::responses::RequestContext;
use crate::registry::peers::server::responses::nothing_there;
use crate::registry::peers::tree_nodes::tree_of;
use crate::store::disk::BlobReader;
use crate::store::disk::Location;
use crate::store::disk::StoreError;
use crate::wire::limits::RECORD_ITEMS_MAX;
use crate::wire::limits::RECORD_RAW_BYTES_MAX;

/// After so many deltas that were not shorter, no more are tried in an answer.
const IN_VAIN_MAX: usize = 8;

/// A tree that the peer says it has, and may see here: its root and how many bytes it holds.
pub(in crate::registry::peers) type Shown = (TreeId, u64);

/// Records for a peer, one at a time.
#[derive(Debug)]
pub(crate) struct DeltaResponse {
    reader: BlobReader,
    closer: Compressor,
    in_vain: usize,
    jobs: std::vec::IntoIter<Job>,
    /// Where chunks are among those asked for, and bases among those named.
    asked_at: HashMap<BlobId, usize>,
    named_at: HashMap<BlobId, usize>,
}

/// What one record of an answer is made of.
#[derive(Debug)]
enum Job {
    /// The record that a chunk is in, as it is stored.
    Stored(Placed),
    /// Chunks, and what they may be a delta against.
    Made(Vec<Placed>, Vec<BlobKey>),
}

/// A chunk that was asked for, and in which group.
struct Asked {
    key: BlobKey,
    at: Location,
    group: usize,
}

impl DeltaResponse {
    /// The answer to a request about a manifest that the peer may see; `held` is the tree that it
    /// has, where it may see that.
    pub(crate) fn new(
        reader: BlobReader,
        manifest: &Manifest,
        request: &PullDeltaRequest,
        held: Option<Shown>,
    ) -> Result<Self, Ending> {
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
            closer: Compressor::closer(),
            in_vain: 0,
            jobs: jobs.into_iter(),
            asked_at,
            named_at,
        })
    }

    /// The next frame.
    pub(crate) fn step(&mut self) -> Result<Option<Response>, Ending> {
        Ok(match self.jobs.next() {
            None => None,
            Some(Job::Stored(placed)) => Some(self.stored(&placed)?),
            Some(Job::Made(chunks, bases)) => Some(self.made(&chunks, &bases)?),
        })
    }

    fn stored(&self, (key, at): &Placed) -> Result<Response, StoreError> {
        let corrupt = || StoreError::Blob(BlobError::Corrupt(*key));
        let mut bytes = self.reader.record_bytes(key, at)?;
        let header = RecordHeader::decode(&bytes).map_err(|_| corrupt())?;
        if header.bases.is_empty() {
            return Ok(Response::Chunks(bytes));
        }
        let payload = bytes.split_off(bytes.len().saturating_sub(header.stored_bytes));
        let items = header.items.iter().map(|item| item.id);
        let short = self.short(items, header.bases.iter().copied(), payload);
        short.ok_or_else(corrupt)
    }

    /// A delta by the places of its items and bases.
    fn short(
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

    fn made(&mut self, chunks: &[Placed], bases: &[BlobKey]) -> Result<Response, StoreError> {
        let raw = joined(&self.reader, chunks)?;
        if bases.is_empty() || self.in_vain >= IN_VAIN_MAX {
            return Ok(self.plain(chunks, &raw));
        }
        let items = chunks.iter().map(|(key, _)| key.id);
        let ids = bases.iter().map(|key| key.id);
        let payload = self.delta(&raw, bases);
        let cost = payload.as_ref().map_or(usize::MAX, Vec::len);
        if cost.saturating_mul(SURELY_PAYS) < raw.len() {
            let short = payload.and_then(|payload| self.short(items, ids, payload));
            return Ok(short.unwrap_or_else(|| self.plain(chunks, &raw)));
        }
        let (codec, plain) = self.closer.compress(&raw);
        if cost < plain.len()
            && let Some(short) = payload.and_then(|payload| self.short(items, ids, payload))
        {
            return Ok(short);
        }
        self.in_vain += 1;
        let record = record_of(chunks, (codec, plain), Vec::new());
        Ok(Response::Chunks(record.encode()))
    }

    fn plain(&mut self, chunks: &[Placed], raw: &[u8]) -> Response {
        let coded = self.closer.compress(raw);
        Response::Chunks(record_of(chunks, coded, Vec::new()).encode())
    }

    /// Where the bases cannot be read, chunks go without.
    fn delta(&self, raw: &[u8], bases: &[BlobKey]) -> Option<Vec<u8>> {
        let located = self.reader.locate(bases).ok()?;
        let pairs = bases.iter().zip(located);
        let placed: Option<Vec<Placed>> = pairs.map(|(key, at)| Some((*key, at?))).collect();
        let bases = joined(&self.reader, &placed?).ok()?;
        // It stays on its thread, and the next record may be made on another.
        DeltaEncoder::new().encode(raw, bases)
    }
}

/// The bytes of chunks, one after the other.
fn joined(reader: &BlobReader, chunks: &[Placed]) -> Result<Vec<u8>, StoreError> {
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

/// The chunks that a request names, each once, in the order of the data.
fn asked(
    reader: &BlobReader,
    manifest: &Manifest,
    request: &PullDeltaRequest,
) -> Result<Vec<Asked>, Ending> {
    let (root, size) = tree_of(manifest, request.tree);
    let mut walk = TreeWalk::new(reader, root, size, request.offset)?;
    if walk.offset() != request.offset {
        return Err(nothing_there());
    }
    let mut seen = HashSet::new();
    let (mut keys, mut groups) = (Vec::new(), Vec::new());
    for (number, group) in request.groups.iter().enumerate() {
        for n in 0..group.skip.saturating_add(group.take) {
            let (_, chunk) = walk.next().ok_or_else(nothing_there)??;
            let key = chunk_key(&chunk);
            if n >= group.skip && seen.insert(key) {
                keys.push(key);
                groups.push(number);
            }
        }
    }
    let mut asked = Vec::with_capacity(keys.len());
    for ((key, group), at) in keys.iter().zip(groups).zip(reader.locate(&keys)?) {
        asked.push(Asked {
            key: *key,
            at: at.ok_or(StoreError::Blob(BlobError::Missing(*key)))?,
            group,
        });
    }
    Ok(asked)
}

/// The chunks that a group may be a delta against: none where they are not all there.
fn bases(reader: &BlobReader, held: Option<Shown>, run: Option<BaseRun>) -> Option<Vec<BlobKey>> {
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

/// Which records go as they are stored, and what the others are made of.
fn jobs(
    reader: &BlobReader,
    asked: Vec<Asked>,
    bases: &[Vec<BlobKey>],
) -> Result<Vec<Job>, StoreError> {
    let bases_of = |a: &Asked| bases.get(a.group).map_or(&[][..], Vec::as_slice);
    let named: HashSet<BlobId> = bases.iter().flatten().map(|key| key.id).collect();
    // Of every record, how many of its chunks were asked for, and whether any has bases.
    let mut records: HashMap<(u32, u32), (usize, bool)> = HashMap::new();
    for a in &asked {
        let record = records.entry((a.at.pack, a.at.offset)).or_default();
        record.0 += 1;
        record.1 |= !bases_of(a).is_empty();
    }
    let mut as_stored: HashMap<(u32, u32), bool> = HashMap::new();
    let mut jobs = Vec::new();
    let mut open = Open::default();
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
            true if is_first => jobs.push(Job::Stored((a.key, a.at))),
            true => {}
            false => open.add(&a, bases_of(&a), &mut jobs),
        }
    }
    open.end(&mut jobs);
    Ok(jobs)
}

/// Whether making a record anew would gain nothing.
fn goes_as_stored(header: &RecordHeader, has_bases: bool, named: &HashSet<BlobId>) -> bool {
    match header.codec {
        Some(Codec::Delta) => header.bases.iter().all(|id| named.contains(id)),
        Some(Codec::Raw) => !has_bases,
        _ => false,
    }
}

/// Chunks that one record is to be made of, so far.
#[derive(Default)]
struct Open {
    chunks: Vec<Placed>,
    bases: Vec<BlobKey>,
    group: usize,
    bytes: usize,
}

impl Open {
    fn add(&mut self, a: &Asked, bases: &[BlobKey], jobs: &mut Vec<Job>) {
        let most = match bases.is_empty() {
            true => RECORD_RAW_BYTES_MAX,
            false => 2 * DIFFERENCE_BYTES,
        };
        let bytes = a.at.raw_bytes as usize;
        let same_bases = match bases.is_empty() {
            true => self.bases.is_empty(),
            false => self.group == a.group,
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

    fn end(&mut self, jobs: &mut Vec<Job>) {
        let Self { chunks, bases, .. } = std::mem::take(self);
        if !chunks.is_empty() {
            jobs.push(Job::Made(chunks, bases));
        }
    }
}

impl LocalRegistry {
    /// The tree that a request says its sender has, where he may see it here and reads deltas.
    pub(in crate::registry::peers) fn shown_version(
        &self,
        held: &HeldVersion,
        tree: TreeKind,
        asking: &RequestContext,
    ) -> Result<Option<Shown>, Error> {
        if !asking.hello.reads(Codec::Delta) {
            return Ok(None);
        }
        let wanted = held.content_id;
        let named = self.store.read(|t| {
            let named = catalog::by_content(t, &wanted, |id| *id == wanted)?;
            Ok::<_, Error>(named)
        })?;
        let trees = named.into_iter().filter_map(|dataset| {
            let (root, size) = tree_of(&dataset.manifest, tree);
            (root == held.root).then_some((dataset.envelope_id, (root, size)))
        });
        for (envelope, tree) in trees {
            if self.shown_by_envelope(&envelope, asking.showing)?.is_some() {
                return Ok(Some(tree));
            }
        }
        Ok(None)
    }
}
