//! The access log: events of requests at a door.

use std::net::SocketAddr;

use serde::Serialize;

/// A request that has ended.
#[derive(Clone, Debug, Serialize)]
pub struct RequestEvent {
    /// The kind of the event, for readers of lines.
    pub event: &'static str,
    /// The door: `http` or `s3`.
    pub door: &'static str,
    /// The address of the client.
    pub client: SocketAddr,
    /// The name of the token, or of none. The token itself is never told.
    pub token: Option<String>,
    /// The method of HTTP.
    pub method: String,
    /// The path as it was sent, without its query, in which signatures may stand.
    pub path: String,
    /// The status of HTTP.
    pub status: u16,
    /// Bytes of the body that were sent.
    pub bytes: u64,
    /// Time from the request to the end of the answer.
    pub seconds: f64,
    /// The reason why the answer was cut off: damage in the store, or a client that left.
    pub error: Option<String>,
}

/// Receives events, from any thread. It must not wait.
pub type RequestObserver = dyn Fn(&RequestEvent) + Send + Sync;
