//! Tokens that ask for the next page. A token has the last entry of the page before, so that a change of the datasets
//! between two pages neither repeats nor skips others. It gives no rights that `start-after` does not give.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::doors::s3::limits::TOKEN_BYTES_MAX;

/// The purpose of the checksum, as BLAKE3 wants it.
const CONTEXT: &str = "alimentar 2026-11-30 token of a page of a listing";
/// Bytes of the checksum.
const SUM_BYTES: usize = 8;

/// Returns the token for the page after an entry.
pub(super) fn encode(after: &str) -> String {
    let mut bytes = sum(after).to_vec();
    bytes.extend_from_slice(after.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Returns the entry of a token; `None` for a text that is no token.
pub(super) fn decode(token: &str) -> Option<String> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (given, after) = bytes.split_at_checked(SUM_BYTES)?;
    let after = String::from_utf8(after.to_vec()).ok()?;
    (sum(&after) == given).then_some(after)
}

fn sum(after: &str) -> [u8; SUM_BYTES] {
    let hash = blake3::derive_key(CONTEXT, after.as_bytes());
    let [a, b, c, d, e, f, g, h, ..] = hash;
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_read_as_it_was_made_and_refused_when_changed() {
        for after in ["", "lab/a@1.0.0/b", "é\u{1}", &"x".repeat(4600)] {
            let token = encode(after);
            assert_eq!(decode(&token).as_deref(), Some(after));
            let other = if token.starts_with('A') { "B" } else { "A" };
            assert_eq!(decode(&format!("{other}{}", &token[1..])), None);
        }
        for wrong in ["", "a", "lab/a@1.0.0/b", &"A".repeat(TOKEN_BYTES_MAX + 1)] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
