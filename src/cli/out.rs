//! Where output goes: data to stdout, everything else to stderr; and how figures are shown.

use std::io;
use std::io::IsTerminal;
use std::io::Write;

use serde_json::Value;

/// Knows how the user wants output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    json: bool,
    quiet: bool,
    style: bool,
}

impl Out {
    /// `style` is whether the user allows colours; a terminal has to be there too.
    pub(crate) fn new(json: bool, quiet: bool, style: bool) -> Self {
        Self {
            json,
            quiet,
            style: style && io::stdout().is_terminal(),
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
            self.bytes(format!("{json}\n").as_bytes())
        } else if self.quiet {
            self.bytes(
                ids.iter()
                    .map(|id| format!("{id}\n"))
                    .collect::<String>()
                    .as_bytes(),
            )
        } else {
            self.bytes(text.as_bytes())
        }
    }

    pub(crate) fn bytes(self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()
    }

    /// A line for the person, not for the next program.
    pub(crate) fn diagnostic(self, line: &str) {
        // There is nowhere to report that stderr is closed.
        let _ = writeln!(io::stderr().lock(), "{}", printable(line));
    }
}

/// A text from outside with nothing in it that a terminal would obey.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            // What turns the direction of writing can make a name look like another.
            let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if turns || (c.is_control() && c != '\n') {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
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

/// Columns as wide as their widest cell.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|r| r.get(column))
            .map(|c| c.chars().count());
        cells
            .chain(head.get(column).map(|h| h.len()))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(c, w)| format!("{c:<w$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(head.iter().map(|h| (*h).to_owned()).collect());
    for row in rows {
        let cell = |c: &String| printable(c).replace('\n', "\u{fffd}");
        text += &line(row.iter().map(cell).collect());
    }
    text
}
