//! Answers of the S3 door.

use hyper::Method;
use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderValue;

use crate::doors::body::Answer;
use crate::doors::body::DoorBody;
use crate::doors::s3::errors::Code;
use crate::doors::s3::errors::S3Error;
use crate::doors::s3::xml::Xml;

/// The element with the length of an object, in an error about a range.
pub(super) const OBJECT_SIZE: &str = "ActualObjectSize";

/// Returns an answer with a document.
pub(super) fn document(xml: Xml) -> Answer {
    with_status(StatusCode::OK, xml)
}

fn with_status(status: StatusCode, xml: Xml) -> Answer {
    let mut answer = Answer::new(DoorBody::of(xml.finish()));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("application/xml");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

/// Returns the answer for an error. For HEAD it has no body, as in S3.
pub(super) fn error_answer(error: &S3Error, resource: &str, id: &str, is_head: bool) -> Answer {
    let mut xml = Xml::error();
    xml.text("Code", error.code.name());
    xml.text("Message", &error.message);
    for (name, text) in &error.details {
        xml.text(name, text);
    }
    let size = error.details.iter().find(|(name, _)| *name == OBJECT_SIZE);
    xml.text("Resource", resource);
    xml.text("RequestId", id);
    let mut answer = with_status(error.code.status(), xml);
    if is_head {
        *answer.body_mut() = DoorBody::empty();
    }
    let headers = answer.headers_mut();
    if let Some((_, size)) = size
        && let Ok(place) = HeaderValue::from_str(&format!("bytes */{size}"))
    {
        headers.insert(header::CONTENT_RANGE, place);
    }
    if error.code == Code::MethodNotAllowed {
        let methods = format!("{}, {}", Method::GET, Method::HEAD);
        if let Ok(methods) = HeaderValue::from_str(&methods) {
            headers.insert(header::ALLOW, methods);
        }
    }
    if error.code == Code::SlowDown {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}
