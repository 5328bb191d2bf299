//! Requests over HTTP: the paths, and the functions that answer them.
//!
//! - `fetch.rs`, `request.rs`, `values.rs`: rows; `tables.rs`, `definition.rs`: tables and their columns
//! - `write.rs`, `cells.rs`: rows that clients write; `feast.rs`: the protocol of Feast
//! - `status.rs`, `openapi.rs`: the server itself; `reply.rs`, `ordered.rs`: answers, and objects with an order

mod cells;
mod definition;
mod feast;
mod fetch;
mod openapi;
mod ordered;
mod reply;
mod request;
mod status;
mod tables;
mod values;
mod write;

pub(super) use crate::feature_server::http::request::TicketJson;
#[cfg(feature = "cli")]
pub(crate) use crate::feature_server::http::values::json_value;

use std::sync::atomic::Ordering;
use std::time::Instant;

use hyper::HeaderMap;
use hyper::Method;
use hyper::Request;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::ALLOW;
use hyper::header::HeaderValue;

use crate::feature_server::guard::Guard;
use crate::feature_server::http::fetch::Form;
use crate::feature_server::http::reply::Reply;
use crate::feature_server::http::reply::refused;
use crate::feature_server::metrics::Route;
use crate::feature_server::refusal::Refusal;
use crate::feature_server::state::Link;
use crate::feature_server::state::Shared;
use crate::feature_server::text::percent_decoded;

/// The first part of paths whose schemas have the form of the first generation.
const FIRST_GENERATION: &str = "0.1";

/// The function of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Compact(String),
    FeastPush,
    FeastRead,
    FeastWrite,
    Fetch(String),
    FetchList(String),
    FetchSeveral,
    Health,
    List,
    Metrics,
    OpenApi,
    Readiness,
    Reload(Option<String>),
    Schema(String),
    Table(String),
    Write(String),
}

impl Target {
    /// Finds the function of the parts of a path.
    fn of(parts: &[String]) -> Option<Self> {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let owned = |text: &str| text.to_owned();
        Some(match parts.as_slice() {
            ["health"] => Self::Health,
            ["ready"] => Self::Readiness,
            ["metrics"] => Self::Metrics,
            ["openapi.json"] => Self::OpenApi,
            ["reload"] => Self::Reload(None),
            ["reload", table] => Self::Reload(Some(owned(table))),
            ["api", "v1", "table"] => Self::List,
            ["api", "v1", "fetch"] => Self::FetchSeveral,
            ["api", "v1", "table", table] => Self::Table(owned(table)),
            ["api", "v1", "table", table, "schema"] => Self::Schema(owned(table)),
            ["api", "v1", "table", table, "fetch"] => Self::Fetch(owned(table)),
            ["api", "v1", "table", table, "write"] => Self::Write(owned(table)),
            ["api", "v1", "table", table, "compact"] => Self::Compact(owned(table)),
            ["v1", table] | ["v1", table, "_fetch"] => Self::FetchList(owned(table)),
            ["get-online-features"] => Self::FeastRead,
            ["write-to-online-store"] => Self::FeastWrite,
            ["push"] => Self::FeastPush,
            _ => return None,
        })
    }

    /// Returns the methods of the path, and the routes that count them.
    fn methods(&self) -> &'static [(Method, Route)] {
        const FEAST_READ: &[(Method, Route)] = &[(Method::POST, Route::FeastRead)];
        const FEAST_WRITE: &[(Method, Route)] = &[(Method::POST, Route::FeastWrite)];
        const TABLE: &[(Method, Route)] = &[
            (Method::PUT, Route::Create),
            (Method::DELETE, Route::Remove),
        ];
        match self {
            Self::Compact(_) => const { &[(Method::POST, Route::Compact)] },
            Self::FeastRead => FEAST_READ,
            Self::FeastPush | Self::FeastWrite => FEAST_WRITE,
            Self::Fetch(_) | Self::FetchList(_) => const { &[(Method::POST, Route::Fetch)] },
            Self::FetchSeveral => const { &[(Method::POST, Route::FetchSeveral)] },
            Self::Health | Self::Readiness => const { &[(Method::GET, Route::Health)] },
            Self::Metrics => const { &[(Method::GET, Route::Metrics)] },
            Self::OpenApi => const { &[(Method::GET, Route::Other)] },
            Self::Reload(_) => const { &[(Method::POST, Route::Reload)] },
            Self::List | Self::Schema(_) => const { &[(Method::GET, Route::Schema)] },
            Self::Table(_) => TABLE,
            Self::Write(_) => const { &[(Method::PUT, Route::Write)] },
        }
    }

    fn is_feast(&self) -> bool {
        matches!(self, Self::FeastPush | Self::FeastRead | Self::FeastWrite)
    }
}

