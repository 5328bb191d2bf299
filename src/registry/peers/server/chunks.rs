//! Chunks for peers: whole records as they are stored where all of a record was asked for, and
//! packed anew otherwise.

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
use crate::registry::peers::server::responses::Ending;
use crate::registry::peers::server::responses::nothing_there;
use crate::registry::peers::tree_nodes::tree_of;
use crate::store::disk::BlobReader;
use crate::store::disk::Location;
use crate::store::disk::StoreError;

/// A chunk that was asked for, and where it is.
pub(in crate::registry::peers) type Placed = (BlobKey, Location);

/// Records for a peer, one at a time.
#[derive(Debug)]
pub(crate) struct ChunkResponse {
    reader: BlobReader,
    hello: Hello,
    /// Chunks that lie in one record here.
    records: std::vec::IntoIter<Vec<Placed>>,
}

impl ChunkResponse {
    /// The answer to a request about a manifest that the peer may see.
    pub(crate) fn new(
        reader: BlobReader,
        manifest: &Manifest,
        request: &PullChunkRequest,
        hello: Hello,
    ) -> Result<Self, Ending> {
        let keys = wanted(&reader, manifest, request)?;
        let mut records: Vec<Vec<Placed>> = Vec::new();
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

    /// The next frame.
    pub(crate) fn step(&mut self) -> Result<Option<Response>, Ending> {
        let Some(chunks) = self.records.next() else {
            return Ok(None);
        };
        let record = one_record(&self.reader, &chunks, &self.hello)?;
        Ok(Some(Response::Chunks(record)))
    }
}

/// The chunks that a request names, each once, in the order of the data.
fn wanted(
    reader: &BlobReader,
    manifest: &Manifest,
    request: &PullChunkRequest,
) -> Result<Vec<BlobKey>, Ending> {
    let (root, size) = tree_of(manifest, request.tree);
    let mut walk = TreeWalk::new(reader, root, size, request.offset)?;
    if walk.offset() != request.offset {
        return Err(nothing_there());
    }
    let mut seen = HashSet::new();
    let mut keys = Vec::new();
    for run in &request.runs {
        for n in 0..run.skip.saturating_add(run.take) {
            let (_, chunk) = walk.next().ok_or_else(nothing_there)??;
            let key = BlobKey::new(BlobKind::Chunk, *chunk.id.as_bytes());
            if n >= run.skip && seen.insert(key) {
                keys.push(key);
            }
        }
    }
    Ok(keys)
}

/// Where, in the order of the data, no record lies on both sides.
pub(crate) fn seams(
    reader: &BlobReader,
    manifest: &Manifest,
    request: &RecordBoundariesRequest,
) -> Result<Vec<usize>, Ending> {
    let (root, size) = tree_of(manifest, request.tree);
    let walk = TreeWalk::new(reader, root, size, request.offset)?;
    if walk.offset() != request.offset {
        return Err(nothing_there());
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

/// A record of these chunks, which lie in one record here.
fn one_record(
    reader: &BlobReader,
    chunks: &[Placed],
    hello: &Hello,
) -> Result<Vec<u8>, StoreError> {
    let Some((key, at)) = chunks.first() else {
        return Ok(Vec::new());
    };
    let corrupt = || StoreError::Blob(BlobError::Corrupt(*key));
    let stored = reader.record_bytes(key, at)?;
    let header = RecordHeader::decode(&stored).map_err(|_| corrupt())?;
    let reads_it = header.codec.is_some_and(|codec| hello.reads(codec)) && header.bases.is_empty();
    // Each is another item, so as many are all.
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

/// A record of chunks whose bytes were coded.
pub(in crate::registry::peers) fn record_of(
    chunks: &[Placed],
    (codec, payload): (Codec, Vec<u8>),
    bases: Vec<BlobId>,
) -> Record {
    let item = |(key, at): &Placed| Item {
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
