//! The file `node_names`: local names of other nodes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::ident::Alias;
use crate::ident::NodeId;
use crate::registry::error::Error;
use crate::registry::error::node::NodeError;
use crate::registry::line_file;
use crate::registry::peers::Peers;

const FILE: &str = "node_names";
const LOCK: &str = "node_names.lock";
const HEAD: &str =
    "# What nodes are called here: id and name. `alimentar registry peers name` edits it.\n";

impl Peers<'_> {
    /// Returns the names of nodes, by id. Each node has at most one name, and each name belongs to
    /// one node.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read or a line cannot be parsed.
    pub fn node_names(&self) -> Result<BTreeMap<NodeId, Alias>, Error> {
        let names = line_file::read(&self.node_names_path(), |line| {
            let (id, name) = line.split_once(' ')?;
            Some((NodeId::parse_hex(id)?, name.parse().ok()?))
        })?;
        Ok(names.into_iter().collect())
    }

    /// Returns the node with a name. Like host names, the names ignore case.
    ///
    /// # Errors
    /// As [`Peers::node_names`].
    pub fn node_called(&self, name: &Alias) -> Result<Option<NodeId>, Error> {
        let names = self.node_names()?;
        let mut found = names.iter().filter(|(_, held)| is_same(held, name));
        Ok(found.next().map(|(id, _)| *id))
    }

    /// Names a node, and replaces its earlier name.
    ///
    /// # Errors
    /// [`NodeError::NameTaken`] when another node has the name.
    pub fn name_node(&self, id: NodeId, name: &Alias) -> Result<(), Error> {
        let _turn = self.registry.exclusive(LOCK)?;
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
            Some(parent) if parent == *name => Ok(()),
            _ => self.write_node_names(&names),
        }
    }

    /// Removes a name. Returns true if a node had it.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read or written.
    pub fn unname_node(&self, name: &Alias) -> Result<bool, Error> {
        let _turn = self.registry.exclusive(LOCK)?;
        let mut names = self.node_names()?;
        let parent = names.len();
        names.retain(|_, held| !is_same(held, name));
        if names.len() < parent {
            self.write_node_names(&names)?;
        }
        Ok(names.len() < parent)
    }

    fn write_node_names(&self, names: &BTreeMap<NodeId, Alias>) -> Result<(), Error> {
        let lines = names.iter().map(|(id, name)| format!("{id} {name}\n"));
        let text = HEAD.to_owned() + &lines.collect::<String>();
        line_file::write(&self.node_names_path(), &text)
    }

    fn node_names_path(&self) -> PathBuf {
        self.registry.home().join(FILE)
    }
}

fn is_same(a: &Alias, b: &Alias) -> bool {
    a.as_str().to_lowercase() == b.as_str().to_lowercase()
}
