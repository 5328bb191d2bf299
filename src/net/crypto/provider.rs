//! Choice of the primitives for rustls on this machine.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use super::Error;
use super::primitives::Primitives;
use crate::net::crypto::primitives::rustcrypto;

impl Primitives {
    /// Returns the better family that runs on this processor.
    pub fn of_this_processor() -> Self {
        if graviola_usable() {
            Self::Graviola
        } else {
            Self::RustCrypto
        }
    }
}

/// Returns the provider for QUIC on this machine: TLS 1.3 alone, with AES-128-GCM, AES-256-GCM and
/// ChaCha20-Poly1305 in this order, and X25519. It does not support TLS over TCP.
pub fn provider() -> Arc<CryptoProvider> {
    match Primitives::of_this_processor() {
        Primitives::Graviola => graviola_provider(),
        Primitives::RustCrypto => None,
    }
    .unwrap_or_else(|| Arc::new(rustcrypto::provider()))
}

/// Returns a [`provider`] of a given family, for tests and measurements.
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

/// Returns true if graviola may be used. Call nothing of graviola before.
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
