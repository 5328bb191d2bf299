//! Deltas of tree nodes against the nodes at the same position of a version that the requesting
//! side holds. Both sides find the bases by the same rule.

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::chunk::DeltaEncoder;
use crate::chunk::apply;
use crate::ident::TreeId;
use crate::manifest::Manifest;
use crate::manifest::Node;
use crate::protocol::NodePlace;
use crate::protocol::Nodes;
use crate::protocol::PeerError;
use crate::protocol::PullNodeRequest;
use crate::protocol::Response;
use crate::protocol::decode_nodes;
use crate::protocol::encode_nodes;
use crate::registry::delta::parent::ParentTree;
use crate::registry::peers::server::response_end::ResponseEnd;
use crate::registry::peers::server::response_end::bad_offset;
use crate::registry::peers::tree_nodes::find;
use crate::registry::peers::tree_nodes::tree_of;
use crate::store::disk::BlobReader;
use crate::wire::limits::RECORD_BASE_BYTES_MAX;
use crate::wire::limits::RECORD_RAW_BYTES_MAX;

/// Number of extra base nodes after the one at the last position, because new chunks shift later
/// nodes.
const MORE_NODES: usize = 2;

/// Builds the response as one frame, or returns `None` if the nodes go without a delta.
pub(in crate::registry::peers) fn answer(
    reader: &BlobReader,
    manifest: &Manifest,
    request: &PullNodeRequest,
    held: TreeId,
) -> Result<Option<Response>, ResponseEnd> {
    let Some(bases) = beside(reader, held, &request.places) else {
        return Ok(None);
    };
    let (root, _) = tree_of(manifest, request.tree);
    let (mut nodes, mut bytes) = (Vec::new(), 0);
    for place in &request.places {
        let node = find(reader, root, *place)?.ok_or_else(bad_offset)?;
        bytes += node.len() + 3;
        if bytes > RECORD_RAW_BYTES_MAX {
            return Ok(None);
        }
        nodes.push(node);
    }
    let raw = encode_nodes(&nodes);
    let payload = DeltaEncoder::new().encode(&raw, bases);
    let payload = payload.filter(|payload| payload.len() < raw.len());
    Ok(payload.map(|payload| Response::NodesDelta {
        raw_bytes: raw.len(),
        payload,
    }))
}

/// Decodes the nodes of a response. Returns `None` if the delta does not decode to nodes.
pub(in crate::registry::peers) fn decode_on_bases(
    nodes: Nodes,
    previous: &ParentTree,
    places: &[NodePlace],
) -> Result<Option<Vec<Vec<u8>>>, PeerError> {
    let (raw_bytes, payload) = match nodes {
        Nodes::Plain(nodes) => return Ok(Some(nodes)),
        Nodes::Delta { raw_bytes, payload } => (raw_bytes, payload),
    };
    let Some(bases) = beside(&previous.reader, previous.root, places) else {
        return Ok(None);
    };
    let Ok(raw) = apply(&payload, bases, raw_bytes) else {
        return Ok(None);
    };
    Ok(Some(decode_nodes(&raw)?))
}

/// Concatenates the base nodes on the level of these places.
///
/// They begin with the node that holds the first byte of the first place. They end some nodes after
/// the one that holds the first byte of the last. The base of a root is the root.
fn beside(blobs: &BlobReader, root: TreeId, places: &[NodePlace]) -> Option<Vec<u8>> {
    let level = places.first()?.level;
    let from = places.iter().map(|place| place.offset).min()?;
    let last = places.iter().map(|place| place.offset).max()?;
    if places.iter().any(|place| place.level != level) {
        return None;
    }
    if places == [NodePlace::ROOT] {
        let key = BlobKey::new(BlobKind::Node, *root.as_bytes());
        return blobs.get(&key).ok();
    }
    let mut bases = Vec::new();
    let mut after = 0;
    let mut stack = vec![(root, 0_u64)];
    while let Some((id, start)) = stack.pop() {
        let bytes = blobs.get(&BlobKey::new(BlobKind::Node, *id.as_bytes()));
        let bytes = bytes.ok()?;
        let node = Node::decode(&bytes).ok()?;
        if node.level() == level {
            after += usize::from(start > last);
            if after > MORE_NODES || bases.len() + bytes.len() > RECORD_BASE_BYTES_MAX {
                break;
            }
            bases.extend_from_slice(&bytes);
            continue;
        }
        let Node::Inner { children, .. } = node else {
            return None;
        };
        let mut at = start;
        let mut below = Vec::new();
        for child in children {
            let end = at.saturating_add(child.totals.bytes);
            if end > from {
                below.push((child.id, at));
            }
            at = end;
        }
        stack.extend(below.into_iter().rev());
    }
    (!bases.is_empty()).then_some(bases)
}
