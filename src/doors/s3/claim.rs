//! The claim of a request to come from the holder of a key: its header `Authorization`, or the parameters of a
//! presigned URL. Pure.

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use crate::clock::Timestamp;
use crate::doors::s3::errors::Code;
use crate::doors::s3::errors::S3Error;
use crate::doors::s3::limits::EXPIRES_SECONDS_MAX;
use crate::doors::s3::limits::SKEW_SECONDS;
use crate::remote::s3::signature::ALGORITHM;
use crate::remote::s3::signature::Scope;
use crate::remote::s3::signature::dates;
use crate::remote::s3::signature::time_of;

/// The header with the hash of the body.
const CONTENT_HASH: &str = "x-amz-content-sha256";
/// The word in the place of a hash that was not computed.
pub(super) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// The parts of a request that a signature depends on.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    /// The path as it was sent.
    pub(super) path: &'a str,
    /// The parameters of the query, decoded.
    pub(super) query: &'a [(String, String)],
    pub(super) headers: &'a HeaderMap,
}

impl<'a> Asked<'a> {
    fn param(&self, name: &str) -> Option<&'a str> {
        let mut found = self.query.iter().filter(|(key, _)| key == name);
        found.next().map(|(_, value)| value.as_str())
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A signature, and the facts that it depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) access_key: String,
    pub(super) date: String,
    pub(super) region: String,
    /// The time of the request, in the form of signatures.
    pub(super) instant: String,
    /// The names of the covered headers, in the order of the signature.
    pub(super) signed_headers: Vec<String>,
    pub(super) signature: String,
    /// The hash of the body, or a word in its place.
    pub(super) payload: String,
    at: Timestamp,
    /// Seconds that a presigned URL is good for.
    expires: Option<i64>,
}

impl Claim {
    /// Reads the claim of a request; `None` for an anonymous one.
    ///
    /// # Errors
    /// [`S3Error`] for a claim that is malformed, or of another kind than Signature Version 4.
    pub(super) fn read(asked: Asked<'_>) -> Result<Option<Self>, S3Error> {
        let is_presigned =
            asked.param("X-Amz-Algorithm").is_some() || asked.param("X-Amz-Signature").is_some();
        let is_version_2 =
            asked.param("Signature").is_some() && asked.param("AWSAccessKeyId").is_some();
        match (asked.headers.get(AUTHORIZATION), is_presigned) {
            (Some(_), true) => Err(S3Error::new(
                Code::InvalidRequest,
                "a signature in the header and one in the query",
            )),
            (Some(header), false) => match header.to_str() {
                Ok(header) => Self::of_header(asked, header).map(Some),
                Err(_) => Err(S3Error::of(Code::AuthorizationHeaderMalformed)),
            },
            (None, true) => Self::of_query(asked).map(Some),
            (None, false) if is_version_2 => Err(other_version()),
            (None, false) => Ok(None),
        }
    }

