//! Connections of clients: HTTP/1.1, and HTTP/2 for Arrow Flight.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::feature_server::flight;
use crate::feature_server::guard::Guard;
use crate::feature_server::http;
use crate::feature_server::limits::HEADERS_BYTES_MAX;
use crate::feature_server::limits::IDLE;
use crate::feature_server::limits::PARTING;
use crate::feature_server::limits::STALL;
use crate::feature_server::limits::STREAMS_MAX;
use crate::feature_server::state::Link;
use crate::feature_server::state::Shared;
use crate::feature_server::timed_stream::TimedStream;

/// Pause after the system has no further connection to give, such as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// The protocol of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Flight,
    Http,
}

/// An address that is served.
pub(super) struct Endpoint {
    pub(super) protocol: Protocol,
    pub(super) guard: Guard,
    pub(super) shared: Arc<Shared>,
    /// Room for connections.
    pub(super) slots: Arc<Semaphore>,
    /// Becomes true at the end.
    pub(super) ending: watch::Receiver<bool>,
}

/// Takes connections until the end.
pub(super) async fn serve(listener: TcpListener, endpoint: Endpoint) {
    let endpoint = Arc::new(endpoint);
    let mut ending = endpoint.ending.clone();
    loop {
        let taken = async {
            let slot = Arc::clone(&endpoint.slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            taken = taken => taken,
            _ = ending.wait_for(|is_ending| *is_ending) => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let endpoint = Arc::clone(&endpoint);
        tokio::spawn(async move {
            let _slot = slot;
            converse(stream, endpoint).await;
        });
    }
}

/// Serves a connection. Its errors are the client's affair.
async fn converse(stream: TcpStream, endpoint: Arc<Endpoint>) {
    // Without it, an answer may wait for an acknowledgement.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(TimedStream::new(stream));
    let mut ending = endpoint.ending.clone();
    let link = Arc::new(Link::default());
    let served = Arc::clone(&endpoint);
    match endpoint.protocol {
        Protocol::Http => {
            let service = service_fn(move |request: Request<Incoming>| {
                let (endpoint, link) = (Arc::clone(&served), Arc::clone(&link));
                async move {
                    let answer = http::answer(&endpoint.shared, &endpoint.guard, &link, request);
                    Ok::<_, Infallible>(answer.await)
                }
            });
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(IDLE);
            builder.max_header_size(HEADERS_BYTES_MAX);
            let mut connection = pin!(builder.serve_connection(io, service));
            tokio::select! {
                _ = connection.as_mut() => return,
                _ = ending.wait_for(|is_ending| *is_ending) => connection.as_mut().graceful_shutdown(),
            }
            let _ = timeout(PARTING, connection).await;
        }
        Protocol::Flight => {
            let service = service_fn(move |request: Request<Incoming>| {
                let endpoint = Arc::clone(&served);
                async move {
                    let answer = flight::answer(&endpoint.shared, &endpoint.guard, request);
                    Ok::<_, Infallible>(answer.await)
                }
            });
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder
                .timer(TokioTimer::new())
                .max_concurrent_streams(STREAMS_MAX);
            builder.keep_alive_interval(STALL).keep_alive_timeout(STALL);
            builder.max_header_list_size(u32::try_from(HEADERS_BYTES_MAX).unwrap_or(u32::MAX));
            builder.initial_stream_window_size(1 << 20);
            builder.initial_connection_window_size(4 << 20);
            let mut connection = pin!(builder.serve_connection(io, service));
            tokio::select! {
                _ = connection.as_mut() => return,
                _ = ending.wait_for(|is_ending| *is_ending) => connection.as_mut().graceful_shutdown(),
            }
            let _ = timeout(PARTING, connection).await;
        }
    }
}
