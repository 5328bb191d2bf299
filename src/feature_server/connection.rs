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
use crate::feature_server::limits::STREAMS_MAX;
use crate::feature_server::state::Link;
use crate::feature_server::state::Shared;
use crate::feature_server::taking::Untaken;
use crate::feature_server::taking::WatchedBody;
use crate::http_server::TimedStream;
use crate::http_server::accept;

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
    /// Time for a client to take something, while an answer is under way.
    pub(super) stall: Duration,
}

/// Takes connections until the end.
pub(super) async fn serve(listener: TcpListener, endpoint: Endpoint) {
    let (slots, ending) = (Arc::clone(&endpoint.slots), endpoint.ending.clone());
    let endpoint = Arc::new(endpoint);
    accept(listener, slots, ending, |stream| {
        converse(stream, Arc::clone(&endpoint))
    })
    .await;
}

/// Serves a connection. Its errors are the client's affair.
async fn converse(stream: TcpStream, endpoint: Arc<Endpoint>) {
    let io = TokioIo::new(TimedStream::new(stream, endpoint.stall));
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
            let untaken = Arc::new(Untaken::default());
            let watched = Arc::clone(&untaken);
            let service = service_fn(move |request: Request<Incoming>| {
                let (endpoint, untaken) = (Arc::clone(&served), Arc::clone(&watched));
                async move {
                    let answer = flight::answer(&endpoint.shared, &endpoint.guard, request);
                    let watched = |body| WatchedBody::new(body, &untaken);
                    Ok::<_, Infallible>(answer.await.map(watched))
                }
            });
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder
                .timer(TokioTimer::new())
                .max_concurrent_streams(STREAMS_MAX);
            builder
                .keep_alive_interval(endpoint.stall)
                .keep_alive_timeout(endpoint.stall);
            builder.max_header_list_size(u32::try_from(HEADERS_BYTES_MAX).unwrap_or(u32::MAX));
            builder.initial_stream_window_size(1 << 20);
            builder.initial_connection_window_size(4 << 20);
            let mut connection = pin!(builder.serve_connection(io, service));
            tokio::select! {
                _ = connection.as_mut() => return,
                () = untaken.stalled(endpoint.stall) => return,
                _ = ending.wait_for(|is_ending| *is_ending) => connection.as_mut().graceful_shutdown(),
            }
            let _ = timeout(PARTING, connection).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::io::Read as _;
    use std::io::Write as _;
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering;

    use arrow_array::ArrayRef;
    use arrow_array::Int64Array;
    use arrow_array::RecordBatch;
    use arrow_array::StringArray;

    use super::*;
    use crate::features::config::Config;
    use crate::features::serving::FeatureTables;
    use crate::features::source::LocalSources;

    /// The time that a client has for a piece of an answer.
    const SHORT: Duration = Duration::from_millis(300);
    /// Bytes that a client of HTTP/2 has room for in the beginning.
    const WINDOW: usize = 65_535;
    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const SETTINGS: u8 = 4;
    const PING: u8 = 6;

    /// A table with one row, whose text is long.
    fn tables(directory: &std::path::Path) -> FeatureTables {
        let text = "tables: {t: {key: [id], columns: {id: {dtype: int64}, text: {dtype: utf8}}}}";
        let config = Config::parse(text, "f").unwrap();
        let tables = FeatureTables::open(&config, directory, Arc::new(LocalSources)).unwrap();
        let id: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let text: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(8 * WINDOW)]));
        let rows = RecordBatch::try_from_iter([("id", id), ("text", text)]).unwrap();
        tables.write("t", &[rows], 0).unwrap();
        tables
    }

    fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        let byte = |shift: usize| (payload.len() >> shift) as u8;
        let head = [byte(16), byte(8), byte(0), kind, flags, 0, 0, 0, stream];
        [&head, payload].concat()
    }

    /// A call of `DoGet` for the row, as a client sends it.
    fn call() -> Vec<u8> {
        let path = b"/arrow.flight.protocol.FlightService/DoGet";
        let ticket = br#"{"table":"t","keys":[1],"columns":["text"]}"#;
        let value = |value: &[u8]| [&[value.len() as u8], value].concat();
        // POST and http; then names of the static table, each with a value.
        let headers = [
            &[0x83, 0x86, 0x04][..],
            &value(path),
            &[0x01],
            &value(b"localhost"),
            &[0x0f, 0x10],
            &value(b"application/grpc"),
        ];
        let ticket = [&[0x0a], value(ticket).as_slice()].concat();
        let message = [&[0, 0, 0, 0, ticket.len() as u8], ticket.as_slice()].concat();
        [
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            frame(SETTINGS, 0, 0, &[]),
            frame(HEADERS, 4, 1, &headers.concat()),
            frame(DATA, 1, 1, &message),
        ]
        .concat()
    }

    #[test]
    fn client_of_flight_that_answers_pings_and_takes_nothing_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (_ending, ended) = watch::channel(false);
        runtime.spawn(serve(
            listener,
            Endpoint {
                protocol: Protocol::Flight,
                guard: Guard::new(address, None),
                shared: Arc::new(Shared::new(Arc::new(tables(dir.path())))),
                slots: Arc::new(Semaphore::new(4)),
                ending: ended,
                stall: SHORT,
            },
        ));
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.write_all(&call()).unwrap();
        let mut pinging = stream.try_clone().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        // Traffic in both directions, all the time.
        let pings = std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed)
                && pinging.write_all(&frame(PING, 0, 0, b"how are?")).is_ok()
            {
                std::thread::sleep(SHORT / 10);
            }
        });
        let (mut taken, mut answers) = (0, 0);
        let mut head = [0; 9];
        let end = loop {
            let read = stream.read_exact(&mut head);
            let length = head[..3].iter().fold(0, |n, b| n << 8 | usize::from(*b));
            let mut payload = vec![0; length];
            if let Err(e) = read.and_then(|()| stream.read_exact(&mut payload)) {
                break e.kind();
            }
            match (head[3], head[4] & 1) {
                (DATA, _) => taken += length,
                (SETTINGS, 0) => drop(stream.write_all(&frame(SETTINGS, 1, 0, &[]))),
                (PING, 0) => drop(stream.write_all(&frame(PING, 1, 0, &payload))),
                (PING, _) => answers += 1,
                _ => {}
            }
        };
        is_over.store(true, Ordering::Relaxed);
        pings.join().unwrap();
        let is_cut = matches!(end, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset);
        assert!(is_cut, "{end:?}");
        assert!((1..=WINDOW).contains(&taken), "{taken}");
        assert!(answers > 0, "the server answered no ping");
    }
}
