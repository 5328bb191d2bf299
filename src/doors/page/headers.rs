//! Headers of answers to browsers.

use hyper::HeaderMap;
use hyper::header;
use hyper::header::HeaderName;
use hyper::header::HeaderValue;

use crate::doors::page::links::Link;

/// The policy of bytes of a dataset: browsers may do nothing with them.
const NO_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// Headers of bytes of a dataset.
pub(super) fn headers_of_bytes(name: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    harden(&mut headers, NO_POLICY);
    let plain: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' => '_',
            c if c.is_ascii_graphic() || c == ' ' => c,
            _ => '_',
        })
        .collect();
    let encoded = Link::to(&[name]);
    let encoded = encoded.as_str().trim_start_matches('/').replace('@', "%40");
    let value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    set(&mut headers, header::CONTENT_DISPOSITION, &value);
    set(&mut headers, header::VARY, "Authorization");
    headers
}

/// Adds the headers that keep a browser from taking an answer for something else.
pub(super) fn harden(headers: &mut HeaderMap, policy: &'static str) {
    set(headers, header::CONTENT_SECURITY_POLICY, policy);
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, header::REFERRER_POLICY, "no-referrer");
    set(
        headers,
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
}

/// Sets a header, whose value is ASCII.
pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_downloads_are_quoted_in_both_forms() {
        let headers = headers_of_bytes("a\"b\r\n\u{e9}.csv");
        let value = headers.get(header::CONTENT_DISPOSITION).unwrap();
        assert_eq!(
            value.to_str().unwrap(),
            "attachment; filename=\"a_b___.csv\"; filename*=UTF-8''a%22b%0D%0A%C3%A9.csv"
        );
    }
}
