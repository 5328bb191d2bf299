//! Refused peers: without a key, with another kind of key, with a certificate, or with a foreign key.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use quinn::ConnectionError;
use quinn::Endpoint;
use quinn::TokioRuntime;
use quinn::TransportErrorCode;
use rustls::SignatureAlgorithm;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::server::ClientHello;
use rustls::server::ResolvesServerCert;
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;

use crate::net::crypto::QuicClientConfig;
use crate::net::crypto::QuicServerConfig;
use crate::net::crypto::endpoint_config;
use crate::net::crypto::identity::client_config;
use crate::net::crypto::identity::server_config;
use crate::net::crypto::provider;
use crate::net::crypto::token::TokenKey;
use crate::net::crypto::verify::AnyEd25519;
use crate::net::crypto::verify::spki_of_key;

const ALPN: &[u8] = b"test/1";

/// A peer that shows and signs the given keys.
#[derive(Clone, Debug)]
struct Peer {
    shown: Vec<CertificateDer<'static>>,
    raw: bool,
    scheme: SignatureScheme,
    signs: Vec<u8>,
}

/// Signs with a key of its own, whatever key it shows.
#[derive(Debug)]
struct Signs(SigningKey, SignatureScheme);

impl Peer {
    fn key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.signs.as_slice().try_into().unwrap())
    }

    /// Makes an honest peer: a raw Ed25519 key, and signatures with it.
    fn honest() -> Self {
        let signs = vec![9; 32];
        let key = SigningKey::from_bytes(&[9; 32]);
        Self {
            shown: vec![spki_of_key(key.verifying_key().as_bytes()).into()],
            raw: true,
            scheme: SignatureScheme::ED25519,
            signs,
        }
    }

    fn showing(spki: Vec<u8>) -> Self {
        Self {
            shown: vec![spki.into()],
            ..Self::honest()
        }
    }

    fn certified(&self) -> Arc<CertifiedKey> {
        let key = Arc::new(Signs(self.key(), self.scheme));
        Arc::new(CertifiedKey::new(self.shown.clone(), key))
    }
}

impl rustls::sign::SigningKey for Signs {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn rustls::sign::Signer>> {
        // As a peer that ignores the offer would do.
        let _ = offered;
        Some(Box::new(Self(self.0.clone(), self.1)))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        None
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

impl rustls::sign::Signer for Signs {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(self.0.sign(message).to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        self.1
    }
}

impl ResolvesClientCert for Peer {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        (!self.shown.is_empty()).then(|| self.certified())
    }

    fn only_raw_public_keys(&self) -> bool {
        self.raw
    }

    fn has_certs(&self) -> bool {
        !self.shown.is_empty()
    }
}

impl ResolvesServerCert for Peer {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        (!self.shown.is_empty()).then(|| self.certified())
    }

    fn only_raw_public_keys(&self) -> bool {
        self.raw
    }
}

fn endpoint(server: Option<quinn::ServerConfig>) -> Endpoint {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    Endpoint::new(
        endpoint_config().unwrap(),
        server,
        socket,
        Arc::new(TokioRuntime),
    )
    .unwrap()
}

fn client_of(peer: &Peer) -> quinn::ClientConfig {
    let mut tls = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyEd25519))
        .with_client_cert_resolver(Arc::new(peer.clone()));
    tls.alpn_protocols = vec![ALPN.to_vec()];
    quinn::ClientConfig::new(Arc::new(QuicClientConfig::new(Arc::new(tls)).unwrap()))
}

fn server_of(peer: &Peer) -> quinn::ServerConfig {
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_client_cert_verifier(Arc::new(AnyEd25519))
        .with_cert_resolver(Arc::new(peer.clone()));
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let crypto = QuicServerConfig::new(Arc::new(tls)).unwrap();
    quinn::ServerConfig::new(Arc::new(crypto), Arc::new(TokenKey::random().unwrap()))
}

/// Returns the end of a connection as the server and the client see it; `Ok` if both accept.
async fn meet(
    client: quinn::ClientConfig,
    server: quinn::ServerConfig,
) -> (Result<(), ConnectionError>, Result<(), ConnectionError>) {
    let server = endpoint(Some(server));
    let to = server.local_addr().unwrap();
    let here = async {
        let connection = endpoint(None)
            .connect_with(client, to, "nobody.invalid")
            .unwrap()
            .await?;
        // A client is done before the server has checked its key, so wait for the server's data.
        connection.accept_uni().await.map(drop)
    };
    let there = async {
        let connection = server.accept().await.unwrap().await?;
        let mut stream = connection.open_uni().await?;
        stream.write_all(b"hello").await.unwrap();
        let _ = stream.stopped().await;
        Ok(())
    };
    let (here, there) = tokio::join!(here, there);
    (there, here)
}

