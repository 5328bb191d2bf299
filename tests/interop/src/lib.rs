//! Both stacks side by side: ours, and stock quinn over rustls over ring, each with raw public
//! keys on both sides.

/// The code under test.
#[path = "../../../src/net/crypto/mod.rs"]
pub mod crypto;

/// The path at which the code under test names itself.
pub mod net {
    pub use crate::crypto;
}

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::crypto::Primitives;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use quinn::Endpoint;
use quinn::EndpointConfig;
use quinn::TokioRuntime;
use quinn::TransportConfig;
use quinn::VarInt;
use rustls::CipherSuite;
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

pub const ALPN: &[u8] = b"interop/1";

/// A stack: how its clients, servers and endpoints are configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    Ours(Primitives),
    Stock(Option<CipherSuite>),
}

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

impl Stack {
    pub fn client(self, transport: TransportConfig) -> Endpoint {
        let mut config = match self {
            Self::Ours(family) => {
                let provider = crate::crypto::provider_of(family).unwrap();
                crate::crypto::client_config_with(provider, &key(2), &[ALPN]).unwrap()
            }
            Self::Stock(suite) => stock_client(suite),
        };
        config.transport_config(Arc::new(transport));
        let mut endpoint = self.endpoint(None);
        endpoint.set_default_client_config(config);
        endpoint
    }

    pub fn server(self, transport: TransportConfig) -> Endpoint {
        let mut config = match self {
            Self::Ours(family) => {
                let provider = crate::crypto::provider_of(family).unwrap();
                crate::crypto::server_config_with(provider, &key(1), &[ALPN]).unwrap()
            }
            Self::Stock(suite) => stock_server(suite),
        };
        config.transport_config(Arc::new(transport));
        self.endpoint(Some(config))
    }

    fn endpoint(self, server: Option<quinn::ServerConfig>) -> Endpoint {
        let config = match self {
            Self::Ours(_) => crate::crypto::endpoint_config().unwrap(),
            Self::Stock(_) => EndpointConfig::default(),
        };
        let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let sized = socket2::SockRef::from(&socket);
        sized.set_send_buffer_size(8 << 20).unwrap();
        sized.set_recv_buffer_size(8 << 20).unwrap();
        Endpoint::new(config, server, socket, Arc::new(TokioRuntime)).unwrap()
    }
}

/// The settings of the measurements.
pub fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport.stream_receive_window(VarInt::from_u32(16 << 20));
    transport.receive_window(VarInt::from_u32(64 << 20));
    transport.send_window(16 << 20);
    transport.initial_mtu(1452);
    let mut congestion = quinn::congestion::CubicConfig::default();
    congestion.initial_window(8 << 20);
    transport.congestion_controller_factory(Arc::new(congestion));
    transport
}

fn stock_provider(suite: Option<CipherSuite>) -> Arc<CryptoProvider> {
    let mut provider = ring::default_provider();
    match suite {
        // The one that is wanted is alone in being negotiable.
        Some(suite) => provider.cipher_suites.retain(|one| one.suite() == suite),
        // As ours: AES-128-GCM first.
        None => provider
            .cipher_suites
            .sort_by_key(|one| one.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256),
    }
    Arc::new(provider)
}

/// The suite of the Initial packets, which cannot be chosen.
fn initial_suite() -> rustls::quic::Suite {
    ring::cipher_suite::TLS13_AES_128_GCM_SHA256
        .tls13()
        .unwrap()
        .quic_suite()
        .unwrap()
}

fn certified(seed: u8) -> Arc<CertifiedKey> {
    let der = key(seed).to_pkcs8_der().unwrap();
    let der = PrivateKeyDer::try_from(der.as_bytes().to_vec()).unwrap();
    let key = ring::sign::any_supported_type(&der).unwrap();
    let spki = key.public_key().unwrap();
    Arc::new(CertifiedKey::new(
        vec![CertificateDer::from(spki.as_ref().to_vec())],
        key,
    ))
}

fn stock_client(suite: Option<CipherSuite>) -> quinn::ClientConfig {
    let mut tls = rustls::ClientConfig::builder_with_provider(stock_provider(suite))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyKey))
        .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(certified(
            2,
        ))));
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let crypto =
        quinn::crypto::rustls::QuicClientConfig::with_initial(Arc::new(tls), initial_suite());
    quinn::ClientConfig::new(Arc::new(crypto.unwrap()))
}

fn stock_server(suite: Option<CipherSuite>) -> quinn::ServerConfig {
    let mut tls = rustls::ServerConfig::builder_with_provider(stock_provider(suite))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_client_cert_verifier(Arc::new(AnyKey))
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(certified(
            1,
        ))));
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let crypto =
        quinn::crypto::rustls::QuicServerConfig::with_initial(Arc::new(tls), initial_suite());
    quinn::ServerConfig::with_crypto(Arc::new(crypto.unwrap()))
}

/// The stock side's verifier, with ring.
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

/// The methods that both traits declare alike. The code under test has its own, which these check.
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
