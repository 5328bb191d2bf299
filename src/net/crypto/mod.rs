//! The cryptography of QUIC: quinn's crypto traits over rustls, with primitives from graviola where
//! the processor has what it needs and from RustCrypto elsewhere. Who a peer is, is the Ed25519 key
//! that it proves to hold (RFC 7250); there are no certificates and no names.

mod config;
mod error;
mod header;
mod identity;
mod keys;
mod packet;
pub(crate) mod primitives;
mod provider;
mod records;
mod retry;
mod session;
#[cfg(test)]
mod tests;
mod token;
mod verify;

pub use config::QuicClientConfig;
pub use config::QuicServerConfig;
pub use error::Error;
pub use identity::client_config;
pub use identity::client_config_with;
pub use identity::endpoint_config;
pub use identity::peer_key;
pub use identity::server_config;
pub use identity::server_config_with;
pub use provider::Primitives;
pub use provider::provider;
pub use provider::provider_of;
pub use session::HandshakeData;
