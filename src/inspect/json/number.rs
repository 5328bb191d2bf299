//! Numbers, as text: nothing here rounds one.

use crate::inspect::json::Reason;
use crate::inspect::json::ScanError;
use crate::inspect::json::scanned::Found;
use crate::inspect::json::scanned::Scanned;

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
pub(in crate::inspect::json) fn scan_number(
    text: &[u8],
    start: usize,
) -> Result<Scanned, ScanError> {
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
    let end = loop {
        let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk) else {
            break single_digits(text, at);
        };
        match others(word) {
            0 => at += 8,
            others => break at + (others.trailing_zeros() / 8) as usize,
        }
    };
    match text.get(end) {
        _ if end > start => Ok(end),
        None => Err(Reason::End.at(end)),
        Some(_) => Err(Reason::Number.at(end)),
    }
}

/// The same at the end of a text.
fn single_digits(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    start + rest.iter().take_while(|b| b.is_ascii_digit()).count()
}

const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);
const TOPS: u64 = u64::from_le_bytes([0x80; 8]);
/// What lifts anything above 9 to 0x80 or more.
const ABOVE_NINE: u64 = u64::from_le_bytes([0x76; 8]);

/// The top bit of the first byte that is no digit is set, and none before it: a digit becomes its
/// value, which is below ten. An addition that carries into the next byte does so only at a byte
/// that is no digit, so that only bytes behind that one can be marked in error.
#[inline]
fn others(word: &[u8; 8]) -> u64 {
    let values = u64::from_le_bytes(*word) ^ ZEROS;
    (values.wrapping_add(ABOVE_NINE) | values) & TOPS
}
