//! Fetches the whole tree of a look without its chunks, to compare it with another.

use crate::manifest::TreeError;
use crate::progress::Progress;
use crate::registry::error::Error;
use crate::registry::error::transfer::TransferError;
use crate::registry::peers::look::handle::Look;
use crate::registry::peers::look::shared::Planning;
use crate::registry::peers::look::tree_cursor::LeafGoal;

/// Leaves that one request brings, besides the one that is needed.
const LEAVES_AHEAD: usize = 63;

impl Look {
    /// Fetches the nodes of the data's tree that are not here, and makes them durable. They are about
    /// 0.24 % of the data.
    ///
    /// # Errors
    /// As the reads; `TransferError::NotKept` when the store did not take all of them.
    pub fn fetch_tree(&self, progress: &dyn Progress) -> Result<(), Error> {
        let shared = &*self.shared;
        let end = self.manifest().size_bytes;
        progress.phase("fetching the tree", Some(end));
        // A tree that repeats too much ends here as it ends a read.
        let mut planning = Planning::default();
        let mut at = 0;
        while at < end {
            if progress.cancelled() {
                return Err(Error::Interrupted);
            }
            let goal = LeafGoal::Byte(at);
            let leaf = shared.with_nodes(|nodes| shared.cursor.leaf(goal, LEAVES_AHEAD, nodes));
            let leaf = leaf.map_err(|e| shared.blamed(e))?;
            let Some(leaf) = leaf else { break };
            shared.count(&mut planning, leaf.chunks())?;
            let bytes = leaf.chunks().iter().map(|chunk| u64::from(chunk.bytes));
            let after = bytes.fold(leaf.before.bytes, u64::saturating_add);
            if after <= at {
                let root = self.manifest().chunk_tree_root;
                return Err(shared.blamed(TreeError::Mismatch(root).into()));
            }
            progress.advance(after - at);
            at = after;
            shared.save_if_due();
        }
        self.save_all()
    }

    /// Makes everything that was read durable.
    ///
    /// # Errors
    /// `TransferError::NotKept` when the store did not take all of it.
    pub(super) fn save_all(&self) -> Result<(), Error> {
        self.save();
        match self.shared.keeping.why_not() {
            None => Ok(()),
            Some(why) => Err(Error::Transfer(TransferError::NotKept {
                dataset: self.manifest().name.to_string(),
                reason: why.to_string(),
            })),
        }
    }
}
