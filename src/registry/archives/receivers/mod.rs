//! What is known of the registries that archives are made for: the receipts that came from them, and
//! the public keys that archives are encrypted to. Kept in the home by the names of nodes.

pub(crate) mod receipt;

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use crate::archive::Receipt;
use crate::file_io::IfExists;
use crate::file_io::open_plain;
use crate::file_io::read_given;
use crate::file_io::write_aside;
use crate::ident::Alias;
use crate::ident::NodeId;
use crate::ident::TreeId;
use crate::keyring;
use crate::registry::LocalRegistry;
use crate::registry::archives::encryption::Recipient;
use crate::registry::error::Error;
use crate::registry::line_file;
use crate::wire::limits::DIRECTORY_RECEIPTS_MAX;
use crate::wire::limits::RECEIPT_BYTES_MAX;

const RECIPIENTS: &str = "recipients";
const LOCK: &str = "recipients.lock";
const RECEIPTS: &str = "receipts";
const HEAD: &str = "# Whom archives for a node are encrypted to: age public key and the node's name.\n\
# `alimentar registry export --to NAME --recipient age1…` edits it.\n";

/// A registry that archives are made for.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// What it is called here.
    pub name: Alias,
    /// Its node, where that is known.
    pub node: Option<NodeId>,
    /// The chunk trees that it has, by its last receipt.
    pub has: Vec<TreeId>,
    /// Whether a receipt of it is here.
    pub has_receipt: bool,
    /// Whom its archives are encrypted to.
    pub recipients: Vec<Recipient>,
}

impl LocalRegistry {
    /// What is known of a receiver; with nothing in it where the name is new.
    ///
    /// # Errors
    /// [`Error`] when a file of the home cannot be read.
    pub fn receiver(&self, name: &Alias) -> Result<Receiver, Error> {
        let node = self.node_called(name)?;
        let receipt = match node {
            Some(node) => Some(self.receipt_path(&node)).filter(|path| keyring::is_taken(path)),
            None => None,
        };
        let has = match &receipt {
            Some(path) => Self::read_receipt(path)?.0,
            None => Vec::new(),
        };
        let mut recipients = self.recipients()?;
        Ok(Receiver {
            has_receipt: receipt.is_some(),
            recipients: recipients.remove(name).unwrap_or_default(),
            name: name.clone(),
            node,
            has,
        })
    }

