//! `trust.toml`: the publishers that the user knows. It keeps the user's comments and
//! layout. Normative: `spec/trust.md`.

use std::collections::BTreeMap;

use thiserror::Error;
use toml_edit::Array;
use toml_edit::DocumentMut;
use toml_edit::Item;
use toml_edit::Table;
use toml_edit::Value;
use toml_edit::value;

use crate::clock::Timestamp;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::Alias;
use crate::ident::DatasetName;
use crate::ident::PublisherKey;
use crate::trust::signature::is_usable_key;
use crate::wire::limits::PUBLISHERS_MAX;
use crate::wire::limits::TRUST_FILE_BYTES_MAX;

/// The trust level of a publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Data is accepted without a question.
    Full,
    /// A person decides.
    Prompt,
    /// The publisher is unknown: data is kept apart and marked. The default.
    Unknown,
    /// Nothing new is accepted.
    Revoked,
}

impl Level {
    /// All levels.
    pub const ALL: [Self; 4] = [Self::Full, Self::Prompt, Self::Unknown, Self::Revoked];

    /// Returns the word in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Prompt => "prompt",
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
        }
    }

    /// Returns the level with this word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.name() == name)
    }
}

/// A publisher with a local name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publisher {
    /// The local name.
    pub name: Alias,
    /// The publisher's key.
    pub key: PublisherKey,
    /// The publisher's trust level.
    pub level: Level,
    /// Earlier keys, from which a person confirmed a rotation.
    pub previous: Vec<PublisherKey>,
    /// Patterns of dataset names that the level covers; `*` stands for any characters. Empty: all.
    pub names: Vec<String>,
    /// The time when the level expires.
    pub until: Option<Timestamp>,
    /// The reason of a revocation.
    pub reason: Option<String>,
}

impl Publisher {
    /// Makes a publisher without limits.
    pub fn new(name: Alias, key: PublisherKey, level: Level) -> Self {
        Self {
            name,
            key,
            level,
            previous: Vec::new(),
            names: Vec::new(),
            until: None,
            reason: None,
        }
    }

    /// Returns the trust level for a dataset of this name, now.
    pub fn level_for(&self, dataset: &DatasetName, now: Timestamp) -> Level {
        let fits = self.names.is_empty()
            || self
                .names
                .iter()
                .any(|p| matches(p.as_bytes(), dataset.as_str().as_bytes()));
        let in_time = self.until.is_none_or(|until| now <= until);
        if self.level == Level::Revoked || (fits && in_time) {
            self.level
        } else {
            Level::Unknown
        }
    }
}

/// Failure to read or change `trust.toml`. A file with an unknown part grants no trust at all.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrustFileError {
    /// The file is over a limit.
    #[error("the trust file is too long")]
    TooLong,
    /// The file is not TOML.
    #[error("the trust file is not TOML: {0}")]
    Toml(String),
    /// A field has no meaning, or a malformed value.
    #[error("the trust file has `{field}` in `{entry}`, which is not {wanted}")]
    Field {
        /// The publisher's name, or the file.
        entry: String,
        /// The field.
        field: String,
        /// The valid values.
        wanted: &'static str,
    },
    /// Two entries have one key, so that chance would decide between them.
    #[error("the trust file has the key of `{0}` twice")]
    KeyTwice(String),
    /// The key already has another name.
    #[error("this key is known here already, as `{0}`")]
    KeyKnown(String),
    /// The name already stands for another key.
    #[error("`{0}` is another publisher already")]
    NameTaken(String),
}

impl Classify for TrustFileError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NameTaken(_) => ErrorKind::Conflict,
            _ => ErrorKind::Invalid,
        }
    }
}

/// The file: its entries and its text.
#[derive(Clone, Debug, Default)]
pub struct TrustFile {
    document: DocumentMut,
    publishers: BTreeMap<Alias, Publisher>,
}

const VERSION: i64 = 1;
const TABLE: &str = "publisher";
const HEAD: &str = "# Who is trusted here, and with what: full, prompt, unknown or revoked.\n\
# `alimentar registry trust` edits this file and keeps your comments; so may you.\n";

