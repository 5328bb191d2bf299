//! The settings file: `config.toml` in the registry's directory. Options and variables take precedence.

use std::path::Path;
use std::path::PathBuf;

use toml_edit::DocumentMut;
use toml_edit::Item;
use toml_edit::Value;

use crate::cli::exit::Failure;
use crate::cli::parse::expand_tilde;
use crate::cli::parse::parse_size;
use crate::cli::view_keys::bindings_of;
use crate::cli::view_keys::bindings_text;
use crate::cli::view_keys::bindings_value;
use crate::cli::view_keys::keymap_of;
use crate::cli::view_keys::parse_bindings;
use crate::file_io::read_own_text;
use crate::net::PeerAddress;
use crate::registry::Error;
use crate::tui::Keymap;

/// The name of the file.
pub(crate) const SETTINGS_FILE: &str = "config.toml";
/// The largest size of the file.
const BYTES_MAX: usize = 64 * 1024;

/// The kind of value that a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One of these words.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Switch,
    /// A path.
    Path,
    /// Addresses of peers.
    Peers,
    /// A size in bytes.
    Size,
    /// Keys of the viewer's commands.
    ViewKeys,
}

/// A key of the file.
#[derive(Debug)]
pub(crate) struct Key {
    /// The name in the file.
    pub name: &'static str,
    /// The kind of its value.
    pub kind: Kind,
    /// The value of a key that the file does not have.
    pub default: &'static str,
    /// The effect of the key, in words.
    pub help: &'static str,
}

/// Every key.
pub(crate) const KEYS: &[Key] = &[
    Key {
        name: "color",
        kind: Kind::Word(&["auto", "never"]),
        default: "auto",
        help: "whether a terminal gets colours",
    },
    Key {
        name: "key",
        kind: Kind::Path,
        default: "",
        help: "the key file that signs, as --key",
    },
    Key {
        name: "partial_limit",
        kind: Kind::Size,
        default: "16GiB",
        help: "how much of datasets that were only looked into is kept",
    },
    Key {
        name: "passphrase_file",
        kind: Kind::Path,
        default: "",
        help: "the file with the passphrase, as --passphrase-file",
    },
    Key {
        name: "peers",
        kind: Kind::Peers,
        default: "",
        help: "whom `pull` and `sync` ask, as --peer",
    },
    Key {
        name: "progress",
        kind: Kind::Switch,
        default: "true",
        help: "whether a terminal gets progress bars",
    },
    Key {
        name: "view_keys",
        kind: Kind::ViewKeys,
        default: "",
        help: "other keys for commands of `view`",
    },
    Key {
        name: "wide",
        kind: Kind::Switch,
        default: "false",
        help: "whether tables may be wider than the terminal, as --wide",
    },
];

/// Finds the key of this name.
///
/// # Errors
/// [`Failure::Misused`], which suggests a similar name.
pub(crate) fn find_key(name: &str) -> Result<&'static Key, Failure> {
    if let Some(key) = KEYS.iter().find(|key| key.name == name) {
        return Ok(key);
    }
    let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    let likeness = |key: &&Key| (strsim::jaro_winkler(key.name, name) * 1000.0) as u32;
    let near = KEYS
        .iter()
        .max_by_key(likeness)
        .filter(|k| likeness(k) > 750);
    Err(Failure::Misused {
        message: format!("there is no setting `{name}`"),
        hint: match near {
            Some(near) => format!(
                "did you mean `{}`? There are {}",
                near.name,
                names.join(", ")
            ),
            None => format!("there are {}", names.join(", ")),
        },
    })
}

