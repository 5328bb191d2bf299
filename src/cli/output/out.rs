//! The way from a command to stdout and stderr.

use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::cli::output::table::TableLayout;
use crate::cli::output::table::format_table;
use crate::cli::output::text::escape_hidden;
use crate::cli::output::text::json_text;
use crate::cli::output::text::printable;
use crate::cli::output::text::printable_with_colours;
use crate::file_io::is_standard_output;

/// The user's wishes for output.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OutOptions {
    /// Results are JSON.
    pub json: bool,
    /// Results are ids only.
    pub quiet: bool,
    /// A terminal may get colours.
    pub colour: bool,
    /// Tables may be wider than the terminal.
    pub wide: bool,
}

/// Writes the results and the remarks of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    json: bool,
    quiet: bool,
    /// Stdout shows styles.
    has_style: bool,
    /// Stderr shows styles.
    has_style_on_stderr: bool,
    /// Stdout carries data, so that the result goes to stderr.
    is_stdout_taken: bool,
    layout: TableLayout,
}

impl Out {
    pub(crate) fn new(options: OutOptions) -> Self {
        let has_style = options.colour && io::stdout().is_terminal();
        Self {
            json: options.json,
            quiet: options.quiet,
            has_style,
            has_style_on_stderr: options.colour && io::stderr().is_terminal(),
            is_stdout_taken: false,
            layout: TableLayout::of_stdout(options.wide, has_style),
        }
    }

    /// The output of a command that writes data to `path`. If that is standard output, the result
    /// goes to stderr.
    pub(crate) fn beside(self, path: Option<&Path>) -> Self {
        let is_taken = path.is_some_and(is_standard_output);
        Self {
            is_stdout_taken: self.is_stdout_taken || is_taken,
            has_style: self.has_style && !is_taken,
            ..self
        }
    }

    /// True if text may be bold, dim or coloured.
    pub(crate) fn has_style(self) -> bool {
        self.has_style
    }

    /// The columns of the terminal, at most 100; 80 without a terminal.
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

    /// True if a person reads the result as text.
    pub(crate) fn is_text(self) -> bool {
        !self.json && !self.quiet
    }

    /// The layout of tables.
    pub(crate) fn layout(self) -> TableLayout {
        self.layout
    }

    /// Formats a table with a line of headings.
    pub(crate) fn table(self, head: &[&str], rows: &[Vec<String>]) -> String {
        format_table(self.layout, head, rows)
    }

    /// Writes the result of a command: as JSON, as one id a line, or as text.
    pub(crate) fn result<T: Serialize>(
        self,
        json: &T,
        ids: &[String],
        text: &str,
    ) -> io::Result<()> {
        if self.json {
            // Through a value, which sorts the keys.
            let value = serde_json::to_value(json).map_err(io::Error::other)?;
            return self.write_report((json_text(&value) + "\n").as_bytes());
        }
        self.text_result(ids, text)
    }

    /// Writes the result of a command whose JSON is large: keys stand as the type has them.
    pub(crate) fn large_result<T: Serialize>(
        self,
        json: &T,
        ids: &[String],
        text: &str,
    ) -> io::Result<()> {
        if self.json {
            let json = serde_json::to_string(json).map_err(io::Error::other)?;
            return self.write_report((escape_hidden(json) + "\n").as_bytes());
        }
        self.text_result(ids, text)
    }

    fn text_result(self, ids: &[String], text: &str) -> io::Result<()> {
        if self.quiet {
            let lines: String = ids.iter().map(|id| format!("{id}\n")).collect();
            self.write_report(lines.as_bytes())
        } else if self.is_stdout_taken || io::stdout().is_terminal() {
            self.write_report(printable_with_colours(text).as_bytes())
        } else {
            self.write_report(text.as_bytes())
        }
    }

    fn write_report(self, bytes: &[u8]) -> io::Result<()> {
        if self.is_stdout_taken {
            return io::stderr().lock().write_all(bytes);
        }
        self.bytes(bytes)
    }

    /// Writes bytes to stdout.
    pub(crate) fn bytes(self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()
    }

    /// Writes a JSON object to stderr.
    pub(crate) fn json_diagnostic(self, json: &Value) {
        // There is nowhere to report that stderr is closed.
        let _ = writeln!(io::stderr().lock(), "{}", json_text(json));
    }

    /// Colours a text that reports success.
    pub(crate) fn good(self, text: &str) -> String {
        coloured(self.has_style, "32", text)
    }

    /// Colours a text that reports a fault.
    pub(crate) fn bad(self, text: &str) -> String {
        coloured(self.has_style, "1;31", text)
    }

    /// Writes a line to stderr that begins with a coloured word: `error`, `warning` or `hint`.
    pub(crate) fn remark(self, word: &str, text: &str) {
        let colour = match word {
            "error" => "1;31",
            "warning" => "1;33",
            _ => "1;36",
        };
        let word = coloured(self.has_style_on_stderr, colour, &format!("{word}:"));
        // There is nowhere to report that stderr is closed.
        let _ = writeln!(io::stderr().lock(), "{word} {}", printable(text));
    }

    /// Writes a line to stderr for the person.
    pub(crate) fn diagnostic(self, line: &str) {
        // There is nowhere to report that stderr is closed.
        let _ = writeln!(io::stderr().lock(), "{}", printable(line));
    }
}

fn coloured(is_wanted: bool, colour: &str, text: &str) -> String {
    if is_wanted {
        format!("\u{1b}[{colour}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}
