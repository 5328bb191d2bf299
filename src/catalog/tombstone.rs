//! Tombstones: removed envelopes, so that an index rebuilt from the packs does not bring them back.

use crate::ident::EnvelopeId;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;

/// One removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// Random salt, which makes every removal a different blob.
    pub salt: [u8; 16],
    /// The removed envelopes.
    pub envelopes: Vec<EnvelopeId>,
}

impl Tombstone {
    /// Encodes it as `spec/pack.md` defines.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.bytes(&self.salt).varint(self.envelopes.len() as u64);
        self.envelopes.iter().for_each(|id| {
            w.bytes(id.as_bytes());
        });
        w.into_bytes()
    }

    /// Decodes one.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not one tombstone.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let salt = r.array()?;
        let count = r.varint()?;
        // Nothing is allocated by the count, because reading ends with the bytes.
        let mut envelopes = Vec::new();
        for _ in 0..count {
            envelopes.push(EnvelopeId::new(r.array()?));
        }
        r.end()?;
        Ok(Self { salt, envelopes })
    }
}

#[cfg(test)]
mod tests {
    use super::Tombstone;
    use crate::ident::EnvelopeId;
    use crate::wire::DecodeError;

    #[test]
    fn tombstone_reads_back_and_refuses_every_cut() {
        let whole = Tombstone {
            salt: [7; 16],
            envelopes: vec![EnvelopeId::new([1; 32]), EnvelopeId::new([2; 32])],
        };
        let bytes = whole.encode();
        assert_eq!(Tombstone::decode(&bytes), Ok(whole));
        for cut in 0..bytes.len() {
            assert!(matches!(
                Tombstone::decode(&bytes[..cut]),
                Err(DecodeError::Truncated)
            ));
        }
    }
}
