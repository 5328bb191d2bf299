//! Origins of pages in browsers (CORS).

use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderValue;

use crate::doors::body::Answer;
use crate::doors::body::DoorBody;

/// Headers that pages of other origins may read.
const EXPOSED: &str = "accept-ranges, content-length, content-range, etag, last-modified, link, x-error-code, x-error-message, x-repo-commit";
/// Headers that pages of other origins may send.
const ALLOWED: &str = "authorization, content-type, if-match, if-modified-since, if-none-match, if-range, range, x-amz-content-sha256, x-amz-date, x-amz-security-token";

/// Returns true if an origin is on the list; `*` is any.
pub(super) fn is_permitted(origin: &str, list: &[String]) -> bool {
    list.iter()
        .any(|entry| entry == "*" || entry.eq_ignore_ascii_case(origin))
}

/// Returns true if a page of this server has the origin.
pub(super) fn is_own(origin: &str, base: &str) -> bool {
    origin.eq_ignore_ascii_case(base)
}

/// Lets a page of another origin read an answer, if the origin is on the list.
pub(super) fn permit(answer: &mut Answer, origin: Option<&HeaderValue>, list: &[String]) {
    if list.is_empty() {
        return;
    }
    let headers = answer.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let Some(origin) = origin.filter(|o| o.to_str().is_ok_and(|o| is_permitted(o, list))) else {
        return;
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    let exposed = HeaderValue::from_static(EXPOSED);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    if answer.status() == StatusCode::NO_CONTENT {
        let headers = answer.headers_mut();
        let methods = HeaderValue::from_static("GET, HEAD, POST");
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(ALLOWED),
        );
        headers.insert(
            header::ACCESS_CONTROL_MAX_AGE,
            HeaderValue::from_static("600"),
        );
    }
}

/// Answers the question of a browser before a request. `permit` adds the permission.
pub(super) fn preflight() -> Answer {
    let mut answer = Answer::new(DoorBody::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_on_the_list_may_read() {
        let list = ["https://lab.example".to_owned()];
        for (origin, wanted) in [
            ("https://lab.example", true),
            ("https://lab.example.com", false),
            ("null", false),
        ] {
            let mut answer = preflight();
            let header = HeaderValue::from_static(origin);
            permit(&mut answer, Some(&header), &list);
            let found = answer.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
            assert_eq!(found.is_some(), wanted, "{origin}");
        }
        let mut answer = preflight();
        permit(
            &mut answer,
            Some(&HeaderValue::from_static("https://x")),
            &[],
        );
        assert!(answer.headers().is_empty());
    }
}
