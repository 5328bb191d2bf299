//! Answers of the hub's API, and their headers.

use hyper::HeaderMap;
use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderName;
use hyper::header::HeaderValue;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::doors::body::Answer;
use crate::doors::body::DoorBody;
use crate::doors::request::DoorRequest;

pub(super) const X_REPO_COMMIT: HeaderName = HeaderName::from_static("x-repo-commit");

/// Makes an answer of JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    // These values have no map with other keys than text, and no other cause of an error.
    let body = serde_json::to_vec(value).unwrap_or_default();
    let mut answer = Answer::new(DoorBody::of(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    put(
        headers,
        header::CONTENT_TYPE,
        "application/json; charset=utf-8",
    );
    put(headers, header::CACHE_CONTROL, "no-cache");
    answer
}

/// Sets a header. A text that no header can hold is left out.
pub(super) fn put(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

/// Names the next page of a list: the address of this one, with another cursor.
pub(super) fn put_next_page(answer: &mut Answer, request: &DoorRequest, cursor: &str) {
    let mut kept: Vec<&str> = request
        .raw_query
        .split('&')
        .filter(|pair| !pair.is_empty() && *pair != "cursor" && !pair.starts_with("cursor="))
        .collect();
    let cursor = format!("cursor={}", percent_encoded(cursor));
    kept.push(&cursor);
    let (base, path, query) = (request.base(), &request.raw_path, kept.join("&"));
    let link = format!("<{base}{path}?{query}>; rel=\"next\"");
    put(answer.headers_mut(), header::LINK, &link);
}

/// Encodes a text as a part of a path or the value of a parameter.
pub(super) fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;

    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            // Writing to a String does not fail.
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// Returns a time in the form that clients of the hub parse, which has a fraction.
pub(super) fn hub_time(time: Timestamp) -> String {
    let text = time.to_rfc3339();
    format!("{}.000Z", text.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_has_a_fraction_and_text_is_encoded_for_queries() {
        assert_eq!(hub_time(Timestamp(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(percent_encoded("a/b c&é"), "a%2Fb%20c%26%C3%A9");
    }
}
