use hyper::HeaderMap;
use hyper::header::HeaderName;

use super::check_signature;
use crate::clock::Timestamp;
use crate::doors::s3::claim::Asked;
use crate::doors::s3::claim::Claim;
use crate::doors::s3::errors::Code;
use crate::doors::s3::errors::S3Error;
use crate::doors::s3::limits::SKEW_SECONDS;
use crate::remote::s3::signature::EMPTY_BODY;

/// Keys, time and requests of the examples in Amazon's documentation of Signature Version 4 for S3.
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const HOST: &str = "examplebucket.s3.amazonaws.com";
const PUT_BODY: &str = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2013-05-24T00:00:00Z").unwrap()
}

/// A request, as the door takes it apart.
#[derive(Clone)]
struct Sent {
    method: &'static str,
    path: &'static str,
    query: Vec<(String, String)>,
    headers: HeaderMap,
}

impl Sent {
    fn new(method: &'static str, path: &'static str, query: &[(&str, &str)]) -> Self {
        let owned = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
        Self {
            method,
            path,
            query: query.iter().map(owned).collect(),
            headers: HeaderMap::new(),
        }
        .with("host", HOST)
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers
            .append(HeaderName::from_static(name), value.parse().unwrap());
        self
    }

    /// The headers of a signed request without a body.
    fn signed(self, names: &str, signature: &str) -> Self {
        let value = format!(
            "AWS4-HMAC-SHA256 Credential={KEY}/20130524/us-east-1/s3/aws4_request,SignedHeaders={names},Signature={signature}"
        );
        let sent = self
            .with("x-amz-date", "20130524T000000Z")
            .with("authorization", &value);
        match sent.headers.contains_key("x-amz-content-sha256") {
            true => sent,
            false => sent.with("x-amz-content-sha256", EMPTY_BODY),
        }
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            method: self.method,
            path: self.path,
            query: &self.query,
            headers: &self.headers,
        }
    }

    fn check(&self, secret: &str, now: Timestamp) -> Result<(), S3Error> {
        let claim = Claim::read(self.asked())?.unwrap();
        assert_eq!(claim.access_key, KEY);
        claim.check_time(now)?;
        check_signature(&claim, self.asked(), secret)
    }

    fn code(&self) -> Code {
        self.check(SECRET, now()).unwrap_err().code
    }
}

fn get_object() -> Sent {
    Sent::new("GET", "/test.txt", &[])
        .with("range", "bytes=0-9")
        .signed(
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        )
}

fn presigned() -> Sent {
    let query = [
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        (
            "X-Amz-Credential",
            "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request",
        ),
        ("X-Amz-Date", "20130524T000000Z"),
        ("X-Amz-Expires", "86400"),
        ("X-Amz-SignedHeaders", "host"),
        (
            "X-Amz-Signature",
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        ),
    ];
    Sent::new("GET", "/test.txt", &query)
}

#[test]
fn signatures_of_amazons_examples_hold() {
    let plain = "host;x-amz-content-sha256;x-amz-date";
    let put = Sent::new("PUT", "/test$file.text", &[])
        .with("date", "Fri, 24 May 2013 00:00:00 GMT")
        .with("x-amz-storage-class", "REDUCED_REDUNDANCY")
        .with("x-amz-content-sha256", PUT_BODY)
        .signed(
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        );
    let lifecycle = Sent::new("GET", "/", &[("lifecycle", "")]).signed(
        plain,
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    );
    let list = Sent::new("GET", "/", &[("prefix", "J"), ("max-keys", "2")]).signed(
        plain,
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    );
    for sent in [get_object(), put, lifecycle, list, presigned()] {
        assert_eq!(
            sent.check(SECRET, now()),
            Ok(()),
            "{} {:?}",
            sent.path,
            sent.query
        );
        let error = sent.check("another", now()).unwrap_err();
        assert_eq!(error.code, Code::SignatureDoesNotMatch);
    }
}

#[test]
fn signature_of_a_changed_request_does_not_hold() {
    let changes: [fn(&mut Sent); 6] = [
        |s| s.method = "HEAD",
        |s| s.path = "/test.txt2",
        |s| s.query.push(("versionId".to_owned(), "1".to_owned())),
        |s| drop(s.headers.insert("host", "other.example".parse().unwrap())),
        |s| drop(s.headers.insert("range", "bytes=0-8".parse().unwrap())),
        |s| {
            s.headers.append("range", "bytes=0-9".parse().unwrap());
        },
    ];
    for (n, change) in changes.iter().enumerate() {
        let mut sent = get_object();
        change(&mut sent);
        assert_eq!(sent.code(), Code::SignatureDoesNotMatch, "{n}");
    }
    for change in &changes[..4] {
        let mut sent = presigned();
        change(&mut sent);
        assert_eq!(sent.code(), Code::SignatureDoesNotMatch);
    }
    // Headers that are not signed may change on the way.
    assert_eq!(
        get_object().with("via", "1.1 proxy").check(SECRET, now()),
        Ok(())
    );
}

