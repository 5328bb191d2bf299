//! A request at a door: its path in parts, its query, its headers.

use hyper::HeaderMap;
use hyper::Method;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::header::HeaderName;

use crate::doors::error::DoorError;
use crate::doors::limits::PARAMETERS_MAX;
use crate::doors::limits::SEGMENTS_MAX;
use crate::doors::limits::TARGET_BYTES_MAX;

/// A request, whose path is decoded once, part by part, so that an encoded `/` never divides.
pub(super) struct DoorRequest {
    pub(super) method: Method,
    /// The parts of the path. None is `.` or `..`, and none has a zero byte.
    pub(super) segments: Vec<String>,
    /// The path as it was sent.
    pub(super) raw_path: String,
    /// The query as it was sent, without `?`.
    pub(super) raw_query: String,
    /// The parameters of the query, decoded; `+` is a blank.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    /// The host that the client named.
    pub(super) host: Option<String>,
    pub(super) is_tls: bool,
    pub(super) body: Incoming,
}

impl DoorRequest {
    /// Takes a request apart.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] for a path or a query that cannot be decoded, and [`DoorError::TooLarge`].
    pub(super) fn read(request: Request<Incoming>, is_tls: bool) -> Result<Self, DoorError> {
        let (parts, body) = request.into_parts();
        let raw_path = parts.uri.path().to_owned();
        let raw_query = parts.uri.query().unwrap_or_default().to_owned();
        let segments = segments_of(&raw_path)?;
        let query = parameters_of(&raw_query)?;
        let authority = parts.uri.authority().map(|a| a.as_str().to_owned());
        let named = parts.headers.get(HOST).and_then(|v| v.to_str().ok());
        let host = authority.or_else(|| named.map(str::to_owned));
        Ok(Self {
            method: parts.method,
            segments,
            raw_path,
            raw_query,
            query,
            headers: parts.headers,
            host,
            is_tls,
            body,
        })
    }

    /// Returns a header that is text.
    pub(super) fn text(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the first parameter of the query with a name.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        let mut found = self.query.iter().filter(|(key, _)| key == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// Returns scheme and host of the request, for links to this server.
    pub(super) fn base(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.host.as_deref().unwrap_or_default())
    }

    /// Returns true if the request is for the headers alone.
    pub(super) fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }
}

/// Reads a path and a query, whose parameters are returned. For tests with random bytes.
pub(super) fn decode_target(path: &str, query: &str) -> Vec<(String, String)> {
    if let Ok(segments) = segments_of(path) {
        let mut parts = segments.iter().flat_map(|segment| segment.split('/'));
        assert!(!parts.any(|part| part == ".."), "{path}");
    }
    parameters_of(query).unwrap_or_default()
}

/// Returns the decoded parts of a path. Empty ones stand for themselves, so `/a//b` has three.
fn segments_of(path: &str) -> Result<Vec<String>, DoorError> {
    if path.len() > TARGET_BYTES_MAX {
        return Err(DoorError::TooLarge("the path is too long".to_owned()));
    }
    let Some(path) = path.strip_prefix('/') else {
        return Err(DoorError::Invalid(
            "the path does not begin with `/`".to_owned(),
        ));
    };
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let segments: Result<Vec<String>, DoorError> = path.split('/').map(segment_of).collect();
    let segments = segments?;
    match segments.len() > SEGMENTS_MAX {
        true => Err(DoorError::TooLarge(
            "the path has too many parts".to_owned(),
        )),
        false => Ok(segments),
    }
}

fn segment_of(raw: &str) -> Result<String, DoorError> {
    let wrong = || DoorError::Invalid("the path is not encoded as UTF-8".to_owned());
    let text = decoded(raw, false).ok_or_else(wrong)?;
    // With an encoded slash, a part has parts of its own.
    let climbs = text.split('/').any(|part| matches!(part, "." | ".."));
    match climbs || text.contains('\0') {
        true => Err(DoorError::Invalid(
            "the path has `.`, `..` or a zero byte".to_owned(),
        )),
        false => Ok(text),
    }
}

/// Returns the decoded parameters of a query.
fn parameters_of(query: &str) -> Result<Vec<(String, String)>, DoorError> {
    if query.len() > TARGET_BYTES_MAX {
        return Err(DoorError::TooLarge("the query is too long".to_owned()));
    }
    let mut found = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if found.len() == PARAMETERS_MAX {
            return Err(DoorError::TooLarge(
                "the query has too many parameters".to_owned(),
            ));
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let wrong = || DoorError::Invalid("the query is not encoded as UTF-8".to_owned());
        let key = decoded(key, true).ok_or_else(wrong)?;
        found.push((key, decoded(value, true).ok_or_else(wrong)?));
    }
    Ok(found)
}

/// Decodes percent signs; `None` if they are cut short, or if the bytes are no UTF-8.
pub(super) fn decoded(raw: &str, plus_is_blank: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |b: u8| {
                    char::from(b)
                        .to_digit(16)
                        .and_then(|d| u8::try_from(d).ok())
                };
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                high << 4 | low
            }
            b'+' if plus_is_blank => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_decoded_part_by_part() {
        let parts = segments_of("/a%2Fb/c%20d//e+f").unwrap();
        assert_eq!(parts, ["a/b", "c d", "", "e+f"]);
        assert!(segments_of("/").unwrap().is_empty());
        assert_eq!(segments_of("/%C3%A9").unwrap(), ["é"]);
    }

    #[test]
    fn path_that_climbs_or_is_no_text_is_refused() {
        for path in [
            "/a/../b",
            "/%2e%2E/b",
            "/a%2F..%2Fb",
            "/.",
            "/a%00",
            "/%FF",
            "/%4",
            "a",
            "/%zz",
        ] {
            assert!(
                matches!(segments_of(path), Err(DoorError::Invalid(_))),
                "{path}"
            );
        }
        let long = format!("/{}", "a/".repeat(SEGMENTS_MAX));
        assert!(matches!(segments_of(&long), Err(DoorError::TooLarge(_))));
        let long = format!("/{}", "a".repeat(TARGET_BYTES_MAX));
        assert!(matches!(segments_of(&long), Err(DoorError::TooLarge(_))));
    }

    #[test]
    fn query_is_decoded_with_blanks() {
        let pairs = parameters_of("a=1+2&b=%26&c&=d&&a=3").unwrap();
        let shown: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(shown, ["a=1 2", "b=&", "c=", "=d", "a=3"]);
        assert!(matches!(parameters_of("a=%F"), Err(DoorError::Invalid(_))));
        assert!(matches!(
            parameters_of(&"a&".repeat(PARAMETERS_MAX + 1)),
            Err(DoorError::TooLarge(_))
        ));
    }
}
