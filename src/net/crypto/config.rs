//! Session configuration of quinn: a configuration of rustls and the suite of the first packets.

use std::sync::Arc;

use quinn_proto::ConnectError;
use quinn_proto::ConnectionId;
use quinn_proto::Side;
use quinn_proto::crypto;
use quinn_proto::crypto::Keys;
use quinn_proto::crypto::UnsupportedVersion;
use quinn_proto::transport_parameters::TransportParameters;
use rustls::CipherSuite;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::quic::ClientConnection;
use rustls::quic::Connection;
use rustls::quic::ServerConnection;
use rustls::quic::Suite;
use rustls::quic::Version;

use super::Error;
use super::retry;
use super::session;
use super::session::Session;

/// The supported version of QUIC (RFC 9000).
pub const QUIC_V1: u32 = 1;

/// Starts client sessions.
pub struct QuicClientConfig {
    tls: Arc<rustls::ClientConfig>,
    initial: Suite,
}

impl QuicClientConfig {
    /// Wraps a configuration whose provider has packet keys.
    ///
    /// # Errors
    /// [`Error::NoInitialSuite`], and [`Error::Tls`] when rustls refuses the configuration for QUIC.
    pub fn new(tls: Arc<rustls::ClientConfig>) -> Result<Self, Error> {
        let initial = initial_suite(tls.crypto_provider())?;
        // Checked here, because quinn reports no TLS error when a session starts.
        let name = ServerName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into());
        ClientConnection::new(Arc::clone(&tls), Version::V1, name, Vec::new())?;
        Ok(Self { tls, initial })
    }
}

impl crypto::ClientConfig for QuicClientConfig {
    fn start_session(
        self: Arc<Self>,
        version: u32,
        server_name: &str,
        params: &TransportParameters,
    ) -> Result<Box<dyn crypto::Session>, ConnectError> {
        speaks(version)?;
        let name = ServerName::try_from(server_name)
            .map_err(|_| ConnectError::InvalidServerName(server_name.to_owned()))?
            .to_owned();
        let tls = ClientConnection::new(Arc::clone(&self.tls), Version::V1, name, encode(params))
            // The only error of quinn that carries a text.
            .map_err(|error| ConnectError::InvalidServerName(format!("{server_name}: {error}")))?;
        let tls = Ok(Connection::Client(tls));
        Ok(Box::new(Session::new(tls, Side::Client, self.initial)))
    }
}

/// Starts server sessions.
pub struct QuicServerConfig {
    tls: Arc<rustls::ServerConfig>,
    initial: Suite,
}

impl QuicServerConfig {
    /// Wraps a configuration whose provider has packet keys.
    ///
    /// # Errors
    /// [`Error::NoInitialSuite`], and [`Error::Tls`] when rustls refuses the configuration for QUIC.
    pub fn new(tls: Arc<rustls::ServerConfig>) -> Result<Self, Error> {
        let initial = initial_suite(tls.crypto_provider())?;
        ServerConnection::new(Arc::clone(&tls), Version::V1, Vec::new())?;
        Ok(Self { tls, initial })
    }
}

impl crypto::ServerConfig for QuicServerConfig {
    fn initial_keys(
        &self,
        version: u32,
        dst_cid: &ConnectionId,
    ) -> Result<Keys, UnsupportedVersion> {
        speaks(version)?;
        Ok(session::initial_keys(self.initial, dst_cid, Side::Server))
    }

    fn retry_tag(&self, _version: u32, orig_dst_cid: &ConnectionId, packet: &[u8]) -> [u8; 16] {
        // `None` for connection ids that QUIC does not allow; the client drops a wrong tag.
        retry::tag(orig_dst_cid, packet).unwrap_or_default()
    }

    fn start_session(
        self: Arc<Self>,
        _version: u32,
        params: &TransportParameters,
    ) -> Box<dyn crypto::Session> {
        let tls = ServerConnection::new(Arc::clone(&self.tls), Version::V1, encode(params))
            .map(Connection::Server);
        Box::new(Session::new(tls, Side::Server, self.initial))
    }
}

/// Refuses other versions of QUIC.
fn speaks(version: u32) -> Result<(), UnsupportedVersion> {
    if version == QUIC_V1 {
        Ok(())
    } else {
        Err(UnsupportedVersion)
    }
}

/// Returns AES-128-GCM, which always protects the first packets (RFC 9001 5.2).
fn initial_suite(provider: &CryptoProvider) -> Result<Suite, Error> {
    provider
        .cipher_suites
        .iter()
        .find(|suite| suite.suite() == CipherSuite::TLS13_AES_128_GCM_SHA256)
        .and_then(|suite| suite.tls13())
        .and_then(|suite| suite.quic_suite())
        .ok_or(Error::NoInitialSuite)
}

fn encode(params: &TransportParameters) -> Vec<u8> {
    let mut bytes = Vec::new();
    params.write(&mut bytes);
    bytes
}
