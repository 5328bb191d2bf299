//! Signatures: signed bytes and their strict verification. Normative: `spec/signing.md`.

use ed25519_dalek::VerifyingKey;
use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::PublisherKey;
use crate::ident::Signature;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::manifest::ManifestError;
use crate::wire::Writer;

/// The kind of signed bytes. A signature for one kind is invalid for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Manifests of publishers.
    Manifest,
    /// Statements of publishers.
    Statement,
    /// Receipts of nodes.
    Receipt,
}

impl Domain {
    const fn name(self) -> &'static str {
        match self {
            Self::Manifest => "alimentar/manifest/1",
            Self::Statement => "alimentar/statement/1",
            Self::Receipt => "alimentar/receipt/1",
        }
    }
}

/// Failure to verify a signature.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The key cannot verify signatures: it is off the curve, of small order, or not canonical.
    #[error("`{0}` is not a key that signatures can be checked with")]
    Key(PublisherKey),
    /// The key did not make the signature over these bytes.
    #[error("the signature of `{0}` does not match the signed bytes")]
    Invalid(PublisherKey),
    /// The bytes name another key than the one that signed them.
    #[error("signed by `{signed}`, but it says `{says}`")]
    OtherKey {
        /// The key with the valid signature.
        signed: PublisherKey,
        /// The key named in the signed bytes; empty for none.
        says: String,
    },
    /// The bytes are signed, but are no manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

impl Classify for SignatureError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Manifest(e) => e.kind(),
            _ => ErrorKind::Integrity,
        }
    }
}

/// Returns the bytes that a signature covers.
pub(super) fn pre_authentication(domain: Domain, bytes: &[u8]) -> Vec<u8> {
    let name = domain.name();
    let mut w = Writer::new();
    // Domains are short constants.
    w.u8(name.len() as u8).bytes(name.as_bytes());
    w.u64(bytes.len() as u64).bytes(bytes);
    w.into_bytes()
}

/// Verifies a signature strictly: canonical key and S, no small orders, no cofactor.
///
/// # Errors
/// [`SignatureError::Key`] or [`SignatureError::Invalid`].
pub fn verify(domain: Domain, bytes: &[u8], signature: &Signature) -> Result<(), SignatureError> {
    verify_bytes(&pre_authentication(domain, bytes), signature)
}

/// Verifies a signature over a message in the encoding of a foreign format.
pub(super) fn verify_bytes(message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
    let key = usable(&signature.key).ok_or(SignatureError::Key(signature.key))?;
    let bytes = ed25519_dalek::Signature::from_bytes(&signature.bytes);
    key.verify_strict(message, &bytes)
        .map_err(|_| SignatureError::Invalid(signature.key))
}

/// Returns the point of a key; `None` for one that accepts signatures it never made.
pub(super) fn usable(key: &PublisherKey) -> Option<VerifyingKey> {
    let point = VerifyingKey::from_bytes(key.as_bytes()).ok()?;
    // Decompression accepts non-canonical encodings, which give one point two keys.
    let canonical = point.to_edwards().compress().to_bytes() == *key.as_bytes();
    (canonical && !point.is_weak()).then_some(point)
}

/// Returns true if a key can verify signatures.
pub fn is_usable_key(key: &PublisherKey) -> bool {
    usable(key).is_some()
}

/// The state of a manifest's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureState {
    /// The manifest has no signature.
    None,
    /// The signature is valid.
    Valid,
    /// The signature is invalid.
    Invalid,
}

impl SignatureState {
    /// Returns the word in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Valid => "valid",
            Self::Invalid => "invalid",
        }
    }
}

/// An envelope from outside. Nothing reads its manifest before the signature is verified.
#[derive(Clone, Debug)]
pub struct UnverifiedManifest(Envelope);

/// A manifest whose signature is valid, or that has none and names no signer. Trust in the signer is
/// another question.
#[derive(Clone, Debug)]
pub struct VerifiedManifest {
    manifest: Manifest,
    envelope: Envelope,
}

impl UnverifiedManifest {
    /// Takes an envelope from outside.
    pub fn new(envelope: Envelope) -> Self {
        Self(envelope)
    }

    /// Verifies the signature, then decodes the manifest.
    ///
    /// # Errors
    /// [`SignatureError`] when the signature is invalid, or belongs to another publisher's manifest.
    pub fn verify(self) -> Result<VerifiedManifest, SignatureError> {
        let envelope = self.0;
        if let Some(signature) = &envelope.signature {
            verify(Domain::Manifest, &envelope.manifest, signature)?;
        }
        let manifest = Manifest::decode(&envelope.manifest)?;
        match (&envelope.signature, &manifest.signer) {
            (None, None) => {}
            (Some(signature), Some(signer)) if signature.key == *signer => {}
            (Some(signature), says) => {
                return Err(SignatureError::OtherKey {
                    signed: signature.key,
                    says: says.map(|k| k.to_hex()).unwrap_or_default(),
                });
            }
            // It claims a publisher who has not signed it.
            (None, Some(claimed)) => return Err(SignatureError::Invalid(*claimed)),
        }
        Ok(VerifiedManifest { manifest, envelope })
    }
}

impl VerifiedManifest {
    /// Returns the manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns the manifest's envelope.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }
}
