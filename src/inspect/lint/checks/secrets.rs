//! Whether what stands at a marker is a secret. The forms are those that the issuers document, as
//! programs that search repositories for them know them too.

use crate::inspect::lint::scan::markers::Marker;

/// Bytes looked at behind the name of something secret.
const ASSIGNMENT_BYTES: usize = 160;
/// Characters of a value from which on it may be a secret, and bits of entropy a character.
const VALUE_BYTES: usize = 16;
const VALUE_BITS: f64 = 3.5;

/// A secret, as a part of the text, and what it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect::lint) struct Found {
    pub(in crate::inspect::lint) start: usize,
    pub(in crate::inspect::lint) end: usize,
    pub(in crate::inspect::lint) name: &'static str,
}

/// The secret that begins at a marker, if it is one.
pub(in crate::inspect::lint) fn secret(marker: Marker, text: &[u8], at: usize) -> Option<Found> {
    match marker {
        Marker::Secret => key(text, at),
        Marker::PrivateKey => private_key(text, at),
        Marker::WebToken => web_token(text, at),
        Marker::SecretName => assignment(text, at),
        _ => None,
    }
}

/// The forms of keys: how they begin, which characters follow, and how many at least and at most.
const FORMS: &[(&str, &str, Charset, usize, usize)] = &[
    ("AKIA", "an AWS access key", Charset::Upper, 16, 16),
    ("ASIA", "an AWS access key", Charset::Upper, 16, 16),
    ("ghp_", "a GitHub token", Charset::Alnum, 36, 251),
    ("gho_", "a GitHub token", Charset::Alnum, 36, 251),
    ("ghu_", "a GitHub token", Charset::Alnum, 36, 251),
    ("ghs_", "a GitHub token", Charset::Alnum, 36, 251),
    ("ghr_", "a GitHub token", Charset::Alnum, 36, 251),
    ("github_pat_", "a GitHub token", Charset::Word, 60, 255),
    ("glpat-", "a GitLab token", Charset::Word, 20, 64),
    ("xox", "a Slack token", Charset::Word, 20, 255),
    ("AIza", "a Google API key", Charset::Word, 35, 35),
    ("sk_live_", "a Stripe key", Charset::Alnum, 24, 255),
    ("rk_live_", "a Stripe key", Charset::Alnum, 24, 255),
    ("sk-ant-", "an Anthropic key", Charset::Word, 32, 255),
    ("sk-", "an OpenAI key", Charset::Word, 32, 255),
    ("hf_", "a Hugging Face token", Charset::Alnum, 34, 40),
];

#[derive(Clone, Copy)]
enum Charset {
    Upper,
    Alnum,
    Word,
}

impl Charset {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
        }
    }
}

fn key(text: &[u8], at: usize) -> Option<Found> {
    if !stands_alone(text, at) {
        return None;
    }
    let rest = text.get(at..)?;
    let form = FORMS.iter().find(|f| rest.starts_with(f.0.as_bytes()))?;
    let (prefix, name, charset, least, most) = *form;
    let body = rest.get(prefix.len()..)?;
    let run = body
        .iter()
        .take(most + 1)
        .take_while(|b| charset.has(**b))
        .count();
    let body = body.get(..run)?;
    let is_letters = prefix == "hf_" && looks_random_in_letters(body);
    let is_key = (least..=most).contains(&run) && (looks_random(body) || is_letters);
    is_key.then_some(Found {
        start: at,
        end: at + prefix.len() + run,
        name,
    })
}

/// Placeholders such as `sk-xxxxxxxx` and names in code repeat, or have no digits.
fn looks_random(body: &[u8]) -> bool {
    body.iter().any(u8::is_ascii_digit) && entropy(body) >= 2.5
}

/// A token of a hub may have letters alone, in both cases and hardly any of them twice.
fn looks_random_in_letters(body: &[u8]) -> bool {
    let has = |of: fn(&u8) -> bool| body.iter().any(of);
    has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && entropy(body) >= VALUE_BITS
}

