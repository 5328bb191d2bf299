//! Where output goes: data to stdout, everything else to stderr; and how figures are shown.

use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;

use serde_json::Value;

use crate::file_io::is_standard_output;
use crate::ident::is_hidden;

pub(crate) use crate::cli::table::table;

/// Knows how the user wants output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    json: bool,
    quiet: bool,
    style: bool,
    /// The same for stderr.
    style_aside: bool,
    /// Data of the command goes to stdout, and what it reports to stderr.
    reports_aside: bool,
}

impl Out {
    /// `style` is whether the user allows colours; a terminal has to be there too.
    pub(crate) fn new(json: bool, quiet: bool, style: bool) -> Self {
        Self {
            json,
            quiet,
            style: style && io::stdout().is_terminal(),
            style_aside: style && io::stderr().is_terminal(),
            reports_aside: false,
        }
    }

    /// The same for a command that writes data to this path: where that is standard output, what it
    /// reports goes to stderr.
    pub(crate) fn beside(self, path: Option<&Path>) -> Self {
        let is_taken = path.is_some_and(is_standard_output);
        Self {
            reports_aside: self.reports_aside || is_taken,
            style: self.style && !is_taken,
            ..self
        }
    }

    /// Whether text may be bold and dim.
    pub(crate) fn has_style(self) -> bool {
        self.style
    }

    /// Columns of the terminal; 80 where there is none.
    pub(crate) fn width(self) -> usize {
        let size = rustix::termios::tcgetwinsize(io::stdout());
        match size.map(|s| usize::from(s.ws_col)) {
            Ok(columns) if columns > 0 => columns.min(100),
            _ => 80,
        }
    }

    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// The result of a command: as JSON, as one id a line, or as text.
    pub(crate) fn result(self, json: &Value, ids: &[String], text: &str) -> io::Result<()> {
        if self.json {
            self.report((json_text(json) + "\n").as_bytes())
        } else if self.quiet {
            self.report(
                ids.iter()
                    .map(|id| format!("{id}\n"))
                    .collect::<String>()
                    .as_bytes(),
            )
        } else if self.reports_aside || io::stdout().is_terminal() {
            self.report(on_screen(text).as_bytes())
        } else {
            self.report(text.as_bytes())
        }
    }

    fn report(self, bytes: &[u8]) -> io::Result<()> {
        if self.reports_aside {
            return io::stderr().lock().write_all(bytes);
        }
        self.bytes(bytes)
    }

    pub(crate) fn bytes(self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()
    }

    /// An object on stderr.
    pub(crate) fn json_diagnostic(self, json: &Value) {
        // There is nowhere to report that stderr is closed.
        let _ = writeln!(io::stderr().lock(), "{}", json_text(json));
    }

    /// A text in which something is well.
    pub(crate) fn good(self, text: &str) -> String {
        coloured(self.style, "32", text)
    }

    /// A text in which something is not well.
    pub(crate) fn bad(self, text: &str) -> String {
        coloured(self.style, "1;31", text)
    }

    /// Why a command failed, or what to do about it: a word that is coloured, and the rest.
    pub(crate) fn remark(self, word: &str, text: &str) {
        let colour = match word {
            "error" => "1;31",
            "warning" => "1;33",
            _ => "1;36",
        };
        let word = coloured(self.style_aside, colour, &format!("{word}:"));
        // There is nowhere to report that stderr is closed.
        let _ = writeln!(io::stderr().lock(), "{word} {}", printable(text));
    }

    /// A line for the person, not for the next program.
    pub(crate) fn diagnostic(self, line: &str) {
        // There is nowhere to report that stderr is closed.
        let _ = writeln!(io::stderr().lock(), "{}", printable(line));
    }
}

fn coloured(is_wanted: bool, colour: &str, text: &str) -> String {
    match is_wanted {
        true => format!("\u{1b}[{colour}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    }
}

/// JSON in which nothing is invisible, turns the direction of writing, or is obeyed by a terminal:
/// such characters are escaped, and it says the same. JSON itself escapes C0 controls.
pub(crate) fn json_text(value: &Value) -> String {
    escaped(value.to_string())
}

/// The same of JSON that is written already. Such characters stand in its strings only.
pub(crate) fn escaped(json: String) -> String {
    if !json.contains(is_hidden) {
        return json;
    }
    let mut text = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match is_hidden(c) {
            false => text.push(c),
            true => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    text += &format!("\\u{unit:04x}");
                }
            }
        }
    }
    text
}

/// A text from outside with nothing in it that a terminal would obey or that nobody sees. Joiners
/// stay between letters that need them.
pub(crate) fn printable(text: &str) -> String {
    let mut before = '\0';
    let shown = |c: char| {
        let joins = matches!(c, '\u{200c}' | '\u{200d}') && !before.is_ascii();
        before = c;
        let is_control = c.is_control() && c != '\n';
        if is_control || (is_hidden(c) && !joins && c != '\u{ad}') {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(shown).collect()
}

/// The same of a text that this program has put colours into: those stay.
fn on_screen(text: &str) -> String {
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

/// `1.2 GiB`.
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
    fn json_says_the_same_with_nothing_hidden_in_it() {
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
    fn a_screen_keeps_colours_and_nothing_else_that_it_would_obey() {
        let text = "\u{1b}[1;31mred\u{1b}[0m \u{1b}]0;title\u{7} \u{1b}[2J \u{9b}2J x\u{200b}y";
        let shown = on_screen(text);
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
