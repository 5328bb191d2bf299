//! Ranges of bytes (RFC 9110, section 14).

use std::ops::Range;

use crate::doors::limits::RANGES_MAX;

/// The ranges that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// All bytes: no header, or one that asks for units other than bytes.
    Whole,
    /// These ranges, each within the file, in the order of the request.
    Ranges(Vec<Range<u64>>),
    /// None of the ranges is within the file, or there are too many.
    Unsatisfiable,
}

/// Reads the header `Range` for a file of this length.
pub(super) fn asked(header: Option<&str>, length: u64) -> Asked {
    let Some((unit, specs)) = header.and_then(|header| header.split_once('=')) else {
        return Asked::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Asked::Whole;
    }
    let mut found: Vec<Range<u64>> = Vec::new();
    for (n, spec) in specs.split(',').map(str::trim).enumerate() {
        if n == RANGES_MAX {
            return Asked::Unsatisfiable;
        }
        match range_of(spec, length) {
            // A header that cannot be read counts as none.
            None => return Asked::Whole,
            Some(range) if range.is_empty() => {}
            Some(range) => found.push(range),
        }
    }
    let total: u64 = found
        .iter()
        .map(|r| r.end - r.start)
        .fold(0, u64::saturating_add);
    if found.is_empty() || found.len() > 1 && total > length {
        // Ranges that overlap ask for more than the file has.
        return Asked::Unsatisfiable;
    }
    Asked::Ranges(found)
}

/// Reads one range. It is empty if it is beyond the end; `None` if it makes no sense.
fn range_of(spec: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = spec.split_once('-')?;
    if first.is_empty() {
        let count = number(last)?;
        return Some(length.saturating_sub(count)..length);
    }
    let first = number(first)?;
    let end = match last {
        "" => length,
        last => {
            let last = number(last)?;
            if last < first {
                return None;
            }
            last.saturating_add(1).min(length)
        }
    };
    Some(first.min(length)..end)
}

/// Reads a number; one beyond 64 bits is beyond any file.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_header_is_read_as_the_standard_says() {
        let one = |header: &str, length: u64, wanted: Range<u64>| {
            assert_eq!(
                asked(Some(header), length),
                Asked::Ranges(vec![wanted]),
                "{header}"
            );
        };
        one("bytes=0-0", 10, 0..1);
        one("bytes=2-", 10, 2..10);
        one("bytes=2-99", 10, 2..10);
        one("bytes=-3", 10, 7..10);
        one("bytes=-30", 10, 0..10);
        one("BYTES= 4-5 ", 10, 4..6);
        one("bytes=9-18446744073709551616", 10, 9..10);
        one("bytes=0-1,40-50", 10, 0..2);
        let several = asked(Some("bytes=0-1, 4-5,-1"), 10);
        assert_eq!(several, Asked::Ranges(vec![0..2, 4..6, 9..10]));
    }

    #[test]
    fn range_beyond_the_file_is_unsatisfiable() {
        for (header, length) in [
            ("bytes=10-", 10),
            ("bytes=-0", 10),
            ("bytes=0-0", 0),
            ("bytes=99-100", 10),
        ] {
            assert_eq!(
                asked(Some(header), length),
                Asked::Unsatisfiable,
                "{header}"
            );
        }
        let flood = format!("bytes={}", vec!["0-"; 17].join(","));
        assert_eq!(asked(Some(&flood), 10), Asked::Unsatisfiable);
        assert_eq!(asked(Some("bytes=0-,0-"), 10), Asked::Unsatisfiable);
    }

    #[test]
    fn range_header_that_makes_no_sense_counts_as_none() {
        for header in [
            "bytes=5-2",
            "bytes=a-b",
            "rows=0-1",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=+1-2",
            "bytes=1-2,x",
        ] {
            assert_eq!(asked(Some(header), 10), Asked::Whole, "{header}");
        }
        assert_eq!(asked(None, 10), Asked::Whole);
    }
}
