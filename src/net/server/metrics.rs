//! Metrics for Prometheus, on loopback only, in its text format.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::net::server::shared::Server;
use crate::registry::Error;
use crate::registry::NodeError;

/// Serves `GET /metrics`, as long as the runtime lives.
///
/// # Errors
/// [`NodeError::Bind`] when the port is taken.
pub(crate) async fn listen(port: u16, server: Arc<Server>) -> Result<(), Error> {
    let at = (Ipv4Addr::LOCALHOST, port);
    let listener = TcpListener::bind(at).await.map_err(|source| {
        Error::Node(NodeError::Bind {
            address: format!("127.0.0.1:{port}"),
            source,
        })
    })?;
    let answer = move || {
        let text = text(&server);
        async move { ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text) }
    };
    let router = Router::new().route("/metrics", get(answer));
    tokio::spawn(async move {
        // It ends with the runtime.
        let _ = axum::serve(listener, router).await;
    });
    Ok(())
}

fn text(server: &Server) -> String {
    let counters = &server.counters;
    let figure = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed);
    let rows = [
        (
            "connections_total",
            "counter",
            figure(&counters.connections),
        ),
        (
            "connections_refused_total",
            "counter",
            figure(&counters.refused),
        ),
        (
            "connections",
            "gauge",
            server.connection_limiter.len() as u64,
        ),
        ("requests_total", "counter", figure(&counters.requests)),
        ("requests_failed_total", "counter", figure(&counters.failed)),
        ("requests_under_way", "gauge", figure(&counters.under_way)),
        ("sent_bytes_total", "counter", figure(&counters.sent_bytes)),
        (
            "uptime_seconds",
            "gauge",
            server.started.elapsed().as_secs(),
        ),
    ];
    let mut text = String::new();
    for (name, kind, value) in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "# TYPE alimentar_{name} {kind}\nalimentar_{name} {value}"
        );
    }
    text
}
