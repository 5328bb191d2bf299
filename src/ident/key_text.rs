//! Parsing of public keys: all usual spellings give the same 32 bytes.

use crate::ident::hex::from_hex;

/// Maximum length of a key in any spelling.
const TEXT_BYTES_MAX: usize = 256;
/// The multicodec prefix of an Ed25519 public key, as in `did:key`.
const ED25519: [u8; 2] = [0xed, 0x01];
const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// Digits of the multicodec prefix and 32 bytes in base 58, at most.
const BASE58_DIGITS_MAX: usize = 50;

/// Parses the 32 bytes of a key and ignores white space around it.
///
/// Accepted are 64 hexadecimal digits in either case, in groups separated by blanks, `:` or `-`, behind
/// `0x` or `ed25519:`. Also accepted are `did:key:z6Mk…` and its part from `z` on.
pub(crate) fn key_bytes(text: &str) -> Option<[u8; 32]> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let text = text.trim();
    if let Some(multibase) = text.strip_prefix("did:key:") {
        // A DID URL may name the key a second time, behind `#`.
        let first = multibase.split('#').next().unwrap_or_default();
        return from_multibase(first);
    }
    if text.starts_with("z6Mk") {
        return from_multibase(text);
    }
    let lower = text.to_ascii_lowercase();
    let digits = lower
        .strip_prefix("ed25519:")
        .unwrap_or(&lower)
        .trim_start();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let is_gap = |c: char| c.is_whitespace() || matches!(c, ':' | '-');
    let digits: String = digits.chars().filter(|c| !is_gap(*c)).collect();
    from_hex(&digits)
}

fn from_multibase(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix('z')?;
    if digits.len() > BASE58_DIGITS_MAX {
        return None;
    }
    // The number, most significant byte first; it has to fill the bytes exactly.
    let mut number = [0_u8; ED25519.len() + 32];
    for digit in digits.bytes() {
        let mut carry = BASE58.iter().position(|d| *d == digit)?;
        for byte in number.iter_mut().rev() {
            let sum = usize::from(*byte) * BASE58.len() + carry;
            *byte = u8::try_from(sum & 0xff).ok()?;
            carry = sum >> 8;
        }
        if carry > 0 {
            return None;
        }
    }
    let (codec, key) = number.split_first_chunk::<2>()?;
    if *codec != ED25519 {
        return None;
    }
    key.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::key_bytes;
    use crate::ident::to_hex;

    #[test]
    fn key_text_spellings_give_the_same_key() {
        // The first test vector of the did:key specification for Ed25519.
        let did = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
        let hex = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";
        let grouped: Vec<String> = hex
            .as_bytes()
            .chunks(4)
            .map(|c| String::from_utf8_lossy(c).into_owned())
            .collect();
        for text in [
            hex.to_owned(),
            hex.to_uppercase(),
            format!("  {hex}\n"),
            format!("0x{hex}"),
            format!("ed25519:{hex}"),
            format!("Ed25519: {}", hex.to_uppercase()),
            grouped.join(" "),
            grouped.join(":"),
            did.to_owned(),
            format!("{did}#z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"),
            did.trim_start_matches("did:key:").to_owned(),
        ] {
            let found = key_bytes(&text).map(|k| to_hex(&k));
            assert_eq!(found.as_deref(), Some(hex), "{text}");
        }
    }

    #[test]
    fn key_text_of_no_key_is_refused() {
        let hex = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";
        for text in [
            String::new(),
            hex[1..].to_owned(),
            format!("{hex}0"),
            format!("0x0x{hex}"),
            hex.replace('a', "g"),
            "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooW".to_owned(),
            "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooW0".to_owned(),
            // A secp256k1 key.
            "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme".to_owned(),
            format!("z{}", "z".repeat(200)),
            " ".repeat(1000) + hex,
        ] {
            assert!(key_bytes(&text).is_none(), "{text}");
        }
    }
}
