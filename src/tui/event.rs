//! Events of a session: those of the terminal, and answers of workers.

use ratatui::crossterm::event::Event as TerminalEvent;

use crate::tui::job::Answer;

/// A thing that happened.
#[derive(Debug)]
pub(super) enum Event {
    Terminal(TerminalEvent),
    Answer(Answer),
    /// The terminal gives no more events.
    Closed,
}
