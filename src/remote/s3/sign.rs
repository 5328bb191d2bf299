//! Signatures of requests to S3: AWS Signature Version 4.

use url::Url;

use crate::clock::Timestamp;
use crate::remote::s3::signature::ALGORITHM;
use crate::remote::s3::signature::Covered;
use crate::remote::s3::signature::EMPTY_BODY;
use crate::remote::s3::signature::Scope;
use crate::remote::s3::signature::dates;
use crate::remote::s3::signature::signature;
use crate::remote::s3::signature::text_to_sign;
use crate::remote::settings::S3Keys;

/// Returns the headers that sign a request without a body.
///
/// `method` is in capitals. `signed` are further headers that the signature covers, by lower-case names.
pub(crate) fn signed_headers(
    (method, url): (&str, &Url),
    signed: &[(&'static str, String)],
    (keys, region): (&S3Keys, &str),
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    let (date, instant) = dates(now);
    let mut headers: Vec<(&'static str, String)> = vec![
        ("x-amz-content-sha256", EMPTY_BODY.to_owned()),
        ("x-amz-date", instant.clone()),
    ];
    if let Some(token) = &keys.session_token {
        headers.push(("x-amz-security-token", token.reveal().to_owned()));
    }
    let host = match (url.host_str().unwrap_or_default(), url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    };
    let mut covered: Vec<(&str, &str)> = vec![("host", &host)];
    covered.extend(headers.iter().chain(signed).map(|(n, v)| (*n, v.trim())));
    covered.sort_unstable();
    let covered = Covered {
        method,
        path: url.path(),
        query: &canonical_query(url),
        headers: &covered,
        payload: EMPTY_BODY,
    };
    let scope = Scope {
        date: &date,
        region,
    };
    let text = text_to_sign(&covered.canonical(), &instant, scope);
    let value = format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={}, Signature={}",
        keys.id,
        covered.names(),
        signature(&text, scope, keys.secret.reveal())
    );
    headers.push(("authorization", value));
    headers
}

/// Returns the query with its parameters sorted. The URL has them percent-encoded already.
fn canonical_query(url: &Url) -> String {
    let query = url.query().unwrap_or_default();
    let mut pairs: Vec<(&str, &str)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.iter().map(|(n, v)| format!("{n}={v}")).collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::signed_headers;
    use crate::clock::Timestamp;
    use crate::remote::settings::S3Keys;
    use crate::remote::settings::Secret;

    /// Keys, time and bucket of the examples in Amazon's "Signature Calculations for the
    /// Authorization Header".
    fn authorization(url: &str, signed: &[(&'static str, String)]) -> String {
        let keys = S3Keys {
            id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session_token: None,
        };
        let url = Url::parse(url).unwrap();
        let now = Timestamp::parse_rfc3339("2013-05-24T00:00:00Z").unwrap();
        let headers = signed_headers(("GET", &url), signed, (&keys, "us-east-1"), now);
        let found = headers.iter().find(|(name, _)| *name == "authorization");
        found.unwrap().1.clone()
    }

    #[test]
    fn signature_of_a_range_of_an_object_is_amazons() {
        let range = [("range", "bytes=0-9".to_owned())];
        let value = authorization("https://examplebucket.s3.amazonaws.com/test.txt", &range);
        assert_eq!(
            value,
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
             Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
    }

    #[test]
    fn signature_of_a_listing_is_amazons() {
        let url = "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J";
        let value = authorization(url, &[]);
        let signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
        assert!(value.ends_with(signature), "{value}");
    }
}
