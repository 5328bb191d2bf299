//! The keys of the commands: those of the table, unless the settings bind others.

use ratatui::crossterm::event::KeyEvent;
use thiserror::Error;

use crate::tui::commands::table::Act;
use crate::tui::commands::table::COMMANDS;
use crate::tui::commands::table::Command;
use crate::tui::commands::table::Place;
use crate::tui::commands::table::key_name;

/// Keys of all commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    /// Keys of each command, in the order of the table.
    keys: Vec<Vec<String>>,
}

/// Errors of bound keys.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeymapError {
    /// There is no such command.
    #[error("the viewer has no command `{0}`")]
    NoCommand(String),
    /// A key has no such name.
    #[error(
        "`{0}` is no key: a key is one character, a name such as `Space`, or `Ctrl-` with one of these"
    )]
    NoKey(String),
    /// A command would have no key.
    #[error("`{0}` has no key")]
    Empty(&'static str),
    /// Two commands have the same key in the same part of the program.
    #[error("`{key}` would be both `{first}` and `{second}`")]
    Twice {
        /// The key.
        key: String,
        /// The command that has it.
        first: &'static str,
        /// The other command.
        second: &'static str,
    },
    /// The program could not be left.
    #[error("`{0}` would have no key left")]
    Lost(&'static str),
}

/// Names of keys that are no characters.
const NAMES: [&str; 14] = [
    "Space",
    "Enter",
    "Tab",
    "Esc",
    "Backspace",
    "Delete",
    "Up",
    "Down",
    "Left",
    "Right",
    "Home",
    "End",
    "PageUp",
    "PageDown",
];
/// Commands that have to have a key, because nothing else reaches what they do.
const NEEDED: [Act; 3] = [Act::Quit, Act::Back, Act::Help];

impl Default for Keymap {
    fn default() -> Self {
        let owned = |command: &Command| command.keys.iter().map(|key| (*key).to_owned()).collect();
        Self {
            keys: COMMANDS.iter().map(owned).collect(),
        }
    }
}

impl Keymap {
    /// Binds the keys of some commands, by their names, in place of those of the table. A key that is
    /// bound is taken from the command that has it in the table.
    ///
    /// # Errors
    /// [`KeymapError`].
    pub fn with<'a>(
        bindings: impl IntoIterator<Item = (&'a str, Vec<&'a str>)>,
    ) -> Result<Self, KeymapError> {
        let mut map = Self::default();
        let mut bound = Vec::new();
        for (name, keys) in bindings {
            let at = COMMANDS.iter().position(|command| command.name == name);
            let missing = || KeymapError::NoCommand(name.to_owned());
            let at = at.ok_or_else(missing)?;
            let command = COMMANDS.get(at).ok_or_else(missing)?;
            if keys.is_empty() {
                return Err(KeymapError::Empty(command.name));
            }
            let keys: Result<Vec<String>, KeymapError> = keys.into_iter().map(checked).collect();
            bound.push((at, command, keys?));
        }
        for (n, (_, command, keys)) in bound.iter().enumerate() {
            map.take_from_others(command, keys);
            for (_, other, others) in bound.iter().skip(n + 1) {
                let shared = keys.iter().find(|key| others.contains(key));
                if let Some(key) = shared.filter(|_| share_a_place(command, other)) {
                    return Err(KeymapError::Twice {
                        key: key.clone(),
                        first: command.name,
                        second: other.name,
                    });
                }
            }
        }
        for (at, _, keys) in bound {
            if let Some(place) = map.keys.get_mut(at) {
                *place = keys;
            }
        }
        let lost = map
            .all()
            .find(|(command, keys)| keys.is_empty() && NEEDED.contains(&command.act));
        match lost {
            Some((command, _)) => Err(KeymapError::Lost(command.name)),
            None => Ok(map),
        }
    }

    /// Takes keys from the commands of the table that have them where `to` is.
    fn take_from_others(&mut self, to: &Command, taken: &[String]) {
        for (other, keys) in COMMANDS.iter().zip(&mut self.keys) {
            if share_a_place(to, other) {
                keys.retain(|key| !taken.contains(key));
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = (&'static Command, &[String])> {
        COMMANDS.iter().zip(self.keys.iter().map(Vec::as_slice))
    }

    /// Returns the commands of a place with their keys, in the order of the help.
    pub(in crate::tui) fn commands(
        &self,
        place: Place,
    ) -> impl Iterator<Item = (&'static Command, &[String])> {
        self.all()
            .filter(move |(command, _)| command.places.contains(&place))
    }

    /// Returns the keys of a command.
    pub(in crate::tui) fn keys(&self, wanted: &Command) -> &[String] {
        let found = self.all().find(|(command, _)| command.name == wanted.name);
        found.map_or(&[], |(_, keys)| keys)
    }

    /// Returns the usual key of an act, if it has one.
    pub(in crate::tui) fn first_key(&self, act: Act) -> Option<&str> {
        let found = self.all().find(|(command, _)| command.act == act);
        found.and_then(|(_, keys)| keys.first()).map(String::as_str)
    }

    /// Returns the act of a key.
    pub(in crate::tui) fn act_of(&self, key: &KeyEvent, place: Place) -> Option<Act> {
        let name = key_name(key)?;
        let mut commands = self.commands(place);
        let found = commands.find(|(_, keys)| keys.contains(&name));
        found.map(|(command, _)| command.act)
    }
}

fn share_a_place(a: &Command, b: &Command) -> bool {
    a.places.iter().any(|place| b.places.contains(place))
}

/// Checks the name of a key. A digit is a number before a key, except 0.
fn checked(key: &str) -> Result<String, KeymapError> {
    let wrong = || KeymapError::NoKey(key.to_owned());
    let (modifier, rest) = match key.split_once('-') {
        Some((modifier @ ("Ctrl" | "Alt"), rest)) => (Some(modifier), rest),
        _ => (None, key),
    };
    let mut characters = rest.chars();
    let is_key = match (characters.next(), characters.next()) {
        (Some(c), None) => {
            !c.is_control() && c != ' ' && !matches!((modifier, c), (None, '1'..='9'))
        }
        (Some('F'), Some(_)) => rest
            .get(1..)
            .and_then(|n| n.parse::<u8>().ok())
            .is_some_and(|n| (1..=24).contains(&n)),
        _ => false,
    };
    if !is_key && !NAMES.contains(&rest) {
        return Err(wrong());
    }
    Ok(match modifier {
        // A terminal sends the same byte for both cases.
        Some("Ctrl") => format!("Ctrl-{}", rest.to_lowercase()),
        Some(modifier) => format!("{modifier}-{rest}"),
        None => rest.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::KeyCode;
    use ratatui::crossterm::event::KeyModifiers;

    use super::*;

    fn act(map: &Keymap, c: char, place: Place) -> Option<Act> {
        map.act_of(&KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE), place)
    }

    #[test]
    fn bound_key_is_taken_from_the_command_that_had_it() {
        let map = Keymap::with([("search", vec!["s", "Ctrl-S"]), ("mark", vec!["j"])]).unwrap();
        assert_eq!(act(&map, 's', Place::Table), Some(Act::Search));
        assert_eq!(act(&map, '/', Place::Table), None);
        assert_eq!(act(&map, 'j', Place::Table), Some(Act::Mark));
        assert_eq!(map.first_key(Act::Down), Some("Down"));
        let control = KeyEvent::new(KeyCode::Char('s'), KeyModifiers::CONTROL);
        assert_eq!(map.act_of(&control, Place::Registry), Some(Act::Search));
    }

    #[test]
    fn commands_may_exchange_their_keys() {
        let map = Keymap::with([("undo", vec!["U"]), ("redo", vec!["u"])]).unwrap();
        assert_eq!(act(&map, 'u', Place::Table), Some(Act::Redo));
        assert_eq!(act(&map, 'U', Place::Table), Some(Act::Undo));
    }

    #[test]
    fn every_key_of_the_table_has_a_name_that_can_be_bound() {
        for command in COMMANDS {
            for key in command.keys {
                assert_eq!(checked(key).as_deref(), Ok(*key));
            }
        }
    }

    #[test]
    fn wrong_bindings_are_refused_by_name() {
        let refused = |bindings: &[(&'static str, &[&'static str])]| {
            let bindings = bindings.iter().map(|(name, keys)| (*name, keys.to_vec()));
            Keymap::with(bindings).unwrap_err().to_string()
        };
        assert!(refused(&[("serach", &["s"])]).contains("serach"));
        assert!(refused(&[("search", &["7"])]).contains("`7`"));
        assert!(refused(&[("search", &["Strg-f"])]).contains("Strg-f"));
        assert!(refused(&[("search", &["F99"])]).contains("F99"));
        assert!(refused(&[("search", &[])]).contains("no key"));
        let twice = refused(&[("mark", &["t"]), ("unmark", &["t"])]);
        assert!(
            twice.contains("mark") && twice.contains("unmark"),
            "{twice}"
        );
        let lost = refused(&[("mark", &["Esc"])]);
        assert!(lost.contains("back"), "{lost}");
    }
}
