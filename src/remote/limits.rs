//! Limits of reading from elsewhere, in one table. `spec/remote.md` lists them.

use std::time::Duration;

/// Redirects that one request follows.
pub const REDIRECTS_MAX: usize = 5;
/// Tries of one request, the first included.
pub const TRIES_MAX: u32 = 4;
/// First pause before another try; each further one is twice as long.
pub const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// Longest pause that a server may ask for with `Retry-After`.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// Time to connect, TLS included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Time without a byte, before and inside of an answer, unless the settings say another.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for a whole answer, apart from its length.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
/// Bytes a second that an answer may take no longer than, beyond `ANSWER_TIMEOUT`.
pub const SLOWEST_BYTES_PER_SECOND: u64 = 8 << 10;
/// Bytes of all headers of an answer.
pub const HEADER_BYTES_MAX: usize = 64 << 10;
/// Bytes of a URL.
pub const URL_BYTES_MAX: usize = 8 << 10;
/// Bytes of one page of a listing.
pub const LISTING_PAGE_BYTES_MAX: u64 = 32 << 20;
/// Pages of a listing.
pub const LISTING_PAGES_MAX: usize = 2_000;
/// Files of a listing.
pub const LISTING_FILES_MAX: usize = 1_000_000;
/// Bytes of an error's text that are shown.
pub const ERROR_TEXT_BYTES_MAX: usize = 512;
/// Bytes of a block: the unit of memory, cache and requests.
pub const BLOCK_BYTES: u64 = 16 << 10;
/// Bytes of blocks in memory, all files together.
pub const MEMORY_BYTES_MAX: u64 = 96 << 20;
/// Bytes of the first request of a file.
pub const OPENING_BYTES: u64 = 64 << 10;
/// Bytes that are fetched ahead at first when a file is read in order.
pub const WINDOW_BYTES_MIN: u64 = 256 << 10;
/// Bytes that are fetched ahead at most by one request.
pub const WINDOW_BYTES_MAX: u64 = 8 << 20;
/// Bytes between two wanted ranges that are fetched too, so that one request suffices.
pub const GAP_BYTES_MAX: u64 = 1 << 20;
/// Requests under way at the same time.
pub const REQUESTS_MAX: usize = 8;
/// Bytes of a file that is read from the front because its server knows no ranges.
pub const SPOOLED_BYTES_MAX: u64 = 64 << 30;
/// Bytes in the cache on disk, unless the settings say another.
pub const CACHE_BYTES_MAX: u64 = 2 << 30;
/// Files in the cache on disk.
pub const CACHE_FILES_MAX: usize = 8_192;
/// Bytes of the first request of a Parquet file: its end, where the footer is.
pub const FOOTER_BYTES: u64 = 128 << 10;
/// Bytes of a file that is kept in memory because its server answered with the whole.
pub const SMALL_BYTES_MAX: u64 = 1 << 20;
