//! Tree nodes as a delta against those that lie where they lie in a version that the asking
//! side has. Both sides find these by the same rule.

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
use crate::registry::peers::server::responses::Ending;
use crate::registry::peers::server::responses::nothing_there;
use crate::registry::peers::tree_nodes::find;
use crate::registry::peers::tree_nodes::tree_of;
use crate::store::disk::BlobReader;
use crate::wire::limits::RECORD_BASE_BYTES_MAX;
use crate::wire::limits::RECORD_RAW_BYTES_MAX;

/// After the node that holds the last place, so many more are bases: what is new there moves others.
const MORE_NODES: usize = 2;

/// The answer in one frame, where it can be one: `None` where the nodes go as they are.
pub(in crate::registry::peers) fn answer(
    reader: &BlobReader,
    manifest: &Manifest,
    request: &PullNodeRequest,
    held: TreeId,
) -> Result<Option<Response>, Ending> {
    let Some(bases) = beside(reader, held, &request.places) else {
        return Ok(None);
    };
    let (root, _) = tree_of(manifest, request.tree);
    let (mut nodes, mut bytes) = (Vec::new(), 0);
    for place in &request.places {
        let node = find(reader, root, *place)?.ok_or_else(nothing_there)?;
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

/// The nodes of an answer; `None` where a delta does not become nodes.
pub(in crate::registry::peers) fn put_to_bases(
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

/// The nodes on the level of these places, from the one that holds the first byte of the first to
/// some after the one that holds the first byte of the last; one after the other. For the root, the
/// root.
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
