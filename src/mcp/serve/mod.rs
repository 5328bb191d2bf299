//! Serves clients: one over standard input and output, or many over HTTP.

mod pipe;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::header::WWW_AUTHENTICATE;
use axum::middleware::Next;
use axum::middleware::from_fn;
use axum::response::IntoResponse as _;
use axum::response::Response;
use rmcp::service::ServiceExt as _;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::keyring::BearerToken;
use crate::mcp::limits::MESSAGE_BYTES_MAX;
use crate::mcp::serve::pipe::BoundedPipe;
use crate::mcp::server::McpServer;
use crate::mcp::workspace::Workspace;
use crate::net::Stop;
use crate::registry::Error;
use crate::registry::NodeError;

/// Path of the protocol on the HTTP server.
const PATH: &str = "/mcp";
/// Calls that work at one time. Scans wait for their turn before.
const CALLS_AT_ONCE: usize = 64;
/// Time given to threads that still work when the program ends.
const PARTING: std::time::Duration = std::time::Duration::from_millis(50);

/// Serves one client over standard input and output, until the input ends or the program is stopped.
///
/// # Errors
/// [`Error`] when the runtime cannot start, or the client speaks another protocol.
pub fn serve_stdio(workspace: Arc<Workspace>, stop: Stop) -> Result<(), Error> {
    let runtime = runtime()?;
    let served = runtime.block_on(async move {
        let (input, output) = rmcp::transport::io::stdio_pipes();
        let transport =
            AsyncRwTransport::new_server(input, output).with_max_line_length(MESSAGE_BYTES_MAX);
        let transport = BoundedPipe::new(transport);
        let running = tokio::select! {
            running = McpServer::new(workspace).serve(transport) => running,
            () = stopped(stop.clone()) => return Ok(()),
        };
        // A client that leaves before it says anything is no failure.
        let Ok(running) = running else { return Ok(()) };
        tokio::select! {
            ended = running.waiting() => ended.map(|_| ()),
            () = stopped(stop) => Ok(()),
        }
    });
    runtime.shutdown_timeout(PARTING);
    served.map_err(|error| Error::machine("serve a client", std::io::Error::other(error)))
}

/// A server of clients over HTTP. It serves until it is dropped.
pub struct HttpServer {
    runtime: Option<Runtime>,
    serving: JoinHandle<std::io::Result<()>>,
    url: String,
}

impl HttpServer {
    /// Binds to an address and begins to serve.
    ///
    /// # Errors
    /// [`NodeError::Bind`] when the address is taken.
    pub fn start(
        workspace: Arc<Workspace>,
        address: SocketAddr,
        token: Option<BearerToken>,
    ) -> Result<Self, Error> {
        let runtime = runtime()?;
        let bind = |source| NodeError::Bind {
            address: address.to_string(),
            source,
        };
        let listener = runtime.block_on(TcpListener::bind(address)).map_err(bind)?;
        let bound = listener.local_addr().map_err(bind)?;
        let router = router(workspace, bound, token);
        let serving = runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            runtime: Some(runtime),
            serving,
            url: format!("http://{bound}{PATH}"),
        })
    }

    /// Returns the address of the protocol.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Serves until the program is stopped.
    ///
    /// # Errors
    /// [`Error`] when the listener fails.
    pub fn run(mut self, stop: Stop) -> Result<(), Error> {
        let Some(runtime) = self.runtime.take() else {
            return Ok(());
        };
        let serving = &mut self.serving;
        let served = runtime.block_on(async {
            tokio::select! {
                served = serving => served.unwrap_or_else(|e| Err(std::io::Error::other(e))),
                () = stopped(stop) => Ok(()),
            }
        });
        runtime.shutdown_timeout(PARTING);
        served.map_err(|e| Error::machine("serve clients", e))
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.serving.abort();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(PARTING);
        }
    }
}

/// Builds the HTTP service. Names of hosts and origins are checked: a page in a browser on this machine
/// must not reach the server by a name of its own (DNS rebinding).
fn router(workspace: Arc<Workspace>, bound: SocketAddr, token: Option<BearerToken>) -> Router {
    let mut hosts = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    if !bound.ip().is_loopback() && !bound.ip().is_unspecified() {
        hosts.push(bound.ip().to_string());
    }
    let mut config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(hosts)
        .enforce_origin_validation()
        .with_max_request_body_bytes(MESSAGE_BYTES_MAX);
    if bound.ip().is_unspecified() {
        // Any name may lead here; the token protects.
        config = config.disable_allowed_hosts();
    }
    let server = McpServer::new(workspace);
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(server.clone()), sessions, config);
    let router = Router::new().route_service(PATH, service);
    match token {
        None => router,
        Some(token) => router.layer(from_fn(move |request: Request, next: Next| {
            let token = token.clone();
            async move { check_token(&token, request, next).await }
        })),
    }
}

async fn check_token(token: &BearerToken, request: Request, next: Next) -> Response {
    let given = request.headers().get(AUTHORIZATION);
    if token.is_in(given.and_then(|v| v.to_str().ok())) {
        return next.run(request).await;
    }
    let headers = [(WWW_AUTHENTICATE, "Bearer")];
    (StatusCode::UNAUTHORIZED, headers, Body::empty()).into_response()
}

fn runtime() -> Result<Runtime, Error> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(2)
        .max_blocking_threads(CALLS_AT_ONCE);
    let built = builder.enable_all().build();
    built.map_err(|e| Error::machine("start the runtime", e))
}

/// Waits until the program is asked to stop.
async fn stopped(stop: Stop) {
    while !stop.is_asked_for() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
