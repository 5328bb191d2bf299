//! Where strings end. Most bytes of a dataset are within strings, so this looks at many bytes at
//! once: eight in a word, by the test for a byte below a bound of Mycroft and of Lamport
//! (*Multiple byte processing with full-word instructions*, CACM 18(8), 1975), two words in a turn
//! where a string is long.

use crate::inspect::json::Reason;
use crate::inspect::json::ScanError;
use crate::inspect::json::scanned::Found;
use crate::inspect::json::scanned::Scanned;

const ONES: u64 = u64::from_le_bytes([0x01; 8]);
const TOPS: u64 = u64::from_le_bytes([0x80; 8]);
const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);
const SPACES: u64 = u64::from_le_bytes([b' '; 8]);

/// Reads the string whose first byte behind the quote is at `start`: where it ends, with its
/// closing quote, and whether it has escapes.
pub(in crate::inspect::json) fn scan_string(text: &[u8], start: usize) -> Scanned {
    let mut at = start;
    let mut found = Found::Plain;
    loop {
        at += plain(text.get(at..).unwrap_or_default());
        let passed = match text.get(at) {
            Some(b'"') => return Scanned { at: at + 1, found },
            Some(b'\\') => {
                found = Found::Marked;
                scan_escape(text, at)
            }
            Some(0x80..) => scan_unicode(text, at),
            Some(_) => Err(Reason::Control.at(at)),
            None => Err(Reason::End.at(text.len())),
        };
        match passed {
            Ok(end) => at = end,
            Err(error) => return error.into(),
        }
    }
}

/// Passes over the escape whose backslash is at `start`. Surrogates may stand alone: the grammar
/// of the RFC lets them.
#[inline]
fn scan_escape(text: &[u8], start: usize) -> Result<usize, ScanError> {
    let at = start + 1;
    match text.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        Some(b'u') => {
            let end = at + 5;
            for digit in at + 1..end {
                match text.get(digit) {
                    Some(byte) if byte.is_ascii_hexdigit() => {}
                    Some(_) => return Err(Reason::Escape.at(digit)),
                    None => return Err(Reason::End.at(digit)),
                }
            }
            Ok(end)
        }
        Some(_) => Err(Reason::Escape.at(at)),
        None => Err(Reason::End.at(at)),
    }
}

/// Passes over the characters beyond ASCII that stand here: the table of RFC 3629, section 4.
fn scan_unicode(text: &[u8], start: usize) -> Result<usize, ScanError> {
    let mut rest = text.get(start..).unwrap_or_default();
    loop {
        rest = match rest {
            [0xc2..=0xdf, 0x80..=0xbf, after @ ..] => after,
            [0xe0, 0xa0..=0xbf, 0x80..=0xbf, after @ ..] => after,
            [
                0xe1..=0xec | 0xee | 0xef,
                0x80..=0xbf,
                0x80..=0xbf,
                after @ ..,
            ] => after,
            [0xed, 0x80..=0x9f, 0x80..=0xbf, after @ ..] => after,
            [0xf0, 0x90..=0xbf, 0x80..=0xbf, 0x80..=0xbf, after @ ..] => after,
            [
                0xf1..=0xf3,
                0x80..=0xbf,
                0x80..=0xbf,
                0x80..=0xbf,
                after @ ..,
            ] => after,
            [0xf4, 0x80..=0x8f, 0x80..=0xbf, 0x80..=0xbf, after @ ..] => after,
            [0x80..=0xff, ..] => return Err(Reason::Utf8.at(text.len() - rest.len())),
            _ => return Ok(text.len() - rest.len()),
        }
    }
}

/// How many bytes stand before the first one to stop at.
#[inline]
fn plain(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    // Keys and short values end here.
    for _ in 0..2 {
        let Some((word, after)) = rest.split_first_chunk() else {
            return bytes.len() - rest.len() + plain_bytes(rest);
        };
        let stops = stops(word);
        if stops != 0 {
            return bytes.len() - rest.len() + first(stops);
        }
        rest = after;
    }
    bytes.len() - rest.len() + plain_blocks(rest)
}

/// The same, in long runs.
fn plain_blocks(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((block, after)) = rest.split_first_chunk::<16>() {
        let (words, _) = block.as_chunks::<8>();
        if words.iter().fold(0, |any, word| any | stops(word)) != 0 {
            break;
        }
        rest = after;
    }
    while let Some((word, after)) = rest.split_first_chunk() {
        let stops = stops(word);
        if stops != 0 {
            return bytes.len() - rest.len() + first(stops);
        }
        rest = after;
    }
    bytes.len() - rest.len() + plain_bytes(rest)
}

/// The same, a byte at a time.
fn plain_bytes(bytes: &[u8]) -> usize {
    let is_stop = |b: &u8| matches!(b, b'"' | b'\\' | 0..b' ' | 0x80..);
    bytes.iter().position(is_stop).unwrap_or(bytes.len())
}

/// The top bit of the first byte that is a quote, a backslash, a control character or beyond ASCII
/// is set, and none before it. A subtraction that borrows from the next byte does so only at a
/// byte to stop at, so that only bytes behind that one can be marked in error. A byte beyond ASCII
/// loses its top bit to at most one of the first two.
#[inline]
fn stops(word: &[u8; 8]) -> u64 {
    let word = u64::from_le_bytes(*word);
    let quote = (word ^ QUOTES).wrapping_sub(ONES);
    let backslash = (word ^ BACKSLASHES).wrapping_sub(ONES);
    let control = word.wrapping_sub(SPACES);
    (quote | backslash | control) & TOPS
}

/// The number of the first byte that is marked.
#[inline]
fn first(stops: u64) -> usize {
    (stops.trailing_zeros() / 8) as usize
}