    fn of_header(asked: Asked<'_>, header: &str) -> Result<Self, S3Error> {
        let malformed = |why: &str| S3Error::new(Code::AuthorizationHeaderMalformed, why);
        let (algorithm, fields) = header.trim().split_once(' ').unwrap_or((header, ""));
        if algorithm != ALGORITHM {
            return Err(other_version());
        }
        let (mut credential, mut names, mut signature) = (None, None, None);
        for field in fields.split(',').map(str::trim) {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            let place = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut names,
                "Signature" => &mut signature,
                _ => return Err(malformed("the header Authorization has an unknown field")),
            };
            if place.replace(value).is_some() {
                return Err(malformed("the header Authorization has a field twice"));
            }
        }
        let (Some(credential), Some(names), Some(signature)) = (credential, names, signature)
        else {
            return Err(malformed("the header Authorization lacks a field"));
        };
        let Some(payload) = asked.header(CONTENT_HASH) else {
            let why = "a signed request needs the header x-amz-content-sha256";
            return Err(S3Error::new(Code::InvalidRequest, why));
        };
        let Some(instant) = asked.header("x-amz-date") else {
            let why = "a signed request needs the header x-amz-date";
            return Err(S3Error::new(Code::AccessDenied, why));
        };
        let parts = Parts {
            credential,
            instant,
            names,
            signature,
            payload,
            expires: None,
        };
        parts.claim().map_err(malformed)
    }

    fn of_query(asked: Asked<'_>) -> Result<Self, S3Error> {
        let malformed = |why: &str| S3Error::new(Code::AuthorizationQueryParametersError, why);
        let param = |name: &str| {
            let missing = || {
                malformed(
                    "a presigned URL needs X-Amz-Algorithm, -Credential, -Date, -Expires, -SignedHeaders and -Signature",
                )
            };
            asked.param(name).ok_or_else(missing)
        };
        if param("X-Amz-Algorithm")? != ALGORITHM {
            return Err(other_version());
        }
        let expires: Option<i64> = param("X-Amz-Expires")?.parse().ok();
        let fits = expires.filter(|seconds| (1..=EXPIRES_SECONDS_MAX).contains(seconds));
        let Some(expires) = fits else {
            return Err(malformed(
                "X-Amz-Expires is a number of seconds from 1 to 604800",
            ));
        };
        let payload = asked.param("X-Amz-Content-Sha256");
        let payload = payload.or_else(|| asked.header(CONTENT_HASH));
        let parts = Parts {
            credential: param("X-Amz-Credential")?,
            instant: param("X-Amz-Date")?,
            names: param("X-Amz-SignedHeaders")?,
            signature: param("X-Amz-Signature")?,
            payload: payload.unwrap_or(UNSIGNED_PAYLOAD),
            expires: Some(expires),
        };
        parts.claim().map_err(malformed)
    }

    pub(super) fn scope(&self) -> Scope<'_> {
        Scope {
            date: &self.date,
            region: &self.region,
        }
    }

    pub(super) fn is_presigned(&self) -> bool {
        self.expires.is_some()
    }

    /// Checks the time of the request.
    ///
    /// # Errors
    /// [`Code::RequestTimeTooSkewed`] when the clocks differ, [`Code::AccessDenied`] for a URL that has expired or is
    /// not yet good.
    pub(super) fn check_time(&self, now: Timestamp) -> Result<(), S3Error> {
        let age = now.0.saturating_sub(self.at.0);
        let Some(expires) = self.expires else {
            if age.saturating_abs() <= SKEW_SECONDS {
                return Ok(());
            }
            return Err(S3Error::of(Code::RequestTimeTooSkewed)
                .with("RequestTime", &self.instant)
                .with("ServerTime", now.to_rfc3339())
                .with(
                    "MaxAllowedSkewMilliseconds",
                    (SKEW_SECONDS * 1000).to_string(),
                ));
        };
        let end = Timestamp(self.at.0.saturating_add(expires));
        if age < -SKEW_SECONDS {
            return Err(S3Error::new(Code::AccessDenied, "the URL is not yet good"));
        }
        if now > end {
            return Err(S3Error::new(Code::AccessDenied, "Request has expired")
                .with("X-Amz-Expires", expires.to_string())
                .with("Expires", end.to_rfc3339())
                .with("ServerTime", now.to_rfc3339()));
        }
        Ok(())
    }
}

fn other_version() -> S3Error {
    let why = format!("signatures of another kind than {ALGORITHM} are not accepted");
    S3Error::new(Code::InvalidRequest, why)
}

/// The fields of a claim, as they were sent.
struct Parts<'a> {
    credential: &'a str,
    instant: &'a str,
    names: &'a str,
    signature: &'a str,
    payload: &'a str,
    expires: Option<i64>,
}

impl Parts<'_> {
    fn claim(&self) -> Result<Claim, &'static str> {
        // The key is everything before the last four parts.
        let mut parts = self.credential.rsplitn(5, '/');
        let scope = (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
        );
        let (Some("aws4_request"), Some("s3"), Some(region), Some(date), Some(access_key)) = scope
        else {
            return Err("the credential is not KEY/DATE/REGION/s3/aws4_request");
        };
        let at = time_of(self.instant).ok_or("the time is not of the form 20130524T000000Z")?;
        if date != dates(at).0 {
            return Err("the day of the credential is not the day of the request");
        }
        let is_name = |name: &str| {
            let is_plain =
                |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
            !name.is_empty() && name.bytes().all(is_plain)
        };
        let names: Vec<String> = self.names.split(';').map(str::to_owned).collect();
        if !names.iter().all(|name| is_name(name)) {
            return Err("the names of the signed headers are not in lower case");
        }
        if !names.iter().any(|name| name == "host") {
            return Err("the header Host has to be signed");
        }
        Ok(Claim {
            access_key: access_key.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            instant: self.instant.to_owned(),
            signed_headers: names,
            signature: self.signature.to_owned(),
            payload: self.payload.to_owned(),
            at,
            expires: self.expires,
        })
    }
}