/// `-----BEGIN RSA PRIVATE KEY-----` with something that may be a key behind it.
fn private_key(text: &[u8], at: usize) -> Option<Found> {
    let before = text.get(at.saturating_sub(40)..at)?;
    let begin = memchr::memmem::rfind(before, b"-----BEGIN ")?;
    let start = at - (before.len() - begin);
    let body = text.get(at + b"PRIVATE KEY-----".len()..)?;
    let is_base64 = |b: &&u8| {
        b.is_ascii_alphanumeric() || matches!(**b, b'+' | b'/' | b'=' | b'\n' | b'\r' | b'\\')
    };
    let run = body.iter().take(1 << 14).take_while(is_base64).count();
    (run >= 64).then_some(Found {
        start,
        end: at + b"PRIVATE KEY-----".len() + run,
        name: "a private key",
    })
}

/// Three parts of base64url, of which the first two are objects of JSON.
fn web_token(text: &[u8], at: usize) -> Option<Found> {
    // So that each run of such bytes is gone over once.
    if !stands_alone(text, at) {
        return None;
    }
    let rest = text.get(at..)?;
    let part = |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b'_' | b'-');
    let first = rest.iter().take_while(part).count();
    let second = rest.get(first..)?.strip_prefix(b".")?;
    let length = second.iter().take_while(part).count();
    let third = second.get(length..)?.strip_prefix(b".")?;
    let last = third.iter().take_while(part).count();
    let is_token = first >= 17 && second.starts_with(b"eyJ") && length >= 10 && last >= 16;
    is_token.then_some(Found {
        start: at,
        end: at + first + length + last + 2,
        name: "a JSON web token",
    })
}

/// `api_key = "…"`, also with the quotes of JSON within JSON.
fn assignment(text: &[u8], at: usize) -> Option<Found> {
    let window = text.get(at..(at + ASSIGNMENT_BYTES).min(text.len()))?;
    let name = |b: &u8| b.is_ascii_alphanumeric() || matches!(*b, b'_' | b'-');
    let mut end = window.iter().take_while(|b| name(b)).count();
    let between = |b: &u8| matches!(*b, b' ' | b'"' | b'\'' | b'\\' | b':' | b'=');
    let gap = window.get(end..)?.iter().take_while(|b| between(b)).count();
    let is_assigned = window
        .get(end..end + gap)?
        .iter()
        .any(|b| matches!(b, b':' | b'='));
    end += gap;
    let value =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(*b, b'_' | b'-' | b'+' | b'/' | b'=' | b'.');
    let length = window.get(end..)?.iter().take_while(|b| value(b)).count();
    let body = window.get(end..end + length)?;
    let has = |of: fn(&u8) -> bool| body.iter().any(of);
    let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    let is_secret = is_assigned && length >= VALUE_BYTES && is_mixed && entropy(body) >= VALUE_BITS;
    is_secret.then_some(Found {
        start: at + end,
        end: at + end + length,
        name: "a value that looks random under a name of something secret",
    })
}

/// Bits a character, by how often each stands there (Shannon, 1948).
fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let all = text.len().max(1) as f64;
    let shares = counts.iter().filter(|n| **n > 0);
    shares
        .map(|n| f64::from(*n) / all)
        .map(|p| -p * p.log2())
        .sum()
}

/// Whether no word runs into the place. Behind an escape of JSON a word begins, though a letter
/// stands before it.
pub(in crate::inspect::lint) fn stands_alone(text: &[u8], at: usize) -> bool {
    let before = text.get(at.saturating_sub(6)..at).unwrap_or_default();
    match before {
        [.., b'\\', b'n' | b't' | b'r' | b'b' | b'f'] => true,
        [b'\\', b'u', ..] => true,
        [.., last] => !(last.is_ascii_alphanumeric() || matches!(last, b'_' | b'-')),
        [] => true,
    }
}
