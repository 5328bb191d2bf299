//! Delta requests: asks a peer for chunks as deltas against a held parent version.

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::catalog;
use crate::chunk::Codec;
use crate::chunk::params::DIFFERENCE_BYTES;
use crate::ident::BlobId;
use crate::ident::EnvelopeId;
use crate::pack::Flags;
use crate::pack::Item;
use crate::pack::Record;
use crate::pack::RecordView;
use crate::protocol::BaseRun;
use crate::protocol::Delta;
use crate::protocol::DeltaGroup;
use crate::protocol::HeldVersion;
use crate::protocol::PullDeltaRequest;
use crate::protocol::TreeKind;
use crate::registry::delta::parent::ParentRun;
use crate::registry::delta::parent::ParentTree;
use crate::registry::error::Error;
use crate::registry::peers::Peers;
use crate::registry::peers::client::offers::Offer;
use crate::registry::peers::client::window::Window;
use crate::store::disk::BlobReader;
use crate::wire::limits::CHUNKS_ASKED_MAX;
use crate::wire::limits::RECORD_BASE_BYTES_MAX;
use crate::wire::limits::RECORD_BASES_MAX;

/// A held version of the series that is being pulled.
pub(crate) struct HeldParent {
    pub(crate) tree: ParentTree,
    pub(crate) held: HeldVersion,
}

impl Peers<'_> {
    /// Returns the newest held version of the same series by the same signer. The peer does not
    /// learn of any other held dataset.
    pub(in crate::registry::peers) fn held_parent(
        &self,
        offer: &Offer,
        tree: TreeKind,
    ) -> Result<Option<HeldParent>, Error> {
        let m = offer.manifest();
        let named = self
            .registry
            .store
            .read(|t| catalog::by_name(t, &m.name).map_err(Error::from))?;
        let of_series = named.into_iter().map(|d| d.manifest).filter(|held| {
            held.series == m.series && held.signer == m.signer && held.content_id != m.content_id
        });
        let Some(newest) = of_series.max_by_key(|held| held.dataset_version.clone()) else {
            return Ok(None);
        };
        let (root, size) = crate::registry::peers::tree_nodes::tree_of(&newest, tree);
        let reader = BlobReader::new(&self.registry.store)?;
        Ok(Some(HeldParent {
            tree: ParentTree { reader, root, size },
            held: HeldVersion {
                content_id: newest.content_id,
                root,
            },
        }))
    }
}

/// The chunks that a request names. Its response refers to them by number.
#[derive(Default)]
pub(in crate::registry::peers) struct NamedChunks {
    asked: Vec<Item>,
    bases: Vec<BlobId>,
}

impl NamedChunks {
    /// Builds the record of a delta, or returns `None` if the delta refers to a number that the
    /// request does not have.
    pub(in crate::registry::peers) fn record(&self, delta: Delta) -> Option<Record> {
        let items = delta.chunks.iter().map(|n| self.asked.get(*n).copied());
        let bases = delta.bases.iter().map(|n| self.bases.get(*n).copied());
        Some(Record {
            kind: BlobKind::Chunk,
            codec: Codec::Delta,
            flags: Flags::default(),
            sequence: 0,
            items: items.collect::<Option<_>>()?,
            bases: bases.collect::<Option<_>>()?,
            payload: delta.payload,
        })
    }
}

/// Builds a request for the chunks of a window that are marked `true`. Also returns the list of
/// chunks that it names.
pub(in crate::registry::peers) fn request(
    (envelope, tree): (EnvelopeId, TreeKind),
    held: HeldVersion,
    window: &Window,
    asked: &[bool],
) -> (PullDeltaRequest, NamedChunks) {
    let mut groups: Vec<DeltaGroup> = Vec::new();
    let mut named = NamedChunks::default();
    let (mut skip, mut of_bases) = (0, 0);
    let mut open: Option<(Option<ParentRun>, usize)> = None;
    for (n, (chunk, asked)) in window.chunks.iter().zip(asked).enumerate() {
        if !asked {
            skip += 1;
            open = None;
            continue;
        }
        let place = window.places.get(n);
        let run = place.and_then(|p| p.run);
        let run = run.filter(|r| of_bases + r.count <= CHUNKS_ASKED_MAX);
        let bytes = chunk.bytes as usize;
        let joined = open.and_then(|(parent, so_far)| join_bases(parent, run, so_far + bytes));
        let more: u64;
        let run = match (joined, groups.last_mut()) {
            (Some(joined), Some(group)) => {
                let parent = group.bases.map_or(0, |b| b.count);
                of_bases -= parent;
                more = joined.map_or(0, |r| r.count) - parent;
                group.take += 1;
                group.bases = joined.map(base_run);
                joined
            }
            _ => {
                groups.push(DeltaGroup {
                    skip,
                    take: 1,
                    bases: run.map(base_run),
                });
                skip = 0;
                open = None;
                more = run.map_or(0, |r| r.count);
                run
            }
        };
        of_bases += run.map_or(0, |r| r.count);
        named.asked.push(Item {
            id: BlobId::new(*chunk.id.as_bytes()),
            raw_bytes: chunk.bytes,
        });
        if let Some(place) = place {
            // The bases that are new to the group are its last ones.
            let known = (place.chunks.len() as u64).saturating_sub(more);
            let known = usize::try_from(known).unwrap_or(usize::MAX);
            named.bases.extend(place.chunks.iter().skip(known));
        }
        open = Some((run, open.map_or(0, |(_, so_far)| so_far) + bytes));
    }
    let request = PullDeltaRequest {
        envelope,
        tree,
        offset: window.offset,
        held,
        groups,
    };
    (request, named)
}

fn base_run(run: ParentRun) -> BaseRun {
    BaseRun {
        from: run.from,
        count: run.count,
    }
}

/// Joins the bases of a group with those of the next chunk. Returns `None` if the chunk needs a
/// group of its own.
fn join_bases(
    group: Option<ParentRun>,
    chunk: Option<ParentRun>,
    bytes: usize,
) -> Option<Option<ParentRun>> {
    let (group, chunk) = match (group, chunk) {
        (None, None) => return Some(None),
        (Some(group), Some(chunk)) => (group, chunk),
        _ => return None,
    };
    let end = (chunk.first + chunk.count).max(group.first + group.count);
    let touches = chunk.first >= group.first && chunk.first <= group.first + group.count;
    let joined = ParentRun {
        count: end - group.first,
        ..group
    };
    let fits = joined.count <= RECORD_BASES_MAX as u64 && bytes <= DIFFERENCE_BYTES;
    (touches && fits).then_some(Some(joined))
}

/// Decodes a delta on its bases. Returns the raw bytes, or `None` if it does not decode.
pub(in crate::registry::peers) fn decode_on_bases(
    reader: &BlobReader,
    view: &RecordView<'_>,
) -> Option<Vec<u8>> {
    let mut bases = Vec::new();
    for id in &view.header.bases {
        let key = BlobKey {
            kind: BlobKind::Chunk,
            id: *id,
        };
        bases.extend_from_slice(&reader.get(&key).ok()?);
        if bases.len() > RECORD_BASE_BYTES_MAX {
            return None;
        }
    }
    view.unpack_on(bases).ok()
}
