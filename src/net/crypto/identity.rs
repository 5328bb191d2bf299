//! Peers known by their keys: both sides send a raw Ed25519 public key (RFC 7250) and prove that they
//! hold it. The caller decides about a key, by [`peer_key`].

use std::sync::Arc;

use ed25519_dalek::Signer as _;
use quinn::Connection;
use rustls::SignatureAlgorithm;
use rustls::SignatureScheme;
use rustls::client::AlwaysResolvesClientRawPublicKeys;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::server::AlwaysResolvesServerRawPublicKeys;
use rustls::server::NoServerSessionStorage;
use rustls::sign::CertifiedKey;
use rustls::sign::Signer;
use rustls::sign::SigningKey;
use rustls::version::TLS13;

use super::Error;
use super::config::QUIC_V1;
use super::config::QuicClientConfig;
use super::config::QuicServerConfig;
use super::provider::provider;
use super::token::ResetKey;
use super::token::TokenKey;
use super::verify::AnyEd25519;
use super::verify::key_of_spki;
use super::verify::spki_of_key;

/// Makes the configuration of a client with this key: TLS 1.3 alone, no resumption, no early data, no
/// server name on the wire.
/// The caller sets the transport. Any server key is accepted, so check [`peer_key`]
/// before sending anything.
///
/// # Errors
/// [`Error`], in all its kinds but [`Error::NotOnThisProcessor`].
pub fn client_config(
    key: &ed25519_dalek::SigningKey,
    alpn: &[&[u8]],
) -> Result<quinn::ClientConfig, Error> {
    client_config_with(provider(), key, alpn)
}

/// Makes a [`client_config`] with given primitives, for tests and measurements.
///
/// # Errors
/// As [`client_config`].
#[doc(hidden)]
pub fn client_config_with(
    provider: Arc<CryptoProvider>,
    key: &ed25519_dalek::SigningKey,
    alpn: &[&[u8]],
) -> Result<quinn::ClientConfig, Error> {
    let tls = client_tls(provider, key, alpn)?;
    let crypto = QuicClientConfig::new(Arc::new(tls))?;
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    config.version(QUIC_V1);
    Ok(config)
}

/// Makes the client's TLS configuration.
pub(super) fn client_tls(
    provider: Arc<CryptoProvider>,
    key: &ed25519_dalek::SigningKey,
    alpn: &[&[u8]],
) -> Result<rustls::ClientConfig, Error> {
    let identity = AlwaysResolvesClientRawPublicKeys::new(certified(key));
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyEd25519))
        .with_client_cert_resolver(Arc::new(identity));
    tls.alpn_protocols = protocols(alpn)?;
    // A resumed session would skip the proof that both sides hold their keys now.
    tls.resumption = Resumption::disabled();
    tls.enable_early_data = false;
    tls.enable_sni = false;
    Ok(tls)
}

/// Makes the configuration of a server with this key: as [`client_config`], and only for clients
/// with a key.
///
/// # Errors
/// As [`client_config`].
pub fn server_config(
    key: &ed25519_dalek::SigningKey,
    alpn: &[&[u8]],
) -> Result<quinn::ServerConfig, Error> {
    server_config_with(provider(), key, alpn)
}

/// Makes a [`server_config`] with given primitives, for tests and measurements.
///
/// # Errors
/// As [`client_config`].
#[doc(hidden)]
pub fn server_config_with(
    provider: Arc<CryptoProvider>,
    key: &ed25519_dalek::SigningKey,
    alpn: &[&[u8]],
) -> Result<quinn::ServerConfig, Error> {
    let tls = server_tls(provider, key, alpn)?;
    let crypto = QuicServerConfig::new(Arc::new(tls))?;
    let token_key = TokenKey::random()?;
    Ok(quinn::ServerConfig::new(
        Arc::new(crypto),
        Arc::new(token_key),
    ))
}

/// Makes the server's TLS configuration.
pub(super) fn server_tls(
    provider: Arc<CryptoProvider>,
    key: &ed25519_dalek::SigningKey,
    alpn: &[&[u8]],
) -> Result<rustls::ServerConfig, Error> {
    let identity = AlwaysResolvesServerRawPublicKeys::new(certified(key));
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(Arc::new(AnyEd25519))
        .with_cert_resolver(Arc::new(identity));
    tls.alpn_protocols = protocols(alpn)?;
    // As with the client: every connection proves both keys anew.
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    tls.send_tls13_tickets = 0;
    tls.max_early_data_size = 0;
    Ok(tls)
}

/// Makes the configuration of an endpoint, for either side or both.
///
/// # Errors
/// [`Error::Random`].
pub fn endpoint_config() -> Result<quinn::EndpointConfig, Error> {
    let mut config = quinn::EndpointConfig::new(Arc::new(ResetKey::random()?));
    config.supported_versions(vec![QUIC_V1]);
    Ok(config)
}

/// Returns the Ed25519 public key that the peer has proved to hold; `None` before the proof.
pub fn peer_key(connection: &Connection) -> Option<[u8; 32]> {
    let shown = connection.peer_identity()?;
    let shown = shown.downcast_ref::<Vec<CertificateDer<'static>>>()?;
    match shown.as_slice() {
        [spki] => key_of_spki(spki),
        _ => None,
    }
}

/// Converts protocol names to the form of rustls; at least one is required.
fn protocols(alpn: &[&[u8]]) -> Result<Vec<Vec<u8>>, Error> {
    if alpn.is_empty() {
        return Err(Error::NoAlpn);
    }
    Ok(alpn.iter().map(|name| name.to_vec()).collect())
}

/// Returns the key in the form of rustls: its SubjectPublicKeyInfo in place of a certificate
/// (RFC 7250 3).
fn certified(key: &ed25519_dalek::SigningKey) -> Arc<CertifiedKey> {
    let spki = spki_of_key(key.verifying_key().as_bytes());
    let shown = vec![CertificateDer::from(spki)];
    Arc::new(CertifiedKey::new(shown, Arc::new(OwnKey::of(key))))
}

/// The own key, which signs handshakes.
struct OwnKey(Arc<ed25519_dalek::SigningKey>);

impl OwnKey {
    fn of(key: &ed25519_dalek::SigningKey) -> Self {
        Self(Arc::new(key.clone()))
    }
}

impl std::fmt::Debug for OwnKey {
    /// Shows only the public half.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OwnKey")
            .field(&self.0.verifying_key())
            .finish()
    }
}

impl SigningKey for OwnKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered
            .contains(&SignatureScheme::ED25519)
            .then(|| Box::new(Self(Arc::clone(&self.0))) as Box<dyn Signer>)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(spki_of_key(self.0.verifying_key().as_bytes()).into())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

impl Signer for OwnKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(self.0.sign(message).to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}
