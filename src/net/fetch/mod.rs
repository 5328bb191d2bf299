//! Requests of HTTP and HTTPS: the transport of `remote`. Proxies come from `HTTP_PROXY`, `HTTPS_PROXY`,
//! `ALL_PROXY` and `NO_PROXY`, certificates from the system or from `SSL_CERT_FILE`.
//!
//! - `body`: bodies of answers; `reason`: errors as reasons without URLs; `tls`: the configuration

mod body;
mod reason;
pub(in crate::net) mod tls;

use std::sync::Mutex;
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;
use tokio::runtime::Runtime;

use crate::locks::lock;
use crate::net::fetch::body::FetchBody;
use crate::net::fetch::reason::reason;
use crate::net::offline;
use crate::remote::Method;
use crate::remote::Request;
use crate::remote::Response;
use crate::remote::Transport;
use crate::remote::TransportError;
use crate::remote::limits::CONNECT_TIMEOUT;
use crate::remote::limits::HEADER_BYTES_MAX;
use crate::remote::limits::REQUESTS_MAX;

/// Threads of the runtime.
const THREADS: usize = 2;
/// Time after which an idle connection is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of one answer of HTTP/2 that are under way.
const STREAM_WINDOW: u32 = 8 << 20;
/// Bytes of all answers of one connection of HTTP/2 that are under way.
const CONNECTION_WINDOW: u32 = 32 << 20;

/// A client of HTTP/1.1 and HTTP/2. It starts its threads with the first request.
#[derive(Debug, Default)]
pub struct HttpTransport(Mutex<Option<Started>>);

#[derive(Debug)]
struct Started {
    client: Client,
    runtime: Runtime,
}

impl HttpTransport {
    /// Returns a client that has not started yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the client and a handle of its runtime.
    fn started(&self) -> Result<(Client, tokio::runtime::Handle), TransportError> {
        let mut guard = lock(&self.0);
        let started = match guard.take() {
            Some(started) => started,
            None => start()?,
        };
        let parts = (started.client.clone(), started.runtime.handle().clone());
        *guard = Some(started);
        Ok(parts)
    }
}

impl Drop for HttpTransport {
    fn drop(&mut self) {
        if let Some(started) = lock(&self.0).take() {
            started.runtime.shutdown_background();
        }
    }
}

fn start() -> Result<Started, TransportError> {
    let refused = |why: String| TransportError::Refused(why);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("fetch")
        .enable_all()
        .build()
        .map_err(|e| refused(format!("cannot start threads: {e}")))?;
    let client = Client::builder()
        .tls_backend_preconfigured(tls::config()?)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent(concat!("alimentar/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(REQUESTS_MAX)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_max_header_list_size(u32::try_from(HEADER_BYTES_MAX).unwrap_or(u32::MAX))
        .build()
        .map_err(reason)?;
    Ok(Started { client, runtime })
}

impl Transport for HttpTransport {
    fn send(&self, request: &Request) -> Result<Response, TransportError> {
        if offline::is_offline() {
            let why = "connections are forbidden: this is offline";
            return Err(TransportError::Refused(why.to_owned()));
        }
        if request.url.scheme() == "https" {
            tls::check()?;
        }
        let (client, handle) = self.started()?;
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Head => reqwest::Method::HEAD,
        };
        let mut builder = client.request(method, request.url.clone());
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        let deadline = request.stall_timeout.min(request.total_timeout);
        let sent = handle.block_on(async { tokio::time::timeout(deadline, builder.send()).await });
        let response = match sent {
            Ok(sent) => sent.map_err(reason)?,
            Err(_) => {
                let why = format!("no answer in {} seconds", deadline.as_secs_f32());
                return Err(TransportError::TimedOut(why));
            }
        };
        let headers = response.headers().iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        Ok(Response {
            status: response.status().as_u16(),
            headers: headers.collect(),
            body: Box::new(FetchBody::new(response, handle, request.stall_timeout)),
        })
    }
}
