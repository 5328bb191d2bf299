//! `access.txt`: the node ids that are served with access `listed`, one a line.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::ident::NodeId;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::line_file;

const FILE: &str = "access.txt";
const LOCK: &str = "access.lock";

/// The list of a home. Read anew for every connection, so that changes count at once.
#[derive(Clone, Debug)]
pub struct AccessList {
    registry: LocalRegistry,
}

impl AccessList {
    /// The list of a registry's home.
    pub fn of(registry: &LocalRegistry) -> Self {
        Self {
            registry: registry.clone(),
        }
    }

    /// Everybody on it.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read or a line is no node id.
    pub fn all(&self) -> Result<BTreeSet<NodeId>, Error> {
        let ids = line_file::read(&self.path(), NodeId::parse_hex)?;
        Ok(ids.into_iter().collect())
    }

    /// Adds a node. Whether it is new on it.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be used.
    pub fn add(&self, id: NodeId) -> Result<bool, Error> {
        self.change(|ids| ids.insert(id))
    }

    /// Removes a node. Whether it was on it.
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
