//! Key pairs of publishers. Dropping a pair wipes the secret half from memory, and no output shows it.

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
    /// Derives the pair of a seed (RFC 8032, section 5.1.5). The seed must be random; `keyring` makes
    /// pairs from the machine's randomness.
    pub fn from_seed(seed: &Zeroizing<[u8; 32]>) -> Self {
        Self {
            signing_key: SigningKey::from_bytes(seed),
        }
    }

    /// Returns the seed.
    pub(super) fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.signing_key.to_bytes())
    }

    /// Returns the public half, the publisher's identity.
    pub fn public_key(&self) -> PublisherKey {
        PublisherKey::new(self.signing_key.verifying_key().to_bytes())
    }

    /// Returns the pair itself, for protocols with their own way to sign.
    #[cfg(feature = "federation")]
    pub(crate) fn signing_key(&self) -> &SigningKey {
        &self.signing_key
    }

    /// Sets this publisher as the manifest's signer, and signs it.
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
    ///
    /// ```
    /// use alimentar::trust::Domain;
    /// use alimentar::trust::KeyPair;
    /// use alimentar::trust::verify;
    /// use zeroize::Zeroizing;
    ///
    /// let pair = KeyPair::from_seed(&Zeroizing::new([7; 32]));
    /// let signature = pair.sign_bytes(Domain::Receipt, b"bytes");
    /// assert!(verify(Domain::Receipt, b"bytes", &signature).is_ok());
    /// assert!(verify(Domain::Manifest, b"bytes", &signature).is_err());
    /// ```
    pub fn sign_bytes(&self, domain: Domain, bytes: &[u8]) -> Signature {
        self.sign_message(&pre_authentication(domain, bytes))
    }

    /// Signs a message in the encoding of a foreign format.
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
