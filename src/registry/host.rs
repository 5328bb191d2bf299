//! Access to the system clock and to randomness.
#![allow(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock"
)]

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::clock::Timestamp;

/// Returns the current time of the system clock.
pub fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Returns the time since the Unix epoch, by the system clock.
pub fn since_epoch() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default()
}

/// Returns an instant to measure durations from.
pub fn instant() -> Instant {
    Instant::now()
}

/// Returns unpredictable random bytes.
///
/// # Errors
/// The error of the operating system.
pub fn random<const N: usize>() -> Result<[u8; N], std::io::Error> {
    let mut bytes = [0; N];
    fill_random(&mut bytes)?;
    Ok(bytes)
}

/// Fills a buffer with bytes nobody can guess.
///
/// # Errors
/// As the operating system.
pub fn fill_random(bytes: &mut [u8]) -> Result<(), std::io::Error> {
    getrandom::fill(bytes).map_err(std::io::Error::other)
}
