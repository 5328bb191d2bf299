//! The server: `server.rs` has its start and its end, `connection.rs` the way of a request to its door, `traced.rs` the
//! access log, `origins.rs` the pages of other origins.

mod connection;
mod origins;
mod server;
mod traced;

pub use server::DoorServer;
pub use server::DoorServerError;
