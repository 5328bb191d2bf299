//! Headers of answers: ranges, validators, pauses, next pages. Pure.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use url::Url;

use crate::remote::url::is_same_origin;

/// The header `Content-Range` of bytes (RFC 9110, 14.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentRange {
    /// The bytes from the first to the last, and the length of the whole if it is known.
    Part {
        /// Offset of the first byte.
        first: u64,
        /// Offset of the last byte.
        last: u64,
        /// Length of the whole.
        whole: Option<u64>,
    },
    /// No byte of a whole of this length.
    Unsatisfied(u64),
}

impl ContentRange {
    /// Parses the value; `None` for another unit, and for numbers that contradict each other.
    pub fn parse(value: &str) -> Option<Self> {
        let (unit, rest) = value.trim().split_once(' ')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (range, whole) = rest.trim().split_once('/')?;
        let whole = match whole {
            "*" => None,
            digits => Some(number(digits)?),
        };
        if range == "*" {
            return whole.map(Self::Unsatisfied);
        }
        let (first, last) = range.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        let is_inside = whole.is_none_or(|whole| last < whole);
        (first <= last && is_inside).then_some(Self::Part { first, last, whole })
    }
}

/// Parses a number of digits alone.
pub(crate) fn number(digits: &str) -> Option<u64> {
    let is_plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| is_plain)
}

/// The headers that tell one state of a file from another, and its length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Validator {
    /// Length in bytes.
    pub size_bytes: u64,
    /// `ETag` as it was sent, with its quotes; weak ones begin with `W/`.
    pub etag: Option<String>,
    /// `Last-Modified` as it was sent.
    pub modified: Option<String>,
}

impl Validator {
    /// Returns the ETag if equal ones mean equal bytes (RFC 9110, 8.8.1).
    pub fn strong_etag(&self) -> Option<&str> {
        let etag = self.etag.as_deref();
        etag.filter(|e| e.len() > 2 && e.starts_with('"') && e.ends_with('"'))
    }

    /// Returns true if another answer may be of the same state. A header that one of them lacks
    /// says nothing.
    pub fn may_be(&self, other: &Self) -> bool {
        let agree = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        let is_dated = self.etag.is_none() || other.etag.is_none();
        self.size_bytes == other.size_bytes
            && agree(&self.etag, &other.etag)
            && (!is_dated || agree(&self.modified, &other.modified))
    }
}

/// Returns the pause in whole seconds that `Retry-After` asks for. Dates are not read.
pub(crate) fn retry_after(value: &str) -> Option<Duration> {
    number(value.trim()).map(Duration::from_secs)
}

/// Returns true if a body is the bytes themselves.
pub(crate) fn is_plain(content_encoding: Option<&str>) -> bool {
    content_encoding.is_none_or(|coding| {
        let coding = coding.trim();
        coding.is_empty() || coding.eq_ignore_ascii_case("identity")
    })
}

/// Returns the target of `rel="next"` in a header `Link` (RFC 8288).
pub(crate) fn next_link(value: &str) -> Option<&str> {
    let mut rest = value;
    while let Some((_, behind)) = rest.split_once('<') {
        let (target, behind) = behind.split_once('>')?;
        let end = behind.find('<').unwrap_or(behind.len());
        let (params, next) = behind.split_at(end);
        let is_next = params.split([';', ',']).any(|param| {
            let param = param.trim();
            let value = param
                .split_once('=')
                .filter(|(name, _)| name.trim() == "rel");
            value.is_some_and(|(_, value)| value.trim().trim_matches('"') == "next")
        });
        if is_next {
            return Some(target);
        }
        rest = next;
    }
    None
}

