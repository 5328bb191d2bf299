//! Access list: `access.txt`, the node ids that a node with access `listed` serves, one a line.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::ident::NodeId;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::line_file;

const FILE: &str = "access.txt";
const LOCK: &str = "access.lock";

/// The access list of a home. Each connection reads it anew, so changes take effect at once.
#[derive(Clone, Debug)]
pub struct AccessList {
    registry: LocalRegistry,
}

impl AccessList {
    /// Makes the list of a registry's home.
    pub fn of(registry: &LocalRegistry) -> Self {
        Self {
            registry: registry.clone(),
        }
    }

    /// Returns all nodes on the list.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read or a line is no node id.
    pub fn all(&self) -> Result<BTreeSet<NodeId>, Error> {
        let ids = line_file::read(&self.path(), NodeId::parse_hex)?;
        Ok(ids.into_iter().collect())
    }

    /// Adds a node and returns true if it is new on the list.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be used.
    pub fn add(&self, id: NodeId) -> Result<bool, Error> {
        self.change(|ids| ids.insert(id))
    }

    /// Removes a node and returns true if it was on the list.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be used.
    pub fn remove(&self, id: NodeId) -> Result<bool, Error> {
        self.change(|ids| ids.remove(&id))
    }

    fn change(&self, change: impl FnOnce(&mut BTreeSet<NodeId>) -> bool) -> Result<bool, Error> {
        let _turn = self.registry.exclusive(LOCK)?;
        let mut ids = self.all()?;
        let changed = change(&mut ids);
        if changed {
            let text: String = ids.iter().map(|id| format!("{id}\n")).collect();
            line_file::write(&self.path(), &text)?;
        }
        Ok(changed)
    }

    fn path(&self) -> PathBuf {
        self.registry.home().join(FILE)
    }
}
