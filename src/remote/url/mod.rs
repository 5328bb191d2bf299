//! URLs of data that is elsewhere: `http(s)://`, `hf://` and `s3://`. Parsing touches no network.

mod hub;
mod s3;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::remote::error::RemoteError;
use crate::remote::limits::URL_BYTES_MAX;

pub use hub::HubUrl;
pub use s3::S3Url;

/// A place of data that is elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoteUrl {
    /// A file at a web server.
    Http(HttpUrl),
    /// A repository of a hub, a directory or a file of one.
    Hub(HubUrl),
    /// An object of a bucket, or all objects with a prefix.
    S3(S3Url),
}

/// A query as it is shown, percent-encoded.
const HIDDEN_QUERY: &str = "%E2%80%A6";

impl RemoteUrl {
    /// Returns true if the text has the form of a URL, so that it is no path and no reference.
    pub fn looks_like_url(text: &str) -> bool {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        scheme.is_some_and(|s| {
            s.starts_with(|c: char| c.is_ascii_alphabetic())
                && s.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        })
    }

    /// Parses a URL.
    ///
    /// # Errors
    /// [`RemoteError::Url`] that says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, RemoteError> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| RemoteError::url(text, "is no URL"))?;
        if text.len() > URL_BYTES_MAX {
            let start: String = text.chars().take(64).collect();
            let why = format!("is longer than {URL_BYTES_MAX} bytes");
            return Err(RemoteError::url(format!("{start}…"), why));
        }
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => HttpUrl::parse(text).map(Self::Http),
            "hf" => HubUrl::parse(rest).map(Self::Hub),
            "s3" | "s3a" => S3Url::parse(rest).map(Self::S3),
            other => {
                let why =
                    "is not read here: URLs begin with `https://`, `http://`, `hf://` or `s3://`";
                Err(RemoteError::url(format!("{other}://…"), why))
            }
        }
    }

    /// Returns true for the text of a URL without its query, which may have been a secret.
    pub fn is_incomplete(&self) -> bool {
        matches!(self, Self::Http(http) if http.url.query() == Some(HIDDEN_QUERY))
    }

    /// Returns the last part of the path as a name: of the URL of a web server, what it means.
    pub fn decoded_file_name(&self) -> String {
        let name = self.file_name();
        match self {
            Self::Http(_) => String::from_utf8_lossy(&percent_decoded(name)).into_owned(),
            Self::Hub(_) | Self::S3(_) => name.to_owned(),
        }
    }

    /// Returns the last part of the path, by which a format may be recognised.
    pub fn file_name(&self) -> &str {
        let path = match self {
            Self::Http(http) => http.url.path(),
            Self::Hub(hub) => hub.path(),
            Self::S3(s3) => s3.key(),
        };
        path.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for RemoteUrl {
    /// Writes the URL without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(http) => f.write_str(&shown(&http.url)),
            Self::Hub(hub) => hub.fmt(f),
            Self::S3(s3) => s3.fmt(f),
        }
    }
}

/// A URL of a web server.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUrl {
    url: Url,
    /// The value of `Authorization`, from a user and password in the URL.
    authorization: Option<String>,
}

impl HttpUrl {
    fn parse(text: &str) -> Result<Self, RemoteError> {
        let mut url = Url::parse(text).map_err(|e| {
            let without = text.split(['?', '#']).next().unwrap_or_default();
            let without = without.rsplit_once('@').map_or(without, |(_, host)| host);
            RemoteError::url(without, format!("is no URL: {e}"))
        })?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(RemoteError::url(shown(&url), "names no host"));
        }
        let authorization = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => {
                let plain = |text: &str| percent_decoded(text);
                let pair = [
                    plain(user),
                    b":".to_vec(),
                    plain(password.unwrap_or_default()),
                ];
                Some(format!("Basic {}", STANDARD.encode(pair.concat())))
            }
        };
        // Neither fails where there is a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        Ok(Self { url, authorization })
    }

    /// Returns the URL, without a user and password.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the value of the header `Authorization`, which is a secret.
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpUrl({})", shown(&self.url))
    }
}

/// Returns the text of a URL without user, password, query and fragment, which may be secrets.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    let has_query = url.query().is_some();
    url.set_query(None);
    if has_query {
        format!("{url}?…")
    } else {
        url.to_string()
    }
}

/// Returns true if both URLs are of one scheme, host and port, so that credentials of one may be
/// sent to the other.
pub(crate) fn is_same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
}

/// Returns the bytes that a percent-encoded text means. A `%` without two digits means itself.
pub(crate) fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = bytes.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let pair = pair.filter(|p| p.iter().all(u8::is_ascii_hexdigit));
        let value = pair.and_then(|p| std::str::from_utf8(p).ok());
        match value.and_then(|p| u8::from_str_radix(p, 16).ok()) {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

/// Percent-encodes all but unreserved characters (RFC 3986, 2.3). Slashes stay if `keeps_slashes`.
pub(crate) fn percent_encoded(text: &str, keeps_slashes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if is_plain || (keeps_slashes && byte == b'/') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Checks a relative path: no empty part, no `.` and `..`, no backslash and no control character.
pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    if path.chars().any(char::is_control) {
        return Err("has a control character in its path");
    }
    if path.contains('\\') {
        return Err("has a backslash in its path");
    }
    let mut parts = path.split('/');
    if parts.any(|part| matches!(part, "" | "." | "..")) {
        return Err("has a path with an empty part, `.` or `..`");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
