//! One action in, a changed state and tasks out.

use crate::tui::commands::Act;
use crate::tui::job::Cursor;
use crate::tui::job::Farewell;
use crate::tui::job::Job;
use crate::tui::job::Order;
use crate::tui::job::RecordForm;
use crate::tui::job::Slot;
use crate::tui::job::Task;
use crate::tui::limits::SCREEN_MAX;
use crate::tui::model::Action;
use crate::tui::model::State;
use crate::tui::model::keys::KeyEffect;
use crate::tui::model::parts::panes::Pane;
use crate::tui::model::parts::panes::StatsForm;
use crate::tui::model::parts::prompt::PromptKind;

impl State {
    /// Takes an action. Returns what is to be done outside of the state.
    pub(in crate::tui) fn update(&mut self, action: Action) -> Vec<Task> {
        match action {
            Action::Key(key) => {
                if let KeyEffect::Run(act) = self.take_key(&key) {
                    self.run(act);
                    self.count = None;
                }
            }
            Action::Click(x, y) => self.click(x, y),
            Action::Wheel(by) => self.scroll(by.into()),
            Action::Paste(text) => {
                if let Some(prompt) = &mut self.prompt {
                    prompt.insert(&text);
                    self.typed();
                }
            }
            Action::Resize(width, height) => {
                (self.width, self.height) = (width.min(SCREEN_MAX), height.min(SCREEN_MAX));
                if self.record.is_some() {
                    self.read_record();
                }
            }
            Action::Answer(answer) => self.take_answer(answer),
            Action::Wish(wish) => self.fulfil(wish),
        }
        self.settle();
        std::mem::take(&mut self.tasks)
    }

    /// Returns the tasks of the beginning.
    pub(in crate::tui) fn begin(&mut self) -> Vec<Task> {
        std::mem::take(&mut self.tasks)
    }

    /// Keeps cursors in view, and asks for what is missing.
    fn settle(&mut self) {
        self.follow_cursor();
        let lines = self.record_lines();
        if let Some(record) = &mut self.record {
            record.follow(lines);
        }
        let lines = usize::from(self.browser_lines()).max(1);
        if let Some(browser) = &mut self.browser {
            browser.scroll(0, lines);
        }
        self.load_more();
        self.load_detail();
    }

    fn scroll(&mut self, by: i64) {
        if self.pane.is_some() {
            return self.scroll_pane(by);
        }
        if self.is_browsing {
            let lines = usize::from(self.browser_lines()).max(1);
            if let Some(browser) = &mut self.browser {
                browser.scroll(by, lines);
            }
            return;
        }
        let lines = self.record_lines();
        match &mut self.record {
            Some(record) => record.scroll(by, lines),
            None => self.move_rows(by),
        }
    }

    fn click(&mut self, x: u16, y: u16) {
        if self.pane.is_some() || self.prompt.is_some() {
            return;
        }
        let top = u16::from(self.height > 2);
        if self.is_browsing {
            if let Some(browser) = &mut self.browser {
                let line = usize::from(y.saturating_sub(top + 1));
                browser.selected = browser.top + line;
            }
            return;
        }
        if let Some(record) = &mut self.record {
            let line = record.top + usize::from(y.saturating_sub(top));
            let is_same = line == record.cursor;
            record.cursor = line.min(record.visible.len().saturating_sub(1));
            if is_same {
                record.toggle();
            }
            return;
        }
        let chips = u16::from(self.has_chips() && self.height >= 10);
        let names = top + chips;
        let gutter = self.gutter_width();
        let layout = self.table.columns.layout(self.columns_room());
        let at = x.saturating_sub(gutter);
        if let Some(shown) = layout.iter().find(|s| at >= s.x && at < s.x + s.width) {
            self.table.columns.cursor = shown.column;
        }
        if y > names && !self.table.wraps {
            let row = self.table.top + usize::from(y - names - 1);
            if row < self.table.rows.len() {
                self.table.cursor = row;
            }
        }
    }

    fn run(&mut self, act: Act) {
        let count = self.count;
        let times = i64::try_from(count.unwrap_or(1)).unwrap_or(i64::MAX);
        match act {
            Act::Down => self.scroll(times),
            Act::Up => self.scroll(-times),
            Act::PageDown => self.screens(2 * times),
            Act::PageUp => self.screens(-2 * times),
            Act::HalfDown => self.screens(times),
            Act::HalfUp => self.screens(-times),
            Act::FirstRow | Act::LastRow => match count {
                Some(row) if !self.is_browsing && self.record.is_none() => self.go_to(row),
                _ => self.end(act == Act::LastRow),
            },
            Act::Left => self.sideways(-times),
            Act::Right => self.sideways(times),
            Act::FirstColumn => self.table.columns.step(i64::MIN / 2),
            Act::LastColumn => self.table.columns.step(i64::MAX / 2),
            Act::Help => self.pane = Some(Pane::Help { top: 0 }),
            Act::Palette => self.ask(PromptKind::Palette, ""),
            Act::Back => self.back(),
            Act::Quit => self.quit(),
            Act::Suspend => self.tasks.push(Task::Suspend),
            Act::Redraw => self.tasks.push(Task::Redraw),
            Act::Reload => self.reload(),
            Act::CopyCell | Act::CopyCommand | Act::Print | Act::Export => self.give(act),
            Act::Mark | Act::Unmark => self.mark(act),
            Act::ChangeCell | Act::Insert | Act::Delete | Act::FixRule | Act::Undo | Act::Redo => {
                self.run_edit(act)
            }
            Act::Open
            | Act::NextForm
            | Act::Chat
            | Act::Raw
            | Act::Fold
            | Act::FoldAll
            | Act::NextRecord
            | Act::PreviousRecord => self.run_record(act, times),
            Act::Versions => self.show_versions(),
            Act::Peers => self.show_peers(),
            Act::Pull => self.pull_selected(),
            Act::MarkVersion => self.mark_version(),
            Act::Compare => self.compare_versions(),
            _ => self.run_finding(act, times),
        }
    }

