//! The answer to GET or HEAD of a file: conditions, ranges, and the bytes, verified before they leave.
//!
//! - `block_stream.rs`: blocks, read ahead of a quick client
//! - `conditions.rs`: `If-Match`, `If-None-Match`, `If-Modified-Since`, `If-Unmodified-Since`, `If-Range`
//! - `ranges.rs`: `Range`
//! - `stream.rs`: several ranges in one answer

mod block_stream;
mod conditions;
mod ranges;
mod stream;

use std::ops::Range;

use hyper::HeaderMap;
use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderValue;

use crate::clock::Timestamp;
use crate::doors::body::Answer;
use crate::doors::body::DoorBody;
use crate::doors::error::DoorError;
use crate::doors::open_dataset::OpenFile;
use crate::doors::request::DoorRequest;

pub(super) use conditions::http_date;

use block_stream::Part;
use conditions::Current;
use conditions::Outcome;
use ranges::Asked;

/// Facts about a file, for its answer.
#[derive(Clone, Debug)]
pub(super) struct FileAnswer {
    /// The tag, without quotes.
    pub(super) etag: String,
    pub(super) last_modified: Timestamp,
    pub(super) content_type: &'static str,
    /// Headers of every answer.
    pub(super) headers: HeaderMap,
    /// Several ranges are answered in parts, and not by the whole file.
    pub(super) is_several_ranges_allowed: bool,
}

/// Answers GET or HEAD of a file.
///
/// # Errors
/// [`DoorError::Failed`] if the first block is damaged. Later damage breaks the connection.
pub(super) async fn file_answer(
    request: &DoorRequest,
    file: OpenFile,
    about: FileAnswer,
) -> Result<Answer, DoorError> {
    let current = Current {
        etag: &about.etag,
        modified: about.last_modified,
    };
    let mut answer = Answer::new(DoorBody::empty());
    answer.headers_mut().extend(about.headers.clone());
    put(&mut answer, header::ETAG, &format!("\"{}\"", about.etag));
    put(
        &mut answer,
        header::LAST_MODIFIED,
        &http_date(about.last_modified),
    );
    put(&mut answer, header::ACCEPT_RANGES, "bytes");
    match current.outcome(&request.headers) {
        Outcome::NotModified => return Ok(with_status(answer, StatusCode::NOT_MODIFIED)),
        Outcome::Failed => return Ok(with_status(answer, StatusCode::PRECONDITION_FAILED)),
        Outcome::Proceed => {}
    }
    let header = request.text(&header::RANGE);
    let header = header.filter(|_| current.admits_ranges(&request.headers));
    let length = file.length();
    let asked = match ranges::asked(header, length) {
        Asked::Ranges(found) if found.len() > 1 && !about.is_several_ranges_allowed => Asked::Whole,
        other => other,
    };
    match asked {
        Asked::Unsatisfiable => {
            put(
                &mut answer,
                header::CONTENT_RANGE,
                &format!("bytes */{length}"),
            );
            Ok(with_status(answer, StatusCode::RANGE_NOT_SATISFIABLE))
        }
        Asked::Whole => {
            put(&mut answer, header::CONTENT_TYPE, about.content_type);
            send(answer, request, vec![Part::of(file, 0..length)]).await
        }
        Asked::Ranges(found) => {
            let answer = with_status(answer, StatusCode::PARTIAL_CONTENT);
            match found.as_slice() {
                [one] => one_range(answer, request, file, one.clone(), &about).await,
                several => several_ranges(answer, request, &file, several, &about).await,
            }
        }
    }
}

async fn one_range(
    mut answer: Answer,
    request: &DoorRequest,
    file: OpenFile,
    range: Range<u64>,
    about: &FileAnswer,
) -> Result<Answer, DoorError> {
    put(&mut answer, header::CONTENT_TYPE, about.content_type);
    let place = content_range(&range, file.length());
    put(&mut answer, header::CONTENT_RANGE, &place);
    send(answer, request, vec![Part::of(file, range)]).await
}

async fn several_ranges(
    mut answer: Answer,
    request: &DoorRequest,
    file: &OpenFile,
    ranges: &[Range<u64>],
    about: &FileAnswer,
) -> Result<Answer, DoorError> {
    // It cannot stand in the file by accident, as its bytes are not known to who made the file.
    let noise: [u8; 16] = crate::registry::host::random()?;
    let boundary = crate::ident::to_hex(&noise);
    put(
        &mut answer,
        header::CONTENT_TYPE,
        &format!("multipart/byteranges; boundary={boundary}"),
    );
    let mut parts = Vec::new();
    for range in ranges {
        let place = content_range(range, file.length());
        let kind = about.content_type;
        parts.push(Part::text(format!(
            "\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: {place}\r\n\r\n"
        )));
        parts.push(Part::of(file.clone(), range.clone()));
    }
    parts.push(Part::text(format!("\r\n--{boundary}--\r\n")));
    send(answer, request, parts).await
}

/// Reads headers for a file of a length. For tests with random bytes.
pub(super) fn decode_headers(range: &str, headers: &HeaderMap, length: u64) {
    if let Asked::Ranges(found) = ranges::asked(Some(range), length) {
        let total: u64 = found.iter().map(|r| r.end - r.start).sum();
        assert!(total <= length && found.iter().all(|r| r.start < r.end && r.end <= length));
    }
    let current = Current {
        etag: "abc",
        modified: Timestamp(784_111_777),
    };
    current.outcome(headers);
    current.admits_ranges(headers);
}

/// Sends the parts, or their length alone.
async fn send(
    mut answer: Answer,
    request: &DoorRequest,
    parts: Vec<Part>,
) -> Result<Answer, DoorError> {
    let length: u64 = parts.iter().map(Part::length).sum();
    put(&mut answer, header::CONTENT_LENGTH, &length.to_string());
    if !request.is_head() {
        *answer.body_mut() = stream::body_of(parts, length).await?;
    }
    Ok(answer)
}

fn content_range(range: &Range<u64>, length: u64) -> String {
    format!(
        "bytes {}-{}/{length}",
        range.start,
        range.end.saturating_sub(1)
    )
}

fn with_status(mut answer: Answer, status: StatusCode) -> Answer {
    *answer.status_mut() = status;
    answer
}

/// Sets a header. A text that no header can hold is left out.
fn put(answer: &mut Answer, name: header::HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        answer.headers_mut().insert(name, value);
    }
}
