//! Decryption of a whole file.

use std::io::BufRead;
use std::io::ErrorKind;

use crate::age_format::AgeError;
use crate::age_format::FileKey;
use crate::age_format::Identity;
use crate::age_format::StreamReader;
use crate::age_format::header::Header;
use crate::age_format::stanzas::SCRYPT;
use crate::age_format::stanzas::unwrap_by_identity;
use crate::age_format::stanzas::unwrap_by_passphrase;
use crate::age_format::stream::NONCE_BYTES;

/// A file whose header was read and whose key is not known yet.
#[derive(Debug)]
pub struct Decryptor<R> {
    input: R,
    header: Header,
    nonce: [u8; NONCE_BYTES],
}

impl<R: BufRead> Decryptor<R> {
    /// Reads the header and the nonce of a file.
    ///
    /// # Errors
    /// [`AgeError::Header`] if the header breaks the format or a limit, [`AgeError::Io`].
    pub fn new(mut input: R) -> Result<Self, AgeError> {
        let header = Header::read(&mut input)?;
        let has_scrypt = header.stanzas.iter().any(|s| s.kind() == SCRYPT);
        // A passphrase also proves who wrote the file, as long as no other key opens it.
        if has_scrypt && header.stanzas.len() > 1 {
            return Err(AgeError::Header);
        }
        let mut nonce = [0; NONCE_BYTES];
        input.read_exact(&mut nonce).map_err(|e| match e.kind() {
            ErrorKind::UnexpectedEof => AgeError::Header,
            _ => AgeError::Io(e),
        })?;
        Ok(Self {
            input,
            header,
            nonce,
        })
    }

    /// Returns whether a passphrase opens the file.
    pub fn has_passphrase(&self) -> bool {
        let mut stanzas = self.header.stanzas.iter();
        stanzas.any(|stanza| stanza.kind() == SCRYPT)
    }

    /// Opens the payload by the first identity that fits.
    ///
    /// # Errors
    /// [`AgeError::NoMatch`] if none fits, [`AgeError::Mac`] if the header was changed,
    /// [`AgeError::Header`] if a stanza breaks the format.
    pub fn open_with_identities(
        self,
        identities: &[Identity],
    ) -> Result<StreamReader<R>, AgeError> {
        for identity in identities {
            for stanza in &self.header.stanzas {
                if let Some(key) = unwrap_by_identity(stanza, identity)? {
                    return self.open(&key);
                }
            }
        }
        Err(AgeError::NoMatch)
    }

    /// Opens the payload by the first passphrase that fits.
    ///
    /// # Errors
    /// As [`Decryptor::open_with_identities`], and [`AgeError::Work`] if the file asks for more work
    /// than the limit.
    pub fn open_with_passphrases<'a>(
        self,
        passphrases: impl IntoIterator<Item = &'a str>,
    ) -> Result<StreamReader<R>, AgeError> {
        for passphrase in passphrases {
            for stanza in &self.header.stanzas {
                if let Some(key) = unwrap_by_passphrase(stanza, passphrase)? {
                    return self.open(&key);
                }
            }
        }
        Err(AgeError::NoMatch)
    }

    fn open(self, key: &FileKey) -> Result<StreamReader<R>, AgeError> {
        self.header.check_mac(key)?;
        StreamReader::new(self.input, key, &self.nonce)
    }
}
