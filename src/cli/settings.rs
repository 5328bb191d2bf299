//! `config.toml` in the home: defaults of options. Options and variables come before it.

use std::path::Path;
use std::path::PathBuf;

use toml_edit::DocumentMut;
use toml_edit::Item;
use toml_edit::Value;

use crate::cli::args::Cli;
use crate::cli::args::Command;
use crate::cli::args::RegistryCommand;
use crate::cli::exit::Failure;
use crate::cli::surface::expanded;
use crate::file_io::read_own_text;
use crate::net::PeerAddress;
use crate::registry::Error;

/// The file's name in the home.
pub(crate) const FILE: &str = "config.toml";
/// Bytes that the file may have.
const BYTES_MAX: usize = 64 * 1024;

/// What kind of value a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One of some words.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Switch,
    /// A path.
    Path,
    /// Addresses of peers.
    Peers,
}

/// A key that may stand in the file.
#[derive(Debug)]
pub(crate) struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What counts where it is not set.
    pub default: &'static str,
    /// What it does.
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
        name: "wide",
        kind: Kind::Switch,
        default: "false",
        help: "whether tables may be wider than the terminal, as --wide",
    },
];

/// The key of this name.
///
/// # Errors
/// One that names what is near.
pub(crate) fn key(name: &str) -> Result<&'static Key, Failure> {
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

/// The settings of a home.
#[derive(Debug)]
pub(crate) struct Settings {
    path: PathBuf,
    document: DocumentMut,
}

impl Settings {
    /// Reads the file; without one nothing is set.
    ///
    /// # Errors
    /// A file that cannot be read or understood, or that has an unknown key.
    pub(crate) fn of(home: &Path) -> Result<Self, Failure> {
        let path = home.join(FILE);
        let text = match read_own_text(&path, BYTES_MAX) {
            Ok(text) => text,
            // A home that is no directory is told of where it is used.
            Err(e) if is_missing(&e) => String::new(),
            Err(e) => return Err(Error::file("read", &path, e).into()),
        };
        let settings = Self::parsed(path, &text)?;
        Ok(settings)
    }

    /// The settings that a text has.
    ///
    /// # Errors
    /// As for a file.
    pub(crate) fn parsed(path: PathBuf, text: &str) -> Result<Self, Failure> {
        let wrong = |what: String| Failure::Misused {
            message: format!("cannot use `{}`: {what}", path.display()),
            hint: "`alimentar config edit` opens it".to_owned(),
        };
        let document: DocumentMut = text
            .parse()
            .map_err(|e: toml_edit::TomlError| wrong(e.message().to_owned()))?;
        for (name, item) in document.iter() {
            let key = key(name).map_err(|e| wrong(e.message()))?;
            let value =
                text_of(item).ok_or_else(|| wrong(format!("`{name}` has no fitting value")))?;
            value_for(key, &value).map_err(|e| wrong(e.message()))?;
        }
        Ok(Self { path, document })
    }

    /// What the file says of a key.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.document.get(name).and_then(text_of)
    }

    /// Sets a key, or takes it out with an empty value.
    ///
    /// # Errors
    /// A value that does not fit.
    pub(crate) fn set(&mut self, key: &Key, value: &str) -> Result<(), Failure> {
        if value.is_empty() {
            self.document.remove(key.name);
            return Ok(());
        }
        let value = value_for(key, value)?;
        self.document.insert(key.name, Item::Value(value));
        Ok(())
    }

    /// The file as it would be written.
    pub(crate) fn text(&self) -> String {
        self.document.to_string()
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Sets the options that were not given.
    ///
    /// # Errors
    /// A value that is not understood.
    pub(crate) fn apply(&self, cli: &mut Cli) -> Result<(), Failure> {
        let is = |name: &str, value: &str| self.get(name).as_deref() == Some(value);
        cli.no_color |= is("color", "never");
        cli.wide |= is("wide", "true");
        cli.no_progress |= is("progress", "false");
        let path = |name: &str| self.get(name).map(PathBuf::from).map(expanded).transpose();
        let wrong = |message| Failure::Misused {
            message,
            hint: "`alimentar config edit` opens the settings".to_owned(),
        };
        if cli.passphrase_file.is_none() {
            cli.passphrase_file = path("passphrase_file").map_err(wrong)?;
        }
        cli.default_key = path("key").map_err(wrong)?;
        let peers = self.get("peers").map(|text| addresses(&text)).transpose()?;
        let given = match &mut cli.command {
            Command::Registry { command } | Command::Daily(command) => match command.as_mut() {
                RegistryCommand::Pull(args) => Some(&mut args.peer),
                RegistryCommand::Sync(args) => Some(&mut args.peer),
                _ => None,
            },
            _ => None,
        };
        if let (Some(given), Some(peers)) = (given, peers)
            && given.is_empty()
        {
            *given = peers;
        }
        Ok(())
    }
}

/// A value as text: words as they are, lists with commas between.
fn text_of(item: &Item) -> Option<String> {
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

fn addresses(text: &str) -> Result<Vec<PeerAddress>, Failure> {
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

/// A text as a value of a key.
fn value_for(key: &Key, text: &str) -> Result<Value, Failure> {
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
        Kind::Peers => {
            addresses(text)?;
            let parts = text.split(',').map(str::trim).filter(|p| !p.is_empty());
            Ok(Value::Array(parts.collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Settings, String> {
        Settings::parsed(PathBuf::from("config.toml"), text).map_err(|e| e.message())
    }

    #[test]
    fn set_value_keeps_the_rest_of_the_file() {
        let mut settings = parsed("# mine\nwide = true # yes\n").unwrap();
        settings
            .set(key("peers").unwrap(), "lab-a:1, lab-b:2")
            .unwrap();
        let text = settings.text();
        assert!(text.starts_with("# mine\nwide = true # yes\n"), "{text}");
        assert_eq!(settings.get("peers").as_deref(), Some("lab-a:1,lab-b:2"));
        settings.set(key("wide").unwrap(), "").unwrap();
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
        ] {
            let message = parsed(text).unwrap_err();
            assert!(message.contains(named), "{message}");
        }
    }
}
