//! Numbers, as text: nothing here rounds one.

use crate::inspect::json_scan::Reason;
use crate::inspect::json_scan::ScanError;
use crate::inspect::json_scan::scanned::Found;
use crate::inspect::json_scan::scanned::Scanned;

/// A number as it is written. Any length and any exponent are JSON; what they mean is for the
/// caller to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number<'a> {
    /// Its characters, all of them ASCII.
    pub raw: &'a [u8],
    /// Whether it has neither fraction nor exponent.
    pub is_integer: bool,
}

impl Number<'_> {
    /// The integer, where it is written as one and fits.
    pub fn to_i64(&self) -> Option<i64> {
        let text = self.is_integer.then(|| std::str::from_utf8(self.raw).ok());
        text.flatten()?.parse().ok()
    }

    /// The nearest double; infinite where the number is beyond all of them.
    pub fn to_f64(&self) -> Option<f64> {
        std::str::from_utf8(self.raw).ok()?.parse().ok()
    }
}

/// Reads the number that begins at `start`, which has a digit or a minus. An integer is marked.
#[inline]
pub(super) fn scan_number(text: &[u8], start: usize) -> Result<Scanned, ScanError> {
    let mut at = start + usize::from(text.get(start) == Some(&b'-'));
    if text.get(at) == Some(&b'0') {
        at += 1;
        if text.get(at).is_some_and(u8::is_ascii_digit) {
            return Err(Reason::Number.at(at));
        }
    } else {
        at = digits(text, at)?;
    }
    let mut is_integer = true;
    if text.get(at) == Some(&b'.') {
        is_integer = false;
        at = digits(text, at + 1)?;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        is_integer = false;
        at += 1;
        at += usize::from(matches!(text.get(at), Some(b'+' | b'-')));
        at = digits(text, at)?;
    }
    let found = match is_integer {
        true => Found::Marked,
        false => Found::Plain,
    };
    Ok(Scanned { at, found })
}

/// Passes over digits, at least one.
#[inline]
fn digits(text: &[u8], start: usize) -> Result<usize, ScanError> {
    let mut at = start;
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    match text.get(at) {
        _ if at > start => Ok(at),
        None => Err(Reason::End.at(at)),
        Some(_) => Err(Reason::Number.at(at)),
    }
}
