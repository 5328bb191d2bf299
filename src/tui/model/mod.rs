//! The state of the viewer, and its changes. Nothing here reads a file, a clock or a terminal: an
//! action changes the state and returns tasks.
//!
//! `update.rs` takes actions, `keys.rs` keys, `answers.rs` answers of workers, and `jobs.rs` starts
//! jobs. `window/` is the part of the rows that is held, `sift/` searches and filters; `record.rs` is
//! the record pane, `panes.rs` the panes in front, `prompt.rs` what is typed, `browser.rs` the
//! registry, `giving.rs` copies and writes, and `editing.rs`
//! asks for edits.

pub(super) mod answers;
pub(super) mod browser;
pub(super) mod editing;
pub(super) mod giving;
pub(super) mod jobs;
pub(super) mod keys;
pub(super) mod panes;
pub(super) mod prompt;
pub(super) mod record;
pub(super) mod sift;
#[cfg(test)]
mod tests;
pub(super) mod update;
pub(super) mod window;

use std::collections::BTreeMap;

use ratatui::crossterm::event::KeyEvent;

use crate::tui::commands::Place;
use crate::tui::document::RowPlace;
use crate::tui::job::Answer;
use crate::tui::job::DuplicateFacts;
use crate::tui::job::Finding;
use crate::tui::job::TargetFacts;
use crate::tui::job::Task;
use crate::tui::model::browser::Browser;
use crate::tui::model::jobs::Jobs;
use crate::tui::model::panes::Pane;
use crate::tui::model::prompt::Prompt;
use crate::tui::model::record::RecordPane;
use crate::tui::model::sift::filters::Sifting;
use crate::tui::model::sift::finding::Search;
use crate::tui::model::window::table::Table;

/// An event for the state.
#[derive(Debug)]
pub(super) enum Action {
    Key(KeyEvent),
    /// A click at a column and a line of the screen.
    Click(u16, u16),
    /// Rows down, or up if negative.
    Wheel(i32),
    Paste(String),
    Resize(u16, u16),
    Answer(Answer),
}

/// Everything that is shown, and what it depends on.
#[derive(Debug, Default)]
pub(super) struct State {
    pub width: u16,
    pub height: u16,
    pub facts: TargetFacts,
    /// True once the target is open.
    pub is_open: bool,
    pub table: Table,
    pub record: Option<RecordPane>,
    pub browser: Option<Browser>,
    /// True if the browser is in front.
    pub is_browsing: bool,
    pub pane: Option<Pane>,
    pub prompt: Option<Prompt>,
    pub search: Option<Search>,
    pub sifting: Sifting,
    pub findings: Option<Vec<Finding>>,
    /// Direction in which to go once the findings are there.
    pub awaits_finding: Option<i32>,
    pub duplicates: Option<DuplicateFacts>,
    pub shows_duplicates: bool,
    pub marks: BTreeMap<RowPlace, Option<u64>>,
    pub message: Option<Message>,
    pub jobs: Jobs,
    /// Digits typed before a key.
    pub count: Option<u64>,
    pub(super) tasks: Vec<Task>,
}

/// A message in the last line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub text: String,
    pub is_error: bool,
}

impl State {
    /// A state that opens a target, or the registry without one.
    pub(super) fn new(target: Option<&str>, (width, height): (u16, u16)) -> Self {
        let mut state = Self {
            width,
            height,
            ..Self::default()
        };
        match target {
            Some(name) => state.open(name),
            None => state.browse(),
        }
        state
    }

    /// Returns the part of the program that has the keys.
    pub(super) fn place(&self) -> Place {
        match (&self.record, self.is_browsing) {
            (_, true) => Place::Registry,
            (Some(_), _) => Place::Record,
            _ => Place::Table,
        }
    }

    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.message = Some(Message {
            text: text.into(),
            is_error: false,
        });
    }

    pub(super) fn complain(&mut self, text: impl Into<String>) {
        self.message = Some(Message {
            text: text.into(),
            is_error: true,
        });
    }

    /// Lines between the title and the last lines.
    pub(super) fn body_height(&self) -> u16 {
        self.height.saturating_sub(self.lines_around())
    }

    /// Lines that are no body: title, chips, status, hints.
    pub(super) fn lines_around(&self) -> u16 {
        match self.height {
            0..=2 => 0,
            3..=5 => 1,
            6..=9 => 2,
            _ => 3 + u16::from(self.has_chips()),
        }
    }

    /// Returns true if a line of filters is shown.
    pub(super) fn has_chips(&self) -> bool {
        let is_sifted = !self.sifting.filters.is_empty() || self.sifting.sort.is_some();
        (is_sifted || self.table.column_filter.is_some()) && !self.is_browsing
    }
}
