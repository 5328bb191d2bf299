//! A publisher's key pair. The secret half is wiped from memory when it is dropped and shows
//! nowhere.

use std::fmt;

use ed25519_dalek::Signer;
use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use crate::ident::PublisherKey;
use crate::ident::Signature;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::manifest::ManifestError;
use crate::trust::signature::Domain;
use crate::trust::signature::pre_authentication;

/// An Ed25519 key pair.
#[derive(Clone)]
pub struct KeyPair {
    signing_key: SigningKey,
}

impl KeyPair {
    /// The pair of a seed (RFC 8032, section 5.1.5). The seed must be random; `keyring` makes
    /// pairs from the machine's randomness.
    pub fn from_seed(seed: &Zeroizing<[u8; 32]>) -> Self {
        Self {
            signing_key: SigningKey::from_bytes(seed),
        }
    }

    /// The seed.
    pub(super) fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.signing_key.to_bytes())
    }

    /// The public half: what a publisher is known by.
    pub fn public_key(&self) -> PublisherKey {
        PublisherKey::new(self.signing_key.verifying_key().to_bytes())
    }

    /// The pair itself, for protocols that sign with it their own way.
    #[cfg(feature = "federation")]
    pub(crate) fn signing_key(&self) -> &SigningKey {
        &self.signing_key
    }

    /// Names this publisher as the manifest's signer, and signs it.
    ///
    /// # Errors
    /// [`ManifestError`] when the manifest breaks a limit.
    pub fn sign(&self, manifest: &mut Manifest) -> Result<Envelope, ManifestError> {
        manifest.signer = Some(self.public_key());
        let bytes = manifest.encode()?;
        let signature = Some(self.sign_bytes(Domain::Manifest, &bytes));
        Ok(Envelope {
            manifest: bytes,
            signature,
        })
    }

    /// Signs the encoding of bytes under a domain.
    pub fn sign_bytes(&self, domain: Domain, bytes: &[u8]) -> Signature {
        self.sign_message(&pre_authentication(domain, bytes))
    }

    /// Signs a message that somebody else's format encoded.
    pub(super) fn sign_message(&self, message: &[u8]) -> Signature {
        Signature {
            key: self.public_key(),
            bytes: self.signing_key.sign(message).to_bytes(),
        }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", self.public_key())
    }
}
