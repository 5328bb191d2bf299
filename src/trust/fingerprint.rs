//! Fingerprints: a key in a form that two people can compare over the
//! phone. Normative: `spec/signing.md`.

use std::fmt;

use bip39::Language;

use crate::ident::PublisherKey;
use crate::ident::to_hex;

const CONTEXT: &str = "alimentar 2026 publisher fingerprint";
const WORDS: usize = 8;
const BITS_A_WORD: usize = 11;

/// The fingerprint of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Computes the fingerprint of a key.
    pub fn of(key: &PublisherKey) -> Self {
        Self(blake3::derive_key(CONTEXT, key.as_bytes()))
    }

    /// Returns the first 88 bits as eight words.
    pub fn words(&self) -> [&'static str; WORDS] {
        let list = Language::English.word_list();
        std::array::from_fn(|n| {
            let bits = (0..BITS_A_WORD).map(|b| self.bit(n * BITS_A_WORD + b));
            let index = bits.fold(0, |index, bit| index << 1 | usize::from(bit));
            list.get(index).copied().unwrap_or_default()
        })
    }

    fn bit(&self, at: usize) -> u8 {
        self.0
            .get(at / 8)
            .map_or(0, |byte| byte >> (7 - at % 8) & 1)
    }
}

impl fmt::Display for Fingerprint {
    /// Formats 32 hexadecimal digits in groups of four.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, pair) in self.0.chunks(2).take(8).enumerate() {
            let gap = if n == 0 { "" } else { " " };
            write!(f, "{gap}{}", to_hex(pair))?;
        }
        Ok(())
    }
}
