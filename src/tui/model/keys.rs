//! Keys: to the line that is typed, to the pane in front, or to the command of the table.

use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;

use crate::tui::commands::Act;
use crate::tui::commands::COMMANDS;
use crate::tui::commands::Place;
use crate::tui::commands::key_name;
use crate::tui::commands::matching;
use crate::tui::job::Job;
use crate::tui::job::Slot;
use crate::tui::model::State;
use crate::tui::model::parts::panes::Pane;
use crate::tui::model::parts::panes::StatsForm;
use crate::tui::model::parts::prompt::Prompt;
use crate::tui::model::parts::prompt::PromptKind;

/// Effect of a key.
pub(super) enum KeyEffect {
    Nothing,
    Run(Act),
}

impl State {
    /// Takes a key. Returns the command to run.
    pub(super) fn take_key(&mut self, key: &KeyEvent) -> KeyEffect {
        if self.prompt.is_some() {
            return self.type_key(key);
        }
        self.message = None;
        if self.take_digit(key) {
            return KeyEffect::Nothing;
        }
        if self.pane.is_some() {
            return self.pane_key(key);
        }
        match self.keymap.act_of(key, self.place()) {
            Some(act) => KeyEffect::Run(act),
            None => {
                self.count = None;
                if let Some(name) = key_name(key) {
                    let help = self.keymap.first_key(Act::Help).unwrap_or(":");
                    self.say(format!("{name} does nothing here: `{help}` shows the keys"));
                }
                KeyEffect::Nothing
            }
        }
    }

    /// Collects digits before a key; a leading 0 is a key of its own.
    fn take_digit(&mut self, key: &KeyEvent) -> bool {
        let KeyCode::Char(c) = key.code else {
            return false;
        };
        let Some(digit) = c.to_digit(10) else {
            return false;
        };
        if key.modifiers.contains(KeyModifiers::CONTROL) || (digit == 0 && self.count.is_none()) {
            return false;
        }
        let before = self.count.unwrap_or_default();
        self.count = Some(before.saturating_mul(10).saturating_add(u64::from(digit)));
        true
    }

    /// A key for the pane in front. It means what it means in the table.
    fn pane_key(&mut self, key: &KeyEvent) -> KeyEffect {
        let fits = i64::from(self.body_height()).max(1);
        let by = match self.pane_act(key) {
            Some(Act::Quit | Act::Back) => {
                self.pane = None;
                self.cancel(Slot::Stats);
                return KeyEffect::Nothing;
            }
            Some(Act::Down) => 1,
            Some(Act::Up) => -1,
            Some(Act::PageDown) => fits,
            Some(Act::PageUp) => -fits,
            Some(Act::HalfDown) => fits / 2,
            Some(Act::HalfUp) => -(fits / 2),
            Some(Act::FirstRow) => i64::MIN / 2,
            Some(Act::LastRow) => i64::MAX / 2,
            Some(Act::Open) => {
                self.choose_value();
                return KeyEffect::Nothing;
            }
            Some(Act::Help) => {
                self.pane = None;
                return KeyEffect::Nothing;
            }
            Some(act @ (Act::Suspend | Act::Redraw)) => return KeyEffect::Run(act),
            Some(Act::Frequency) => return self.show_stats_as(StatsForm::Frequency),
            Some(Act::Statistics) => return self.show_stats_as(StatsForm::Description),
            _ => return KeyEffect::Nothing,
        };
        let times = i64::try_from(self.take_count(1)).unwrap_or(i64::MAX);
        self.scroll_pane(by.saturating_mul(times));
        KeyEffect::Nothing
    }

    /// The act of a key in a pane: that of the part below, or else that of the table.
    fn pane_act(&self, key: &KeyEvent) -> Option<Act> {
        let below = self.keymap.act_of(key, self.place());
        below.or_else(|| self.keymap.act_of(key, Place::Table))
    }

    fn show_stats_as(&mut self, wanted: StatsForm) -> KeyEffect {
        if let Some(Pane::Stats { form, .. }) = &mut self.pane {
            *form = wanted;
        }
        KeyEffect::Nothing
    }

    pub(super) fn scroll_pane(&mut self, by: i64) {
        let fits = usize::from(self.body_height()).max(1);
        let lines = match &self.pane {
            Some(Pane::Help { .. }) => COMMANDS.len() + 2,
            Some(Pane::Lines { lines, .. }) => lines.len(),
            Some(Pane::Stats { facts, .. }) => facts.as_ref().map_or(0, |facts| facts.lines.len()),
            None => 0,
        };
        if let Some(pane) = &mut self.pane {
            pane.scroll(by, lines, fits);
        }
    }

    /// Keeps the rows with the selected frequent value.
    fn choose_value(&mut self) {
        let Some(Pane::Stats {
            facts: Some(facts),
            form: StatsForm::Frequency,
            selected,
            ..
        }) = &self.pane
        else {
            return;
        };
        let Some(value) = facts.values.get(*selected).cloned() else {
            return;
        };
        if value.is_cut {
            return self.say("the value is too long: filter by an expression");
        }
        let column = facts.column.clone();
        self.pane = None;
        self.filter_value(&column, &value.text);
    }

    /// Takes the number that was typed before a key.
    pub(super) fn take_count(&mut self, default: u64) -> u64 {
        self.count.take().unwrap_or(default)
    }