fn is_missing(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// The settings of a registry.
#[derive(Debug)]
pub(crate) struct Settings {
    path: PathBuf,
    document: DocumentMut,
}

impl Settings {
    /// Reads the file. Without a file nothing is set.
    ///
    /// # Errors
    /// A file that cannot be read or understood, or that has an unknown key.
    pub(crate) fn read(home: &Path) -> Result<Self, Failure> {
        let path = home.join(SETTINGS_FILE);
        let text = match read_own_text(&path, BYTES_MAX) {
            Ok(text) => text,
            // The command itself reports a home that is no directory.
            Err(e) if is_missing(&e) => String::new(),
            Err(e) => return Err(Error::file("read", &path, e).into()),
        };
        Self::parse(path, &text)
    }

    /// Parses the text of the file.
    ///
    /// # Errors
    /// As [`Settings::read`].
    fn parse(path: PathBuf, text: &str) -> Result<Self, Failure> {
        let wrong = |what: String| Failure::Misused {
            message: format!("cannot use `{}`: {what}", path.display()),
            hint: "`alimentar config edit` opens it".to_owned(),
        };
        let document: DocumentMut = text
            .parse()
            .map_err(|e: toml_edit::TomlError| wrong(e.message().to_owned()))?;
        for (name, item) in document.iter() {
            let key = find_key(name).map_err(|e| wrong(e.message()))?;
            if key.kind == Kind::ViewKeys {
                let bindings = bindings_of(item);
                let bindings =
                    bindings.ok_or_else(|| wrong(format!("`{name}` is no table of keys")))?;
                keymap_of(&bindings).map_err(|e| wrong(format!("{name}: {e}")))?;
                continue;
            }
            let value =
                text_of(item).ok_or_else(|| wrong(format!("`{name}` has no fitting value")))?;
            parse_value(key, &value).map_err(|e| wrong(e.message()))?;
        }
        Ok(Self { path, document })
    }

    /// The value that the file has for a key.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.document.get(name).and_then(text_of)
    }

    /// Sets a key. An empty value removes it.
    ///
    /// # Errors
    /// [`Failure::Misused`] for a value that the key cannot have.
    pub(crate) fn set(&mut self, key: &Key, value: &str) -> Result<(), Failure> {
        if value.is_empty() {
            self.document.remove(key.name);
            return Ok(());
        }
        let value = parse_value(key, value)?;
        self.document.insert(key.name, Item::Value(value));
        Ok(())
    }

    /// The new text of the file.
    pub(crate) fn text(&self) -> String {
        self.document.to_string()
    }

    /// The path of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The values of the file, as the options take them.
    ///
    /// # Errors
    /// [`Failure::Misused`] for a path that cannot be expanded.
    pub(crate) fn defaults(&self) -> Result<Defaults, Failure> {
        let is = |name: &str, value: &str| self.get(name).as_deref() == Some(value);
        let wrong = |message| Failure::Misused {
            message,
            hint: "`alimentar config edit` opens the settings".to_owned(),
        };
        let path = |name: &str| {
            let path = self.get(name).map(PathBuf::from);
            path.map(expand_tilde).transpose().map_err(wrong)
        };
        let peers = self.get("peers").map(|text| parse_addresses(&text));
        Ok(Defaults {
            no_color: is("color", "never"),
            wide: is("wide", "true"),
            no_progress: is("progress", "false"),
            passphrase_file: path("passphrase_file")?,
            key: path("key")?,
            peers: peers.transpose()?.unwrap_or_default(),
            partial_limit: self
                .get("partial_limit")
                .and_then(|text| parse_size(&text).ok()),
            view_keys: match self.document.get("view_keys").and_then(bindings_of) {
                Some(bindings) => keymap_of(&bindings).map_err(wrong)?,
                None => Keymap::default(),
            },
        })
    }
}

/// Values that count for options which were not given.
#[derive(Debug, Default)]
pub(crate) struct Defaults {
    /// As `--no-color`.
    pub no_color: bool,
    /// As `--wide`.
    pub wide: bool,
    /// There are no progress bars.
    pub no_progress: bool,
    /// As `--passphrase-file`.
    pub passphrase_file: Option<PathBuf>,
    /// The key file that signs, as `--key`.
    pub key: Option<PathBuf>,
    /// The peers that `pull` and `sync` ask, as `--peer`.
    pub peers: Vec<PeerAddress>,
    /// Bytes of partial holdings that are kept.
    pub partial_limit: Option<u64>,
    /// Keys of the viewer.
    pub view_keys: Keymap,
}

