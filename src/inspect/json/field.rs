//! Access to one value of a row.

use crate::inspect::json::Event;
use crate::inspect::json::ScanError;
use crate::inspect::json::Scanner;
use crate::inspect::json::Value;

/// Returns the value at a dotted path such as `text` or `messages.0.content`. A step is a key of an
/// object, or an index from 0 of an array. Returns `None` if the path leads nowhere.
///
/// The first of several equal keys counts. The text after the value is not validated.
///
/// # Errors
/// A syntax error before the end of the value.
pub fn field<'a>(row: &'a [u8], path: &str) -> Result<Option<Value<'a>>, ScanError> {
    find(row, path.split('.'))
}

/// Returns the value at a path of separate steps, for keys with dots. An empty path leads to the
/// row.
///
/// # Errors
/// A syntax error before the end of the value.
pub fn field_at<'a>(row: &'a [u8], steps: &[&str]) -> Result<Option<Value<'a>>, ScanError> {
    find(row, steps.iter().copied())
}

fn find<'a, 's>(
    row: &'a [u8],
    steps: impl Iterator<Item = &'s str>,
) -> Result<Option<Value<'a>>, ScanError> {
    let mut scanner = Scanner::new(row);
    for step in steps {
        let is_there = match scanner.next_event()? {
            Some(Event::Object) => to_member(&mut scanner, step)?,
            Some(Event::Array) => to_element(&mut scanner, step)?,
            _ => false,
        };
        if !is_there {
            return Ok(None);
        }
    }
    scanner.skip_value()
}

/// Moves behind the key; false if the object lacks it.
fn to_member(scanner: &mut Scanner<'_>, key: &str) -> Result<bool, ScanError> {
    while let Some(Event::Key(found)) = scanner.next_event()? {
        if found.is(key) {
            return Ok(true);
        }
        scanner.skip_value()?;
    }
    Ok(false)
}

/// Skips the elements before an index; false if the array is shorter.
fn to_element(scanner: &mut Scanner<'_>, number: &str) -> Result<bool, ScanError> {
    let is_number = number.bytes().all(|b| b.is_ascii_digit());
    let Some(number) = number.parse::<usize>().ok().filter(|_| is_number) else {
        return Ok(false);
    };
    for _ in 0..number {
        if scanner.skip_value()?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}
