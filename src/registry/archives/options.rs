//! Options of exports and imports.

use std::collections::BTreeSet;

use crate::archive_check::Expansion;
use crate::catalog::Dataset;
use crate::file_io::IfExists;
use crate::ident::PublisherKey;
use crate::ident::TreeId;
use crate::registry::archives::dry_run::DryRun;
use crate::registry::archives::encryption::DecryptionKeys;
use crate::registry::archives::encryption::Passphrase;
use crate::registry::archives::encryption::Recipient;
use crate::registry::publishing::trust::Listed;

/// Options of an export.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
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

impl ExportOptions {
    /// Creates options for volumes of this maximum size, in bytes.
    pub fn split_at(bytes: u64) -> Self {
        Self {
            split: Some(bytes),
            ..Self::default()
        }
    }
}

/// Asks a person to admit a dataset.
pub type Ask<'a> = dyn Fn(&Listed) -> bool + 'a;
/// Asks a person to accept a dataset that is far larger than the bytes sent for it.
pub type AskLarge<'a> = dyn Fn(&Listed, Expansion) -> bool + 'a;

/// Options of an import.
#[derive(Default)]
#[non_exhaustive]
pub struct ImportOptions<'a> {
    /// Admit only datasets that a fully trusted publisher has signed.
    pub require_signature: bool,
    /// Report the result without importing.
    pub dry_run: bool,
    /// Results of earlier archives in a dry run with these options.
    pub dry_run_state: DryRun,
    /// Publishers whose datasets need no consent in this import.
    pub accept_publishers: Vec<PublisherKey>,
    /// Identities and passphrases for encrypted archives.
    pub keys: DecryptionKeys,
    /// Asks a person for consent, if one is present.
    pub ask: Option<&'a Ask<'a>>,
    /// Accept datasets that are far larger than the bytes sent for them.
    pub allow_large: bool,
    /// Asks a person about such datasets, if one is present.
    pub ask_large: Option<&'a AskLarge<'a>>,
}
