//! Receipts: what is here, for whoever exports to this registry next.

use std::path::Path;

use crate::archive::Receipt;
use crate::ident::PublisherKey;
use crate::ident::TreeId;
use crate::keyring;
use crate::keyring::IfExists;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::trust::Domain;
use crate::trust::verify;
use crate::wire::limits::RECEIPT_BYTES_MAX;

impl LocalRegistry {
    /// Writes what is here into a file, signed with this node's key. Private datasets are left
    /// out.
    ///
    /// # Errors
    /// [`Error`] when the file or the node's key cannot be written.
    pub fn write_receipt(&self, path: &Path) -> Result<u64, Error> {
        let held = self.list()?.into_iter().filter(|d| !d.flags.private);
        let roots: Vec<TreeId> = held.map(|d| d.manifest.chunk_tree_root).collect();
        let body = Receipt::body_of(roots);
        let pair = keyring::node_key(self.home())?;
        let signature = pair.sign_bytes(Domain::Receipt, &body);
        let bytes = Receipt { body, signature }.encode();
        keyring::write_aside(path, &bytes, None, IfExists::Replace)
            .map_err(|e| Error::file("write", path, e))?;
        Ok(bytes.len() as u64)
    }

    /// Reads a receipt: the chunk trees in it, and whose it is. It only says what to leave out;
    /// one that lies makes an archive that its own side cannot read.
    ///
    /// # Errors
    /// [`Error`] when it is no receipt, or its signature does not hold.
    pub fn read_receipt(path: &Path) -> Result<(Vec<TreeId>, PublisherKey), Error> {
        use std::io::Read as _;
        let fail = |e| Error::file("read", path, e);
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(fail)?;
        let limit = RECEIPT_BYTES_MAX as u64 + 1024;
        file.take(limit).read_to_end(&mut bytes).map_err(fail)?;
        let receipt = Receipt::decode(&bytes).map_err(crate::archive::ArchiveError::from)?;
        verify(Domain::Receipt, &receipt.body, &receipt.signature)?;
        let roots = receipt
            .roots()
            .map_err(crate::archive::ArchiveError::from)?;
        Ok((roots, receipt.signature.key))
    }
}
