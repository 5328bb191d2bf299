//! Why the cryptography of a connection could not be set up.

use thiserror::Error as ThisError;

use super::provider::Primitives;

/// Why a configuration could not be made.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// Without a protocol name both sides could speak different protocols (RFC 9001 8.1).
    #[error("no application protocol is named")]
    NoAlpn,
    /// The Initial packets of QUIC are always under AES-128-GCM (RFC 9001 5.2).
    #[error("the provider has no AES-128-GCM for the first packets")]
    NoInitialSuite,
    /// The processor lacks what these primitives are written in.
    #[error("{0:?} does not run on this processor")]
    NotOnThisProcessor(Primitives),
    /// The machine gave no randomness.
    #[error("no random bytes are to be had")]
    Random(#[source] getrandom::Error),
    /// rustls refuses the configuration.
    #[error("the TLS configuration is refused")]
    Tls(#[from] rustls::Error),
}
