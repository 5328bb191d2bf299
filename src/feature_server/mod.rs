//! The server of feature tables, over HTTP and Arrow Flight. `spec/features.md` is the specification.
//!
//! - `server.rs`, `connection.rs`: listeners and connections, over `http_server`; `taking.rs`: answers that a client of
//!   HTTP/2 does not take
//! - `state.rs`, `guard.rs`, `metrics.rs`: the tables and budgets of the server; access; counters
//! - `body.rs`, `arrow_stream.rs`: bodies of requests and answers; Arrow streams in them
//! - `lookup.rs`: a request for rows, on the thread of the connection or beside it
//! - `http/`: the paths of the two generations of the cache, of Feast, and of this program
//! - `flight/`: the methods of Arrow Flight, and the messages that carry them
//! - `polling.rs`: looks at sources
//!
//! No file here knows the bytes of segments; `features` has the tables.

mod arrow_stream;
mod body;
mod connection;
mod flight;
mod guard;
mod http;
mod limits;
mod lookup;
mod metrics;
mod polling;
mod refusal;
mod server;
mod state;
mod taking;
mod text;

#[doc(hidden)]
pub use flight::decode_message;
#[doc(hidden)]
pub use http::decode_request;
#[cfg(feature = "cli")]
pub(crate) use http::json_value;
pub use polling::LoadEvent;
pub use polling::LoadObserver;
pub use polling::Poller;
pub use server::FeatureServer;
pub use server::FeatureServerOptions;
pub use server::ServeError;
