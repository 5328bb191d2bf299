//! TLS records, the part of a TLS 1.3 cipher suite that QUIC leaves idle. rustls makes keys for them in
//! any case, and these keys encrypt nothing.

use rustls::CipherSuite;
use rustls::ConnectionTrafficSecrets;
use rustls::Error;
use rustls::Tls13CipherSuite;
use rustls::crypto::CipherSuiteCommon;
use rustls::crypto::cipher::AeadKey;
use rustls::crypto::cipher::InboundOpaqueMessage;
use rustls::crypto::cipher::InboundPlainMessage;
use rustls::crypto::cipher::Iv;
use rustls::crypto::cipher::MessageDecrypter;
use rustls::crypto::cipher::MessageEncrypter;
use rustls::crypto::cipher::OutboundOpaqueMessage;
use rustls::crypto::cipher::OutboundPlainMessage;
use rustls::crypto::cipher::Tls13AeadAlgorithm;
use rustls::crypto::cipher::UnsupportedOperationError;
use rustls::crypto::hash::Hash;
use rustls::crypto::tls13::Hkdf;

use super::packet::QuicAlgorithm;

/// Record protection of suites with keys of 16 bytes.
pub static QUIC_ONLY_16: QuicOnly = QuicOnly { key_len: 16 };
/// Record protection of suites with keys of 32 bytes.
pub static QUIC_ONLY_32: QuicOnly = QuicOnly { key_len: 32 };

/// Record protection that refuses every record, because QUIC carries the handshake in packets
/// (RFC 9001 4).
pub struct QuicOnly {
    key_len: usize,
}

/// Makes a suite of TLS 1.3 for QUIC only.
pub const fn quic_suite(
    suite: CipherSuite,
    hash_provider: &'static dyn Hash,
    hkdf_provider: &'static dyn Hkdf,
    records: &'static QuicOnly,
    packets: &'static QuicAlgorithm,
) -> Tls13CipherSuite {
    Tls13CipherSuite {
        common: CipherSuiteCommon {
            suite,
            hash_provider,
            // This limit counts records; packets have limits of their own.
            confidentiality_limit: 0,
        },
        hkdf_provider,
        aead_alg: records,
        quic: Some(packets),
    }
}

impl Tls13AeadAlgorithm for QuicOnly {
    fn encrypter(&self, _: AeadKey, _: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(NoRecords)
    }

    fn decrypter(&self, _: AeadKey, _: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(NoRecords)
    }

    fn key_len(&self) -> usize {
        self.key_len
    }

    fn extract_keys(
        &self,
        _: AeadKey,
        _: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

struct NoRecords;

impl MessageEncrypter for NoRecords {
    fn encrypt(
        &mut self,
        _: OutboundPlainMessage<'_>,
        _: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        Err(Error::EncryptError)
    }

    fn encrypted_payload_len(&self, payload_len: usize) -> usize {
        payload_len
    }
}

impl MessageDecrypter for NoRecords {
    fn decrypt<'a>(
        &mut self,
        _: InboundOpaqueMessage<'a>,
        _: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        Err(Error::DecryptError)
    }
}
