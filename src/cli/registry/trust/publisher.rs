//! A publisher, as JSON and as text.

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::printable;
use crate::clock::Timestamp;
use crate::ident::Alias;
use crate::ident::PublisherKey;
use crate::registry::Error;
use crate::registry::PublisherError;
use crate::trust::Fingerprint;
use crate::trust::Level;
use crate::trust::Publisher;
use crate::trust::TrustStore;

/// A publisher in JSON.
#[derive(Debug, Serialize)]
pub(super) struct PublisherObject {
    pub name: Option<String>,
    pub public_key: String,
    pub level: &'static str,
    fingerprint: String,
    words: String,
    previous: Vec<String>,
    names: Vec<String>,
    until: Option<String>,
    pub reason: Option<String>,
    proposed: Vec<String>,
}

impl PublisherObject {
    /// A publisher with an entry in the trust file.
    pub(super) fn of(believed: &TrustStore, p: &Publisher) -> Self {
        let object = Self::of_key(believed, &p.key);
        Self {
            name: Some(p.name.to_string()),
            level: if believed.is_revoked(&p.key) {
                object.level
            } else {
                p.level.name()
            },
            previous: to_hex(&p.previous),
            names: p.names.clone(),
            until: p.until.map(Timestamp::to_rfc3339),
            reason: p.reason.clone().or(object.reason),
            ..object
        }
    }

    /// A key without an entry.
    pub(super) fn of_key(believed: &TrustStore, key: &PublisherKey) -> Self {
        let print = Fingerprint::of(key);
        let is_revoked = believed.is_revoked(key);
        let level = if is_revoked {
            Level::Revoked
        } else {
            Level::Unknown
        };
        let reason = believed.revoked_because(key).filter(|_| is_revoked);
        Self {
            name: None,
            public_key: key.to_hex(),
            level: level.name(),
            fingerprint: print.to_string(),
            words: print.words().join(" "),
            previous: Vec::new(),
            names: Vec::new(),
            until: None,
            reason: reason.map(|reason| reason.to_string()),
            proposed: to_hex(&believed.proposed(key)),
        }
    }

    /// The facts for people, a line each.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.name.as_deref().unwrap_or_default());
        let lines = [
            ("level", self.level.to_owned()),
            ("public key", self.public_key.clone()),
            ("fingerprint", self.fingerprint.clone()),
            ("words", self.words.clone()),
            ("names", self.names.join(", ")),
            ("until", self.until.clone().unwrap_or_default()),
            ("before", self.previous.join(", ")),
            ("proposes", self.proposed.join(", ")),
            ("reason", self.reason.clone().unwrap_or_default()),
        ];
        for (label, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
            text += &format!("  {label:<12} {value}\n");
        }
        text
    }
}

fn to_hex(keys: &[PublisherKey]) -> Vec<String> {
    keys.iter().map(|k| k.to_hex()).collect()
}

/// The error for a name that the trust file does not have.
pub(super) fn unknown_publisher(name: &Alias) -> Error {
    Error::Publisher(PublisherError::NoPublisher(name.to_string()))
}

/// Prints a publisher.
///
/// # Errors
/// [`PublisherError::NoPublisher`].
pub(super) fn print_publisher(ctx: &Context, name: &Alias) -> Result<(), Failure> {
    let believed = ctx.registry()?.trust().store()?;
    let p = believed.file().get(name);
    let p = p.ok_or_else(|| unknown_publisher(name))?;
    let object = PublisherObject::of(&believed, p);
    let text = printable(&object.text());
    Ok(ctx.out.result(&object, &[p.key.to_hex()], &text)?)
}
