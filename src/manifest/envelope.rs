//! Envelopes: a manifest in storage and on the wire. It holds the publisher's exact bytes and the
//! signature beside them. No code re-serialises a manifest to check it.

use crate::ident::EnvelopeId;
use crate::ident::PublisherKey;
use crate::ident::Signature;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::MANIFEST_BYTES_MAX;

const ENVELOPE_MAGIC: [u8; 4] = *b"ALE\x01";

/// A manifest's bytes and, if its publisher signed it, the Ed25519 signature over them.
/// `spec/signing.md` defines the signed bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The manifest, UTF-8 JSON, exactly as made.
    pub manifest: Vec<u8>,
    /// The detached signature, not yet verified.
    pub signature: Option<Signature>,
}

impl Envelope {
    /// Encodes the envelope.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.bytes(&ENVELOPE_MAGIC).counted(&self.manifest);
        match &self.signature {
            Some(s) => w.u8(1).bytes(s.key.as_bytes()).bytes(&s.bytes),
            None => w.u8(0),
        };
        w.into_bytes()
    }

    /// Decodes an envelope, without the manifest inside.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not one envelope.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if r.array::<4>()? != ENVELOPE_MAGIC {
            return Err(DecodeError::Magic("manifest envelope"));
        }
        let manifest = r.counted("manifest bytes", MANIFEST_BYTES_MAX)?.to_vec();
        let signature = match r.u8()? {
            0 => None,
            1 => Some(Signature {
                key: PublisherKey::new(r.array()?),
                bytes: r.array()?,
            }),
            _ => return Err(DecodeError::Invalid("signature flag")),
        };
        r.end()?;
        Ok(Self {
            manifest,
            signature,
        })
    }

    /// Returns the envelope's id.
    pub fn id(&self) -> EnvelopeId {
        EnvelopeId::of(&self.encode())
    }
}