/// Answers a request.
pub(super) async fn answer(
    shared: &Shared,
    guard: &Guard,
    link: &Link,
    request: Request<Incoming>,
) -> Reply {
    let began = Instant::now();
    let (head, body) = request.into_parts();
    let mut parts: Vec<String> = head
        .uri
        .path()
        .split('/')
        .skip(1)
        .map(percent_decoded)
        .collect();
    let is_first = parts.first().is_some_and(|part| part == FIRST_GENERATION);
    if is_first {
        parts.remove(0);
    }
    let target = Target::of(&parts);
    let methods = target.as_ref().map_or(&[][..], Target::methods);
    let route = methods
        .iter()
        .find(|(method, _)| *method == head.method)
        .map(|(_, route)| *route);
    let is_first = is_first || link.is_first_generation.load(Ordering::Relaxed);
    let is_feast = target.as_ref().is_some_and(Target::is_feast);
    let answered = match (guard.check(&head.uri, &head.headers), target, route) {
        (Err(refusal), ..) => Err(refusal),
        (Ok(()), None, _) => Err(Refusal::new(StatusCode::NOT_FOUND, "there is no such path")),
        (Ok(()), Some(_), None) => Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "the path has other methods",
        )),
        (Ok(()), Some(target), Some(route)) => {
            let asked = Asked {
                headers: &head.headers,
                query: head.uri.query().unwrap_or_default(),
                is_first,
                route,
            };
            dispatch(shared, link, target, &asked, body).await
        }
    };
    let mut reply = answered.unwrap_or_else(|refusal| refused(&refusal, is_feast));
    if reply.status() == StatusCode::METHOD_NOT_ALLOWED {
        let names: Vec<&str> = methods.iter().map(|(method, _)| method.as_str()).collect();
        if let Ok(value) = HeaderValue::from_str(&names.join(", ")) {
            reply.headers_mut().insert(ALLOW, value);
        }
    }
    let is_error = reply.status().is_client_error() || reply.status().is_server_error();
    shared
        .metrics
        .count(route.unwrap_or(Route::Other), began.elapsed(), is_error);
    reply
}

/// Facts of a request beside its path and body.
struct Asked<'a> {
    headers: &'a HeaderMap,
    query: &'a str,
    is_first: bool,
    route: Route,
}

async fn dispatch(
    shared: &Shared,
    link: &Link,
    target: Target,
    asked: &Asked<'_>,
    body: Incoming,
) -> Result<Reply, Refusal> {
    let headers = asked.headers;
    match target {
        Target::Health => Ok(status::health(shared, headers)),
        Target::Readiness => Ok(status::readiness(shared)),
        Target::Metrics => Ok(status::metrics(shared)),
        Target::OpenApi => Ok(openapi::document()),
        Target::Reload(table) => {
            let is_forced = asked.query.split('&').any(|word| word == "force=true");
            status::reload(shared, table, is_forced).await
        }
        Target::List => Ok(tables::list(shared, asked.is_first)),
        Target::Schema(table) => tables::schema(shared, &table, asked.is_first),
        Target::Table(table) if asked.route == Route::Create => {
            tables::create(shared, link, &table, body).await
        }
        Target::Table(table) => tables::remove(shared, &table).await,
        Target::Compact(table) => tables::compact(shared, &table).await,
        Target::Write(table) => write::write(shared, &table, headers, body).await,
        Target::Fetch(table) => {
            fetch::fetch(shared, link, &table, Form::Object, headers, body).await
        }
        Target::FetchList(table) => {
            fetch::fetch(shared, link, &table, Form::List, headers, body).await
        }
        Target::FetchSeveral => fetch::fetch_several(shared, body).await,
        Target::FeastRead => feast::read(shared, body).await,
        Target::FeastWrite => feast::write(shared, body).await,
        Target::FeastPush => feast::push_rows(shared, body).await,
    }
}

/// Reads bytes as the body of each kind of request. For tests with random bytes.
#[doc(hidden)]
pub fn decode_request(bytes: &[u8]) {
    let _ = serde_json::from_slice::<TicketJson>(bytes).map(TicketJson::request);
    let _ = serde_json::from_slice::<definition::NewTable>(bytes).map(definition::NewTable::schema);
    let body = hyper::body::Bytes::copy_from_slice(bytes);
    for is_arrow in [false, true] {
        // A panic of the reader of Arrow becomes an answer.
        let _ = crate::panics::caught(|| fetch::read_request("t", &body, is_arrow));
    }
}
