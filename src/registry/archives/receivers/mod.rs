//! Receivers of archives: their receipts, and the public keys that archives are encrypted to. The
//! home stores them by node name.

pub(crate) mod receipt;

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use crate::archive::Receipt;
use crate::file_io::IfExists;
use crate::file_io::open_plain;
use crate::file_io::read_given;
use crate::file_io::write_atomically;
use crate::ident::Alias;
use crate::ident::NodeId;
use crate::ident::TreeId;
use crate::keyring;
use crate::registry::archives::Archives;
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

/// A registry that receives archives.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Its local name.
    pub name: Alias,
    /// Its node id, if known.
    pub node: Option<NodeId>,
    /// The chunk trees in its last receipt.
    pub has: Vec<TreeId>,
    /// True if the home has a receipt of it.
    pub has_receipt: bool,
    /// Public keys for its archives.
    pub recipients: Vec<Recipient>,
}

impl Archives<'_> {
    /// Returns a receiver. Its fields are empty if the name is new.
    ///
    /// # Errors
    /// [`Error`] when a file of the home cannot be read.
    pub fn receiver(&self, name: &Alias) -> Result<Receiver, Error> {
        let node = self.registry.peers().node_called(name)?;
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

    /// Returns the names of receivers with a receipt or a public key.
    ///
    /// # Errors
    /// [`Error`] when a file of the home cannot be read.
    pub fn receivers(&self) -> Result<Vec<Alias>, Error> {
        let mut names: Vec<Alias> = self.recipients()?.into_keys().collect();
        let nodes = self.registry.peers().node_names()?.into_iter();
        let with_receipt = nodes.filter(|(id, _)| keyring::is_taken(&self.receipt_path(id)));
        names.extend(with_receipt.map(|(_, name)| name));
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Stores a receipt, and replaces an earlier one of the same node.
    ///
    /// Returns the node and its local name, which is `name` if given. A receipt of a node without a
    /// name, or of this home's own node, is not stored.
    ///
    /// # Errors
    /// [`Error`] when it is no receipt or its signature does not hold;
    /// [`NodeError::NameTaken`](crate::registry::NodeError::NameTaken).
    pub fn keep_receipt(
        &self,
        path: &Path,
        name: Option<&Alias>,
    ) -> Result<(NodeId, Option<Alias>), Error> {
        let (_, key) = Self::read_receipt(path)?;
        let node = NodeId::new(*key.as_bytes());
        if let Some(name) = name {
            self.registry.peers().name_node(node, name)?;
        }
        let Some(name) = self.registry.peers().node_names()?.remove(&node) else {
            return Ok((node, None));
        };
        let bytes = read_given(path, RECEIPT_BYTES_MAX + 1024);
        let bytes = bytes.map_err(|e| Error::file("read", path, e))?;
        self.write_kept(&node, &bytes)?;
        Ok((node, Some(name)))
    }

    fn write_kept(&self, node: &NodeId, bytes: &[u8]) -> Result<(), Error> {
        let dir = self.registry.home().join(RECEIPTS);
        private_dir(&dir).map_err(|e| Error::file("create", &dir, e))?;
        let kept = self.receipt_path(node);
        write_atomically(&kept, bytes, Some(0o600), IfExists::Replace)
            .map_err(|e| Error::file("write", &kept, e))
    }

    /// Stores the public keys of a receiver, and replaces earlier ones.
    ///
    /// # Errors
    /// [`Error`] when the file cannot be read or written.
    pub fn keep_recipients(&self, name: &Alias, recipients: &[Recipient]) -> Result<(), Error> {
        let _turn = self.registry.exclusive(LOCK)?;
        let mut all = self.recipients()?;
        all.insert(name.clone(), recipients.to_vec());
        let lines = all.iter().flat_map(|(name, recipients)| {
            let line = move |r: &Recipient| format!("{r} {name}\n");
            recipients.iter().map(line).collect::<Vec<_>>()
        });
        let text = HEAD.to_owned() + &lines.collect::<String>();
        line_file::write(&self.registry.home().join(RECIPIENTS), &text)
    }

    fn recipients(&self) -> Result<BTreeMap<Alias, Vec<Recipient>>, Error> {
        let lines = line_file::read(&self.registry.home().join(RECIPIENTS), |line| {
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
        self.registry.home().join(RECEIPTS).join(name)
    }

    /// Writes a receipt into a directory that archives came from, under a name with the first
    /// digits of this node's id. It replaces only an older receipt of this node.
    ///
    /// # Errors
    /// `CheckoutError::Exists` when another file has the name; [`Error::File`] when it cannot be written.
    pub fn write_receipt_into(&self, dir: &Path) -> Result<PathBuf, Error> {
        let own = keyring::node_key(self.registry.home())?.public_key();
        let digits: String = own.to_hex().chars().take(16).collect();
        let path = dir.join(format!("alimentar-{digits}.receipt"));
        let is_own = Self::read_receipt(&path).is_ok_and(|(_, key)| key == own);
        let if_exists = if is_own {
            IfExists::Replace
        } else {
            IfExists::Refuse
        };
        self.write_receipt(&path, if_exists)?;
        Ok(path)
    }

    /// Returns true if this home's node made a receipt.
    ///
    /// # Errors
    /// As [`Archives::read_receipt`].
    pub fn is_own_receipt(&self, path: &Path) -> Result<bool, Error> {
        let own = keyring::node_key(self.registry.home())?.public_key();
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

/// Returns true if a plain file begins like a receipt.
pub fn is_receipt(path: &Path) -> bool {
    use std::io::Read as _;
    let mut begin = [0; Receipt::MAGIC.len()];
    let is_plain = std::fs::metadata(path).is_ok_and(|m| m.is_file());
    let mut read = || open_plain(path).and_then(|mut file| file.read_exact(&mut begin));
    is_plain && read().is_ok() && begin == Receipt::MAGIC
}

/// Returns the files with the extension `.receipt` in a directory, up to a limit.
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
