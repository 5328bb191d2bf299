//! TLS of servers: a certificate that is given, and the primitives of the node.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use crate::file_io::read_given_text;
use crate::file_io::read_own_text;
use crate::net::fetch::tls::provider;
use crate::registry::Error;
use crate::wire::limits::NODE_FILE_BYTES_MAX;

/// A certificate of this node, and how clients know it again.
#[derive(Clone)]
pub struct OwnCertificate {
    /// The configuration of a server.
    pub config: Arc<ServerConfig>,
    /// The certificate in PEM, for clients that take a file.
    pub path: PathBuf,
    /// SHA-256 of the public key in Base64, for `curl --pinnedpubkey`. It stays when the certificate is made anew.
    pub pin: String,
}

/// Reads a certificate with its chain, and its key, from PEM files. The key must be readable by its owner only.
///
/// # Errors
/// [`Error`] for a file that cannot be read or has something else, for a key that does not fit the certificate, and on a
/// processor without the instructions that TLS needs here.
pub fn tls_config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, Error> {
    let wrong = |path: &Path, why: String| Error::file("read", path, std::io::Error::other(why));
    let text = read_given_text(certificate, NODE_FILE_BYTES_MAX)
        .map_err(|e| Error::file("read", certificate, e))?;
    let chain: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let chain = chain.map_err(|e| wrong(certificate, e.to_string()))?;
    if chain.is_empty() {
        return Err(wrong(
            certificate,
            "it has no certificate in PEM".to_owned(),
        ));
    }
    let secret =
        read_own_text(key, NODE_FILE_BYTES_MAX).map_err(|e| Error::file("read", key, e))?;
    let secret = PrivateKeyDer::from_pem_slice(secret.as_bytes());
    let secret = secret.map_err(|e| wrong(key, e.to_string()))?;
    config_of(chain, secret, key)
}

/// Returns the configuration of a server with a certificate and its key. `path` is named in errors.
pub(super) fn config_of(
    chain: Vec<CertificateDer<'static>>,
    secret: PrivateKeyDer<'static>,
    path: &Path,
) -> Result<Arc<ServerConfig>, Error> {
    let wrong = |why: String| Error::file("use", path, std::io::Error::other(why));
    let lacks = || "this processor lacks the instructions that TLS needs here".to_owned();
    let provider = provider().ok_or_else(|| wrong(lacks()))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(provider));
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.map_err(|e| wrong(e.to_string()))?;
    let config = builder
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|e| wrong(e.to_string()))?;
    Ok(Arc::new(config))
}
