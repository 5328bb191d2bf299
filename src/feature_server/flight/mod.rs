//! Arrow Flight: rows over gRPC. `protobuf.rs` and `messages.rs` are the messages, `grpc.rs` their frames, `batches.rs`
//! the content of streams, `methods.rs` the methods.

mod batches;
mod grpc;
mod messages;
mod methods;
mod protobuf;

#[doc(hidden)]
pub use crate::feature_server::flight::messages::decode_message;

use std::sync::Arc;
use std::time::Instant;

use hyper::Method;
use hyper::Request;
use hyper::Response;
use hyper::StatusCode;
use hyper::body::Incoming;

use crate::feature_server::body::ReplyBody;
use crate::feature_server::guard::Guard;
use crate::feature_server::metrics::Route;
use crate::feature_server::refusal::Refusal;
use crate::feature_server::state::Shared;

/// The path of the methods.
const SERVICE: &str = "/arrow.flight.protocol.FlightService/";

/// Answers a call.
pub(super) async fn answer(
    shared: &Arc<Shared>,
    guard: &Guard,
    request: Request<Incoming>,
) -> Response<ReplyBody> {
    let began = Instant::now();
    let (head, body) = request.into_parts();
    if head.method != Method::POST {
        let mut reply = Response::new(ReplyBody::of("this address has Arrow Flight only"));
        *reply.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        return reply;
    }
    let answered = match guard.check(&head.uri, &head.headers) {
        Err(refusal) => Err(refusal),
        Ok(()) => match head.uri.path().strip_prefix(SERVICE) {
            Some("DoGet") => methods::do_get(shared, body).await,
            Some("DoExchange") => Ok(methods::do_exchange(shared, body)),
            Some("GetFlightInfo") => methods::get_flight_info(shared, body).await,
            Some("GetSchema") => methods::get_schema(shared, body).await,
            Some("ListFlights") => methods::list_flights(shared),
            _ => Err(Refusal::new(
                StatusCode::NOT_IMPLEMENTED,
                "there is no such method",
            )),
        },
    };
    let is_error = answered.is_err();
    let reply = answered.unwrap_or_else(|refusal| grpc::answer(Err(refusal)));
    shared
        .metrics
        .count(Route::Flight, began.elapsed(), is_error);
    reply
}
