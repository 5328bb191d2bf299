//! Local time of day, for quiet hours.

use chrono::Local;
use chrono::Timelike as _;

/// Returns the minutes since midnight.
#[allow(
    clippy::disallowed_methods,
    reason = "people's clock, which only the machine knows"
)]
pub(crate) fn minute_of_day() -> u16 {
    let now = Local::now();
    // Less than 24 hours of 60 minutes.
    (now.hour() * 60 + now.minute()) as u16
}
