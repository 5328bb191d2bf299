//! The state as a whole.

use std::collections::BTreeMap;

use ratatui::crossterm::event::KeyEvent;

use crate::tui::commands::Keymap;
use crate::tui::commands::Place;
use crate::tui::document::RowPlace;
use crate::tui::event::Wish;
use crate::tui::job::Answer;
use crate::tui::job::DuplicateFacts;
use crate::tui::job::Finding;
use crate::tui::job::Job;
use crate::tui::job::Slot;
use crate::tui::job::TargetFacts;
use crate::tui::job::Task;
use crate::tui::model::parts::browser::Browser;
use crate::tui::model::parts::jobs::Jobs;
use crate::tui::model::parts::panes::Pane;
use crate::tui::model::parts::prompt::Prompt;
use crate::tui::model::parts::record::RecordPane;
use crate::tui::model::sift::filters::Sifting;
use crate::tui::model::sift::search::Search;
use crate::tui::model::window::table::Table;

/// An event for the state.
#[derive(Debug)]
pub(in crate::tui) enum Action {
    Key(KeyEvent),
    /// A click at a column and a line of the screen.
    Click(u16, u16),
    /// Rows down, or up if negative.
    Wheel(i32),
    Paste(String),
    Resize(u16, u16),
    Answer(Answer),
    Wish(Wish),
}

/// Everything that is shown, and what it depends on.
#[derive(Debug, Default)]
pub(in crate::tui) struct State {
    pub width: u16,
    pub height: u16,
    pub keymap: Keymap,
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
    pub(in crate::tui::model) tasks: Vec<Task>,
}

/// A message in the last line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tui) struct Message {
    pub text: String,
    pub is_error: bool,
}

impl State {
    /// Returns the part of the program that has the keys.
    pub(in crate::tui) fn place(&self) -> Place {
        match (&self.record, self.is_browsing) {
            (_, true) => Place::Registry,
            (Some(_), _) => Place::Record,
            _ => Place::Table,
        }
    }

    pub(in crate::tui) fn say(&mut self, text: impl Into<String>) {
        self.message = Some(Message {
            text: text.into(),
            is_error: false,
        });
    }

    pub(in crate::tui) fn complain(&mut self, text: impl Into<String>) {
        self.message = Some(Message {
            text: text.into(),
            is_error: true,
        });
    }

    /// Lines between the title and the last lines.
    pub(in crate::tui) fn body_height(&self) -> u16 {
        self.height.saturating_sub(self.lines_around())
    }

    /// Lines that are no body: title, chips, status, hints.
    pub(in crate::tui) fn lines_around(&self) -> u16 {
        match self.height {
            0..=2 => 0,
            3..=5 => 1,
            6..=9 => 2,
            _ => 3 + u16::from(self.has_chips()),
        }
    }

    /// Returns true if a line of filters is shown.
    pub(in crate::tui) fn has_chips(&self) -> bool {
        let is_sifted = !self.sifting.filters.is_empty() || self.sifting.sort.is_some();
        (is_sifted || self.table.column_filter.is_some()) && !self.is_browsing
    }

    /// Starts a job; an earlier one in its slot is cancelled.
    pub(super) fn start(&mut self, slot: Slot, job: Job) {
        let generation = self.jobs.begin(slot);
        self.tasks.push(Task::Start {
            slot,
            generation,
            job,
        });
    }

    /// Cancels the job of a slot; true if there was one.
    pub(super) fn cancel(&mut self, slot: Slot) -> bool {
        let was = self.jobs.is_running(slot);
        self.jobs.end(slot);
        if was {
            self.tasks.push(Task::Cancel(slot));
        }
        was
    }
}
