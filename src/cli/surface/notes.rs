//! Examples and remarks of each command, for help and for man pages. They come from the command's
//! `after_help`. A test runs the examples.

use clap::Command;

use crate::cli::surface::reference::COMMAND_REFERENCE;

/// The part of a command's help below its arguments.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Lines to type.
    pub examples: Vec<String>,
    /// Paragraphs.
    pub remarks: String,
}

impl Notes {
    /// The notes of a command.
    pub(crate) fn of(command: &Command) -> Self {
        let text = command.get_after_help().map(ToString::to_string);
        Self::parse(&text.unwrap_or_default())
    }

    /// Parses `Examples:`, indented lines, and paragraphs.
    fn parse(text: &str) -> Self {
        let (mut notes, mut remarks) = (Self::default(), Vec::new());
        for line in text.lines().filter(|line| *line != "Examples:") {
            match line.strip_prefix("  ") {
                Some(example) => notes.examples.push(example.to_owned()),
                None => remarks.push(line),
            }
        }
        notes.remarks = remarks.join("\n").trim().to_owned();
        notes
    }

    fn list_examples(examples: &[String]) -> String {
        let mut text = "Examples:".to_owned();
        for example in examples {
            text += "\n  ";
            text += example;
        }
        text
    }

    /// The text for `-h`: the first example.
    pub(super) fn short(&self) -> String {
        match self.examples.first() {
            Some(example) => format!("Example: {example}"),
            None => String::new(),
        }
    }

    /// The text for `--help`: everything.
    pub(super) fn long(&self) -> String {
        let mut parts = Vec::new();
        if !self.examples.is_empty() {
            parts.push(Self::list_examples(&self.examples));
        }
        if !self.remarks.is_empty() {
            parts.push(self.remarks.clone());
        }
        parts.push(COMMAND_REFERENCE.to_owned());
        parts.join("\n\n")
    }
}
