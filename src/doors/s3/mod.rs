//! The S3 door: one bucket, `datasets`, that clients of S3 list and read. Normative: `spec/s3-door.md`.
//!
//! - `access.rs`, `claim.rs`, `sigv4.rs`: signatures of requests, and the visitor that they stand for
//! - `place.rs`, `keys.rs`: buckets and keys, and the datasets that they mean
//! - `buckets.rs`, `object.rs`, `list/`: the operations
//! - `errors.rs`, `xml.rs`, `reply.rs`: answers
//!
//! There is no operation that writes, so that nothing here can.

mod access;
mod buckets;
mod claim;
mod errors;
mod keys;
mod limits;
mod list;
mod object;
mod place;
mod reply;
mod sigv4;
mod xml;

use std::sync::Arc;

use hyper::HeaderMap;
use hyper::Method;
use hyper::header::HeaderValue;

use crate::doors::body::Answer;
use crate::doors::request::DoorRequest;
use crate::doors::s3::access::authenticate;
use crate::doors::s3::claim::Asked;
use crate::doors::s3::claim::Claim;
use crate::doors::s3::errors::Code;
use crate::doors::s3::errors::S3Error;
use crate::doors::s3::place::Place;
use crate::doors::s3::sigv4::check_signature;
use crate::doors::state::Doors;
use crate::doors::visitor::Visitor;
use crate::ident::to_hex;
use crate::registry::host;

/// The header that names a request.
const REQUEST_ID: &str = "x-amz-request-id";
/// Sub-resources of buckets that do not exist here. Each is an operation of its own in S3.
const BUCKET_RESOURCES: &[&str] = &[
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "lifecycle",
    "logging",
    "metadataConfiguration",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "session",
    "tagging",
    "uploads",
    "versioning",
    "versions",
    "website",
];
/// Sub-resources of objects that do not exist here.
const OBJECT_RESOURCES: &[&str] = &[
    "acl",
    "annotation",
    "attributes",
    "legal-hold",
    "retention",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
];

/// Answers a request. Every failure is an answer of S3 too. The visitor is an extension of the answer.
pub(super) async fn answer(doors: &Arc<Doors>, request: DoorRequest) -> Answer {
    // Without randomness, requests have the same name. Nothing depends on it.
    let noise: [u8; 8] = host::random().unwrap_or_default();
    let id = to_hex(&noise).to_ascii_uppercase();
    let visitor = authenticate(doors, &request, host::now());
    let answered = match &visitor {
        Ok(visitor) => serve(doors, visitor, &request).await,
        Err(refusal) => Err(refusal.clone()),
    };
    let mut answer = answered.unwrap_or_else(|error| {
        let resource = &request.raw_path;
        reply::error_answer(&error, resource, &id, request.is_head())
    });
    if let Ok(id) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert(REQUEST_ID, id);
    }
    if let Ok(visitor) = visitor {
        answer.extensions_mut().insert(visitor);
    }
    answer
}

async fn serve(
    doors: &Arc<Doors>,
    visitor: &Visitor,
    request: &DoorRequest,
) -> Result<Answer, S3Error> {
    match request.method {
        Method::GET | Method::HEAD => {}
        Method::PUT | Method::POST | Method::DELETE => {
            return Err(S3Error::new(Code::AccessDenied, "this bucket is read-only"));
        }
        _ => return Err(S3Error::of(Code::MethodNotAllowed)),
    }
    let place = Place::of(&request.raw_path)?;
    let list = match place {
        Place::Service => return buckets::list_buckets(doors, visitor, request).await,
        Place::Bucket => BUCKET_RESOURCES,
        Place::Object(_) => OBJECT_RESOURCES,
    };
    if let Some(name) = list.iter().find(|name| request.param(name).is_some()) {
        let why = format!("`{name}` is not implemented here");
        return Err(S3Error::new(Code::NotImplemented, why));
    }
    match place {
        Place::Object(key) => object::answer(doors, visitor, request, &key).await,
        _ if request.is_head() => Ok(buckets::head_bucket()),
        _ if request.param("location").is_some() => Ok(buckets::location()),
        _ => list::answer(doors, visitor, request).await,
    }
}

/// Reads the parts of a request. For tests with random bytes.
pub(super) fn decode_request(path: &str, query: &[(String, String)], headers: &HeaderMap) {
    let asked = Asked {
        method: "GET",
        path,
        query,
        headers,
    };
    if let Ok(Some(claim)) = Claim::read(asked) {
        let _ = claim.check_time(host::now());
        let _ = check_signature(&claim, asked, "secret");
    }
    let _ = Place::of(path);
    list::decode(query);
}
