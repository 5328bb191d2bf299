//! A session without a terminal, for tests: the state, real workers, and keys.

use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;
use ratatui::layout::Rect;

use crate::registry::TargetOptions;
use crate::tui::draw::draw;
use crate::tui::draw::theme::Theme;
use crate::tui::event::Event;
use crate::tui::job::Farewell;
use crate::tui::job::Task;
use crate::tui::model::Action;
use crate::tui::model::State;
use crate::tui::work::Surroundings;
use crate::tui::work::Workers;

/// A session whose jobs are waited for.
pub(super) struct Headless {
    pub state: State,
    workers: Workers,
    events: Receiver<Event>,
    pub copied: Vec<String>,
    pub farewell: Option<Farewell>,
    pub dir: tempfile::TempDir,
}

impl Headless {
    /// Opens a file with this content.
    pub(super) fn of(name: &str, content: &[u8], size: (u16, u16)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::File::create(&path)
            .unwrap()
            .write_all(content)
            .unwrap();
        Self::begin(dir, Some(&path), size)
    }

    /// Opens a path, or the registry in the directory `home`.
    pub(super) fn begin(dir: tempfile::TempDir, target: Option<&Path>, size: (u16, u16)) -> Self {
        let (to, events) = mpsc::channel();
        let around = Surroundings {
            home: dir.path().join("home"),
            options: TargetOptions {
                edits: true,
                ..TargetOptions::default()
            },
            peers: None,
            document: Mutex::new(None),
        };
        let name = target.map(|path| path.to_str().unwrap().to_owned());
        let mut state = State::new(name.as_deref(), size);
        let tasks = state.begin();
        let mut session = Self {
            state,
            workers: Workers::new(around, to),
            events,
            copied: Vec::new(),
            farewell: None,
            dir,
        };
        session.perform(tasks);
        session.settle();
        session
    }

    fn perform(&mut self, tasks: Vec<Task>) {
        for task in tasks {
            match task {
                Task::Start {
                    slot,
                    generation,
                    job,
                } => self.workers.start(slot, generation, job),
                Task::Cancel(slot) => self.workers.cancel(slot),
                Task::Copy(text) => self.copied.push(text),
                Task::Suspend | Task::Redraw => {}
                Task::Quit(farewell) => self.farewell = Some(farewell),
            }
        }
    }

    pub(super) fn act(&mut self, action: Action) {
        let tasks = self.state.update(action);
        self.perform(tasks);
    }

    /// Waits until no job runs.
    pub(super) fn settle(&mut self) {
        while !self.state.jobs.is_idle() {
            let event = self.events.recv_timeout(Duration::from_secs(60)).unwrap();
            let Event::Answer(answer) = event else {
                continue;
            };
            self.act(Action::Answer(answer));
        }
    }

    /// Types keys with blanks between their names, and waits for what they start.
    pub(super) fn keys(&mut self, names: &str) {
        for name in names.split(' ') {
            self.key(name);
            self.settle();
        }
    }

    /// Types a text, and waits for what it starts.
    pub(super) fn typed(&mut self, text: &str) {
        for c in text.chars() {
            self.act(Action::Key(KeyEvent::new(
                KeyCode::Char(c),
                KeyModifiers::NONE,
            )));
        }
        self.settle();
    }

    pub(super) fn key(&mut self, name: &str) {
        let (code, modifiers) = match name.strip_prefix("Ctrl-") {
            Some(rest) => (
                KeyCode::Char(rest.chars().next().unwrap()),
                KeyModifiers::CONTROL,
            ),
            None => (code_of(name), KeyModifiers::NONE),
        };
        self.act(Action::Key(KeyEvent::new(code, modifiers)));
    }

    pub(super) fn resize(&mut self, width: u16, height: u16) {
        self.act(Action::Resize(width, height));
        self.settle();
    }

    /// Draws the screen.
    pub(super) fn screen(&self, has_colours: bool) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.state.width, self.state.height));
        draw(&mut buffer, &self.state, &Theme { has_colours });
        buffer
    }

    /// Text of the screen, a line each.
    pub(super) fn lines(&self) -> Vec<String> {
        lines_of(&self.screen(true))
    }

    pub(super) fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// First cell of the row under the cursor.
    pub(super) fn here(&self) -> String {
        let row = self.state.table.current().unwrap();
        row.cells[0].text.clone()
    }
}

fn code_of(name: &str) -> KeyCode {
    match name {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "Space" => KeyCode::Char(' '),
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Backspace" => KeyCode::Backspace,
        one => KeyCode::Char(one.chars().next().unwrap()),
    }
}

/// Text of a buffer, a line each, without the cells that a wide character covers.
pub(super) fn lines_of(buffer: &Buffer) -> Vec<String> {
    use unicode_width::UnicodeWidthStr as _;
    let area = buffer.area;
    let line = |y: u16| {
        let (mut text, mut skipped) = (String::new(), 0);
        for x in area.left()..area.right() {
            let symbol = buffer.cell((x, y)).unwrap().symbol();
            if skipped > 0 {
                skipped -= 1;
                continue;
            }
            text += symbol;
            skipped = symbol.width().saturating_sub(1);
        }
        text.trim_end().to_owned()
    };
    (area.top()..area.bottom()).map(line).collect()
}

/// Returns true if tests are to write what they compare with.
#[allow(
    clippy::disallowed_methods,
    reason = "tests are told by the environment"
)]
pub(super) fn writes_golden() -> bool {
    std::env::var_os("ALIMENTAR_GOLDEN").is_some_and(|value| value == "write")
}
