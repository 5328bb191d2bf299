//! Receipts: what is here, for whoever exports to this registry next.

use std::path::Path;

use crate::archive::Receipt;
use crate::file_io::IfExists;
use crate::file_io::read_given;
use crate::file_io::write_output;
use crate::ident::PublisherKey;
use crate::ident::TreeId;
use crate::keyring;
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
    pub fn write_receipt(&self, path: &Path, if_exists: IfExists) -> Result<u64, Error> {
        let held = self.list()?.into_iter().filter(|d| !d.flags.private);
        let roots: Vec<TreeId> = held.map(|d| d.manifest.chunk_tree_root).collect();
        let body = Receipt::body_of(roots);
        let pair = keyring::node_key(self.home())?;
        let signature = pair.sign_bytes(Domain::Receipt, &body);
        let bytes = Receipt { body, signature }.encode();
        write_output(path, &bytes, if_exists, None).map_err(|e| Error::output(path, e))
    }

    /// Reads a receipt: the chunk trees in it, and whose it is. It only says what to leave out;
    /// one that lies makes an archive that its own side cannot read.
    ///
    /// # Errors
    /// [`Error`] when it is no receipt, or its signature does not hold.
    pub fn read_receipt(path: &Path) -> Result<(Vec<TreeId>, PublisherKey), Error> {
        let bytes = read_given(path, RECEIPT_BYTES_MAX + 1024);
        let bytes = bytes.map_err(|e| Error::file("read", path, e))?;
        let receipt = Receipt::decode(&bytes).map_err(crate::archive::ArchiveError::from)?;
        verify(Domain::Receipt, &receipt.body, &receipt.signature)?;
        let roots = receipt
            .roots()
            .map_err(crate::archive::ArchiveError::from)?;
        Ok((roots, receipt.signature.key))
    }
}
