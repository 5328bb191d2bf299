//! Doors for clients of other programs: the API of the hub, S3, HTTP, and a page for people. All of them are views of
//! one catalogue, in which a name means versions, a version immutable files, and a file verified bytes.
//!
//! - `serving/`, `event.rs`, `metrics.rs`, `state.rs`: connections, access log, counters; what all requests share
//! - `catalogue.rs`, `shown.rs`, `open_dataset.rs`, `blocks.rs`, `work.rs`: datasets as a visitor sees them, their files, verified blocks
//! - `visitor.rs`: a client and its token
//! - `request.rs`, `body.rs`, `error.rs`: parts of requests and answers
//! - `file_answer/`: GET and HEAD of a file, with ranges and conditions
//! - `hub/`, `s3/`, `page/`: the doors
//!
//! `spec/doors.md` defines access, ranges and limits. Nothing here writes to the store, but for uploads through the
//! registry.

mod blocks;
mod body;
mod catalogue;
mod error;
mod event;
mod file_answer;
mod hub;
mod limits;
mod metrics;
mod open_dataset;
mod page;
mod request;
mod s3;
mod serving;
mod shown;
mod state;
mod visitor;
mod work;

pub use catalogue::PullThrough;
pub use event::RequestEvent;
pub use event::RequestObserver;
pub use page::client_lines;
pub use serving::DoorServer;
pub use serving::DoorServerError;
pub use state::DoorOptions;

/// Reads lines as the parts of a request: path, query, range, and headers; and the bytes as each kind of body. For tests
/// with random bytes.
#[doc(hidden)]
pub fn decode_request(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let mut next = || lines.next().unwrap_or_default();
    let (path, query, range) = (next(), next(), next());
    let query = request::decode_target(path, query);
    let mut headers = hyper::HeaderMap::new();
    for line in lines.take(64) {
        let parsed = line.split_once(':').and_then(|(name, value)| {
            let name: hyper::header::HeaderName = name.parse().ok()?;
            Some((name, value.trim().parse().ok()?))
        });
        if let Some((name, value)) = parsed {
            headers.append(name, value);
        }
    }
    file_answer::decode_headers(range, &headers, bytes.len() as u64 * 97);
    s3::decode_request(path, &query, &headers);
    hub::decode_body(bytes);
}
