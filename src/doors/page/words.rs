//! Numbers, sizes and states in words.

use crate::doors::shown::ShownDataset;
use crate::trust::Trust;

/// Returns a number with its digits in groups of three.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            shown.push('\u{202f}');
        }
        shown.push(digit);
    }
    shown
}

/// Returns a number of things.
pub(super) fn count_of(number: u64, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{} {thing}s", grouped(number)),
    }
}

/// Returns a number of bytes with a unit.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return count_of(bytes, "byte");
    }
    let (mut value, mut unit) = (bytes as f64 / 1024.0, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS.get(unit).unwrap_or(&"B"))
}

/// Returns the day of a time in RFC 3339.
pub(super) fn day(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}

/// Returns the publisher for people: the first digits of a key are enough to tell it from others.
pub(super) fn publisher(dataset: &ShownDataset) -> String {
    let is_key = dataset
        .publisher_key
        .is_some_and(|key| key.to_hex() == dataset.publisher);
    match is_key {
        true => dataset.publisher.chars().take(16).chain(['…']).collect(),
        false => dataset.publisher.clone(),
    }
}

/// Returns the trust of a dataset as a badge: a word, and a class of its colour.
pub(super) const fn trust_badge(trust: Trust) -> (&'static str, &'static str) {
    match trust {
        Trust::Full => ("trusted", "badge good"),
        Trust::Local => ("made here", "badge"),
        Trust::Prompt => ("on consent", "badge"),
        Trust::Revoked => ("key revoked", "badge bad"),
        Trust::Unknown => ("unknown publisher", "badge doubt"),
        Trust::Unsigned => ("unsigned", "badge doubt"),
    }
}

/// Returns the trust of a dataset in a sentence.
pub(super) const fn trust_sentence(trust: Trust) -> &'static str {
    match trust {
        Trust::Full => "Signed by a publisher whom this node trusts.",
        Trust::Local => "Made on this node, and not signed.",
        Trust::Prompt => {
            "Signed by a publisher whose data this node takes only after a person consents."
        }
        Trust::Revoked => "Signed with a key that was revoked. Do not rely on it.",
        Trust::Unknown => "Signed by a publisher whom this node does not know.",
        Trust::Unsigned => "From elsewhere and not signed: nobody vouches for it.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sizes_are_short() {
        assert_eq!(grouped(1), "1");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(count_of(1, "row"), "1 row");
        assert_eq!(size(999), "999 bytes");
        assert_eq!(size(1 << 20), "1.0 MiB");
    }
}
