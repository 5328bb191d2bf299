//! Verification of a peer's key: a raw Ed25519 public key (RFC 7250, RFC 8410) and a CertificateVerify
//! under it (RFC 8446 4.4.3). It accepts any such key, no certificate and no other algorithm.

use ed25519_dalek::Signature;
use ed25519_dalek::VerifyingKey;
use rustls::CertificateError;
use rustls::DigitallySignedStruct;
use rustls::DistinguishedName;
use rustls::Error;
use rustls::PeerIncompatible;
use rustls::PeerMisbehaved;
use rustls::SignatureScheme;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::UnixTime;
use rustls::server::danger::ClientCertVerified;
use rustls::server::danger::ClientCertVerifier;

/// The bytes before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410 4): the
/// algorithm, and a bit string with no unused bits.
const SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Returns the SubjectPublicKeyInfo of a key.
pub fn spki_of_key(key: &[u8; 32]) -> Vec<u8> {
    [SPKI_PREFIX.as_slice(), key.as_slice()].concat()
}

/// Returns the key in a SubjectPublicKeyInfo, if it is one of Ed25519 in its only encoding.
pub fn key_of_spki(spki: &[u8]) -> Option<[u8; 32]> {
    spki.strip_prefix(&SPKI_PREFIX)?.try_into().ok()
}

/// Accepts any Ed25519 key whose holder signs the handshake.
#[derive(Debug)]
pub struct AnyEd25519;

/// Returns the peer's key, sent in place of a certificate and alone, because keys have no issuers.
fn shown_key(shown: &[u8], intermediates: &[CertificateDer<'_>]) -> Result<VerifyingKey, Error> {
    let bytes = key_of_spki(shown)
        .filter(|_| intermediates.is_empty())
        .ok_or(CertificateError::BadEncoding)?;
    let key = VerifyingKey::from_bytes(&bytes).map_err(|_| CertificateError::BadEncoding)?;
    // One signature under such a key fits many messages, so it proves nothing.
    if key.is_weak() {
        return Err(CertificateError::BadEncoding.into());
    }
    Ok(key)
}

/// Checks that the handshake is signed with the peer's key.
fn check(
    message: &[u8],
    shown: &[u8],
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    if signed.scheme != SignatureScheme::ED25519 {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    }
    let key = shown_key(shown, &[])?;
    let signature =
        Signature::from_slice(signed.signature()).map_err(|_| CertificateError::BadSignature)?;
    key.verify_strict(message, &signature)
        .map_err(|_| CertificateError::BadSignature)?;
    Ok(HandshakeSignatureValid::assertion())
}

fn tls12_refused() -> Error {
    PeerIncompatible::Tls12NotOffered.into()
}

/// Implements the methods that the traits for servers and clients share.
macro_rules! handshake_checks {
    () => {
        fn verify_tls12_signature(
            &self,
            _message: &[u8],
            _cert: &CertificateDer<'_>,
            _dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(tls12_refused())
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            check(message, cert, dss)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ED25519]
        }

        fn requires_raw_public_keys(&self) -> bool {
            true
        }
    };
}

impl ServerCertVerifier for AnyEd25519 {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        shown_key(end_entity, intermediates).map(|_| ServerCertVerified::assertion())
    }

    handshake_checks!();
}

impl ClientCertVerifier for AnyEd25519 {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        true
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        shown_key(end_entity, intermediates).map(|_| ClientCertVerified::assertion())
    }

    handshake_checks!();
}
