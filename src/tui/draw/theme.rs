//! Styles. They use the sixteen colours of the terminal, which suit its background; without colours
//! they differ by weight, underline and reversal.

use ratatui::style::Color;
use ratatui::style::Modifier;
use ratatui::style::Style;

use crate::tui::document::cells::CellKind;
use crate::tui::pane::Tone;

/// The styles of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui) struct Theme {
    pub has_colours: bool,
}

/// Colours of neighbouring tokens.
const TOKENS: [Color; 5] = [
    Color::Blue,
    Color::Green,
    Color::Magenta,
    Color::Cyan,
    Color::Red,
];

impl Theme {
    fn coloured(self, colour: Color) -> Style {
        match self.has_colours {
            true => Style::new().fg(colour),
            false => Style::new(),
        }
    }

    pub(super) fn plain(self) -> Style {
        Style::new()
    }

    pub(super) fn quiet(self) -> Style {
        match self.has_colours {
            true => Style::new().fg(Color::DarkGray),
            false => Style::new().add_modifier(Modifier::DIM),
        }
    }

    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn bar(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(super) fn cursor(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(super) fn heading(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }

    pub(super) fn error(self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    pub(super) fn warning(self) -> Style {
        self.coloured(Color::Magenta)
    }

    pub(super) fn hit(self) -> Style {
        match self.has_colours {
            true => Style::new().fg(Color::Black).bg(Color::Green),
            false => Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        }
    }

    pub(super) fn duplicate(self) -> Style {
        match self.has_colours {
            true => Style::new().fg(Color::Black).bg(Color::Yellow),
            false => Style::new().add_modifier(Modifier::ITALIC),
        }
    }

    pub(super) fn mark(self) -> Style {
        self.coloured(Color::Green).add_modifier(Modifier::BOLD)
    }

    pub(super) fn chip(self) -> Style {
        match self.has_colours {
            true => Style::new().fg(Color::Black).bg(Color::Cyan),
            false => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    /// Style of a cell of a table.
    pub(super) fn cell(self, kind: CellKind) -> Style {
        match kind {
            CellKind::Null => self.quiet(),
            CellKind::Bool => self.coloured(Color::Magenta),
            CellKind::Number => self.coloured(Color::Cyan),
            CellKind::Text => self.plain(),
            CellKind::Nested => self.coloured(Color::Blue),
            CellKind::Broken => self.error(),
        }
    }

    /// Style of a part of a pane.
    pub(super) fn tone(self, tone: Tone) -> Style {
        let role = |colour| {
            self.coloured(colour)
                .add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
        };
        match tone {
            Tone::Plain => self.plain(),
            Tone::Key => self.coloured(Color::Blue).add_modifier(Modifier::BOLD),
            Tone::Text => self.coloured(Color::Green),
            Tone::Number => self.coloured(Color::Cyan),
            Tone::Constant => self.coloured(Color::Magenta),
            Tone::Quiet => self.quiet(),
            Tone::Title => self.heading(),
            Tone::Error => self.error(),
            Tone::Warning => self.warning(),
            Tone::Bar => self.coloured(Color::Cyan),
            Tone::System => role(Color::Magenta),
            Tone::User => role(Color::Blue),
            Tone::Assistant => role(Color::Green),
            Tone::Tool => role(Color::Cyan),
            Tone::Token(number) => self.token(number),
        }
    }

    fn token(self, number: u32) -> Style {
        match (self.has_colours, TOKENS.get(number as usize % TOKENS.len())) {
            (true, Some(colour)) => Style::new().fg(*colour).add_modifier(Modifier::UNDERLINED),
            _ if number.is_multiple_of(2) => Style::new(),
            _ => Style::new().add_modifier(Modifier::REVERSED),
        }
    }
}
