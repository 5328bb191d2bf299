//! Operations of objects: HeadObject and GetObject.

use std::sync::Arc;

use hyper::HeaderMap;
use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderValue;

use crate::doors::body::Answer;
use crate::doors::file_answer::FileAnswer;
use crate::doors::file_answer::file_answer;
use crate::doors::request::DoorRequest;
use crate::doors::s3::errors::Code;
use crate::doors::s3::errors::S3Error;
use crate::doors::s3::keys::Found;
use crate::doors::s3::keys::find;
use crate::doors::s3::reply::OBJECT_SIZE;
use crate::doors::state::Doors;
use crate::doors::visitor::Visitor;

/// The type of every object, as in S3 where none was given.
const CONTENT_TYPE: &str = "binary/octet-stream";
/// The user metadata with the content id of the dataset.
const DATASET_HEADER: &str = "x-amz-meta-dataset";

/// Answers HeadObject or GetObject.
///
/// # Errors
/// [`Code::NoSuchKey`] for a key that means no file, and errors of the store.
pub(super) async fn answer(
    doors: &Arc<Doors>,
    visitor: &Visitor,
    request: &DoorRequest,
    key: &str,
) -> Result<Answer, S3Error> {
    check_parameters(request)?;
    let none = || S3Error::of(Code::NoSuchKey).with("Key", key);
    let list = doors.catalogue.list(visitor).await?;
    let found = find(&list, key).ok_or_else(none)?;
    let open = doors.catalogue.open(&found.dataset).await?;
    let index = open.find(&found.path).ok_or_else(none)?;
    let about = FileAnswer {
        etag: open.content_id(index).await?.to_hex(),
        last_modified: found.dataset.created_at,
        content_type: CONTENT_TYPE,
        headers: headers_of(&found, visitor),
        is_several_ranges_allowed: false,
    };
    let answer = file_answer(request, open.file(index), about).await?;
    match answer.status() {
        StatusCode::PRECONDITION_FAILED => Err(S3Error::of(Code::PreconditionFailed)),
        StatusCode::RANGE_NOT_SATISFIABLE => Err(S3Error::of(Code::InvalidRange)
            .with(
                "RangeRequested",
                request.text(&header::RANGE).unwrap_or_default(),
            )
            .with(OBJECT_SIZE, open.file(index).length().to_string())),
        _ => Ok(answer),
    }
}

/// Refuses versions and parts other than the only one. Other parameters, such as `response-content-type`, change
/// nothing.
fn check_parameters(request: &DoorRequest) -> Result<(), S3Error> {
    if let Some(version) = request.param("versionId").filter(|v| *v != "null") {
        let why = "the version of a dataset stands in the key";
        return Err(S3Error::argument("versionId", version, why));
    }
    match request.param("partNumber") {
        None | Some("1") => Ok(()),
        Some(_) => Err(S3Error::of(Code::InvalidPartNumber)),
    }
}

fn headers_of(found: &Found, visitor: &Visitor) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(id) = HeaderValue::from_str(&found.dataset.content_id.to_hex()) {
        headers.insert(DATASET_HEADER, id);
    }
    if found.is_by_id {
        let kept = match visitor.name() {
            None => "public, max-age=31536000, immutable",
            Some(_) => "private, max-age=31536000, immutable",
        };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    }
    headers
}
