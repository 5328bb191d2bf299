//! Text for terminals and for JSON.

use serde_json::Value;

use crate::ident::is_hidden;

/// Writes JSON in which no character is invisible, turns the direction of writing or controls a
/// terminal. Such characters are escaped, which does not change the value.
pub(crate) fn json_text(value: &Value) -> String {
    escape_hidden(value.to_string())
}

/// Escapes hidden characters in JSON text, which has them only in its strings.
pub(crate) fn escape_hidden(json: String) -> String {
    if !json.contains(is_hidden) {
        return json;
    }
    let mut text = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if !is_hidden(c) {
            text.push(c);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            text += &format!("\\u{unit:04x}");
        }
    }
    text
}

/// Replaces characters that a terminal would obey, or that nobody sees. Joiners stay between letters
/// that need them.
pub(crate) fn printable(text: &str) -> String {
    let mut before = '\0';
    let replaced = |c: char| {
        let joins = matches!(c, '\u{200c}' | '\u{200d}') && !before.is_ascii();
        before = c;
        let is_control = c.is_control() && c != '\n';
        if is_control || (is_hidden(c) && !joins && c != '\u{ad}') {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(replaced).collect()
}

/// The same for text that this program has coloured: colours stay.
pub(crate) fn printable_with_colours(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut shown = printable(parts.next().unwrap_or_default());
    for part in parts {
        let inside = part.strip_prefix('[').unwrap_or_default();
        let digits = inside.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        let is_colour = part.starts_with('[') && digits.starts_with('m');
        shown.push(if is_colour { '\u{1b}' } else { '\u{fffd}' });
        shown += &printable(part);
    }
    shown
}

/// Formats a size for people: `1.2 GiB`.
pub(crate) fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS.get(unit).unwrap_or(&"B"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_with_hidden_characters_keeps_its_value() {
        let hidden = "a\u{202e}b\u{200b}c\u{7f}d\u{9b}31me\u{feff}f\u{e0041}g\u{2028}h";
        let value = serde_json::json!({"name": hidden, "plain": "\u{e9}\u{4e2d}\u{1f600}"});
        let text = json_text(&value);
        assert!(!text.contains(is_hidden), "{text}");
        assert!(
            text.contains("\\u202e") && text.contains("\\udb40\\udc41"),
            "{text}"
        );
        assert!(text.contains("\u{e9}\u{4e2d}\u{1f600}"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn coloured_text_loses_all_escapes_but_colours() {
        let text = "\u{1b}[1;31mred\u{1b}[0m \u{1b}]0;title\u{7} \u{1b}[2J \u{9b}2J x\u{200b}y";
        let shown = printable_with_colours(text);
        let bad = '\u{fffd}';
        let wanted =
            format!("\u{1b}[1;31mred\u{1b}[0m {bad}]0;title{bad} {bad}[2J {bad}2J x{bad}y");
        assert_eq!(shown, wanted);
        // Persian and families of emoji need their joiners.
        assert_eq!(
            printable("\u{645}\u{200c}\u{6cc}"),
            "\u{645}\u{200c}\u{6cc}"
        );
    }
}
