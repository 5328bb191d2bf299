//! Conditions of requests (RFC 9110, section 13).

use std::time::Duration;
use std::time::UNIX_EPOCH;

use hyper::HeaderMap;
use hyper::header::HeaderName;
use hyper::header::IF_MATCH;
use hyper::header::IF_MODIFIED_SINCE;
use hyper::header::IF_NONE_MATCH;
use hyper::header::IF_RANGE;
use hyper::header::IF_UNMODIFIED_SINCE;

use crate::clock::Timestamp;

/// The result of the conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The request goes on.
    Proceed,
    /// The client has these bytes (304).
    NotModified,
    /// The client expects other bytes (412).
    Failed,
}

/// The state of a file that conditions compare with. The tag has no quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Current<'a> {
    pub(super) etag: &'a str,
    pub(super) modified: Timestamp,
}

impl Current<'_> {
    /// Evaluates the conditions of a GET or HEAD, in the order of the standard.
    pub(super) fn outcome(&self, headers: &HeaderMap) -> Outcome {
        let text = |name: HeaderName| text(headers, name);
        if headers.contains_key(IF_MATCH) {
            if !self.is_in(headers, IF_MATCH, false) {
                return Outcome::Failed;
            }
        } else if text(IF_UNMODIFIED_SINCE).is_some_and(|at| self.is_newer_than(at) == Some(true)) {
            return Outcome::Failed;
        }
        if headers.contains_key(IF_NONE_MATCH) {
            if self.is_in(headers, IF_NONE_MATCH, true) {
                return Outcome::NotModified;
            }
        } else if text(IF_MODIFIED_SINCE).is_some_and(|at| self.is_newer_than(at) == Some(false)) {
            return Outcome::NotModified;
        }
        Outcome::Proceed
    }

    /// Returns true if ranges may be answered with ranges.
    pub(super) fn admits_ranges(&self, headers: &HeaderMap) -> bool {
        let Some(given) = headers.get(IF_RANGE) else {
            return true;
        };
        match given.to_str() {
            Ok(tag) if tag.trim().starts_with('"') => tag.trim().trim_matches('"') == self.etag,
            // Only the very time is the same file.
            Ok(date) => time_of(date) == Some(self.modified.0),
            Err(_) => false,
        }
    }

    /// Returns true if a list of tags has this one, or is `*`.
    fn is_in(&self, headers: &HeaderMap, name: HeaderName, weak_counts: bool) -> bool {
        let lists = headers
            .get_all(name)
            .into_iter()
            .filter_map(|v| v.to_str().ok());
        let mut tags = lists.flat_map(|list| list.split(',')).map(str::trim);
        tags.any(|tag| {
            let (is_weak, tag) = match tag.strip_prefix("W/") {
                Some(tag) => (true, tag),
                None => (false, tag),
            };
            // Some clients send the tag without its quotes.
            tag == "*" || (weak_counts || !is_weak) && tag.trim_matches('"') == self.etag
        })
    }

    /// Returns true if the file is newer than a date; `None` if the text is no date.
    fn is_newer_than(&self, date: &str) -> Option<bool> {
        time_of(date).map(|at| self.modified.0 > at)
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Reads a date of HTTP, in seconds since the epoch.
fn time_of(date: &str) -> Option<i64> {
    let at = httpdate::parse_http_date(date.trim()).ok()?;
    let since = at.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// Formats a time as a date of HTTP.
pub(in crate::doors) fn http_date(at: Timestamp) -> String {
    // The format has no years beyond 9999.
    let seconds = u64::try_from(at.0).unwrap_or(0).min(253_402_300_799);
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Current<'static> = Current {
        etag: "abc",
        modified: Timestamp(784_111_777),
    };
    const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(name.clone(), value.parse().unwrap());
        }
        map
    }

    #[test]
    fn conditions_follow_the_order_of_the_standard() {
        let cases: [(&[(HeaderName, &'static str)], Outcome); 12] = [
            (&[], Outcome::Proceed),
            (&[(IF_MATCH, "\"abc\"")], Outcome::Proceed),
            (&[(IF_MATCH, "W/\"abc\"")], Outcome::Failed),
            (&[(IF_MATCH, "\"x\", \"abc\"")], Outcome::Proceed),
            (&[(IF_MATCH, "*")], Outcome::Proceed),
            (&[(IF_NONE_MATCH, "W/\"abc\"")], Outcome::NotModified),
            (
                &[(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, SAME)],
                Outcome::Proceed,
            ),
            (&[(IF_MODIFIED_SINCE, SAME)], Outcome::NotModified),
            (&[(IF_MODIFIED_SINCE, BEFORE)], Outcome::Proceed),
            (&[(IF_UNMODIFIED_SINCE, BEFORE)], Outcome::Failed),
            (
                &[(IF_MATCH, "\"abc\""), (IF_UNMODIFIED_SINCE, BEFORE)],
                Outcome::Proceed,
            ),
            (&[(IF_MODIFIED_SINCE, "yesterday")], Outcome::Proceed),
        ];
        for (given, wanted) in cases {
            assert_eq!(NOW.outcome(&headers(given)), wanted, "{given:?}");
        }
    }

    #[test]
    fn if_range_wants_the_same_state() {
        for (given, wanted) in [
            ("\"abc\"", true),
            ("\"abd\"", false),
            (SAME, true),
            (BEFORE, false),
            ("x", false),
        ] {
            assert_eq!(
                NOW.admits_ranges(&headers(&[(IF_RANGE, given)])),
                wanted,
                "{given}"
            );
        }
        assert!(NOW.admits_ranges(&HeaderMap::new()));
    }

    #[test]
    fn date_of_http_is_written_and_read() {
        assert_eq!(http_date(NOW.modified), SAME);
        assert_eq!(time_of(SAME), Some(NOW.modified.0));
        assert_eq!(http_date(Timestamp(-5)), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert!(http_date(Timestamp(i64::MAX)).ends_with("9999 23:59:59 GMT"));
    }
}
