//! Errors of the cryptographic setup.

use thiserror::Error as ThisError;

use super::primitives::Primitives;

/// Failure to make a configuration.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// Without a protocol name both sides could speak different protocols (RFC 9001 8.1).
    #[error("no application protocol is named")]
    NoAlpn,
    /// Initial packets of QUIC always use AES-128-GCM (RFC 9001 5.2).
    #[error("the provider has no AES-128-GCM for the first packets")]
    NoInitialSuite,
    /// The processor lacks instructions that these primitives need.
    #[error("{0:?} does not run on this processor")]
    NotOnThisProcessor(Primitives),
    /// The operating system returned no random bytes.
    #[error("could not read random bytes")]
    Random(#[source] getrandom::Error),
    /// rustls refuses the configuration.
    #[error("the TLS configuration is refused")]
    Tls(#[from] rustls::Error),
}
