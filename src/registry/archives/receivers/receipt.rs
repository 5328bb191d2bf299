//! Receipts: signed lists of the held trees, manifests and statements, for the next export to this
//! registry.

use std::collections::BTreeSet;
use std::path::Path;

use crate::archive::ArchiveError;
use crate::archive::Receipt;
use crate::catalog;
use crate::file_io::IfExists;
use crate::file_io::read_given;
use crate::file_io::write_output;
use crate::ident::PublisherKey;
use crate::ident::TreeId;
use crate::keyring;
use crate::registry::archives::Archives;
use crate::registry::error::Error;
use crate::trust::Domain;
use crate::trust::verify;
use crate::wire::limits::RECEIPT_BYTES_MAX;

/// Content of a receipt.
#[derive(Clone, Debug)]
pub struct ReceiptContent {
    /// Roots of chunk trees.
    pub roots: Vec<TreeId>,
    /// Ids of manifests and statements. Receipts of the first versions have none.
    pub known: BTreeSet<[u8; 32]>,
    /// Key of the node that signed it.
    pub key: PublisherKey,
}

impl Archives<'_> {
    /// Writes a receipt into a file, signed with this node's key. Private datasets are omitted.
    ///
    /// # Errors
    /// [`Error`] when the file or the node's key cannot be written.
    pub fn write_receipt(&self, path: &Path, if_exists: IfExists) -> Result<u64, Error> {
        let mut held = self.registry.list()?;
        held.retain(|d| !d.flags.private);
        let statements = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::statements(t)?))?;
        let known = held.iter().map(|d| *d.envelope_id.as_bytes());
        let known = known.chain(statements.iter().map(|s| *s.id().as_bytes()));
        let known: BTreeSet<[u8; 32]> = known.collect();
        let roots: Vec<TreeId> = held.iter().map(|d| d.manifest.chunk_tree_root).collect();
        let mut body = Receipt::body_with(roots.clone(), &known);
        if body.len() > RECEIPT_BYTES_MAX {
            body = Receipt::body_of(roots);
        }
        let pair = keyring::node_key(self.registry.home())?;
        let signature = pair.sign_bytes(Domain::Receipt, &body);
        let bytes = Receipt { body, signature }.encode();
        write_output(path, &bytes, if_exists, None).map_err(|e| Error::output(path, e))
    }

    /// Reads the chunk trees and the signer of a receipt. A receipt only tells which blobs to omit:
    /// a false one makes an archive that its own node cannot import.
    ///
    /// # Errors
    /// [`Error`] when it is no receipt, or its signature does not hold.
    pub fn read_receipt(path: &Path) -> Result<(Vec<TreeId>, PublisherKey), Error> {
        let receipt = Self::read_full_receipt(path)?;
        Ok((receipt.roots, receipt.key))
    }

    /// Reads a whole receipt, like [`Archives::read_receipt`].
    ///
    /// # Errors
    /// As [`Archives::read_receipt`].
    pub fn read_full_receipt(path: &Path) -> Result<ReceiptContent, Error> {
        let bytes = read_given(path, RECEIPT_BYTES_MAX + 1024);
        let bytes = bytes.map_err(|e| Error::file("read", path, e))?;
        let receipt = Receipt::decode(&bytes).map_err(ArchiveError::from)?;
        verify(Domain::Receipt, &receipt.body, &receipt.signature)?;
        let roots = receipt.roots().map_err(ArchiveError::from)?;
        let known = receipt.known().map_err(ArchiveError::from)?;
        let key = receipt.signature.key;
        Ok(ReceiptContent { roots, known, key })
    }
}
