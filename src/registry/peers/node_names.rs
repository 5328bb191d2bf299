//! `node_names`: what people here call other nodes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use thiserror::Error as ThisError;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::Alias;
use crate::ident::NodeId;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::line_file;

const FILE: &str = "node_names";
const LOCK: &str = "node_names.lock";
const HEAD: &str =
    "# What nodes are called here: id and name. `alimentar registry peers name` edits it.\n";

/// Why something about other nodes, or about the keys for archives from them, cannot be done.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum NodeError {
    /// A name that another node has.
    #[error("`{name}` is the name of another node, {node}")]
    NameTaken {
        /// The name.
        name: String,
        /// Whose it is.
        node: NodeId,
    },
    /// A name of which neither a receipt nor a recipient is known.
    #[error("nothing is known of a receiver `{0}`")]
    UnknownReceiver(String),
    /// No age identity in this home.
    #[error("this registry has no age identity")]
    NoIdentity,
    /// An age identity is there already.
    #[error("this registry has an age identity already, in `{}`", .0.display())]
    HasIdentity(PathBuf),
}

impl Classify for NodeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NameTaken { .. } | Self::HasIdentity(_) => ErrorKind::Conflict,
            Self::UnknownReceiver(_) | Self::NoIdentity => ErrorKind::NotFound,
        }
    }
}

impl LocalRegistry {
    /// The names of nodes, by id. Each node has one name at most, and each name stands for one node.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read or a line is not understood.
    pub fn node_names(&self) -> Result<BTreeMap<NodeId, Alias>, Error> {
        let names = line_file::read(&self.node_names_path(), |line| {
            let (id, name) = line.split_once(' ')?;
            Some((NodeId::parse_hex(id)?, name.parse().ok()?))
        })?;
        Ok(names.into_iter().collect())
    }

    /// The node of a name. Upper and lower case are the same: names of hosts are compared so.
    ///
    /// # Errors
    /// As [`LocalRegistry::node_names`].
    pub fn node_called(&self, name: &Alias) -> Result<Option<NodeId>, Error> {
        let names = self.node_names()?;
        let mut found = names.iter().filter(|(_, held)| is_same(held, name));
        Ok(found.next().map(|(id, _)| *id))
    }

    /// Gives a node a name, in the place of the one that it had.
    ///
    /// # Errors
    /// [`NodeError::NameTaken`] when another node has the name.
    pub fn name_node(&self, id: NodeId, name: &Alias) -> Result<(), Error> {
        let _turn = self.exclusive(LOCK)?;
        let mut names = self.node_names()?;
        let other = names
            .iter()
            .find(|(other, held)| **other != id && is_same(held, name));
        if let Some((node, _)) = other {
            return Err(NodeError::NameTaken {
                name: name.to_string(),
                node: *node,
            }
            .into());
        }
        match names.insert(id, name.clone()) {
            Some(before) if before == *name => Ok(()),
            _ => self.write_node_names(&names),
        }
    }

    /// Takes a name away from its node. Whether there was one.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be used.
    pub fn unname_node(&self, name: &Alias) -> Result<bool, Error> {
        let _turn = self.exclusive(LOCK)?;
        let mut names = self.node_names()?;
        let before = names.len();
        names.retain(|_, held| !is_same(held, name));
        if names.len() < before {
            self.write_node_names(&names)?;
        }
        Ok(names.len() < before)
    }

    fn write_node_names(&self, names: &BTreeMap<NodeId, Alias>) -> Result<(), Error> {
        let lines = names.iter().map(|(id, name)| format!("{id} {name}\n"));
        let text = HEAD.to_owned() + &lines.collect::<String>();
        line_file::write(&self.node_names_path(), &text)
    }

    fn node_names_path(&self) -> PathBuf {
        self.home().join(FILE)
    }
}

fn is_same(a: &Alias, b: &Alias) -> bool {
    a.as_str().to_lowercase() == b.as_str().to_lowercase()
}