fn own_key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

async fn client_is_refused(peer: &Peer) {
    let server = server_config(&own_key(), &[ALPN]).unwrap();
    let (there, here) = meet(client_of(peer), server).await;
    assert_refused(there, peer);
    assert_refused(here, peer);
}

async fn server_is_refused(peer: &Peer) {
    let client = client_config(&own_key(), &[ALPN]).unwrap();
    let (there, here) = meet(client, server_of(peer)).await;
    assert_refused(there, peer);
    assert_refused(here, peer);
}

/// Checks for a TLS alert, not a time-out.
fn assert_refused(outcome: Result<(), ConnectionError>, peer: &Peer) {
    let code = match &outcome {
        Err(ConnectionError::ConnectionClosed(close)) => close.error_code,
        Err(ConnectionError::TransportError(error)) => error.code,
        _ => panic!("{outcome:?} with {peer:?}"),
    };
    let alert = u64::from(code);
    let is_tls = (0x100..0x200).contains(&alert) || code == TransportErrorCode::PROTOCOL_VIOLATION;
    assert!(is_tls, "{outcome:?} with {peer:?}");
}

/// Makes a SubjectPublicKeyInfo of P-256: RFC 5480, with the generator as the point.
fn p256_spki() -> Vec<u8> {
    super::unhex(
        "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f27703\
         7d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51\
         f5",
    )
}

#[tokio::test]
async fn handshake_of_honest_peers_succeeds() {
    let peer = Peer::honest();
    let server = server_config(&own_key(), &[ALPN]).unwrap();
    let client = client_config(&own_key(), &[ALPN]).unwrap();
    for (client, server) in [(client_of(&peer), server), (client, server_of(&peer))] {
        let (there, here) = meet(client, server).await;
        assert!(there.is_ok(), "{there:?}");
        assert!(here.is_ok(), "{here:?}");
    }
}

#[tokio::test]
async fn handshake_of_client_without_key_is_refused() {
    let shown = Vec::new();
    client_is_refused(&Peer {
        shown,
        ..Peer::honest()
    })
    .await;
}

#[tokio::test]
async fn handshake_with_certificate_is_refused() {
    let peer = Peer {
        raw: false,
        ..Peer::honest()
    };
    client_is_refused(&peer).await;
    server_is_refused(&peer).await;
}

#[tokio::test]
async fn handshake_with_key_of_other_kind_is_refused() {
    let honest = Peer::honest();
    let longer = [honest.shown[0].as_ref(), &[0]].concat();
    let shorter = honest.shown[0][..43].to_vec();
    let mut x25519 = honest.shown[0].to_vec();
    x25519[8] = 0x6e;
    // The neutral element, of small order.
    let weak = spki_of_key(&std::array::from_fn(|at| u8::from(at == 0)));
    // Not a point at all.
    let no_point = spki_of_key(&std::array::from_fn(|at| if at == 0 { 2 } else { 0 }));
    for spki in [p256_spki(), longer, shorter, x25519, weak, no_point, vec![]] {
        client_is_refused(&Peer::showing(spki.clone())).await;
        server_is_refused(&Peer::showing(spki)).await;
    }
}

#[tokio::test]
async fn handshake_with_signature_of_other_kind_is_refused() {
    for scheme in [
        SignatureScheme::ECDSA_NISTP256_SHA256,
        SignatureScheme::RSA_PSS_SHA256,
        SignatureScheme::ED448,
    ] {
        let peer = Peer {
            scheme,
            ..Peer::honest()
        };
        client_is_refused(&peer).await;
        server_is_refused(&peer).await;
    }
}

#[tokio::test]
async fn handshake_with_foreign_key_is_refused() {
    let peer = Peer {
        signs: vec![8; 32],
        ..Peer::honest()
    };
    client_is_refused(&peer).await;
    server_is_refused(&peer).await;
}

#[tokio::test]
async fn handshake_with_two_keys_is_refused() {
    let mut peer = Peer::honest();
    peer.shown.push(peer.shown[0].clone());
    client_is_refused(&peer).await;
    server_is_refused(&peer).await;
}
