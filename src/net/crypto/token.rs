//! Keys of an endpoint that only itself ever uses: for stateless resets (RFC 9000 10.3) and for
//! address validation tokens (RFC 9000 8.1). Drawn anew at each start; tokens and resets of an
//! earlier run are worth nothing then, which costs a peer one round trip.

use chacha20poly1305::ChaCha20Poly1305;
use quinn_proto::crypto::AeadKey;
use quinn_proto::crypto::CryptoError;
use quinn_proto::crypto::HandshakeTokenKey;
use quinn_proto::crypto::HmacKey;
use zeroize::Zeroizing;

use super::Error;
use super::packet::Aead;
use super::packet::NONCE_LEN;
use super::packet::Refused;
use super::packet::TAG_LEN;
use crate::net::crypto::primitives::rustcrypto::Soft;

/// A random key.
fn random_key() -> Result<Zeroizing<[u8; blake3::KEY_LEN]>, Error> {
    let mut key = Zeroizing::new([0; blake3::KEY_LEN]);
    getrandom::fill(key.as_mut_slice()).map_err(Error::Random)?;
    Ok(key)
}

/// Makes stateless reset tokens: keyed BLAKE3 of the connection id.
pub struct ResetKey(Zeroizing<[u8; blake3::KEY_LEN]>);

impl ResetKey {
    /// A new key.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn random() -> Result<Self, Error> {
        random_key().map(Self)
    }
}

impl HmacKey for ResetKey {
    fn sign(&self, data: &[u8], signature_out: &mut [u8]) {
        blake3::Hasher::new_keyed(&self.0)
            .update(data)
            .finalize_xof()
            .fill(signature_out);
    }

    fn signature_len(&self) -> usize {
        blake3::OUT_LEN
    }

    fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        let found: [u8; blake3::OUT_LEN] = signature.try_into().map_err(|_| CryptoError)?;
        // Equality of `Hash` takes the same time wherever the delta is.
        if blake3::keyed_hash(&self.0, data) == blake3::Hash::from_bytes(found) {
            Ok(())
        } else {
            Err(CryptoError)
        }
    }
}

/// Seals address validation tokens.
pub struct TokenKey(Zeroizing<[u8; blake3::KEY_LEN]>);

impl TokenKey {
    /// A new key.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn random() -> Result<Self, Error> {
        random_key().map(Self)
    }
}

impl HandshakeTokenKey for TokenKey {
    fn aead_from_hkdf(&self, random_bytes: &[u8]) -> Box<dyn AeadKey> {
        // Keyed BLAKE3 is a pseudorandom function, which is all that HKDF would be here for.
        let key = Zeroizing::new(*blake3::keyed_hash(&self.0, random_bytes).as_bytes());
        Box::new(OneToken(Soft::new(key.as_slice())))
    }
}

/// Seals one token. The key is always there: its length is fixed above.
struct OneToken(Option<Soft<ChaCha20Poly1305>>);

impl OneToken {
    /// Each key seals one token, so the nonce may stay the same.
    const NONCE: [u8; NONCE_LEN] = [0; NONCE_LEN];
}

impl AeadKey for OneToken {
    fn seal(&self, data: &mut Vec<u8>, additional_data: &[u8]) -> Result<(), CryptoError> {
        let tag = self
            .0
            .as_ref()
            .ok_or(CryptoError)?
            .seal(&Self::NONCE, additional_data, data)
            .map_err(|Refused| CryptoError)?;
        data.extend_from_slice(&tag);
        Ok(())
    }

    fn open<'a>(
        &self,
        data: &'a mut [u8],
        additional_data: &[u8],
    ) -> Result<&'a mut [u8], CryptoError> {
        let (data, tag) = data.split_last_chunk_mut::<TAG_LEN>().ok_or(CryptoError)?;
        self.0
            .as_ref()
            .ok_or(CryptoError)?
            .open(&Self::NONCE, additional_data, data, tag)
            .map_err(|Refused| CryptoError)?;
        Ok(data)
    }
}
