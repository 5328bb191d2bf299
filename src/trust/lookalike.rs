//! Names that could be taken for each other. Names are ASCII, so what is left are digits for
//! letters, pairs that run together, capitals, and the signs between.

/// Whether two different names look alike to a reader in a hurry.
pub fn looks_like(a: &str, b: &str) -> bool {
    a != b && skeleton(a) == skeleton(b)
}

/// What is left of a name when everything that is easily confused is made one.
pub fn skeleton(name: &str) -> String {
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '-' | '_' | '.' | ' '))
        .map(|c| match c.to_ascii_lowercase() {
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

#[cfg(test)]
mod tests {
    use super::looks_like;

    #[test]
    fn alike_and_not() {
        for (a, b) in [
            ("lab-a", "1ab-a"),
            ("lab-a", "lab_a"),
            ("Corpus", "corpus"),
            ("common-crawl", "cornmon-crawl"),
            ("wiki", "vviki"),
            ("gsm8k", "gsmbk"),
        ] {
            assert!(looks_like(a, b), "{a} {b}");
        }
        for (a, b) in [("lab-a", "lab-b"), ("same", "same"), ("en", "de")] {
            assert!(!looks_like(a, b), "{a} {b}");
        }
    }
}
