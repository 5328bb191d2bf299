//! What is signed, and strict verification. Normative: `spec/signing.md`.

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

/// What kind of bytes a signature is over: one made for one kind says nothing about another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Manifests.
    Manifest,
    /// Statements of publishers.
    Statement,
    /// What a node holds.
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

/// Why a signature does not hold.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// Not a key that can say anything: not on the curve, of small order, or not canonical.
    #[error("`{0}` is not a key that signatures can be checked with")]
    Key(PublisherKey),
    /// Not made by this key over these bytes.
    #[error("the signature of `{0}` does not fit what it stands under")]
    Invalid(PublisherKey),
    /// The bytes name another key than the one that signed them.
    #[error("signed by `{signed}`, but it says `{says}`")]
    OtherKey {
        /// Whose signature holds.
        signed: PublisherKey,
        /// What stands in the signed bytes; empty for none.
        says: String,
    },
    /// Signed, and not a manifest.
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

/// The bytes that a signature is computed over.
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

/// Verifies a signature over bytes that somebody else's format encoded.
pub(super) fn verify_bytes(message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
    let key = usable(&signature.key).ok_or(SignatureError::Key(signature.key))?;
    let bytes = ed25519_dalek::Signature::from_bytes(&signature.bytes);
    key.verify_strict(message, &bytes)
        .map_err(|_| SignatureError::Invalid(signature.key))
}

/// The point of a key, unless it is one that fits signatures it never made.
pub(super) fn usable(key: &PublisherKey) -> Option<VerifyingKey> {
    let point = VerifyingKey::from_bytes(key.as_bytes()).ok()?;
    // Decompression takes encodings that are not canonical; the same point then has two keys.
    let canonical = point.to_edwards().compress().to_bytes() == *key.as_bytes();
    (canonical && !point.is_weak()).then_some(point)
}

/// Whether signatures can be checked with a key.
pub fn is_usable_key(key: &PublisherKey) -> bool {
    usable(key).is_some()
}

/// Whether a manifest is signed, and the signature holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureState {
    /// Not signed.
    None,
    /// Signed, verified.
    Valid,
    /// Signed, and the signature does not hold.
    Invalid,
}

impl SignatureState {
    /// The word for it in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Valid => "valid",
            Self::Invalid => "invalid",
        }
    }
}

/// An envelope from outside: nobody looks into it before its signature holds.
#[derive(Clone, Debug)]
pub struct UnverifiedManifest(Envelope);

/// A manifest that says what its envelope says: signed by its signer, or by nobody. Whether the
/// signer is to be believed is another question.
#[derive(Clone, Debug)]
pub struct VerifiedManifest {
    manifest: Manifest,
    envelope: Envelope,
}

impl UnverifiedManifest {
    /// Takes an envelope as it came.
    pub fn new(envelope: Envelope) -> Self {
        Self(envelope)
    }

    /// Verifies the signature, then reads the manifest.
    ///
    /// # Errors
    /// [`SignatureError`] when the signature does not hold, or stands under another's manifest.
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
    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The envelope it came in.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }
}