impl TrustFile {
    /// Parses a file.
    ///
    /// # Errors
    /// [`TrustFileError`] that names the entry and the field.
    pub fn parse(text: &str) -> Result<Self, TrustFileError> {
        if text.len() > TRUST_FILE_BYTES_MAX {
            return Err(TrustFileError::TooLong);
        }
        let document: DocumentMut = text
            .parse()
            .map_err(|e: toml_edit::TomlError| TrustFileError::Toml(e.to_string()))?;
        let mut file = Self {
            publishers: BTreeMap::new(),
            document,
        };
        let fail = |field: &str, wanted| TrustFileError::Field {
            entry: "the file".to_owned(),
            field: field.to_owned(),
            wanted,
        };
        for (field, item) in file.document.iter() {
            match field {
                "version" if item.as_integer() == Some(VERSION) => {}
                "version" => return Err(fail(field, "1; use a newer version of this program")),
                TABLE => {
                    let table = item.as_table_like();
                    let table = table.ok_or_else(|| fail(field, "a table of publishers"))?;
                    for (name, entry) in table.iter() {
                        let publisher = publisher(name, entry)?;
                        file.publishers.insert(publisher.name.clone(), publisher);
                    }
                }
                _ => return Err(fail(field, "`version` or a `publisher`")),
            }
        }
        file.check()?;
        Ok(file)
    }

    fn check(&self) -> Result<(), TrustFileError> {
        if self.publishers.len() > PUBLISHERS_MAX {
            return Err(TrustFileError::TooLong);
        }
        let mut seen = BTreeMap::new();
        for p in self.publishers.values() {
            for key in p.previous.iter().chain([&p.key]) {
                if seen.insert(*key, ()).is_some() {
                    return Err(TrustFileError::KeyTwice(p.name.to_string()));
                }
            }
        }
        Ok(())
    }

    /// Returns the text of the file, with the user's comments and layout.
    pub fn encode(&self) -> String {
        self.document.to_string()
    }

    /// Returns all publishers, by name.
    pub fn publishers(&self) -> impl Iterator<Item = &Publisher> {
        self.publishers.values()
    }

    /// Returns the publisher with a name.
    pub fn get(&self, name: &Alias) -> Option<&Publisher> {
        self.publishers.get(name)
    }

    /// Returns the publisher whose present or earlier key this is.
    pub fn by_key(&self, key: &PublisherKey) -> Option<&Publisher> {
        let mut all = self.publishers.values();
        all.find(|p| p.key == *key || p.previous.contains(key))
    }

    /// Adds a publisher, or changes the one with that name and key.
    ///
    /// # Errors
    /// [`TrustFileError::NameTaken`] when the name stands for another key, [`TrustFileError::KeyKnown`]
    /// when the key has another name.
    pub fn put(&mut self, publisher: Publisher) -> Result<(), TrustFileError> {
        let held = self.publishers.get(&publisher.name);
        if held.is_some_and(|h| h.key != publisher.key && !publisher.previous.contains(&h.key)) {
            return Err(TrustFileError::NameTaken(publisher.name.to_string()));
        }
        let mut others = self.publishers.values();
        let has_one = |p: &&Publisher| {
            let mut keys = publisher.previous.iter().chain([&publisher.key]);
            let is_theirs = |key: &PublisherKey| p.key == *key || p.previous.contains(key);
            p.name != publisher.name && keys.any(is_theirs)
        };
        if let Some(other) = others.find(has_one) {
            return Err(TrustFileError::KeyKnown(other.name.to_string()));
        }
        let mut changed = self.clone();
        changed.write(&publisher, held);
        changed.publishers.insert(publisher.name.clone(), publisher);
        changed.check()?;
        *self = changed;
        Ok(())
    }

    /// Removes a publisher and returns true if it was present.
    pub fn remove(&mut self, name: &Alias) -> bool {
        if let Some(table) = self
            .document
            .get_mut(TABLE)
            .and_then(Item::as_table_like_mut)
        {
            table.remove(name.as_str());
        }
        self.publishers.remove(name).is_some()
    }

    fn write(&mut self, publisher: &Publisher, held: Option<&Publisher>) {
        if self.document.is_empty() {
            self.document.insert("version", value(VERSION));
            if let Some(mut key) = self.document.key_mut("version") {
                key.leaf_decor_mut().set_prefix(HEAD);
            }
        }
        let outer = self.document.entry(TABLE).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let Some(outer) = outer.as_table_like_mut() else {
            return;
        };
        let entry = outer
            .entry(publisher.name.as_str())
            .or_insert_with(|| Item::Table(Table::new()));
        let Some(entry) = entry.as_table_like_mut() else {
            return;
        };
        let list = |texts: Vec<String>| Value::Array(texts.into_iter().collect::<Array>());
        let fields = |p: &Publisher| {
            let previous: Vec<String> = p.previous.iter().map(|k| k.to_hex()).collect();
            [
                ("key", Some(p.key.to_hex().into())),
                ("level", Some(p.level.name().into())),
                ("previous", (!previous.is_empty()).then(|| list(previous))),
                (
                    "names",
                    (!p.names.is_empty()).then(|| list(p.names.clone())),
                ),
                ("until", p.until.map(|t| t.to_rfc3339().into())),
                ("reason", p.reason.clone().map(Into::into)),
            ]
        };
        let before = held.map(fields);
        for (n, (field, new)) in fields(publisher).into_iter().enumerate() {
            let old = before.as_ref().and_then(|b| b.get(n));
            let text = |v: &Option<Value>| v.as_ref().map(Value::to_string);
            // An unchanged entry stays as the user wrote it.
            if old.is_none_or(|(_, old)| text(old) != text(&new)) {
                set(entry, field, new);
            }
        }
    }
}

