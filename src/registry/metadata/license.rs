//! Licences given by users, as SPDX expressions. Licences in received manifests are not checked.
//! Normative: `spec/manifest.md`.

use spdx::Expression;
use spdx::ParseMode;
use spdx::identifiers::EXCEPTIONS;
use spdx::identifiers::LICENSES;

use crate::registry::error::metadata::MetadataError;

use crate::registry::error::Error;
use crate::wire::limits::TEXT_BYTES_MAX;

/// Accepts all identifiers of the list, including deprecated ones, because data is licensed under
/// them.
const MODE: ParseMode = ParseMode {
    allow_slash_as_or_operator: false,
    allow_imprecise_license_names: false,
    allow_postfix_plus_on_gpl: true,
    allow_deprecated: true,
    allow_unknown: false,
};

/// Minimum similarity, of 1, between a text and an identifier or licence name for a suggestion.
const LIKENESS_MIN: f64 = 0.85;

/// Parses an SPDX expression and normalises the spelling of identifiers and operators. An empty
/// text stays empty, because it removes a licence.
///
/// # Errors
/// [`MetadataError::License`] with the most similar expression.
pub(crate) fn checked(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    let written = spelled(text);
    if text.len() <= TEXT_BYTES_MAX && is_expression(&written) {
        return Ok(written);
    }
    let shown: String = text.chars().take(200).collect();
    Err(Error::Metadata(MetadataError::License {
        near: nearest(&shown),
        text: shown,
    }))
}

fn is_expression(text: &str) -> bool {
    Expression::parse_mode(text, MODE).is_ok()
}

/// Returns the text with the spelling of the list for every word that is an identifier or operator
/// in any case.
fn spelled(text: &str) -> String {
    let mut spelled = String::new();
    let is_between = |c: char| c.is_whitespace() || matches!(c, '(' | ')');
    for part in text.split_inclusive(is_between) {
        let word = part.trim_end_matches(is_between);
        spelled += &spelled_word(word);
        spelled += part.get(word.len()..).unwrap_or_default();
    }
    spelled
}

fn spelled_word(word: &str) -> String {
    for operator in ["AND", "OR", "WITH"] {
        if operator.eq_ignore_ascii_case(word) {
            return operator.to_owned();
        }
    }
    let (bare, plus) = match word.strip_suffix('+') {
        Some(bare) => (bare, "+"),
        None => (word, ""),
    };
    let mut identifiers = identifiers();
    match identifiers.find(|id| id.eq_ignore_ascii_case(bare)) {
        Some(id) => format!("{id}{plus}"),
        None => word.to_owned(),
    }
}

fn is_operator(word: &str) -> bool {
    let operators = ["AND", "OR", "WITH"];
    operators.iter().any(|o| o.eq_ignore_ascii_case(word))
}

fn identifiers() -> impl Iterator<Item = &'static str> {
    let licenses = LICENSES.iter().map(|l| l.name);
    licenses.chain(EXCEPTIONS.iter().map(|e| e.name))
}

/// Returns the expression that the user probably meant.
fn nearest(text: &str) -> Option<String> {
    // First the guess of the `spdx` crate.
    if let Ok(Some(meant)) = Expression::canonicalize(text)
        && is_expression(&meant)
    {
        return Some(meant);
    }
    let is_compound = text.split_whitespace().any(is_operator);
    if let Some(id) = nearest_license(text).filter(|_| !is_compound) {
        return Some(id.to_owned());
    }
    // Then each word.
    let words = text.split_whitespace().map(|word| {
        let bare = word.trim_matches(['(', ')']);
        let is_known = identifiers().any(|id| id.eq_ignore_ascii_case(bare));
        match nearest_license(bare) {
            Some(id) if !is_known && !is_operator(bare) => word.replace(bare, id),
            _ => word.to_owned(),
        }
    });
    let meant = spelled(&words.collect::<Vec<_>>().join(" "));
    is_expression(&meant).then_some(meant)
}

/// Returns the licence whose identifier or full name is most similar to a text.
fn nearest_license(text: &str) -> Option<&'static str> {
    let words = text.split_whitespace().map(str::to_lowercase);
    let words: Vec<String> = words.collect();
    let (whole, dashed) = (words.join(" "), words.join("-"));
    let likeness = |l: &spdx::License| {
        let by_id = strsim::jaro_winkler(&dashed, &l.name.to_lowercase());
        let by_name = strsim::jaro_winkler(&whole, &l.full_name.to_lowercase());
        by_id.max(by_name)
    };
    let alike = LICENSES.iter().map(|l| (likeness(l), l.name));
    let alike = alike.filter(|(likeness, _)| *likeness >= LIKENESS_MIN);
    let best = alike.max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::checked;
    use crate::registry::Error;
    use crate::registry::error::metadata::MetadataError;

    #[test]
    fn spdx_expression_gets_the_spelling_of_the_list() {
        for (given, written) in [
            ("MIT", "MIT"),
            ("mit", "MIT"),
            ("cc-by-sa-4.0", "CC-BY-SA-4.0"),
            (" Apache-2.0 or mit ", "Apache-2.0 OR MIT"),
            ("(MIT AND CC0-1.0)", "(MIT AND CC0-1.0)"),
            (
                "GPL-2.0-only WITH Classpath-exception-2.0",
                "GPL-2.0-only WITH Classpath-exception-2.0",
            ),
            ("GPL-3.0+", "GPL-3.0+"),
            ("GPL-2.0", "GPL-2.0"),
            ("LicenseRef-Our-Lab", "LicenseRef-Our-Lab"),
            ("", ""),
        ] {
            assert_eq!(checked(given).ok().as_deref(), Some(written), "{given}");
        }
    }

    #[test]
    fn invalid_license_is_refused_with_suggestion() {
        for (given, wanted) in [
            ("MIT License", Some("MIT")),
            ("Apache 2.0", Some("Apache-2.0")),
            ("Apache2", Some("Apache-2.0")),
            ("CC BY 4.0", Some("CC-BY-4.0")),
            ("MIT OR Apach-2.0", Some("MIT OR Apache-2.0")),
            ("GPLv3", Some("GPL-3.0-only")),
            ("MIT OR", None),
            ("??", None),
        ] {
            match checked(given) {
                Err(Error::Metadata(MetadataError::License { near, .. })) => {
                    assert_eq!(near.as_deref(), wanted, "{given}")
                }
                other => panic!("{given}: {other:?}"),
            }
        }
    }
}
