//! `access.txt`: the node ids that are served with access `listed`, one a line.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::ident::NodeId;
use crate::keyring::IfExists;
use crate::keyring::write_aside;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::wire::limits::NODE_FILE_BYTES_MAX;

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
        let path = self.path();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) if text.len() <= NODE_FILE_BYTES_MAX => text,
            Ok(_) => {
                let long = std::io::Error::other("it is too long");
                return Err(Error::file("read", &path, long));
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            Err(e) => return Err(Error::file("read", &path, e)),
        };
        let mut ids = BTreeSet::new();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let wrong = || std::io::Error::other(format!("`{line}` is not a node id"));
            ids.insert(NodeId::parse_hex(line).ok_or_else(|| Error::file("read", &path, wrong()))?);
        }
        Ok(ids)
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
            let path = self.path();
            write_aside(&path, text.as_bytes(), None, IfExists::Replace)
                .map_err(|e| Error::file("write", &path, e))?;
        }
        Ok(changed)
    }

    fn path(&self) -> PathBuf {
        self.registry.home().join(FILE)
    }
}
