//! Primitives from RustCrypto and dalek: no assembly of their own, on every processor. What TLS
//! 1.3 needs over QUIC and no more: rustls-rustcrypto would bring RSA and the curves of
//! certificates, none of which is used here.

use std::sync::Arc;

use aes_gcm::Aes128Gcm;
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::KeyInit;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::consts::U16;
use chacha20poly1305::ChaCha20Poly1305;
use rustls::CipherSuite;
use rustls::Error;
use rustls::SupportedCipherSuite;
use rustls::Tls13CipherSuite;
use rustls::crypto::CryptoProvider;
use rustls::crypto::GetRandomFailed;
use rustls::crypto::KeyProvider;
use rustls::crypto::SecureRandom;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::crypto::cipher::Iv;
use rustls::crypto::tls13::HkdfUsingHmac;
use rustls::pki_types::PrivateKeyDer;
use rustls::quic::PacketKey;
use rustls::sign::SigningKey;

use self::exchange::X25519;
use self::hash::Sha256Hash;
use self::hash::Sha256Hmac;
use self::hash::Sha384Hash;
use self::hash::Sha384Hmac;
use crate::net::crypto::packet::Aead;
use crate::net::crypto::packet::Cipher;
use crate::net::crypto::packet::NONCE_LEN;
use crate::net::crypto::packet::Packets;
use crate::net::crypto::packet::QuicAlgorithm;
use crate::net::crypto::packet::Refused;
use crate::net::crypto::packet::TAG_LEN;
use crate::net::crypto::records::QUIC_ONLY_16;
use crate::net::crypto::records::QUIC_ONLY_32;
use crate::net::crypto::records::quic_suite;

mod exchange;
mod hash;

/// The provider. It verifies no certificates and loads no keys: peers are known by raw keys.
pub fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            SupportedCipherSuite::Tls13(&AES_128_GCM),
            SupportedCipherSuite::Tls13(&AES_256_GCM),
            SupportedCipherSuite::Tls13(&CHACHA20_POLY1305),
        ],
        kx_groups: vec![&X25519],
        signature_verification_algorithms: WebPkiSupportedAlgorithms {
            all: &[],
            mapping: &[],
        },
        secure_random: &SystemRandom,
        key_provider: &NoKeys,
    }
}

static AES_128_GCM: Tls13CipherSuite = quic_suite(
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    &Sha256Hash,
    &HkdfUsingHmac(&Sha256Hmac),
    &QUIC_ONLY_16,
    &AES_128_PACKETS,
);
static AES_256_GCM: Tls13CipherSuite = quic_suite(
    CipherSuite::TLS13_AES_256_GCM_SHA384,
    &Sha384Hash,
    &HkdfUsingHmac(&Sha384Hmac),
    &QUIC_ONLY_32,
    &AES_256_PACKETS,
);
static CHACHA20_POLY1305: Tls13CipherSuite = quic_suite(
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    &Sha256Hash,
    &HkdfUsingHmac(&Sha256Hmac),
    &QUIC_ONLY_32,
    &CHACHA20_PACKETS,
);

static AES_128_PACKETS: QuicAlgorithm = QuicAlgorithm::new(Cipher::Aes128Gcm, packet_key);
static AES_256_PACKETS: QuicAlgorithm = QuicAlgorithm::new(Cipher::Aes256Gcm, packet_key);
static CHACHA20_PACKETS: QuicAlgorithm = QuicAlgorithm::new(Cipher::ChaCha20Poly1305, packet_key);

fn packet_key(cipher: Cipher, key: &[u8], iv: Iv) -> Option<Box<dyn PacketKey>> {
    Some(match cipher {
        Cipher::Aes128Gcm => Packets::boxed(cipher, Soft::<Aes128Gcm>::new(key)?, iv),
        Cipher::Aes256Gcm => Packets::boxed(cipher, Soft::<Aes256Gcm>::new(key)?, iv),
        Cipher::ChaCha20Poly1305 => Packets::boxed(cipher, Soft::<ChaCha20Poly1305>::new(key)?, iv),
    })
}

/// An AEAD of RustCrypto under one key.
pub struct Soft<A>(A);

impl<A: KeyInit> Soft<A> {
    /// Nothing if the key is of the wrong length.
    pub fn new(key: &[u8]) -> Option<Self> {
        A::new_from_slice(key).ok().map(Self)
    }
}

impl<A> Aead for Soft<A>
where
    A: AeadInOut<NonceSize = U12, TagSize = U16> + Send + Sync,
{
    fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Refused> {
        self.0
            .encrypt_inout_detached(&(*nonce).into(), aad, data.into())
            .map(Into::into)
            .map_err(|_| Refused)
    }

    fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Refused> {
        self.0
            .decrypt_inout_detached(&(*nonce).into(), aad, data.into(), &(*tag).into())
            .map_err(|_| Refused)
    }
}

/// The machine's randomness.
#[derive(Debug)]
struct SystemRandom;

impl SecureRandom for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        getrandom::fill(bytes).map_err(|_| GetRandomFailed)
    }
}

/// Loads no private keys: ours never stand in DER.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Err(Error::General(
            "private keys in DER are not for here".into(),
        ))
    }
}
