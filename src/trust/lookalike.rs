//! Lookalike names: digits for letters, pairs that run together, capitals, separators, accents, and
//! letters of Greek and Cyrillic that look like Latin ones.

use unicode_normalization::UnicodeNormalization as _;

/// Returns true if two different names look alike to a hasty reader.
pub fn looks_like(a: &str, b: &str) -> bool {
    a != b && skeleton(a) == skeleton(b)
}

/// Reduces a name to a form in which all confusable characters are equal.
pub fn skeleton(name: &str) -> String {
    // Decomposition separates accents, and the filter drops them.
    let apart = name.nfd().filter(|c| !matches!(c, '\u{300}'..='\u{36f}'));
    let plain: String = apart
        .flat_map(char::to_lowercase)
        .filter(|c| !matches!(c, '-' | '_' | '.' | ' '))
        .map(|c| match latin(c) {
            '0' => 'o',
            '1' | 'i' | 'j' => 'l',
            '2' => 'z',
            '5' => 's',
            '8' => 'b',
            'v' => 'u',
            other => other,
        })
        .collect();
    plain
        .replace("rn", "m")
        .replace("uu", "w")
        .replace("cl", "d")
}

/// Returns the Latin letter that a small letter of Greek or Cyrillic looks like, itself or as a capital.
const fn latin(c: char) -> char {
    match c {
        '\u{430}' | '\u{3b1}' => 'a',
        '\u{432}' | '\u{3b2}' => 'b',
        '\u{441}' | '\u{3f2}' => 'c',
        '\u{501}' => 'd',
        '\u{435}' | '\u{3b5}' => 'e',
        '\u{43d}' | '\u{3b7}' | '\u{4bb}' => 'h',
        '\u{456}' | '\u{3b9}' | '\u{4cf}' => 'i',
        '\u{458}' => 'j',
        '\u{43a}' | '\u{3ba}' => 'k',
        '\u{43c}' | '\u{3bc}' => 'm',
        '\u{3bd}' | '\u{475}' => 'v',
        '\u{43e}' | '\u{3bf}' => 'o',
        '\u{440}' | '\u{3c1}' => 'p',
        '\u{51b}' => 'q',
        '\u{455}' => 's',
        '\u{442}' | '\u{3c4}' => 't',
        '\u{51d}' => 'w',
        '\u{445}' | '\u{3c7}' => 'x',
        '\u{443}' | '\u{3c5}' | '\u{4af}' => 'y',
        '\u{3b6}' => 'z',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::looks_like;

    #[test]
    fn lookalike_names_are_recognised() {
        for (a, b) in [
            ("lab-a", "1ab-a"),
            ("lab-a", "lab_a"),
            ("Corpus", "corpus"),
            ("common-crawl", "cornmon-crawl"),
            ("wiki", "vviki"),
            ("gsm8k", "gsmbk"),
            ("corpus", "\u{441}\u{43e}r\u{440}us"),
            ("corpus", "c\u{f3}rpus"),
        ] {
            assert!(looks_like(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("lab-a", "lab-b"),
            ("same", "same"),
            ("en", "de"),
            ("日本", "한국"),
        ] {
            assert!(!looks_like(a, b), "{a} {b}");
        }
    }
}
