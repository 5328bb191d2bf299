//! Normalisation of passphrases, so that a passphrase typed on another system opens the same key.
//! Normative: `spec/key-file.md`.

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// The byte order mark that editors put in front of a text.
const MARK: char = '\u{feff}';

/// Returns the form of a passphrase that locks new files: without a leading byte order mark and
/// trailing line ends, in Unicode's composed form (NFC).
pub fn normal_passphrase(given: &str) -> Zeroizing<String> {
    // Composing shortens a text or triples it at most. A growing string would leave copies in
    // memory.
    let mut normal = Zeroizing::new(String::with_capacity(given.len().saturating_mul(3)));
    normal.extend(stripped(given).nfc());
    normal
}

/// Returns the forms that may have locked a file, without repetitions: the normal form, the form as
/// typed, and the given form that older versions used.
pub fn passphrase_spellings(given: &str) -> Vec<Zeroizing<String>> {
    let mut spellings = vec![normal_passphrase(given)];
    for older in [stripped(given), given] {
        if !older.is_empty() && spellings.iter().all(|s| s.as_str() != older) {
            spellings.push(Zeroizing::new(older.to_owned()));
        }
    }
    spellings
}

fn stripped(given: &str) -> &str {
    let text = given.strip_prefix(MARK).unwrap_or(given);
    text.trim_end_matches(['\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::normal_passphrase;
    use super::passphrase_spellings;

    #[test]
    fn passphrase_ignores_marks_line_ends_and_decomposition() {
        for given in [
            "caf\u{e9} 1",
            "cafe\u{301} 1",
            "\u{feff}caf\u{e9} 1",
            "caf\u{e9} 1\r\n",
            "\u{feff}cafe\u{301} 1\n\n",
        ] {
            assert_eq!(*normal_passphrase(given), "caf\u{e9} 1", "{given:?}");
        }
        assert_eq!(*normal_passphrase(" blanks count "), " blanks count ");
        assert!(normal_passphrase("\u{feff}\r\n").is_empty());
    }

    #[test]
    fn passphrase_spellings_start_with_the_normal_one() {
        let spellings = |given: &str| -> Vec<String> {
            let all = passphrase_spellings(given);
            all.iter().map(|s| s.to_string()).collect()
        };
        assert_eq!(spellings("plain"), ["plain"]);
        assert_eq!(spellings("plain\n"), ["plain", "plain\n"]);
        assert_eq!(spellings("e\u{301}"), ["\u{e9}", "e\u{301}"]);
        assert_eq!(
            spellings("\u{feff}e\u{301}\n"),
            ["\u{e9}", "e\u{301}", "\u{feff}e\u{301}\n"]
        );
    }
}
