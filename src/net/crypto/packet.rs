//! Packet protection (RFC 9001 5.3): an AEAD with the packet's number as nonce, in place
//! and without allocation.

use rustls::Error;
use rustls::crypto::cipher::AeadKey;
use rustls::crypto::cipher::Iv;
use rustls::crypto::cipher::Nonce;
use rustls::quic::Algorithm;
use rustls::quic::HeaderProtectionKey;
use rustls::quic::PacketKey;
use rustls::quic::Tag;

use super::cipher::Cipher;
use super::header;

/// Length of the tag of all three AEADs (RFC 9001 5.3).
pub const TAG_LEN: usize = 16;
/// Length of the nonce of all three AEADs.
pub const NONCE_LEN: usize = 12;

/// A packet cannot be sealed, or fails to authenticate.
pub struct Refused;

/// An AEAD under one key, from any crate.
pub trait Aead: Send + Sync {
    /// Encrypts `data` in place and returns the tag over it and `aad`.
    fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Refused>;

    /// Decrypts `data` in place if the tag is valid; else its content is undefined.
    fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Refused>;
}

/// Makes the key of a packet space, or `None` for a key of the wrong length.
pub type MakePacketKey = fn(Cipher, &[u8], Iv) -> Option<Box<dyn PacketKey>>;

/// One AEAD of one family of primitives, in the form of a QUIC cipher suite of rustls.
pub struct QuicAlgorithm {
    cipher: Cipher,
    make: MakePacketKey,
}

impl QuicAlgorithm {
    /// Combines `cipher` with the packet keys of `make`.
    pub const fn new(cipher: Cipher, make: MakePacketKey) -> Self {
        Self { cipher, make }
    }
}

impl Algorithm for QuicAlgorithm {
    fn packet_key(&self, key: AeadKey, iv: Iv) -> Box<dyn PacketKey> {
        // rustls cuts keys to `aead_key_len`. The trait cannot fail, so a key of the wrong length gives
        // one that seals and opens nothing.
        (self.make)(self.cipher, key.as_ref(), iv).unwrap_or_else(|| Box::new(NoKey(self.cipher)))
    }

    fn header_protection_key(&self, key: AeadKey) -> Box<dyn HeaderProtectionKey> {
        header::key(self.cipher, key.as_ref()).unwrap_or_else(|| Box::new(NoKey(self.cipher)))
    }

    fn aead_key_len(&self) -> usize {
        self.cipher.key_len()
    }
}

/// Protects the packets of one direction under one key.
pub struct Packets<A> {
    cipher: Cipher,
    aead: A,
    iv: Iv,
}

impl<A: Aead + 'static> Packets<A> {
    /// Makes packet keys, boxed as rustls keeps them.
    pub fn boxed(cipher: Cipher, aead: A, iv: Iv) -> Box<dyn PacketKey> {
        Box::new(Self { cipher, aead, iv })
    }

    /// Returns the IV with the packet's number mixed in (RFC 9001 5.3).
    fn nonce(&self, packet_number: u64) -> [u8; NONCE_LEN] {
        Nonce::new(&self.iv, packet_number).0
    }
}

impl<A: Aead + 'static> PacketKey for Packets<A> {
    fn encrypt_in_place(
        &self,
        packet_number: u64,
        header: &[u8],
        payload: &mut [u8],
    ) -> Result<Tag, Error> {
        self.aead
            .seal(&self.nonce(packet_number), header, payload)
            .map(|tag| Tag::from(tag.as_slice()))
            .map_err(|Refused| Error::EncryptError)
    }

    fn decrypt_in_place<'a>(
        &self,
        packet_number: u64,
        header: &[u8],
        payload: &'a mut [u8],
    ) -> Result<&'a [u8], Error> {
        let (data, tag) = payload.split_last_chunk_mut().ok_or(Error::DecryptError)?;
        self.aead
            .open(&self.nonce(packet_number), header, data, tag)
            .map_err(|Refused| Error::DecryptError)?;
        Ok(data)
    }

    fn tag_len(&self) -> usize {
        TAG_LEN
    }

    fn confidentiality_limit(&self) -> u64 {
        self.cipher.confidentiality_limit()
    }

    fn integrity_limit(&self) -> u64 {
        self.cipher.integrity_limit()
    }
}

/// A key that refuses everything, in place of one that could not be made.
struct NoKey(Cipher);

impl PacketKey for NoKey {
    fn encrypt_in_place(&self, _: u64, _: &[u8], _: &mut [u8]) -> Result<Tag, Error> {
        Err(Error::EncryptError)
    }

    fn decrypt_in_place<'a>(&self, _: u64, _: &[u8], _: &'a mut [u8]) -> Result<&'a [u8], Error> {
        Err(Error::DecryptError)
    }

    fn tag_len(&self) -> usize {
        TAG_LEN
    }

    fn confidentiality_limit(&self) -> u64 {
        self.0.confidentiality_limit()
    }

    fn integrity_limit(&self) -> u64 {
        self.0.integrity_limit()
    }
}

impl HeaderProtectionKey for NoKey {
    fn encrypt_in_place(&self, _: &[u8], _: &mut u8, _: &mut [u8]) -> Result<(), Error> {
        Err(Error::EncryptError)
    }

    fn decrypt_in_place(&self, _: &[u8], _: &mut u8, _: &mut [u8]) -> Result<(), Error> {
        Err(Error::DecryptError)
    }

    fn sample_len(&self) -> usize {
        header::SAMPLE_LEN
    }
}
