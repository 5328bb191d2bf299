//! Limits of the doors.

use std::time::Duration;

/// Connections at one time. Further ones wait.
pub(super) const CONNECTIONS_MAX: usize = 1024;
/// Bytes of the headers of a request.
pub(super) const HEADERS_BYTES_MAX: usize = 64 << 10;
/// Bytes of a connection that wait to be sent, beyond which no further block is taken.
pub(super) const WAITING_BYTES: usize = 80 << 10;
/// Bytes of the path and of the query of a request, each.
pub(super) const TARGET_BYTES_MAX: usize = 16 << 10;
/// Parts of a path.
pub(super) const SEGMENTS_MAX: usize = 256;
/// Parameters of a query.
pub(super) const PARAMETERS_MAX: usize = 64;
/// Time between two requests of a connection, and for the headers of one.
pub(super) const IDLE: Duration = Duration::from_secs(60);
/// Time without a byte in either direction, while a request or an answer is under way.
pub(super) const STALL: Duration = Duration::from_secs(30);
/// Time for the small body of a request.
pub(super) const BODY_TIME: Duration = Duration::from_secs(60);
/// Time given to answers under way when the server ends.
pub(super) const PARTING: Duration = Duration::from_secs(5);
/// Pieces of work that block at one time: reading the store, searching, drawing a page. Further ones wait.
pub(super) const WORK_AT_ONCE: usize = 16;
/// Time between two blocks of a client that is quick, for which blocks are read before it asks for them.
pub(super) const QUICK: Duration = Duration::from_millis(50);
/// Blocks that are read for one quick client before it asks for them: those of two records, which are then unpacked at
/// the same time.
pub(super) const BLOCKS_AHEAD: usize = 8;
/// The same for all clients, beyond one for each.
pub(super) const BLOCKS_AHEAD_OF_ALL: usize = 96;
/// Bytes of a block, which is verified and sent as one. A slow client holds one.
pub(super) const BLOCK_BYTES: u64 = 256 << 10;
/// Bytes of verified blocks that are kept for the next client.
pub(super) const KEPT_BYTES_MAX: usize = 64 << 20;
/// Number of verified blocks that are kept.
pub(super) const KEPT_BLOCKS_MAX: usize = 4096;
/// Ranges of one request. More are refused.
pub(super) const RANGES_MAX: usize = 16;
/// Datasets that stay open between requests.
pub(super) const OPEN_MAX: usize = 8;
/// Time that a dataset stays open after its last request. While it is open, a collection keeps its bytes.
pub(super) const OPEN_TIME: Duration = Duration::from_secs(20);
/// Age that a change of the catalogue needs before its timestamp can be trusted to tell it from the next one.
pub(super) const STAMP_AGE: Duration = Duration::from_millis(50);
