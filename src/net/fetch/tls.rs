//! TLS over TCP: certificates of the system or of `SSL_CERT_FILE`, and the primitives of the node.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;

use crate::net::crypto::Primitives;
use crate::net::crypto::primitives::rustcrypto;
use crate::remote::TransportError;

/// Returns the configuration. HTTP/2 is used where the server offers it.
pub(super) fn config() -> Result<ClientConfig, TransportError> {
    let mut roots = RootCertStore::empty();
    // Without any, plain HTTP works, and HTTPS ends with an error about the certificate.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    // Without primitives for certificates, plain HTTP works.
    let provider = provider().unwrap_or_else(rustcrypto::provider);
    let builder = ClientConfig::builder_with_provider(Arc::new(provider));
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.map_err(|e| TransportError::Refused(e.to_string()))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Checks that HTTPS works on this processor.
///
/// # Errors
/// [`TransportError::Refused`].
pub(super) fn check() -> Result<(), TransportError> {
    if provider().is_some() {
        return Ok(());
    }
    let why = "this processor lacks the instructions that HTTPS needs here (AES, AVX2 and ADX, or those of ARMv8)";
    Err(TransportError::Refused(why.to_owned()))
}

/// Returns the primitives for TLS 1.2 and 1.3 with certificates. Those for other processors cover QUIC
/// alone, because they verify no certificates.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(in crate::net) fn provider() -> Option<CryptoProvider> {
    let is_usable = Primitives::of_this_processor() == Primitives::Graviola;
    is_usable.then(rustls_graviola::default_provider)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(in crate::net) fn provider() -> Option<CryptoProvider> {
    None
}
