//! Limits of the S3 door.

/// Entries of a page of a listing.
pub(super) const PAGE_ENTRIES_MAX: usize = 1000;
/// Bytes of a token that asks for the next page.
pub(super) const TOKEN_BYTES_MAX: usize = 12 << 10;
/// Seconds that the clocks of both sides may differ.
pub(super) const SKEW_SECONDS: i64 = 15 * 60;
/// Seconds that a presigned URL may be good for.
pub(super) const EXPIRES_SECONDS_MAX: i64 = 7 * 24 * 60 * 60;
