//! A certificate that this node makes for itself. Clients pin it.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use graviola::hashing::Sha256;
use graviola::signing::ecdsa::P256;
use graviola::signing::ecdsa::SigningKey;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::Digest as _;
use time::OffsetDateTime;

use crate::file_io::IfExists;
use crate::file_io::read_own_text;
use crate::file_io::write_atomically;
use crate::net::fetch::tls::provider;
use crate::net::tls::der;
use crate::net::tls::given::OwnCertificate;
use crate::net::tls::given::config_of;
use crate::registry::Error;
use crate::registry::host;
use crate::wire::limits::NODE_FILE_BYTES_MAX;

/// The file of the key in the home.
const KEY_FILE: &str = "doors.key";
/// The file of the certificate in the home.
const CERTIFICATE_FILE: &str = "doors.crt";
/// Time that a certificate is good for. Clients pin it, so nobody has to revoke it.
const DAYS: i64 = 3650;
/// Rest of that time at which it is made anew.
const DAYS_LEFT: i64 = 90;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// Room for a key or a signature in DER.
const DER_ROOM: usize = 512;

/// Returns the certificate of the home for these addresses. The key is made once; the certificate is made anew when its
/// names or its time require it.
///
/// # Errors
/// [`Error`] for files that cannot be read or written, and on a processor without the instructions that TLS needs here.
pub fn own_certificate(home: &Path, addresses: &[SocketAddr]) -> Result<OwnCertificate, Error> {
    let path = home.join(CERTIFICATE_FILE);
    let wrong = |why: String| Error::file("read", &path, std::io::Error::other(why));
    if provider().is_none() {
        let why = "this processor lacks the instructions that TLS needs here";
        return Err(wrong(why.to_owned()));
    }
    let key = own_key(home)?;
    let mut room = [0; DER_ROOM];
    let public = key
        .to_spki_der(&mut room)
        .map_err(|e| wrong(format!("{e:?}")))?;
    let public = public.to_vec();
    let (names, ips) = names_of(addresses);
    let certificate = match kept(&path, &public, &der::alternative_names(&names, &ips)) {
        Some(kept) => kept,
        None => {
            let now = OffsetDateTime::from_unix_timestamp(host::now().0)
                .map_err(|e| wrong(e.to_string()))?;
            let serial = host::random().map_err(|e| wrong(e.to_string()))?;
            let signed = der::to_be_signed(&der::Statements {
                serial,
                names: &names,
                addresses: &ips,
                // Clocks differ.
                from: now - time::Duration::days(1),
                to: now + time::Duration::days(DAYS),
                public_key: &public,
            });
            let mut room = [0; DER_ROOM];
            let signature = key.sign_asn1::<Sha256>(&[&signed], &mut room);
            let signature = signature.map_err(|e| wrong(format!("{e:?}")))?;
            let made = der::certificate(&signed, signature);
            write_pem(&path, "CERTIFICATE", &made, 0o644)?;
            made
        }
    };
    let mut room = [0; DER_ROOM];
    let secret = key
        .to_pkcs8_der(&mut room)
        .map_err(|e| wrong(format!("{e:?}")))?;
    let secret = PrivateKeyDer::Pkcs8(secret.to_vec().into());
    let chain = vec![CertificateDer::from(certificate)];
    Ok(OwnCertificate {
        config: config_of(chain, secret, &path)?,
        pin: STANDARD.encode(sha2::Sha256::digest(&public)),
        path,
    })
}

/// Returns the key of the home. The first call makes it.
fn own_key(home: &Path) -> Result<SigningKey<P256>, Error> {
    let path = home.join(KEY_FILE);
    let wrong = |why: String| Error::file("read", &path, std::io::Error::other(why));
    if !path.exists() {
        let made = SigningKey::<P256>::generate().map_err(|e| wrong(format!("{e:?}")))?;
        let mut room = [0; DER_ROOM];
        let bytes = made
            .to_pkcs8_der(&mut room)
            .map_err(|e| wrong(format!("{e:?}")))?;
        write_pem(&path, "PRIVATE KEY", bytes, 0o600)?;
    }
    let text = read_own_text(&path, NODE_FILE_BYTES_MAX);
    let text = text.map_err(|e| Error::file("read", &path, e))?;
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|e| wrong(e.to_string()))?;
    SigningKey::from_pkcs8_der(key.secret_der()).map_err(|e| wrong(format!("{e:?}")))
}

/// Returns the certificate that is here, if it is for this key and these names and has time left.
fn kept(path: &Path, public_key: &[u8], names: &[u8]) -> Option<Vec<u8>> {
    let text = std::fs::read(path).ok()?;
    let written = std::fs::metadata(path).ok()?.modified().ok()?;
    let written = written.duration_since(std::time::UNIX_EPOCH).ok()?;
    let age = host::since_epoch().checked_sub(written)?.as_secs();
    let certificate = CertificateDer::from_pem_slice(&text).ok()?.to_vec();
    let has = |part: &[u8]| certificate.windows(part.len()).any(|window| window == part);
    let is_young = i64::try_from(age).is_ok_and(|age| age < (DAYS - DAYS_LEFT) * DAY);
    (is_young && has(public_key) && has(names)).then_some(certificate)
}

/// Returns the names and addresses by which clients may reach the node.
fn names_of(addresses: &[SocketAddr]) -> (Vec<String>, Vec<IpAddr>) {
    let mut names = vec!["localhost".to_owned()];
    // The name of the machine, which Linux has here.
    let own = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let own = own.trim().to_ascii_lowercase();
    let is_plain = own
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    if is_plain && !own.is_empty() && own.len() < 64 && own != "localhost" {
        names.push(own);
    }
    let mut ips = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    ips.extend(
        addresses
            .iter()
            .map(SocketAddr::ip)
            .filter(|ip| !ip.is_unspecified()),
    );
    ips.sort_unstable();
    ips.dedup();
    (names, ips)
}

fn write_pem(path: &Path, label: &str, der: &[u8], mode: u32) -> Result<(), Error> {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        pem += line;
        pem.push('\n');
        rest = more;
    }
    pem += &format!("-----END {label}-----\n");
    write_atomically(path, pem.as_bytes(), Some(mode), IfExists::Replace)
        .map_err(|e| Error::file("write", path, e))
}
