//! Options of an export.

use std::collections::BTreeSet;

use crate::catalog::Dataset;
use crate::file_io::IfExists;
use crate::ident::TreeId;
use crate::registry::archives::encryption::Passphrase;
use crate::registry::archives::encryption::Recipient;

/// Options of an export.
#[derive(Clone, Debug, Default)]
pub struct ExportOptions {
    /// Datasets that the receiver holds.
    pub since: Vec<Dataset>,
    /// Chunk trees that the receiver holds, from its receipt. Trees that are not held here have no
    /// effect.
    pub receipt: Vec<TreeId>,
    /// Ids of manifests and statements that the receiver holds, from its receipt.
    pub known: BTreeSet<[u8; 32]>,
    /// Maximum bytes of a file. A larger archive is split into volumes.
    pub split: Option<u64>,
    /// Encrypt to these public keys.
    pub recipients: Vec<Recipient>,
    /// Encrypt with this passphrase, and to no public key.
    pub passphrase: Option<Passphrase>,
    /// Action if a plain file is in the way.
    pub if_exists: IfExists,
}
