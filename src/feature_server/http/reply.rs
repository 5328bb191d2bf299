//! Answers of HTTP, and the headers that decide on them.

use hyper::HeaderMap;
use hyper::Response;
use hyper::StatusCode;
use hyper::header::ACCEPT;
use hyper::header::CONTENT_TYPE;
use hyper::header::ETAG;
use hyper::header::HeaderName;
use hyper::header::HeaderValue;
use hyper::header::RETRY_AFTER;
use hyper::header::WWW_AUTHENTICATE;

use crate::feature_server::arrow_stream::ARROW_STREAM;
use crate::feature_server::body::ReplyBody;
use crate::feature_server::refusal::Refusal;
use crate::feature_server::text::time_text;
use crate::features::Origin;

/// An answer.
pub(super) type Reply = Response<ReplyBody>;

/// Type of the content of JSON.
pub(super) const JSON: &str = "application/json";
/// Type of the content of Parquet.
pub(super) const PARQUET: &str = "application/vnd.apache.parquet";

/// Makes an answer of bytes.
pub(super) fn reply(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Reply {
    let mut reply = Response::new(ReplyBody::of(body));
    *reply.status_mut() = status;
    let value = HeaderValue::from_static(content_type);
    reply.headers_mut().insert(CONTENT_TYPE, value);
    reply
}

/// Makes an answer without a body.
pub(super) fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(ReplyBody::of(Vec::new()));
    *reply.status_mut() = status;
    reply
}

/// Makes an answer of JSON.
pub(super) fn json(status: StatusCode, value: &impl serde::Serialize) -> Reply {
    reply(status, JSON, serde_json::to_vec(value).unwrap_or_default())
}

/// Makes the answer of a request that is refused. Feast reads `detail`, the others `error`.
pub(super) fn refused(refusal: &Refusal, is_feast: bool) -> Reply {
    let mut object = serde_json::json!({ "error": refusal.message });
    if is_feast && let Some(object) = object.as_object_mut() {
        object.insert("detail".to_owned(), refusal.message.clone().into());
    }
    let mut reply = json(refusal.status, &object);
    let headers = reply.headers_mut();
    match refusal.status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    reply
}

/// Adds the origin of the rows to an answer.
pub(super) fn set_origin(reply: &mut Reply, origin: &Origin) {
    let headers = reply.headers_mut();
    let mut set = |name: HeaderName, text: Option<&str>| {
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(text).ok()) {
            headers.insert(name, value);
        }
    };
    let tag = origin.content_id.as_ref().unwrap_or(&origin.fingerprint);
    let tag = (!tag.is_empty()).then(|| format!("\"{tag}\""));
    set(ETAG, tag.as_deref());
    let partition = origin.partition.as_deref();
    set(HeaderName::from_static("x-alimentar-partition"), partition);
    let loaded = time_text(origin.loaded_at);
    set(
        HeaderName::from_static("x-alimentar-loaded-at"),
        loaded.as_deref(),
    );
}

/// Returns true if a header names a type of content.
fn names(headers: &HeaderMap, header: HeaderName, content_type: &str) -> bool {
    let text = headers.get(header).and_then(|v| v.to_str().ok());
    text.is_some_and(|text| text.to_ascii_lowercase().contains(content_type))
}

/// Returns true if the client reads Arrow streams.
pub(super) fn accepts_arrow(headers: &HeaderMap) -> bool {
    names(headers, ACCEPT, ARROW_STREAM)
}

/// Returns true if the client asks for JSON by name.
pub(super) fn accepts_json(headers: &HeaderMap) -> bool {
    names(headers, ACCEPT, JSON)
}

/// Returns true if the body is an Arrow stream.
pub(super) fn sends_arrow(headers: &HeaderMap) -> bool {
    names(headers, CONTENT_TYPE, ARROW_STREAM)
}

/// Returns true if the body is a Parquet file.
pub(super) fn sends_parquet(headers: &HeaderMap) -> bool {
    names(headers, CONTENT_TYPE, PARQUET)
}
