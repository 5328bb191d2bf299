//! Node id of a registry, under which clocks count its edits.

use crate::ident::NodeId;
use crate::meta_store::MetaWrite;
use crate::meta_store::Table;
use crate::registry::error::Error;
use crate::registry::host;

/// Key of this registry's node id in [`Table::Meta`]. Clocks count its edits under that id.
pub(crate) const NODE_KEY: &[u8] = b"node";

/// Returns this registry's node id for clocks, and creates it the first time.
pub(crate) fn node_id(tables: &mut dyn MetaWrite) -> Result<NodeId, Error> {
    if let Some(Ok(id)) = tables.get(Table::Meta, NODE_KEY)?.map(<[u8; 32]>::try_from) {
        return Ok(NodeId::new(id));
    }
    let fresh: [u8; 32] = host::random().map_err(Error::Random)?;
    tables.put(Table::Meta, NODE_KEY, &fresh)?;
    Ok(NodeId::new(fresh))
}
