//! Whether a piece of text has a secret in it, by the rule `secret`.

use std::sync::OnceLock;

use crate::inspect::lint::LintOptions;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::checks::secrets::secret;
use crate::inspect::lint::scan::markers::Markers;

/// What kind of secret a text has the form of, by the rule `secret`; the first one.
pub fn secret_in(text: &[u8]) -> Option<&'static str> {
    static MARKERS: OnceLock<Markers> = OnceLock::new();
    let markers = MARKERS.get_or_init(|| Markers::new(&LintOptions::only(&[RuleId::Secret])));
    let mut found = None;
    markers.each(text, |marker, at| {
        if found.is_none() {
            found = secret(marker, text, at).map(|f| f.name);
        }
    });
    found
}
