//! Trust settings of a registry: `trust.toml`, the statements of publishers, and keys that replace others.

use crate::blob_store::BlobKind;
use crate::catalog;
use crate::file_io::IfExists;
use crate::file_io::read_own_text;
use crate::file_io::write_atomically;
use crate::ident::EnvelopeId;
use crate::pack::Flags;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::error::publisher::PublisherError;
use crate::registry::host;
use crate::store::disk::Entry;
use crate::store::disk::WriteSession;
use crate::trust::KeyPair;
use crate::trust::Statement;
use crate::trust::TrustFile;
use crate::trust::TrustStore;
use crate::wire::limits::TRUST_FILE_BYTES_MAX;
use std::path::PathBuf;

pub(crate) const TRUST_FILE: &str = "trust.toml";
const TRUST_LOCK: &str = "trust.lock";

/// The trust settings of a registry: `trust.toml` and the statements of publishers.
#[derive(Clone, Copy, Debug)]
pub struct TrustSettings<'a> {
    pub(super) registry: &'a LocalRegistry,
}

impl LocalRegistry {
    /// Returns the trust settings.
    pub fn trust(&self) -> TrustSettings<'_> {
        TrustSettings { registry: self }
    }
}

impl TrustSettings<'_> {
    /// Returns the current trust settings.
    ///
    /// # Errors
    /// [`PublisherError::TrustFile`] when `trust.toml` cannot be parsed. Nothing is trusted then.
    pub fn store(&self) -> Result<TrustStore, Error> {
        let file = self.read_file()?;
        let statements = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::statements(t)?))?;
        Ok(TrustStore::new(file, &statements, host::now()))
    }

    /// Changes `trust.toml` under a lock. Comments and other text in the file stay.
    ///
    /// # Errors
    /// The error of `change`, which leaves the file unchanged.
    pub fn change<T>(
        &self,
        change: impl FnOnce(&mut TrustFile) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _turn = self.registry.store.lock(TRUST_LOCK)?;
        let mut file = self.read_file()?;
        let changed = change(&mut file)?;
        let path = self.path();
        write_atomically(
            &path,
            file.encode().as_bytes(),
            Some(0o600),
            IfExists::Replace,
        )
        .map_err(|e| Error::file("write", &path, e))?;
        Ok(changed)
    }

    /// Returns the path of `trust.toml`.
    pub fn path(&self) -> PathBuf {
        self.registry.home().join(TRUST_FILE)
    }

    pub(crate) fn read_file(&self) -> Result<TrustFile, Error> {
        let path = self.path();
        match read_own_text(&path, TRUST_FILE_BYTES_MAX) {
            Ok(text) => TrustFile::parse(&text)
                .map_err(|source| Error::Publisher(PublisherError::TrustFile { path, source })),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(TrustFile::default()),
            Err(e) => Err(Error::file("read", &path, e)),
        }
    }

    /// Stores a statement whose signatures hold. Returns true if it is new.
    ///
    /// # Errors
    /// [`Error`] when the store fails.
    pub fn accept_statement(&self, statement: &Statement) -> Result<bool, Error> {
        WriteSession::begin(&self.registry.store)?.commit(|tables, entries| {
            let is_new = catalog::put_statement(tables, statement)?;
            if is_new {
                entries.push(Entry {
                    kind: BlobKind::Statement,
                    bytes: statement.encode().to_vec(),
                    flags: Flags::default(),
                });
            }
            Ok(is_new)
        })
    }

    /// Publishes that a key may be compromised. The statement vouches for the datasets that this
    /// registry signed with it.
    ///
    /// # Errors
    /// [`Error`] when the reason is too long or the store fails.
    pub fn revoke_own(&self, by: &KeyPair, reason: &str) -> Result<Statement, Error> {
        let mut signed: Vec<EnvelopeId> = Vec::new();
        for dataset in self.registry.list()? {
            // Remote datasets under this key may be the thief's.
            if dataset.manifest.signer == Some(by.public_key()) && !dataset.flags.foreign {
                signed.push(dataset.envelope_id);
            }
        }
        let statement = Statement::revoke(by, reason, signed, host::now())?;
        self.accept_statement(&statement)?;
        Ok(statement)
    }

    /// Publishes that one key follows another. People elsewhere confirm it.
    ///
    /// # Errors
    /// [`Error`] when both are the same key or the store fails.
    pub fn propose_rotation(&self, by: &KeyPair, to: &KeyPair) -> Result<Statement, Error> {
        let statement = Statement::rotate(by, to, host::now())?;
        self.accept_statement(&statement)?;
        Ok(statement)
    }
}