#[test]
fn path_that_a_client_signed_as_it_sent_it_holds() {
    // The same request as Amazon's, but for a `$` that is not encoded, signed as it is.
    let text = |path: &str| {
        use crate::remote::s3::signature::Covered;
        use crate::remote::s3::signature::Scope;
        use crate::remote::s3::signature::signature;
        use crate::remote::s3::signature::text_to_sign;
        let headers = [("host", HOST)];
        let covered = Covered {
            method: "GET",
            path,
            query: "",
            headers: &headers,
            payload: EMPTY_BODY,
        };
        let scope = Scope {
            date: "20130524",
            region: "us-east-1",
        };
        let text = text_to_sign(&covered.canonical(), "20130524T000000Z", scope);
        signature(&text, scope, SECRET)
    };
    for signed in ["/a$b", "/a%24b"] {
        let sent = Sent::new("GET", "/a$b", &[]).signed("host", &text(signed));
        assert_eq!(sent.check(SECRET, now()), Ok(()), "{signed}");
    }
    let sent = Sent::new("GET", "/a$b", &[]).signed("host", &text("/a%2524b"));
    assert_eq!(sent.code(), Code::SignatureDoesNotMatch);
}

#[test]
fn request_of_another_time_is_refused() {
    let at = |seconds: i64| Timestamp(now().0 + seconds);
    for seconds in [-SKEW_SECONDS, 0, SKEW_SECONDS] {
        assert_eq!(get_object().check(SECRET, at(seconds)), Ok(()), "{seconds}");
    }
    for seconds in [-SKEW_SECONDS - 1, SKEW_SECONDS + 1] {
        let error = get_object().check(SECRET, at(seconds)).unwrap_err();
        assert_eq!(error.code, Code::RequestTimeTooSkewed, "{seconds}");
    }
    for seconds in [-SKEW_SECONDS, 86400] {
        assert_eq!(presigned().check(SECRET, at(seconds)), Ok(()), "{seconds}");
    }
    for seconds in [-SKEW_SECONDS - 1, 86401] {
        let error = presigned().check(SECRET, at(seconds)).unwrap_err();
        assert_eq!(error.code, Code::AccessDenied, "{seconds}");
    }
}

#[test]
fn claim_that_is_malformed_is_refused() {
    let header = |value: &str| {
        let sent = Sent::new("GET", "/a", &[])
            .with("x-amz-date", "20130524T000000Z")
            .with("x-amz-content-sha256", EMPTY_BODY);
        Claim::read(sent.with("authorization", value).asked())
            .unwrap_err()
            .code
    };
    let scope = format!("Credential={KEY}/20130524/us-east-1/s3/aws4_request");
    for (value, code) in [
        ("", Code::InvalidRequest),
        ("Bearer alim_x", Code::InvalidRequest),
        ("AWS AKIA:signature", Code::InvalidRequest),
        ("AWS4-ECDSA-P256-SHA256 Credential=a", Code::InvalidRequest),
        ("AWS4-HMAC-SHA256", Code::AuthorizationHeaderMalformed),
        (
            "AWS4-HMAC-SHA256 Credential=a,,",
            Code::AuthorizationHeaderMalformed,
        ),
        (
            &format!("AWS4-HMAC-SHA256 {scope},SignedHeaders=host"),
            Code::AuthorizationHeaderMalformed,
        ),
        (
            &format!("AWS4-HMAC-SHA256 {scope},{scope},SignedHeaders=host,Signature=a"),
            Code::AuthorizationHeaderMalformed,
        ),
        (
            &format!("AWS4-HMAC-SHA256 {scope},SignedHeaders=x-amz-date,Signature=a"),
            Code::AuthorizationHeaderMalformed,
        ),
        (
            &format!("AWS4-HMAC-SHA256 {scope},SignedHeaders=Host,Signature=a"),
            Code::AuthorizationHeaderMalformed,
        ),
        (
            &format!(
                "AWS4-HMAC-SHA256 Credential={KEY}/20130525/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=a"
            ),
            Code::AuthorizationHeaderMalformed,
        ),
        (
            &format!(
                "AWS4-HMAC-SHA256 Credential={KEY}/20130524/us-east-1/ec2/aws4_request,SignedHeaders=host,Signature=a"
            ),
            Code::AuthorizationHeaderMalformed,
        ),
    ] {
        assert_eq!(header(value), code, "{value}");
    }
    let mut sent = get_object();
    sent.headers.remove("x-amz-date");
    assert_eq!(sent.code(), Code::AccessDenied);
    let mut sent = get_object();
    sent.headers.remove("x-amz-content-sha256");
    assert_eq!(sent.code(), Code::InvalidRequest);
    let both = presigned().signed("host", "a");
    assert_eq!(both.code(), Code::InvalidRequest);
    for (name, value) in [
        ("X-Amz-Expires", "0"),
        ("X-Amz-Expires", "604801"),
        ("X-Amz-Expires", "x"),
        ("X-Amz-Date", "yesterday"),
        ("X-Amz-Credential", "a/b"),
        ("X-Amz-SignedHeaders", ""),
    ] {
        let mut sent = presigned();
        for (key, given) in &mut sent.query {
            if key == name {
                *given = value.to_owned();
            }
        }
        assert_eq!(
            sent.code(),
            Code::AuthorizationQueryParametersError,
            "{name} {value}"
        );
    }
    let old = Sent::new("GET", "/a", &[("AWSAccessKeyId", "A"), ("Signature", "b")]);
    assert_eq!(old.code(), Code::InvalidRequest);
    assert_eq!(
        Claim::read(Sent::new("GET", "/a", &[]).asked()).unwrap(),
        None
    );
}
