//! The setting `view_keys`: keys of the viewer's commands, as a table in the file and as text.

use toml_edit::Array;
use toml_edit::InlineTable;
use toml_edit::Item;
use toml_edit::Value;

use crate::tui::Keymap;

/// Commands with their keys.
pub(crate) type Bindings = Vec<(String, Vec<String>)>;

/// Reads the table of the file. A command has a key, or a list of them.
pub(crate) fn bindings_of(item: &Item) -> Option<Bindings> {
    let of_command = |(name, item): (&str, &Item)| {
        let keys: Option<Vec<String>> = match item.as_value()? {
            Value::String(key) => Some(vec![key.value().clone()]),
            Value::Array(keys) => keys
                .iter()
                .map(|key| key.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        };
        Some((name.to_owned(), keys?))
    };
    item.as_table_like()?.iter().map(of_command).collect()
}

/// Parses the text form: `COMMAND=KEY,KEY`, with blanks between.
///
/// # Errors
/// The piece that is no binding, in words.
pub(crate) fn parse_bindings(text: &str) -> Result<Bindings, String> {
    let parse = |piece: &str| {
        let (name, keys) = piece
            .split_once('=')
            .ok_or_else(|| format!("`{piece}` is no COMMAND=KEY"))?;
        let keys = match keys {
            "," => vec![keys.to_owned()],
            _ => keys.split(',').map(str::to_owned).collect(),
        };
        Ok((name.to_owned(), keys))
    };
    text.split_whitespace().map(parse).collect()
}

/// Formats bindings as text.
pub(crate) fn bindings_text(bindings: &Bindings) -> String {
    let texts = bindings
        .iter()
        .map(|(name, keys)| format!("{name}={}", keys.join(",")));
    texts.collect::<Vec<_>>().join(" ")
}

/// Makes the value of the file.
pub(crate) fn bindings_value(bindings: &Bindings) -> Value {
    let mut table = InlineTable::new();
    for (name, keys) in bindings {
        let value = match keys.as_slice() {
            [key] => Value::from(key),
            keys => Value::Array(keys.iter().collect::<Array>()),
        };
        table.insert(name, value);
    }
    Value::InlineTable(table)
}

/// Makes the keys of the viewer.
///
/// # Errors
/// The wrong binding, in words.
pub(crate) fn keymap_of(bindings: &Bindings) -> Result<Keymap, String> {
    let bound = bindings
        .iter()
        .map(|(name, keys)| (name.as_str(), keys.iter().map(String::as_str).collect()));
    Keymap::with(bound).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_table_say_the_same() {
        let bindings = parse_bindings("search=s,/ change== columns=,").unwrap();
        assert_eq!(bindings_text(&bindings), "search=s,/ change== columns=,");
        let item = Item::Value(bindings_value(&bindings));
        assert_eq!(bindings_of(&item), Some(bindings));
        assert!(parse_bindings("search").unwrap_err().contains("search"));
    }
}
