//! Serves chunks. A record that was requested whole is sent as it is stored, any other is
//! compressed again.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::chunk::Codec;
use crate::chunk::Compressor;
use crate::ident::BlobId;
use crate::manifest::Manifest;
use crate::manifest::TreeWalk;
use crate::pack::Flags;
use crate::pack::Item;
use crate::pack::Record;
use crate::pack::RecordHeader;
use crate::protocol::Hello;
use crate::protocol::PullChunkRequest;
use crate::protocol::RecordBoundariesRequest;
use crate::protocol::Response;
use crate::registry::peers::server::response_end::ResponseEnd;
use crate::registry::peers::server::response_end::bad_offset;
use crate::registry::peers::tree_nodes::tree_of;
use crate::store::disk::BlobReader;
use crate::store::disk::Location;
use crate::store::disk::StoreError;

/// A requested chunk and its location.
pub(in crate::registry::peers) type PlacedChunk = (BlobKey, Location);

/// Response with records, one at a time.
#[derive(Debug)]
pub(crate) struct ChunkResponse {
    reader: BlobReader,
    hello: Hello,
    /// Requested chunks, grouped by the record that stores them.
    records: std::vec::IntoIter<Vec<PlacedChunk>>,
}

impl ChunkResponse {
    /// Creates the response to a request about a manifest that the peer may see.
    pub(crate) fn new(
        reader: BlobReader,
        manifest: &Manifest,
        request: &PullChunkRequest,
        hello: Hello,
    ) -> Result<Self, ResponseEnd> {
        let keys = wanted(&reader, manifest, request)?;
        let mut records: Vec<Vec<PlacedChunk>> = Vec::new();
        let mut by_place: HashMap<(u32, u32), usize> = HashMap::new();
        for (key, location) in keys.iter().zip(reader.locate(&keys)?) {
            let at = location.ok_or(StoreError::Blob(BlobError::Missing(*key)))?;
            let n = *by_place
                .entry((at.pack, at.offset))
                .or_insert(records.len());
            match records.get_mut(n) {
                Some(record) => record.push((*key, at)),
                None => records.push(vec![(*key, at)]),
            }
        }
        Ok(Self {
            reader,
            hello,
            records: records.into_iter(),
        })
    }

    /// Returns the next frame.
    pub(crate) fn step(&mut self) -> Result<Option<Response>, ResponseEnd> {
        let Some(chunks) = self.records.next() else {
            return Ok(None);
        };
        let record = one_record(&self.reader, &chunks, &self.hello)?;
        Ok(Some(Response::Chunks(record)))
    }
}

/// Returns the requested chunks in the order of the data, without repetitions.
fn wanted(
    reader: &BlobReader,
    manifest: &Manifest,
    request: &PullChunkRequest,
) -> Result<Vec<BlobKey>, ResponseEnd> {
    let (root, size) = tree_of(manifest, request.tree);
    let mut walk = TreeWalk::new(reader, root, size, request.offset)?;
    if walk.offset() != request.offset {
        return Err(bad_offset());
    }
    let mut seen = HashSet::new();
    let mut keys = Vec::new();
    for run in &request.runs {
        for n in 0..run.skip.saturating_add(run.take) {
            let (_, chunk) = walk.next().ok_or_else(bad_offset)??;
            let key = BlobKey::new(BlobKind::Chunk, *chunk.id.as_bytes());
            if n >= run.skip && seen.insert(key) {
                keys.push(key);
            }
        }
    }
    Ok(keys)
}

/// Returns the positions in the order of the data that no record spans.
pub(crate) fn record_boundaries(
    reader: &BlobReader,
    manifest: &Manifest,
    request: &RecordBoundariesRequest,
) -> Result<Vec<usize>, ResponseEnd> {
    let (root, size) = tree_of(manifest, request.tree);
    let walk = TreeWalk::new(reader, root, size, request.offset)?;
    if walk.offset() != request.offset {
        return Err(bad_offset());
    }
    let asked = usize::try_from(request.chunks).unwrap_or(usize::MAX);
    let keys = walk
        .take(asked)
        .map(|chunk| chunk.map(|(_, c)| BlobKey::new(BlobKind::Chunk, *c.id.as_bytes())))
        .collect::<Result<Vec<_>, _>>()?;
    let places: Vec<Option<(u32, u32)>> = reader
        .locate(&keys)?
        .into_iter()
        .map(|at| at.map(|at| (at.pack, at.offset)))
        .collect();
    let mut last: HashMap<(u32, u32), usize> = HashMap::new();
    for (n, place) in places.iter().enumerate() {
        last.extend(place.map(|place| (place, n)));
    }
    let mut seams = Vec::new();
    let mut open_until = 0;
    for (n, place) in places.iter().enumerate() {
        let ends = place.and_then(|place| last.get(&place).copied());
        open_until = open_until.max(ends.unwrap_or(n));
        if open_until == n {
            seams.push(n + 1);
        }
    }
    Ok(seams)
}

/// Builds a record of these chunks, which one stored record contains.
fn one_record(
    reader: &BlobReader,
    chunks: &[PlacedChunk],
    hello: &Hello,
) -> Result<Vec<u8>, StoreError> {
    let Some((key, at)) = chunks.first() else {
        return Ok(Vec::new());
    };
    let corrupt = || StoreError::Blob(BlobError::Corrupt(*key));
    let stored = reader.record_bytes(key, at)?;
    let header = RecordHeader::decode(&stored).map_err(|_| corrupt())?;
    let reads_it = header.codec.is_some_and(|codec| hello.reads(codec)) && header.bases.is_empty();
    // Every chunk is a different item, so an equal count means all of them.
    if reads_it && header.items.len() == chunks.len() {
        return Ok(stored);
    }
    let unpacked = reader.unpack(key, at)?;
    let mut raw = Vec::new();
    for (key, at) in chunks {
        raw.extend_from_slice(unpacked.item(key, at.item).ok_or_else(corrupt)?);
    }
    let coded = Compressor::new().compress(&raw);
    Ok(record_of(chunks, coded, Vec::new()).encode())
}

/// Builds a record of chunks whose bytes are already encoded.
pub(in crate::registry::peers) fn record_of(
    chunks: &[PlacedChunk],
    (codec, payload): (Codec, Vec<u8>),
    bases: Vec<BlobId>,
) -> Record {
    let item = |(key, at): &PlacedChunk| Item {
        id: key.id,
        raw_bytes: at.raw_bytes,
    };
    Record {
        kind: BlobKind::Chunk,
        codec,
        flags: Flags::default(),
        sequence: 0,
        items: chunks.iter().map(item).collect(),
        bases,
        payload,
    }
}
