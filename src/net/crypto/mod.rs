//! Cryptography of QUIC: quinn's crypto traits over rustls, with primitives from graviola where the
//! processor supports it, and from RustCrypto elsewhere. A peer's identity is the Ed25519 key that it
//! proves to hold (RFC 7250); there are no certificates and no names.
//!
//! - `identity`, `verify`: raw public keys; `config`, `session`, `keys`: quinn's traits over rustls
//! - `packet`, `header`, `retry`, `token`: protection of packets and tokens
//! - `cipher`, `provider`, `primitives`, `records`: the algorithms

mod cipher;
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
pub use primitives::Primitives;
pub use provider::provider;
pub use provider::provider_of;
pub use session::HandshakeData;