/// Sets or removes a field. An unchanged one keeps its comments.
fn set(entry: &mut dyn toml_edit::TableLike, field: &str, new: Option<Value>) {
    match (new, entry.get_mut(field)) {
        (None, _) => drop(entry.remove(field)),
        (Some(mut new), Some(held)) => {
            if let Some(old) = held.as_value() {
                *new.decor_mut() = old.decor().clone();
            }
            *held = Item::Value(new);
        }
        (Some(new), None) => drop(entry.insert(field, Item::Value(new))),
    }
}

fn publisher(name: &str, entry: &Item) -> Result<Publisher, TrustFileError> {
    let fail = |field: &str, wanted| TrustFileError::Field {
        entry: name.to_owned(),
        field: field.to_owned(),
        wanted,
    };
    // A name that reads otherwise could not be found again.
    let alias = name.parse().ok().filter(|a: &Alias| a.as_str() == name);
    let wanted = "letters, digits, single blanks between them, `.`, `_` and `-`";
    let alias = alias.ok_or_else(|| fail("name", wanted))?;
    let table = entry.as_table_like().ok_or_else(|| fail(name, "a table"))?;
    let (mut key, mut found) = (None, None);
    for (field, item) in table.iter() {
        // The following fields need a publisher to go into.
        let p = found.get_or_insert_with(|| {
            Publisher::new(
                Alias::clone(&alias),
                PublisherKey::new([0; 32]),
                Level::Unknown,
            )
        });
        let text = || item.as_str().ok_or_else(|| fail(field, "a text"));
        match field {
            "key" => key = Some(one_key(text()?).ok_or_else(|| fail(field, "a public key"))?),
            "level" => {
                let level = Level::from_name(text()?);
                p.level = level.ok_or_else(|| fail(field, "full, prompt, unknown or revoked"))?;
            }
            "previous" => {
                let keys = texts(item).ok_or_else(|| fail(field, "a list of keys"))?;
                let keys = keys.iter().map(|k| one_key(k)).collect::<Option<Vec<_>>>();
                p.previous = keys.ok_or_else(|| fail(field, "a list of keys"))?;
            }
            "names" => p.names = texts(item).ok_or_else(|| fail(field, "a list of names"))?,
            "until" => p.until = Some(date(item).ok_or_else(|| fail(field, "a date"))?),
            "reason" => p.reason = Some(text()?.to_owned()),
            _ => {
                return Err(fail(
                    field,
                    "one of key, level, previous, names, until, reason",
                ));
            }
        }
    }
    let mut publisher = found.ok_or_else(|| fail("key", "there"))?;
    publisher.key = key.ok_or_else(|| fail("key", "there"))?;
    Ok(publisher)
}

fn one_key(text: &str) -> Option<PublisherKey> {
    text.parse().ok().filter(is_usable_key)
}

fn texts(item: &Item) -> Option<Vec<String>> {
    let texts = item.as_array()?.iter();
    texts.map(|v| v.as_str().map(str::to_owned)).collect()
}

/// Parses a date, meaning its end, or a time; as TOML's own type or as text.
fn date(item: &Item) -> Option<Timestamp> {
    let text = match item.as_datetime() {
        Some(date) => date.to_string(),
        None => item.as_str()?.to_owned(),
    };
    Timestamp::parse_rfc3339(&text)
        .or_else(|| Timestamp::parse_rfc3339(&format!("{text}T23:59:59Z")))
}

/// Returns true if a name matches a pattern in which `*` stands for any characters. The time is at most
/// the product of the lengths.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            retry = Some((p + 1, n));
            p += 1;
        } else if pattern.get(p) == name.get(n) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((after, from)) = retry {
            retry = Some((after, from + 1));
            (p, n) = (after, from + 1);
        } else {
            return false;
        }
    }
    pattern.iter().skip(p).all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn name_patterns_match_with_wildcards() {
        let fits = |p: &str, n: &str| matches(p.as_bytes(), n.as_bytes());
        assert!(fits("speech-*", "speech-en") && fits("*", "x") && fits("a*b*c", "aXbbYc"));
        assert!(fits("exact", "exact") && fits("*-eval", "a-b-eval"));
        assert!(!fits("speech-*", "speech") && !fits("a*c", "ab") && !fits("exact", "exactly"));
    }
}