/// Formats a value as text. Items of a list have commas between them.
fn text_of(item: &Item) -> Option<String> {
    if item.is_table_like() {
        return bindings_of(item).map(|bindings| bindings_text(&bindings));
    }
    match item.as_value()? {
        Value::String(text) => Some(text.value().clone()),
        Value::Boolean(switch) => Some(switch.value().to_string()),
        Value::Array(array) => {
            let texts: Option<Vec<&str>> = array.iter().map(Value::as_str).collect();
            Some(texts?.join(","))
        }
        _ => None,
    }
}

fn parse_addresses(text: &str) -> Result<Vec<PeerAddress>, Failure> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts
        .map(|part| {
            part.parse().map_err(|e| Failure::Misused {
                message: format!("{e}"),
                hint: "give addresses as host:port, with commas between".to_owned(),
            })
        })
        .collect()
}

/// Parses the value of a key.
fn parse_value(key: &Key, text: &str) -> Result<Value, Failure> {
    let wrong = |hint: String| Failure::Misused {
        message: format!("`{text}` is no value of `{}`", key.name),
        hint,
    };
    match key.kind {
        Kind::Word(words) if words.contains(&text) => Ok(text.into()),
        Kind::Word(words) => Err(wrong(format!("it is one of {}", words.join(", ")))),
        Kind::Switch => match text {
            "true" | "yes" | "on" => Ok(true.into()),
            "false" | "no" | "off" => Ok(false.into()),
            _ => Err(wrong("it is true or false".to_owned())),
        },
        Kind::Path => Ok(text.into()),
        Kind::Size => match parse_size(text) {
            Ok(_) => Ok(text.into()),
            Err(hint) => Err(wrong(hint)),
        },
        Kind::ViewKeys => {
            let bindings = parse_bindings(text).map_err(wrong)?;
            keymap_of(&bindings).map_err(wrong)?;
            Ok(bindings_value(&bindings))
        }
        Kind::Peers => {
            parse_addresses(text)?;
            let parts = text.split(',').map(str::trim).filter(|p| !p.is_empty());
            Ok(Value::Array(parts.collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Settings, String> {
        Settings::parse(PathBuf::from("config.toml"), text).map_err(|e| e.message())
    }

    #[test]
    fn set_value_keeps_the_rest_of_the_file() {
        let mut settings = parsed("# mine\nwide = true # yes\n").unwrap();
        settings
            .set(find_key("peers").unwrap(), "lab-a:1, lab-b:2")
            .unwrap();
        let text = settings.text();
        assert!(text.starts_with("# mine\nwide = true # yes\n"), "{text}");
        assert_eq!(settings.get("peers").as_deref(), Some("lab-a:1,lab-b:2"));
        settings.set(find_key("wide").unwrap(), "").unwrap();
        assert_eq!(settings.get("wide"), None);
        assert_eq!(
            parsed(&settings.text()).unwrap().get("peers"),
            settings.get("peers")
        );
    }

    #[test]
    fn unknown_key_or_value_is_an_error_that_names_it() {
        for (text, named) in [
            ("colour = \"never\"", "colour"),
            ("color = \"purple\"", "purple"),
            ("wide = 3", "wide"),
            ("peers = [\"a b\"]", "a b"),
            ("wide", "config.toml"),
            ("wide = { a = \"b\" }", "wide"),
            ("view_keys = \"s\"", "view_keys"),
            ("[view_keys]\nserach = \"s\"", "serach"),
            ("[view_keys]\nsearch = [\"s\", \"Strg-s\"]", "Strg-s"),
        ] {
            let message = parsed(text).unwrap_err();
            assert!(message.contains(named), "{message}");
        }
    }
}
