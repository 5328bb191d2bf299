//! Stock quinn over ring, with raw public keys on both sides; any key is taken, and kept.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use quinn::Endpoint;
use quinn::EndpointConfig;
use quinn::TokioRuntime;
use quinn::TransportConfig;
use rustls::DigitallySignedStruct;
use rustls::DistinguishedName;
use rustls::Error;
use rustls::SignatureScheme;
use rustls::client::AlwaysResolvesClientRawPublicKeys;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring;
use rustls::crypto::verify_tls13_signature_with_raw_key;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::UnixTime;
use rustls::server::AlwaysResolvesServerRawPublicKeys;
use rustls::server::danger::ClientCertVerified;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use tokio::runtime::Runtime;

const ALPN: &[u8] = b"alimentar/1";

/// Everything here runs on this.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

/// The secret of a peer, by number.
pub fn key(number: u64) -> SigningKey {
    SigningKey::from_bytes(blake3::hash(&number.to_le_bytes()).as_bytes())
}

/// A node id, by number.
pub fn id(number: u64) -> String {
    crate::forge::hex(key(number).verifying_key().as_bytes())
}

fn socket(port: u16) -> std::net::UdpSocket {
    std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).expect("a socket")
}

/// A transport that says again and again that it is there.
pub fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport.keep_alive_interval(Some(Duration::from_secs(1)));
    transport
}

/// Returns an endpoint that connects with a peer's key.
pub fn client(number: u64, transport: TransportConfig) -> Endpoint {
    let _inside = runtime().enter();
    let quinn = Arc::new(TokioRuntime);
    let endpoint = Endpoint::new(EndpointConfig::default(), None, socket(0), quinn);
    let mut endpoint = endpoint.expect("an endpoint");
    let mut tls = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .expect("TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyKey))
        .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(certified(
            number,
        ))));
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let crypto = quinn::crypto::rustls::QuicClientConfig::with_initial(Arc::new(tls), initial());
    let mut config = quinn::ClientConfig::new(Arc::new(crypto.expect("a suite for QUIC")));
    config.transport_config(Arc::new(transport));
    endpoint.set_default_client_config(config);
    endpoint
}

/// Returns an endpoint that accepts with a peer's key, at a port or, for 0, at any.
pub fn server(number: u64, port: u16) -> Endpoint {
    let _inside = runtime().enter();
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .expect("TLS 1.3")
        .with_client_cert_verifier(Arc::new(AnyKey))
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(certified(
            number,
        ))));
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let crypto = quinn::crypto::rustls::QuicServerConfig::with_initial(Arc::new(tls), initial());
    let crypto = Arc::new(crypto.expect("a suite for QUIC"));
    let config = quinn::ServerConfig::with_crypto(crypto);
    let quinn = Arc::new(TokioRuntime);
    let config = Some(config);
    Endpoint::new(EndpointConfig::default(), config, socket(port), quinn).expect("an endpoint")
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn initial() -> rustls::quic::Suite {
    let suite = ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let suite = suite.tls13().expect("a suite of TLS 1.3");
    suite.quic_suite().expect("a suite for QUIC")
}

fn certified(number: u64) -> Arc<CertifiedKey> {
    let der = key(number).to_pkcs8_der().expect("a key");
    let der = PrivateKeyDer::try_from(der.as_bytes().to_vec()).expect("a key");
    let key = ring::sign::any_supported_type(&der).expect("a key");
    let spki = key.public_key().expect("a public key");
    let certificate = CertificateDer::from(spki.as_ref().to_vec());
    Arc::new(CertifiedKey::new(vec![certificate], key))
}

#[derive(Debug)]
struct AnyKey;

fn check(
    message: &[u8],
    spki: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let algorithms = ring::default_provider().signature_verification_algorithms;
    let spki = SubjectPublicKeyInfoDer::from(spki.as_ref());
    verify_tls13_signature_with_raw_key(message, &spki, signed, &algorithms)
}

macro_rules! handshake_checks {
    () => {
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(Error::General("TLS 1.2".into()))
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

impl ServerCertVerifier for AnyKey {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    handshake_checks!();
}

impl ClientCertVerifier for AnyKey {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    handshake_checks!();
}
