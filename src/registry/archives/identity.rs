//! The age identities of a home: secret keys that open archives which were encrypted to this registry.
//! The file is what `age-keygen` writes, so that stock `age -i` reads it.

use std::io;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::age_format::Identity;
use crate::file_io::IfExists;
use crate::file_io::read_own_text;
use crate::file_io::write_aside;
use crate::keyring;
use crate::registry::LocalRegistry;
use crate::registry::archives::encryption::IDENTITIES_BYTES_MAX;
use crate::registry::archives::encryption::Openers;
use crate::registry::error::Error;
use crate::registry::host;

const FILE: &str = "identity.txt";
const LOCK: &str = "identity.lock";

impl LocalRegistry {
    /// Where the identities of this home are.
    pub fn identity_path(&self) -> PathBuf {
        self.home().join(FILE)
    }

    /// The public keys of the identities of this home, the newest first; none where there are none.
    ///
    /// # Errors
    /// [`Error`] when the file cannot be read, others may read it, or it holds something else.
    pub fn identities(&self) -> Result<Vec<String>, Error> {
        let mut all = self.own_openers()?.public_keys();
        all.reverse();
        Ok(all)
    }

    /// Makes an identity and puts it behind those that are there. Its public key.
    ///
    /// # Errors
    /// [`Error`] when the file cannot be read or written.
    pub fn make_identity(&self) -> Result<String, Error> {
        let _turn = self.exclusive(LOCK)?;
        let path = self.identity_path();
        let before = match keyring::is_taken(&path) {
            false => String::new(),
            true => {
                // What is not understood is not written to.
                self.own_openers()?;
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
        write_aside(&path, text.as_bytes(), Some(0o600), IfExists::Replace).map_err(failed)?;
        Ok(public)
    }

    /// What opens archives that were encrypted to this home; nothing where it has no identity.
    ///
    /// # Errors
    /// As [`LocalRegistry::identities`].
    pub fn own_openers(&self) -> Result<Openers, Error> {
        let path = self.identity_path();
        let mut openers = Openers::default();
        if keyring::is_taken(&path) {
            keyring::refuse_shared(&path)?;
            openers.add_file(&path)?;
        }
        Ok(openers)
    }
}
