//! Secret search in a piece of text, by the rule `secret`.

use std::sync::OnceLock;

use crate::inspect::lint::LintOptions;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::checks::secrets::SecretMatch;
use crate::inspect::lint::checks::secrets::secret;
use crate::inspect::lint::scan::markers::Markers;

/// Returns the kind of the first secret in a text, by the rule `secret`.
pub fn secret_in(text: &[u8]) -> Option<&'static str> {
    let mut found = None;
    each_secret(text, &mut |one| {
        found.get_or_insert(one.name);
    });
    found
}

/// Returns the text with each secret of the rule `secret` replaced by its kind; `None` if it has none.
pub fn mask_secrets(text: &str) -> Option<String> {
    let mut found: Vec<SecretMatch> = Vec::new();
    each_secret(text.as_bytes(), &mut |one| found.push(one));
    if found.is_empty() {
        return None;
    }
    found.sort_by_key(|one| one.start);
    let (mut masked, mut at) = (String::with_capacity(text.len()), 0);
    for one in found {
        if one.end <= at {
            continue;
        }
        masked += text.get(at..one.start).unwrap_or_default();
        masked += &format!("[{} is masked]", one.name);
        at = one.end;
    }
    masked += text.get(at..).unwrap_or_default();
    Some(masked)
}

fn each_secret(text: &[u8], each: &mut dyn FnMut(SecretMatch)) {
    static MARKERS: OnceLock<Markers> = OnceLock::new();
    let markers = MARKERS.get_or_init(|| Markers::new(&LintOptions::only(&[RuleId::Secret])));
    markers.each(text, |marker, at| {
        if let Some(one) = secret(marker, text, at) {
            each(one);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::mask_secrets;

    #[test]
    fn every_secret_of_text_is_masked() {
        let key = "AKIAIOSFODNN7EXAMPLQ";
        let text = format!("é {key}, and {key}.");
        let masked = mask_secrets(&text).unwrap();
        assert!(!masked.contains("IOSFODNN"), "{masked}");
        assert_eq!(masked.matches("is masked").count(), 2);
        assert!(masked.starts_with("é [") && masked.ends_with("]."));
        assert_eq!(mask_secrets("nothing here"), None);
    }
}