    fn run_finding(&mut self, act: Act, times: i64) {
        match act {
            Act::Search if self.is_browsing => self.ask(PromptKind::Registry, ""),
            Act::Search => {
                self.record = None;
                self.search_for("");
                self.ask(PromptKind::Search, "");
            }
            Act::NextHit | Act::PreviousHit => {
                let direction = if act == Act::NextHit { 1 } else { -1 };
                for _ in 0..times.clamp(1, 1000) {
                    self.next_hit(direction);
                }
                self.follow_record();
            }
            Act::SearchLike => self.search_like(),
            Act::RowFilter => self.ask(PromptKind::RowFilter, ""),
            Act::FilterLike => self.filter_like(false),
            Act::FilterNot => self.filter_like(true),
            Act::ColumnFilter => self.ask(PromptKind::ColumnFilter, ""),
            Act::SortUp => self.sort_by(Order::Ascending),
            Act::SortDown => self.sort_by(Order::Descending),
            Act::Reset => self.reset(),
            Act::Statistics => self.describe_column(StatsForm::Description),
            Act::Frequency => self.describe_column(StatsForm::Frequency),
            Act::NextFinding | Act::PreviousFinding => {
                self.next_finding(if act == Act::NextFinding { 1 } else { -1 });
                self.follow_record();
            }
            Act::Duplicates => self.find_duplicates(),
            Act::NextDuplicate => self.next_duplicate(),
            _ => self.run_column(act),
        }
    }

    fn run_record(&mut self, act: Act, times: i64) {
        match act {
            Act::Open if self.is_browsing => self.open_selected(),
            Act::Open => self.open_record(None),
            Act::NextForm => self.next_form(),
            Act::Chat => self.set_form(RecordForm::Chat),
            Act::Raw => self.set_form(RecordForm::Raw),
            Act::NextRecord => self.next_record(times),
            Act::PreviousRecord => self.next_record(-times),
            Act::Fold => {
                if let Some(record) = &mut self.record {
                    record.toggle();
                }
            }
            _ => {
                if let Some(record) = &mut self.record {
                    record.toggle_all();
                }
            }
        }
    }

    /// Shows the row of the cursor in the record pane, if that is open.
    fn follow_record(&mut self) {
        if self.record.is_some() {
            self.next_record(0);
        }
    }

    fn sideways(&mut self, by: i64) {
        match &mut self.record {
            Some(record) => record.step_token(by),
            None => self.table.columns.step(by),
        }
    }

    fn screens(&mut self, halves: i64) {
        if self.is_browsing || self.record.is_some() {
            let fits = i64::from(self.body_height()).max(2);
            return self.scroll(fits * halves / 2);
        }
        self.move_screens(halves);
    }

    fn end(&mut self, is_last: bool) {
        if self.is_browsing || self.record.is_some() {
            let by = if is_last { i64::MAX / 2 } else { i64::MIN / 2 };
            return self.scroll(by);
        }
        self.jump(if is_last { Cursor::Last } else { Cursor::First });
    }

    /// Takes back one layer.
    fn back(&mut self) {
        if self.is_browsing {
            self.leave_browser_layer();
        } else if self.record.take().is_some() {
            self.cancel(Slot::Record);
        } else if [Slot::Lint, Slot::Duplicates, Slot::Find, Slot::Export]
            .into_iter()
            .any(|slot| self.cancel(slot))
        {
            self.awaits_finding = None;
            self.say("stopped");
        } else if self.search.is_some() {
            self.cancel(Slot::Search);
            self.search = None;
        } else if self.table.column_filter.is_some() {
            self.filter_columns("");
        } else if self.sifting.sort.take().is_some() || self.sifting.filters.pop().is_some() {
            self.sift();
        }
    }

    fn quit(&mut self) {
        if self.record.take().is_some() {
            self.cancel(Slot::Record);
        } else if self.is_browsing && self.leave_browser_layer() {
        } else if !self.is_browsing && self.browser.is_some() {
            self.is_browsing = true;
        } else {
            self.tasks.push(Task::Quit(Farewell::default()));
        }
    }

    fn reload(&mut self) {
        if self.is_browsing {
            return self.browse();
        }
        let name = self.facts.name.clone();
        self.open(&name);
    }

    fn describe_column(&mut self, form: StatsForm) {
        let Some(column) = self
            .table
            .columns
            .current()
            .map(|column| column.name.clone())
        else {
            return;
        };
        self.pane = Some(Pane::Stats {
            facts: None,
            form,
            top: 0,
            selected: 0,
        });
        self.start(
            Slot::Stats,
            Job::Stats {
                column,
                width: self.width,
            },
        );
    }
}
