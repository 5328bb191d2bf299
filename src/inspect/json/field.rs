//! One value of a row.

use crate::inspect::json::Event;
use crate::inspect::json::ScanError;
use crate::inspect::json::Scanner;
use crate::inspect::json::Value;

/// The value at a path of keys with dots between them, such as `text` or `messages.0.content`: in
/// an object a step is a key, in an array a number from 0. `None` where nothing is there.
///
/// Where an object has a key more than once, the first counts. What stands behind the value is not
/// looked at.
///
/// # Errors
/// What is wrong before the value's end.
pub fn field<'a>(row: &'a [u8], path: &str) -> Result<Option<Value<'a>>, ScanError> {
    find(row, path.split('.'))
}

/// The same with the steps apart, for keys that have dots in them. No steps lead to the row.
///
/// # Errors
/// What is wrong before the value's end.
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

/// Goes behind the key; whether it is there.
fn to_member(scanner: &mut Scanner<'_>, key: &str) -> Result<bool, ScanError> {
    while let Some(Event::Key(found)) = scanner.next_event()? {
        if found.is(key) {
            return Ok(true);
        }
        scanner.skip_value()?;
    }
    Ok(false)
}

/// Passes over the elements before this one; whether there are as many.
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
