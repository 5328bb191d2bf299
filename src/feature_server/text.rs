//! Times, and names in paths, as text.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::features::Origin;

/// Returns a time in microseconds since 1970-01-01 UTC as RFC 3339; `None` beyond the years that it has.
pub(super) fn time_text(micros: i64) -> Option<String> {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).ok()?;
    time.format(&Rfc3339).ok()
}

/// Reads a time, in microseconds: RFC 3339, or the same without a zone, which is UTC.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    let read = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    let text = text.replacen(' ', "T", 1);
    let time = read(&text)
        .or_else(|| read(&format!("{text}Z")))
        .or_else(|| read(&format!("{text}T00:00:00Z")))?;
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1000)).ok()
}

/// Returns the names and values that tell clients where rows come from.
pub(super) fn facts(origin: &Origin) -> Vec<(String, String)> {
    let facts = [
        ("content_id", origin.content_id.clone()),
        (
            "fingerprint",
            Some(origin.fingerprint.clone()).filter(|f| !f.is_empty()),
        ),
        ("loaded_at", time_text(origin.loaded_at)),
        ("partition", origin.partition.clone()),
        ("publisher", origin.publisher.clone()),
    ];
    let facts = facts.into_iter();
    facts
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// Returns the text of a percent-encoded part of a path. A `%` without two digits means itself.
pub(super) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let pair = pair.filter(|p| p.bytes().all(|b| b.is_ascii_hexdigit()));
        match pair.and_then(|p| u8::from_str_radix(p, 16).ok()) {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_forms_of_clients() {
        let day = parse_time("2024-01-14").unwrap();
        assert_eq!(time_text(day).as_deref(), Some("2024-01-14T00:00:00Z"));
        for text in ["2024-01-14T00:00:00", "2024-01-14 01:00:00+01:00"] {
            assert_eq!(parse_time(text), Some(day), "{text}");
        }
        assert_eq!(parse_time("2024-01-14T00:00:00.000123"), Some(day + 123));
        assert_eq!(parse_time("yesterday"), None);
        assert_eq!(time_text(i64::MAX), None);
    }

    #[test]
    fn parts_of_paths_are_decoded() {
        assert_eq!(percent_decoded("a%20b%2F"), "a b/");
        assert_eq!(percent_decoded("%zz%4"), "%zz%4");
        assert_eq!(percent_decoded("ä%"), "ä%");
    }
}
