//! TLS of servers over TCP: `given.rs` reads a certificate and its key, `made.rs` makes them for this node, and `der.rs`
//! writes them.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod der;
mod given;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod made;

pub use given::OwnCertificate;
pub use given::tls_config;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub use made::own_certificate;

/// Returns an error: the primitives of TLS are there for other processors only.
///
/// # Errors
/// Always.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub fn own_certificate(
    home: &std::path::Path,
    _: &[std::net::SocketAddr],
) -> Result<OwnCertificate, crate::registry::Error> {
    let why = std::io::Error::other("TLS is not there for this processor");
    Err(crate::registry::Error::file("use", home, why))
}
