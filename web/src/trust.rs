//! Trust settings of a page: publishers that the user pinned, and statements that the page keeps.

use alimentar::archive_check::TrustSettings;
use alimentar::clock::Timestamp;
use alimentar::ident::PublisherKey;
use alimentar::trust::Fingerprint;
use alimentar::trust::Level;
use alimentar::trust::Publisher;
use alimentar::trust::Statement;
use alimentar::trust::TrustFile;
use alimentar::trust::is_usable_key;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::failure::Failure;

/// The settings as a page sends them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    publishers: Vec<Pinned>,
    #[serde(default)]
    statements: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pinned {
    name: String,
    key: String,
    level: String,
}

/// Reads the settings of a page. Who opens an archive agrees to look at it.
///
/// # Errors
/// [`Failure`] for a malformed key, name, level or statement.
pub(crate) fn settings(request: &str, now: Timestamp) -> Result<TrustSettings, Failure> {
    let sent: Settings = serde_json::from_str(request)?;
    let mut file = TrustFile::default();
    for pinned in sent.publishers {
        let key = PublisherKey::parse_hex(&pinned.key);
        let no_key = || Failure::invalid(format!("`{}` is no publisher's key", pinned.key));
        let level = Level::from_name(&pinned.level);
        let no_level = || Failure::invalid(format!("`{}` is no level of trust", pinned.level));
        let publisher = Publisher::new(
            pinned.name.parse()?,
            key.ok_or_else(no_key)?,
            level.ok_or_else(no_level)?,
        );
        file.put(publisher)?;
    }
    let mut statements = Vec::new();
    for hex in &sent.statements {
        let bytes = bytes_of_hex(hex);
        let bytes = bytes.ok_or_else(|| Failure::invalid("a statement is not hexadecimal"))?;
        statements.push(Statement::decode(&bytes)?);
    }
    Ok(TrustSettings {
        file,
        statements,
        now,
        has_consent: true,
    })
}

/// Describes a key that a user typed.
///
/// # Errors
/// [`Failure`] for a text that is no key.
pub(crate) fn key(text: &str) -> Result<Value, Failure> {
    let key = PublisherKey::parse_hex(text.trim()).filter(is_usable_key);
    let key = key.ok_or_else(|| Failure::invalid(format!("`{text}` is no publisher's key")))?;
    let fingerprint = Fingerprint::of(&key);
    Ok(json!({
        "key": key.to_hex(),
        "fingerprint": fingerprint.to_string(),
        "words": fingerprint.words().join(" "),
    }))
}

/// Decodes hexadecimal of any length.
fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    let byte = |pair: &[u32]| match pair {
        [high, low] => u8::try_from(high << 4 | low).ok(),
        _ => None,
    };
    digits.chunks(2).map(byte).collect()
}
