//! Lists of the keys, made from the table of commands: text, JSON, and a page of the documentation.

use crate::tui::commands::keymap::Keymap;
use crate::tui::commands::table::COMMANDS;
use crate::tui::commands::table::Command;
use crate::tui::commands::table::Place;

/// Returns the list that `--print-keys` prints.
pub(in crate::tui) fn keys_as_text(map: &Keymap) -> String {
    let mut text = String::new();
    for place in Place::ALL {
        text += &format!("{}\n", place.title());
        for (command, keys) in map.commands(place) {
            let (keys, name, help) = (keys.join(", "), command.name, command.help);
            text += &format!("  {keys:<22} {name:<18} {help}\n");
        }
        text.push('\n');
    }
    text.pop();
    text
}

/// Returns the page of the keys in the documentation.
#[cfg(test)]
fn keys_as_page() -> String {
    let mut text = PAGE_TOP.to_owned();
    for place in Place::ALL {
        text += &format!(
            "\n## {}\n\n| keys | command | effect |\n|---|---|---|\n",
            place.title()
        );
        for command in COMMANDS.iter().filter(|c| c.places.contains(&place)) {
            let keys = command
                .keys
                .iter()
                .map(|key| format!("`{}`", key.replace('|', "\\|")));
            let keys: Vec<String> = keys.collect();
            let (name, help) = (command.name, command.help);
            text += &format!("| {} | `{name}` | {help} |\n", keys.join(" "));
        }
    }
    text
}

#[cfg(test)]
const PAGE_TOP: &str = "# Keys of `alimentar view`

`alimentar view --print-keys` prints this table. `?` shows it in the program, and `:` takes the name of a
command. A number before a key repeats it: `5j` goes five rows down, `120G` to row 120. Rows count from 0.
`Esc` takes back one layer. The mouse wheel scrolls, and a click moves the cursor. The setting `view_keys` binds others
([environment](environment.md)).
";

/// Returns the commands as JSON values: place, keys, name, help.
pub(in crate::tui) fn keys_as_json(map: &Keymap) -> serde_json::Value {
    let command = |command: &Command| {
        let places: Vec<&str> = command.places.iter().map(|place| place.title()).collect();
        serde_json::json!({
            "command": command.name, "keys": map.keys(command), "places": places, "help": command.help,
        })
    };
    let all: Vec<serde_json::Value> = COMMANDS.iter().map(command).collect();
    serde_json::json!({ "keys": all })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::writes_golden;

    #[test]
    fn page_of_keys_is_the_table_of_commands() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/keys.md");
        let wanted = keys_as_page();
        if writes_golden() {
            std::fs::write(&path, &wanted).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), wanted);
    }
}
