//! The age identities of a home: secret keys for archives that are encrypted to this registry. The
//! file has the format of `age-keygen`, so that the standard `age -i` reads it.

use std::io;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::age_format::Identity;
use crate::file_io::IfExists;
use crate::file_io::read_own_text;
use crate::file_io::write_atomically;
use crate::keyring;
use crate::registry::archives::Archives;
use crate::registry::archives::encryption::DecryptionKeys;
use crate::registry::archives::encryption::IDENTITIES_BYTES_MAX;
use crate::registry::error::Error;
use crate::registry::host;

const FILE: &str = "identity.txt";
const LOCK: &str = "identity.lock";

impl Archives<'_> {
    /// Returns the path of this home's identity file.
    pub fn identity_path(&self) -> PathBuf {
        self.registry.home().join(FILE)
    }

    /// Returns the public keys of this home's identities, newest first. The list is empty if there
    /// is no identity.
    ///
    /// # Errors
    /// [`Error`] when the file cannot be read, has open permissions, or contains something else.
    pub fn identities(&self) -> Result<Vec<String>, Error> {
        let mut all = self.own_decryption_keys()?.public_keys();
        all.reverse();
        Ok(all)
    }

    /// Creates an identity and appends it to the file. Returns its public key.
    ///
    /// # Errors
    /// [`Error`] when the file cannot be read or written.
    pub fn make_identity(&self) -> Result<String, Error> {
        let _turn = self.registry.exclusive(LOCK)?;
        let path = self.identity_path();
        let before = match keyring::is_taken(&path) {
            false => String::new(),
            true => {
                // A file that cannot be parsed is not written to.
                self.own_decryption_keys()?;
                read_own_text(&path, IDENTITIES_BYTES_MAX)
                    .map_err(|e| Error::file("read", &path, e))?
            }
        };
        let before = Zeroizing::new(before);
        let failed = |e| Error::file("write", &path, e);
        let mut bytes = Zeroizing::new([0; 32]);
        host::fill_random(bytes.as_mut_slice()).map_err(failed)?;
        let identity = Identity::from_random(bytes);
        let public = identity.recipient().to_string();
        let secret = identity.to_secret_text();
        let secret = secret.map_err(|e| failed(io::Error::other(e)))?;
        let text = Zeroizing::new(format!(
            "{}# created: {}\n# public key: {public}\n{}\n",
            before.as_str(),
            host::now().to_rfc3339(),
            secret.as_str(),
        ));
        write_atomically(&path, text.as_bytes(), Some(0o600), IfExists::Replace).map_err(failed)?;
        Ok(public)
    }

    /// Returns the identities of this home. They are empty if it has none.
    ///
    /// # Errors
    /// As [`Archives::identities`].
    pub fn own_decryption_keys(&self) -> Result<DecryptionKeys, Error> {
        let path = self.identity_path();
        let mut keys = DecryptionKeys::default();
        if keyring::is_taken(&path) {
            keyring::refuse_shared(&path)?;
            keys.add_file(&path)?;
        }
        Ok(keys)
    }
}