    /// The names of the receivers of whom a receipt or a public key is here.
    ///
    /// # Errors
    /// [`Error`] when a file of the home cannot be read.
    pub fn receivers(&self) -> Result<Vec<Alias>, Error> {
        let mut names: Vec<Alias> = self.recipients()?.into_keys().collect();
        let nodes = self.node_names()?.into_iter();
        let with_receipt = nodes.filter(|(id, _)| keyring::is_taken(&self.receipt_path(id)));
        names.extend(with_receipt.map(|(_, name)| name));
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Keeps a receipt, in the place of the one that was kept of the same node. The node, and its name
    /// here: `name` where it is given. One of a node without a name is not kept, and one of this home's
    /// own node neither.
    ///
    /// # Errors
    /// [`Error`] when it is no receipt or its signature does not hold; [`NodeError::NameTaken`](crate::registry::NodeError::NameTaken).
    pub fn keep_receipt(
        &self,
        path: &Path,
        name: Option<&Alias>,
    ) -> Result<(NodeId, Option<Alias>), Error> {
        let (_, key) = Self::read_receipt(path)?;
        let node = NodeId::new(*key.as_bytes());
        if let Some(name) = name {
            self.name_node(node, name)?;
        }
        let Some(name) = self.node_names()?.remove(&node) else {
            return Ok((node, None));
        };
        let bytes = read_given(path, RECEIPT_BYTES_MAX + 1024);
        let bytes = bytes.map_err(|e| Error::file("read", path, e))?;
        self.write_kept(&node, &bytes)?;
        Ok((node, Some(name)))
    }

    fn write_kept(&self, node: &NodeId, bytes: &[u8]) -> Result<(), Error> {
        let dir = self.home().join(RECEIPTS);
        private_dir(&dir).map_err(|e| Error::file("create", &dir, e))?;
        let kept = self.receipt_path(node);
        write_aside(&kept, bytes, Some(0o600), IfExists::Replace)
            .map_err(|e| Error::file("write", &kept, e))
    }

    /// Keeps whom archives for a receiver are encrypted to, in the place of those before.
    ///
    /// # Errors
    /// [`Error`] when the file cannot be used.
    pub fn keep_recipients(&self, name: &Alias, recipients: &[Recipient]) -> Result<(), Error> {
        let _turn = self.exclusive(LOCK)?;
        let mut all = self.recipients()?;
        all.insert(name.clone(), recipients.to_vec());
        let lines = all.iter().flat_map(|(name, recipients)| {
            let line = move |r: &Recipient| format!("{r} {name}\n");
            recipients.iter().map(line).collect::<Vec<_>>()
        });
        let text = HEAD.to_owned() + &lines.collect::<String>();
        line_file::write(&self.home().join(RECIPIENTS), &text)
    }

    fn recipients(&self) -> Result<BTreeMap<Alias, Vec<Recipient>>, Error> {
        let lines = line_file::read(&self.home().join(RECIPIENTS), |line| {
            let (recipient, name) = line.split_once(' ')?;
            let recipient: Recipient = recipient.parse().ok()?;
            Some((name.parse::<Alias>().ok()?, recipient))
        })?;
        let mut all: BTreeMap<Alias, Vec<Recipient>> = BTreeMap::new();
        for (name, recipient) in lines {
            all.entry(name).or_default().push(recipient);
        }
        Ok(all)
    }

    fn receipt_path(&self, node: &NodeId) -> PathBuf {
        let name = format!("{node}.receipt");
        self.home().join(RECEIPTS).join(name)
    }

    /// Writes a receipt into a directory that archives came from, under a name with the first digits of
    /// this node. An older one of this node is replaced, and nothing else is.
    ///
    /// # Errors
    /// [`Error::Exists`] where another file has the name; [`Error::File`] when it cannot be written.
    pub fn leave_receipt(&self, dir: &Path) -> Result<PathBuf, Error> {
        let own = keyring::node_key(self.home())?.public_key();
        let digits: String = own.to_hex().chars().take(16).collect();
        let path = dir.join(format!("alimentar-{digits}.receipt"));
        let is_own = Self::read_receipt(&path).is_ok_and(|(_, key)| key == own);
        let if_exists = match is_own {
            true => IfExists::Replace,
            false => IfExists::Refuse,
        };
        self.write_receipt(&path, if_exists)?;
        Ok(path)
    }

    /// Whether a receipt was made by this home's node.
    ///
    /// # Errors
    /// As [`LocalRegistry::read_receipt`].
    pub fn is_own_receipt(&self, path: &Path) -> Result<bool, Error> {
        let own = keyring::node_key(self.home())?.public_key();
        Ok(Self::read_receipt(path)?.1 == own)
    }
}

fn private_dir(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Whether a plain file begins as receipts do.
pub fn is_receipt(path: &Path) -> bool {
    use std::io::Read as _;
    let mut begin = [0; Receipt::MAGIC.len()];
    let is_plain = std::fs::metadata(path).is_ok_and(|m| m.is_file());
    let mut read = || open_plain(path).and_then(|mut file| file.read_exact(&mut begin));
    is_plain && read().is_ok() && begin == Receipt::MAGIC
}

/// The receipts in a directory that are called `.receipt`, at most as many as somebody keeps there.
///
/// # Errors
/// [`Error::File`] when it cannot be read.
pub fn receipts_in(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let fail = |e| Error::file("read", dir, e);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let is_named = path.extension().is_some_and(|e| e == "receipt");
        if is_named && is_receipt(&path) {
            found.push(path);
        }
    }
    found.sort();
    found.truncate(DIRECTORY_RECEIPTS_MAX);
    Ok(found)
}
