//! Events of a session: what the terminal and the jobs send to its loop.

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
