//! Taking chunks that come as deltas against those of a version that is here.

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::catalog;
use crate::chunk::Codec;
use crate::chunk::params::DIFFERENCE_BYTES;
use crate::ident::BlobId;
use crate::pack::Flags;
use crate::pack::Item;
use crate::pack::Record;
use crate::pack::RecordView;
use crate::protocol::BaseRun;
use crate::protocol::Delta;
use crate::protocol::Group;
use crate::protocol::HeldVersion;
use crate::protocol::PullDeltaRequest;
use crate::protocol::TreeKind;
use crate::registry::LocalRegistry;
use crate::registry::delta::parent::ParentRun;
use crate::registry::delta::parent::ParentTree;
use crate::registry::error::Error;
use crate::registry::peers::client::fetch::Filler;
use crate::registry::peers::client::fetch::Window;
use crate::registry::peers::client::offers::Offer;
use crate::store::disk::BlobReader;
use crate::wire::limits::CHUNKS_ASKED_MAX;
use crate::wire::limits::RECORD_BASE_BYTES_MAX;
use crate::wire::limits::RECORD_BASES_MAX;

/// A version that is here, of the line that is being pulled.
pub(crate) struct HeldParent {
    pub(crate) previous: ParentTree,
    pub(crate) held: HeldVersion,
}

impl LocalRegistry {
    /// The newest version that is here of the same line by the same signer. Of anything else, the
    /// peer need not know that it is here.
    pub(in crate::registry::peers) fn before(
        &self,
        offer: &Offer,
        tree: TreeKind,
    ) -> Result<Option<HeldParent>, Error> {
        let m = offer.manifest();
        let named = self
            .store
            .read(|t| catalog::by_name(t, &m.name).map_err(Error::from))?;
        let of_line = named.into_iter().map(|d| d.manifest).filter(|held| {
            held.line == m.line && held.signer == m.signer && held.content_id != m.content_id
        });
        let Some(newest) = of_line.max_by_key(|held| held.dataset_version.clone()) else {
            return Ok(None);
        };
        let (root, size) = crate::registry::peers::tree_nodes::tree_of(&newest, tree);
        let reader = BlobReader::new(&self.store)?;
        Ok(Some(HeldParent {
            previous: ParentTree { reader, root, size },
            held: HeldVersion {
                content_id: newest.content_id,
                root,
            },
        }))
    }
}

/// What a request asks for and names, by which an answer counts.
#[derive(Default)]
pub(in crate::registry::peers) struct Named {
    asked: Vec<Item>,
    bases: Vec<BlobId>,
}

impl Named {
    /// The record that a delta stands for; `None` where it counts beyond what was named.
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

/// A request for the chunks of a window with `true`, and what it names.
pub(in crate::registry::peers) fn request(
    filler: &Filler<'_, '_>,
    held: HeldVersion,
    window: &Window,
    asked: &[bool],
) -> (PullDeltaRequest, Named) {
    let mut groups: Vec<Group> = Vec::new();
    let mut named = Named::default();
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
        let joined = open.and_then(|(before, so_far)| join(before, run, so_far + bytes));
        let more: u64;
        let run = match (joined, groups.last_mut()) {
            (Some(joined), Some(group)) => {
                let before = group.bases.map_or(0, |b| b.count);
                of_bases -= before;
                more = joined.map_or(0, |r| r.count) - before;
                group.take += 1;
                group.bases = joined.map(base_run);
                joined
            }
            _ => {
                groups.push(Group {
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
            // Those that the group did not have yet are its last.
            let known = (place.chunks.len() as u64).saturating_sub(more);
            let known = usize::try_from(known).unwrap_or(usize::MAX);
            named.bases.extend(place.chunks.iter().skip(known));
        }
        open = Some((run, open.map_or(0, |(_, so_far)| so_far) + bytes));
    }
    let request = PullDeltaRequest {
        envelope: filler.envelope,
        tree: filler.tree,
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

/// The bases of a group and of a chunk behind it, as those of one group; `None` where they are two.
fn join(
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

/// The raw bytes of a delta; `None` where it cannot be put to its bases.
pub(in crate::registry::peers) fn put_to_bases(
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
