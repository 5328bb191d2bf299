//! Primitives from graviola: formally verified assembly, fast, and only on processors that have
//! all the instructions it is written in. It panics elsewhere, so [`usable`] comes first.

use ::graviola::aead::AesGcm;
use ::graviola::aead::ChaCha20Poly1305;
use rustls::SupportedCipherSuite;
use rustls::Tls13CipherSuite;
use rustls::crypto::CryptoProvider;
use rustls::crypto::SupportedKxGroup;
use rustls::crypto::cipher::Iv;
use rustls::quic::PacketKey;
use rustls_graviola::kx::X25519;
use rustls_graviola::suites::TLS13_AES_128_GCM_SHA256;
use rustls_graviola::suites::TLS13_AES_256_GCM_SHA384;
use rustls_graviola::suites::TLS13_CHACHA20_POLY1305_SHA256;

use crate::net::crypto::packet::Aead;
use crate::net::crypto::packet::Cipher;
use crate::net::crypto::packet::NONCE_LEN;
use crate::net::crypto::packet::Packets;
use crate::net::crypto::packet::QuicAlgorithm;
use crate::net::crypto::packet::Refused;
use crate::net::crypto::packet::TAG_LEN;
use crate::net::crypto::records::QUIC_ONLY_16;
use crate::net::crypto::records::QUIC_ONLY_32;
use crate::net::crypto::records::QuicOnly;
use crate::net::crypto::records::quic_suite;

/// Whether graviola runs here: what its `verify_cpu_features` insists on (graviola 0.4.2,
/// `low/x86_64/cpu.rs`), and bmi2 and ssse3, which its code takes as given.
#[cfg(target_arch = "x86_64")]
pub fn usable() -> bool {
    std::is_x86_feature_detected!("aes")
        && std::is_x86_feature_detected!("pclmulqdq")
        && std::is_x86_feature_detected!("ssse3")
        && std::is_x86_feature_detected!("bmi1")
        && std::is_x86_feature_detected!("bmi2")
        && std::is_x86_feature_detected!("adx")
        && std::is_x86_feature_detected!("avx")
        && std::is_x86_feature_detected!("avx2")
}

/// Whether graviola runs here: what its `verify_cpu_features` insists on (graviola 0.4.2,
/// `low/aarch64/cpu.rs`).
#[cfg(target_arch = "aarch64")]
pub fn usable() -> bool {
    std::arch::is_aarch64_feature_detected!("neon")
        && std::arch::is_aarch64_feature_detected!("aes")
        && std::arch::is_aarch64_feature_detected!("pmull")
        && std::arch::is_aarch64_feature_detected!("sha2")
}

/// graviola's provider, with packet keys, and without what QUIC has no use for.
pub fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            SupportedCipherSuite::Tls13(&AES_128_GCM),
            SupportedCipherSuite::Tls13(&AES_256_GCM),
            SupportedCipherSuite::Tls13(&CHACHA20_POLY1305),
        ],
        kx_groups: vec![&X25519 as &dyn SupportedKxGroup],
        ..rustls_graviola::default_provider()
    }
}

static AES_128_GCM: Tls13CipherSuite =
    with_packets(&TLS13_AES_128_GCM_SHA256, &QUIC_ONLY_16, &AES_128_PACKETS);
static AES_256_GCM: Tls13CipherSuite =
    with_packets(&TLS13_AES_256_GCM_SHA384, &QUIC_ONLY_32, &AES_256_PACKETS);
static CHACHA20_POLY1305: Tls13CipherSuite = with_packets(
    &TLS13_CHACHA20_POLY1305_SHA256,
    &QUIC_ONLY_32,
    &CHACHA20_PACKETS,
);

static AES_128_PACKETS: QuicAlgorithm = QuicAlgorithm::new(Cipher::Aes128Gcm, packet_key);
static AES_256_PACKETS: QuicAlgorithm = QuicAlgorithm::new(Cipher::Aes256Gcm, packet_key);
static CHACHA20_PACKETS: QuicAlgorithm = QuicAlgorithm::new(Cipher::ChaCha20Poly1305, packet_key);

/// The hash and key derivation of one of graviola's suites, over packets in place of records.
const fn with_packets(
    suite: &SupportedCipherSuite,
    records: &'static QuicOnly,
    packets: &'static QuicAlgorithm,
) -> Tls13CipherSuite {
    match suite {
        SupportedCipherSuite::Tls13(suite) => quic_suite(
            suite.common.suite,
            suite.common.hash_provider,
            suite.hkdf_provider,
            records,
            packets,
        ),
        // Only ever evaluated by the compiler, which would stop here.
        _ => panic!("not a suite of TLS 1.3"),
    }
}

fn packet_key(cipher: Cipher, key: &[u8], iv: Iv) -> Option<Box<dyn PacketKey>> {
    if key.len() != cipher.key_len() {
        return None;
    }
    Some(match cipher {
        Cipher::Aes128Gcm | Cipher::Aes256Gcm => Packets::boxed(cipher, AesGcm::new(key), iv),
        Cipher::ChaCha20Poly1305 => {
            Packets::boxed(cipher, ChaCha20Poly1305::new(key.try_into().ok()?), iv)
        }
    })
}

/// graviola's types have the same methods and no trait for them.
macro_rules! aead_of {
    ($cipher:ty) => {
        impl Aead for $cipher {
            fn seal(
                &self,
                nonce: &[u8; NONCE_LEN],
                aad: &[u8],
                data: &mut [u8],
            ) -> Result<[u8; TAG_LEN], Refused> {
                let mut tag = [0; TAG_LEN];
                self.encrypt(nonce, aad, data, &mut tag);
                Ok(tag)
            }

            fn open(
                &self,
                nonce: &[u8; NONCE_LEN],
                aad: &[u8],
                data: &mut [u8],
                tag: &[u8; TAG_LEN],
            ) -> Result<(), Refused> {
                self.decrypt(nonce, aad, data, tag).map_err(|_| Refused)
            }
        }
    };
}

aead_of!(AesGcm);
aead_of!(ChaCha20Poly1305);
