//! The time of day, by the machine's own zone: quiet hours are people's hours.

use chrono::Local;
use chrono::Timelike as _;

/// Minutes since midnight.
#[allow(
    clippy::disallowed_methods,
    reason = "people's clock, which only the machine knows"
)]
pub(crate) fn minute_of_day() -> u16 {
    let now = Local::now();
    // Less than 24 hours of 60 minutes.
    (now.hour() * 60 + now.minute()) as u16
}
