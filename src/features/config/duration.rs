//! Spans of time as people write them: `1m`, `5m 30s`, `100ms`.

use std::time::Duration;

use crate::features::config::fault::nearest;
use crate::features::config::fault::shown;

const SECOND: u64 = 1_000_000_000;

/// Names of units, and their nanoseconds. A month is 30.44 days and a year 365.25.
const UNITS: [(&[&str], u64); 10] = [
    (&["ns", "nsec"], 1),
    (&["us", "usec"], 1_000),
    (&["ms", "msec"], 1_000_000),
    (&["s", "sec", "secs", "second", "seconds"], SECOND),
    (&["m", "min", "mins", "minute", "minutes"], 60 * SECOND),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600 * SECOND),
    (&["d", "day", "days"], 86_400 * SECOND),
    (&["w", "wk", "wks", "week", "weeks"], 7 * 86_400 * SECOND),
    (&["M", "month", "months"], 2_630_016 * SECOND),
    (&["y", "yr", "yrs", "year", "years"], 31_557_600 * SECOND),
];

/// Parses a span: whole numbers, each with its unit, which add up.
///
/// # Errors
/// A sentence with the mistake.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("a span of time such as `5m 30s` is wanted, and this is empty".to_owned());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (digits, behind) = split(rest, |c| c.is_ascii_digit());
        if digits.is_empty() {
            return Err(format!(
                "`{}` is no span of time, such as `5m 30s`",
                shown(text)
            ));
        }
        let (unit, behind) = split(behind.trim_start(), char::is_alphabetic);
        let nanoseconds = unit_of(unit, digits)?;
        let number = digits.parse::<u64>().ok();
        let part = number.and_then(|n| n.checked_mul(nanoseconds));
        let sum = part.and_then(|part| total.checked_add(part));
        total = sum.ok_or_else(|| format!("`{}` is longer than 584 years", shown(text)))?;
        rest = behind.trim_start();
    }
    Ok(Duration::from_nanos(total))
}

fn unit_of(unit: &str, digits: &str) -> Result<u64, String> {
    if unit.is_empty() {
        let digits = shown(digits);
        return Err(format!("`{digits}` lacks a unit, such as `{digits}s`"));
    }
    let found = UNITS.iter().find(|(names, _)| names.contains(&unit));
    if let Some((_, nanoseconds)) = found {
        return Ok(*nanoseconds);
    }
    let known = UNITS.iter().flat_map(|(names, _)| names.iter().copied());
    let advice = match nearest(unit, known) {
        Some(near) if near.len() > 1 => format!("did you mean `{near}`?"),
        _ => "the units are ms, s, m, h, d, w, month and y".to_owned(),
    };
    Err(format!("`{}` is no unit of time; {advice}", shown(unit)))
}

/// Splits behind the characters that fit.
fn split(text: &str, fits: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !fits(c)).unwrap_or(text.len());
    text.split_at(end)
}
