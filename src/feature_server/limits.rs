//! Limits of connections and requests. `features/limits.rs` has those of tables.

use std::time::Duration;

/// Connections at one time. Further ones wait.
pub(crate) const CONNECTIONS_MAX: usize = 4096;
/// Requests that work at one time. Further ones wait.
pub(crate) const REQUESTS_AT_ONCE: usize = 256;
/// Requests beside the threads of connections at one time: large lookups, writes, loads.
pub(crate) const LARGE_AT_ONCE: usize = 8;
/// Requests that wait for their turn.
pub(crate) const WAITING_MAX: usize = 4096;
/// Time that a request waits for its turn.
pub(crate) const TURN: Duration = Duration::from_secs(10);
/// Bytes of a body that no budget counts.
pub(crate) const SMALL_BODY_BYTES: usize = 256 << 10;
/// Bytes of all larger bodies together.
pub(crate) const BODIES_BYTES_MAX: usize = 2 << 30;
/// Keys of a lookup on the thread of the connection.
pub(crate) const SMALL_KEYS: usize = 4096;
/// Bytes of the answer of such a lookup, by the widths of its columns.
pub(crate) const SMALL_ANSWER_BYTES: usize = 4 << 20;
/// Bytes of a write in JSON. Arrow and Parquet take more.
pub(crate) const JSON_WRITE_BYTES_MAX: usize = 64 << 20;
/// Bytes of the definition of a table, and of other small requests.
pub(crate) const DEFINITION_BYTES_MAX: usize = 4 << 20;
/// Bytes of the headers of a request.
pub(crate) const HEADERS_BYTES_MAX: usize = 32 << 10;
/// Tables in one request.
pub(crate) const REQUEST_TABLES_MAX: usize = 256;
/// Time between two requests of a connection, and for the headers of one.
pub(crate) const IDLE: Duration = Duration::from_secs(90);
/// Time without a byte in either direction, while a request or an answer is under way.
pub(crate) const STALL: Duration = Duration::from_secs(30);
/// Time for the body of a request.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(600);
/// Time given to answers under way when the server ends.
pub(crate) const PARTING: Duration = Duration::from_secs(5);
/// Streams of one connection of Arrow Flight.
pub(crate) const STREAMS_MAX: u32 = 64;
/// Bytes of a message of gRPC without the body of a batch.
pub(crate) const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// Parts of the path of a flight.
pub(crate) const PATH_PARTS_MAX: usize = 4200;
/// Niceness of threads that load: beside one that answers, they get a tenth of a processor.
#[cfg(target_os = "linux")]
pub(super) const LOAD_NICENESS: i32 = 10;
