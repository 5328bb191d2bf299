//! Connections of clients, and the way of a request to its door.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::Method;
use hyper::Request;
use hyper::Response;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::doors::body::Answer;
use crate::doors::body::DoorBody;
use crate::doors::error::DoorError;
use crate::doors::event::RequestEvent;
use crate::doors::hub;
use crate::doors::limits::HEADERS_BYTES_MAX;
use crate::doors::limits::IDLE;
use crate::doors::limits::PARTING;
use crate::doors::limits::STALL;
use crate::doors::limits::WAITING_BYTES;
use crate::doors::page;
use crate::doors::request::DoorRequest;
use crate::doors::s3;
use crate::doors::serving::origins;
use crate::doors::serving::traced::TracedBody;
use crate::doors::state::Doors;
use crate::doors::visitor::Visitor;
use crate::http_server::HostNames;
use crate::http_server::TimedStream;

/// The kind of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// The hub's API and the page.
    Http,
    S3,
}

impl Door {
    const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::S3 => "s3",
        }
    }
}

/// An address that is served.
pub(super) struct Endpoint {
    pub(super) door: Door,
    pub(super) names: HostNames,
    pub(super) doors: Arc<Doors>,
    /// Becomes true at the end.
    pub(super) ending: watch::Receiver<bool>,
}

/// Serves a connection. Its errors are the client's affair.
pub(super) async fn converse(stream: TcpStream, endpoint: Arc<Endpoint>) {
    let Ok(client) = stream.peer_addr() else {
        return;
    };
    let connections = &endpoint.doors.metrics.connections;
    connections.fetch_add(1, Ordering::Relaxed);
    match &endpoint.doors.options.tls {
        None => exchange(TimedStream::new(stream, STALL), client, &endpoint).await,
        Some(tls) => {
            let shaking = TlsAcceptor::from(Arc::clone(tls)).accept(stream);
            if let Ok(Ok(stream)) = timeout(STALL, shaking).await {
                exchange(TimedStream::new(stream, STALL), client, &endpoint).await;
            }
        }
    }
    connections.fetch_sub(1, Ordering::Relaxed);
}

async fn exchange<S>(stream: S, client: SocketAddr, endpoint: &Arc<Endpoint>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut ending = endpoint.ending.clone();
    let served = Arc::clone(endpoint);
    let service = service_fn(move |request: Request<Incoming>| {
        let endpoint = Arc::clone(&served);
        async move { Ok::<_, Infallible>(answer(&endpoint, client, request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(IDLE);
    builder.max_header_size(HEADERS_BYTES_MAX);
    builder.max_buf_size(WAITING_BYTES);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = ending.wait_for(|is_ending| *is_ending) => connection.as_mut().graceful_shutdown(),
    }
    let _ = timeout(PARTING, connection).await;
}

/// Answers a request, and tells the access log of it.
async fn answer(
    endpoint: &Endpoint,
    client: SocketAddr,
    request: Request<Incoming>,
) -> Response<TracedBody> {
    let began = crate::registry::host::instant();
    let doors = &endpoint.doors;
    let mut event = RequestEvent {
        event: "request",
        door: endpoint.door.name(),
        client,
        token: None,
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        status: 0,
        bytes: 0,
        seconds: 0.0,
        error: None,
    };
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut answer = route(endpoint, request, &mut event).await;
    origins::permit(&mut answer, origin.as_ref(), &doors.options.origins);
    event.status = answer.status().as_u16();
    let (parts, body) = answer.into_parts();
    let body = TracedBody::new(body, Arc::clone(doors), began, event);
    Response::from_parts(parts, body)
}

/// Finds the door of a request.
async fn route(
    endpoint: &Endpoint,
    request: Request<Incoming>,
    event: &mut RequestEvent,
) -> Answer {
    let doors = &endpoint.doors;
    let request = match DoorRequest::read(request, doors.options.tls.is_some()) {
        Ok(request) => request,
        Err(e) => return plain_error(&e),
    };
    let host = request.host.as_deref().unwrap_or_default();
    if !endpoint.names.admits(host) {
        let shown: String = host.chars().take(80).collect();
        let why = format!("`{shown}` is no name of this server");
        return plain_error(&DoorError::Forbidden(why));
    }
    if request.method == Method::OPTIONS && request.headers.contains_key(header::ORIGIN) {
        return origins::preflight();
    }
    match endpoint.door {
        Door::S3 => {
            let answer = s3::answer(doors, request).await;
            let visitor = answer.extensions().get::<Visitor>();
            event.token = visitor.and_then(Visitor::name).map(str::to_owned);
            answer
        }
        Door::Http => at_http(doors, request, event).await,
    }
}

async fn at_http(doors: &Arc<Doors>, request: DoorRequest, event: &mut RequestEvent) -> Answer {
    let is_read = matches!(request.method, Method::GET | Method::HEAD);
    match (is_read, request.raw_path.as_str()) {
        (true, "/healthz") => return text(StatusCode::OK, "text/plain", "ok\n"),
        (true, "/metrics") => {
            let figures = doors.metrics.text();
            return text(StatusCode::OK, "text/plain; version=0.0.4", &figures);
        }
        _ => {}
    }
    // A page of another origin must not use what this browser may see.
    if let Some(origin) = request.text(&header::ORIGIN)
        && !origins::is_own(origin, &request.base())
        && !origins::is_permitted(origin, &doors.options.origins)
    {
        return plain_error(&DoorError::Forbidden(
            "the origin is not permitted".to_owned(),
        ));
    }
    let authorization = request.text(&header::AUTHORIZATION);
    let may_be_anonymous = !doors.options.is_token_needed || hub::needs_no_token(doors, &request);
    let visitor = Visitor::of(authorization, &doors.tokens, may_be_anonymous);
    let visitor = match visitor {
        Ok(visitor) => visitor,
        Err(e) => return unauthorized(&e),
    };
    event.token = visitor.name().map(str::to_owned);
    match hub::answer(doors, &visitor, request).await {
        Ok(answer) => answer,
        Err(request) => page::answer(doors, &visitor, request).await,
    }
}

/// Asks for a token. Browsers ask the person for one, as a password.
fn unauthorized(error: &DoorError) -> Answer {
    let mut answer = plain_error(error);
    let headers = answer.headers_mut();
    headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    let basic = "Basic realm=\"alimentar\", charset=\"UTF-8\"";
    headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(basic));
    // The hub's clients show this text.
    if let Ok(message) = HeaderValue::from_str(error.message()) {
        headers.insert("x-error-message", message);
    }
    answer
}

fn plain_error(error: &DoorError) -> Answer {
    let message = format!("{}\n", error.message());
    text(error.status(), "text/plain; charset=utf-8", &message)
}

fn text(status: StatusCode, kind: &'static str, text: &str) -> Answer {
    let mut answer = Answer::new(DoorBody::of(text.to_owned()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    answer
}