/// Returns the URL that a redirect leads to.
///
/// # Errors
/// The fault, as the rest of a sentence.
pub(crate) fn redirect_target(from: &Url, location: &str) -> Result<Url, String> {
    let to = from.join(location);
    let mut to = to.map_err(|e| format!("to what is no URL: {e}"))?;
    match (from.scheme(), to.scheme()) {
        ("http", "http" | "https") | ("https", "https") => {}
        ("https", "http") => return Err("from https to http".to_owned()),
        (_, other) => return Err(format!("to a `{other}:` URL")),
    }
    if to.host_str().is_none_or(str::is_empty) {
        return Err("to a URL without a host".to_owned());
    }
    // A user and password of another server's making are not sent anywhere.
    if !is_same_origin(from, &to) || !to.username().is_empty() {
        let _ = to.set_username("");
        let _ = to.set_password(None);
    }
    to.set_fragment(None);
    Ok(to)
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::ContentRange;
    use super::Validator;
    use super::is_plain;
    use super::next_link;
    use super::redirect_target;

    #[test]
    fn content_range_is_parsed_or_refused() {
        let part = |first, last, whole| Some(ContentRange::Part { first, last, whole });
        assert_eq!(ContentRange::parse("bytes 0-9/100"), part(0, 9, Some(100)));
        assert_eq!(ContentRange::parse("bytes 5-5/*"), part(5, 5, None));
        assert_eq!(
            ContentRange::parse("bytes */0"),
            Some(ContentRange::Unsatisfied(0))
        );
        for wrong in [
            "bytes 9-0/100",
            "bytes 0-100/100",
            "bytes 0-9",
            "bytes */*",
            "bytes -9/100",
            "bytes 0-+9/100",
            "rows 0-9/100",
            "bytes 0-9/99999999999999999999",
            "bytes a-b/c",
            "",
        ] {
            assert_eq!(ContentRange::parse(wrong), None, "{wrong}");
        }
    }

    fn validator(size_bytes: u64, etag: Option<&str>, modified: Option<&str>) -> Validator {
        Validator {
            size_bytes,
            etag: etag.map(str::to_owned),
            modified: modified.map(str::to_owned),
        }
    }

    #[test]
    fn validator_of_another_state_differs() {
        let first = validator(9, Some("\"a\""), Some("Mon"));
        assert!(first.may_be(&validator(9, Some("\"a\""), Some("Tue"))));
        assert!(first.may_be(&validator(9, None, Some("Mon"))));
        assert!(first.may_be(&validator(9, None, None)));
        assert!(!first.may_be(&validator(9, Some("\"b\""), Some("Mon"))));
        assert!(!first.may_be(&validator(8, Some("\"a\""), Some("Mon"))));
        assert!(!first.may_be(&validator(9, None, Some("Tue"))));
    }

    #[test]
    fn weak_etag_is_not_strong() {
        assert_eq!(
            validator(1, Some("\"a\""), None).strong_etag(),
            Some("\"a\"")
        );
        for weak in ["W/\"a\"", "a", "\"\"", "\""] {
            assert_eq!(validator(1, Some(weak), None).strong_etag(), None, "{weak}");
        }
    }

    #[test]
    fn next_link_is_the_one_with_that_relation() {
        let both = "<http://h/a?x=1,2>; rel=\"first\", <http://h/b>; title=x; rel=\"next\"";
        assert_eq!(next_link(both), Some("http://h/b"));
        assert_eq!(next_link("<http://h/a>; rel=\"prev\""), None);
        assert_eq!(next_link("<http://h/a; rel=\"next\""), None);
        assert_eq!(next_link(""), None);
    }

    #[test]
    fn redirect_to_another_scheme_is_refused() {
        let from = Url::parse("https://h/a/b?c").unwrap();
        let to = |location: &str| redirect_target(&from, location);
        assert_eq!(to("../x?y").unwrap().as_str(), "https://h/x?y");
        assert_eq!(to("//other/x").unwrap().as_str(), "https://other/x");
        assert_eq!(
            to("https://u:p@other/x").unwrap().as_str(),
            "https://other/x"
        );
        for wrong in [
            "http://h/x",
            "file:///etc/passwd",
            "data:,x",
            "ftp://h/x",
            "https://",
        ] {
            assert!(to(wrong).is_err(), "{wrong}");
        }
        let plain = Url::parse("http://h/a").unwrap();
        assert!(redirect_target(&plain, "file:///etc/passwd").is_err());
        assert!(redirect_target(&plain, "https://h/a").is_ok());
    }

    #[test]
    fn coding_other_than_identity_is_not_plain() {
        assert!(is_plain(None) && is_plain(Some("Identity")) && is_plain(Some("")));
        assert!(!is_plain(Some("gzip")) && !is_plain(Some("identity, gzip")));
    }
}
