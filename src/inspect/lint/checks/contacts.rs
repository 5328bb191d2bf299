//! E-mail addresses and telephone numbers.

use crate::inspect::lint::checks::secrets::stands_alone;

/// Bytes of the part before the at sign, and of the part behind it, at most (RFC 5321, 4.5.3.1).
const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 255;

/// The address around the at sign that stands here: where it begins and ends.
pub(in crate::inspect::lint) fn email(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let before = text.get(at.saturating_sub(LOCAL_BYTES_MAX)..at)?;
    let is_local =
        |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b'.' | b'_' | b'%' | b'+' | b'-');
    let mut local = before.iter().rev().take_while(is_local).count();
    // The letter of an escape is none of the address.
    let is_escape = at > local && text.get(at - local - 1) == Some(&b'\\');
    local = local.saturating_sub(usize::from(is_escape));
    let start = at - local;
    let domain = text.get(at + 1..(at + 1 + DOMAIN_BYTES_MAX).min(text.len()))?;
    let is_domain = |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b'.' | b'-');
    let run = domain.iter().take_while(is_domain).count();
    let domain = domain.get(..run)?.trim_suffix_dots();
    let top = domain.rsplit(|b| *b == b'.').next()?;
    let starts_well = text.get(start).is_some_and(u8::is_ascii_alphanumeric);
    let is_address = local > 0
        && starts_well
        && top.len() < domain.len()
        && (2..=24).contains(&top.len())
        && top.iter().all(u8::is_ascii_alphabetic)
        && domain.first().is_some_and(u8::is_ascii_alphanumeric)
        && memchr::memmem::find(domain, b"..").is_none();
    let end = at + 1 + domain.len();
    // `git@host:path` is a place to copy from, and `logo@2x.png` is a file.
    let is_place = text.get(end) == Some(&b':')
        && text
            .get(end + 1)
            .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'~'));
    let is_file = FILES.iter().any(|ending| top.eq_ignore_ascii_case(ending));
    (is_address && !is_place && !is_file).then_some((start, end))
}

/// Endings of files that no domain has.
const FILES: [&[u8]; 10] = [
    b"png", b"jpg", b"jpeg", b"gif", b"svg", b"webp", b"avif", b"css", b"js", b"json",
];

trait Dots {
    fn trim_suffix_dots(&self) -> &Self;
}

impl Dots for [u8] {
    fn trim_suffix_dots(&self) -> &[u8] {
        let end = self.iter().rposition(|b| !matches!(b, b'.' | b'-'));
        self.get(..end.map_or(0, |n| n + 1)).unwrap_or_default()
    }
}

/// The number in international form (ITU-T E.164: a plus and 8 to 15 digits, the first not 0) that
/// begins at the plus here: where it ends. Digits are in at least two groups, since a plus and one
/// number is arithmetic.
pub(in crate::inspect::lint) fn phone(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at + 1..(at + 32).min(text.len()))?;
    if !matches!(rest.first(), Some(b'1'..=b'9')) || !stands_alone(text, at) {
        return None;
    }
    let (mut digits, mut groups, mut end, mut in_group) = (0, 0, 0, 0);
    for (n, byte) in rest.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                in_group += 1;
                groups += usize::from(in_group == 1);
                digits += 1;
                end = n + 1;
            }
            b' ' | b'-' | b'.' | b'(' | b')' if n - end < 2 => in_group = 0,
            _ => break,
        }
    }
    let is_number = (8..=15).contains(&digits) && groups >= 3;
    is_number.then_some(at + 1 + end)
}
