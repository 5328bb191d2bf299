//! Which primitives rustls works with on this machine.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use super::Error;
use crate::net::crypto::primitives::rustcrypto;

/// A family of primitives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primitives {
    /// graviola: faster, and only on processors that have what it is written in.
    Graviola,
    /// RustCrypto: everywhere.
    RustCrypto,
}

impl Primitives {
    /// The better family that runs on this processor.
    pub fn of_this_processor() -> Self {
        if graviola_usable() {
            Self::Graviola
        } else {
            Self::RustCrypto
        }
    }
}

/// The primitives for QUIC on this machine: TLS 1.3 alone, with AES-128-GCM, AES-256-GCM and
/// ChaCha20-Poly1305 in this order, and X25519. For QUIC only: there is no TLS over TCP with it.
pub fn provider() -> Arc<CryptoProvider> {
    match Primitives::of_this_processor() {
        Primitives::Graviola => graviola_provider(),
        Primitives::RustCrypto => None,
    }
    .unwrap_or_else(|| Arc::new(rustcrypto::provider()))
}

/// As [`provider`], of a family that the caller names: for tests and measurements.
///
/// # Errors
/// [`Error::NotOnThisProcessor`].
#[doc(hidden)]
pub fn provider_of(primitives: Primitives) -> Result<Arc<CryptoProvider>, Error> {
    match primitives {
        Primitives::Graviola => {
            graviola_provider().ok_or(Error::NotOnThisProcessor(Primitives::Graviola))
        }
        Primitives::RustCrypto => Ok(Arc::new(rustcrypto::provider())),
    }
}

/// Nothing of graviola may be called before this has said yes.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn graviola_usable() -> bool {
    crate::net::crypto::primitives::graviola::usable()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn graviola_usable() -> bool {
    false
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn graviola_provider() -> Option<Arc<CryptoProvider>> {
    graviola_usable().then(|| Arc::new(crate::net::crypto::primitives::graviola::provider()))
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn graviola_provider() -> Option<Arc<CryptoProvider>> {
    None
}