    /// A key for the line that is typed.
    fn type_key(&mut self, key: &KeyEvent) -> KeyEffect {
        let Some(prompt) = &mut self.prompt else {
            return KeyEffect::Nothing;
        };
        let has_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match (key.code, has_control) {
            (KeyCode::Esc, _) | (KeyCode::Char('c' | 'g'), true) => {
                self.abandon_prompt();
                return KeyEffect::Nothing;
            }
            (KeyCode::Enter, _) => return self.finish_prompt(),
            (KeyCode::Backspace, _) | (KeyCode::Char('h'), true) if prompt.text.is_empty() => {
                self.abandon_prompt();
                return KeyEffect::Nothing;
            }
            (KeyCode::Backspace, _) | (KeyCode::Char('h'), true) => prompt.erase(),
            (KeyCode::Delete, _) => prompt.delete(),
            (KeyCode::Char('w'), true) => prompt.erase_word(),
            (KeyCode::Char('u'), true) => prompt.erase_line(),
            (KeyCode::Left, _) => prompt.left(),
            (KeyCode::Right, _) => prompt.right(),
            (KeyCode::Home, _) | (KeyCode::Char('a'), true) => prompt.at = 0,
            (KeyCode::End, _) | (KeyCode::Char('e'), true) => prompt.at = prompt.text.len(),
            (KeyCode::Down | KeyCode::Tab, _) | (KeyCode::Char('n'), true) => {
                prompt.selected = prompt.selected.saturating_add(1);
                return self.stay_in_palette();
            }
            (KeyCode::Up | KeyCode::BackTab, _) | (KeyCode::Char('p'), true) => {
                prompt.selected = prompt.selected.saturating_sub(1);
                return self.stay_in_palette();
            }
            (KeyCode::Char(c), false) => {
                prompt.insert(c.encode_utf8(&mut [0; 4]));
            }
            _ => return KeyEffect::Nothing,
        }
        self.typed();
        KeyEffect::Nothing
    }

    fn stay_in_palette(&mut self) -> KeyEffect {
        let place = self.place();
        if let Some(prompt) = &mut self.prompt {
            let count = matching(&prompt.text, place).len();
            prompt.selected = prompt.selected.min(count.saturating_sub(1));
        }
        KeyEffect::Nothing
    }

    /// Follows what is typed.
    pub(super) fn typed(&mut self) {
        let Some(prompt) = &mut self.prompt else {
            return;
        };
        prompt.selected = 0;
        let (kind, text) = (prompt.kind, prompt.text.clone());
        match kind {
            PromptKind::Search => self.search_for(&text),
            PromptKind::ColumnFilter => self.filter_columns(&text),
            PromptKind::Registry => {
                if let Some(browser) = &mut self.browser {
                    browser.query = text;
                    (browser.selected, browser.top) = (0, 0);
                }
            }
            PromptKind::RowFilter
            | PromptKind::Palette
            | PromptKind::Export
            | PromptKind::Cell
            | PromptKind::Row
            | PromptKind::Rule => {}
        }
    }

    pub(super) fn ask(&mut self, kind: PromptKind, text: &str) {
        self.message = None;
        self.prompt = Some(Prompt::new(kind, text));
    }

    fn abandon_prompt(&mut self) {
        let Some(prompt) = self.prompt.take() else {
            return;
        };
        match prompt.kind {
            PromptKind::Search => self.abandon_search(),
            PromptKind::ColumnFilter => self.filter_columns(""),
            PromptKind::Registry => {
                if let Some(browser) = &mut self.browser {
                    browser.query.clear();
                }
            }
            PromptKind::RowFilter
            | PromptKind::Palette
            | PromptKind::Export
            | PromptKind::Cell
            | PromptKind::Row
            | PromptKind::Rule => {}
        }
    }

    fn finish_prompt(&mut self) -> KeyEffect {
        let Some(prompt) = self.prompt.take() else {
            return KeyEffect::Nothing;
        };
        match prompt.kind {
            PromptKind::Search => {
                if let Some(search) = &mut self.search {
                    search.origin = None;
                }
            }
            PromptKind::ColumnFilter | PromptKind::Registry => {}
            PromptKind::RowFilter if prompt.text.is_empty() => {}
            PromptKind::RowFilter => self.filter_by(&prompt.text),
            PromptKind::Export if prompt.text.is_empty() => {}
            PromptKind::Export => {
                let rows = self.rows_to_write();
                self.start(
                    Slot::Export,
                    Job::Export {
                        rows,
                        path: prompt.text,
                    },
                );
            }
            PromptKind::Cell | PromptKind::Row | PromptKind::Rule => {
                self.finish_edit(prompt.kind, prompt.text);
            }
            PromptKind::Palette => return self.choose_command(&prompt),
        }
        KeyEffect::Nothing
    }

    fn choose_command(&mut self, prompt: &Prompt) -> KeyEffect {
        let typed = prompt.text.trim();
        if let Ok(row) = typed.parse::<u64>() {
            self.go_to(row);
            return KeyEffect::Nothing;
        }
        match matching(typed, self.place()).get(prompt.selected) {
            Some(command) => KeyEffect::Run(command.act),
            None => {
                self.say(format!("there is no command `{typed}`"));
                KeyEffect::Nothing
            }
        }
    }
}
