//! The loop of the program: events in, drawings and jobs out. It never waits for a job.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::mpsc::Sender;
use std::time::Duration;
use std::time::Instant;

use ratatui::crossterm::event;
use ratatui::crossterm::event::Event as TerminalEvent;
use ratatui::crossterm::event::KeyEventKind;
use ratatui::crossterm::event::MouseButton;
use ratatui::crossterm::event::MouseEventKind;

use crate::file_io::stop_flag;
use crate::registry::host;
use crate::tui::event::Asked;
use crate::tui::event::Event;
use crate::tui::job::Farewell;
use crate::tui::job::Task;
use crate::tui::model::Action;
use crate::tui::model::State;
use crate::tui::terminal::Screen;
use crate::tui::work::Workers;

/// The end of a session.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The person left.
    Left(Farewell),
    /// A signal ended it, or the terminal is gone.
    Stopped,
}

/// Time between looks at signals.
const LOOK: Duration = Duration::from_millis(50);
/// Least time between two drawings that nobody asked for by a key.
const FRAME: Duration = Duration::from_millis(16);
/// Rows of one notch of the mouse wheel.
const NOTCH: i32 = 3;

/// Sends the events of the terminal until the receiver is gone.
pub(super) fn listen(to: Sender<Event>) -> io::Result<()> {
    let listen = move || {
        loop {
            let sent = match event::poll(LOOK) {
                Ok(false) => continue,
                Ok(true) => match event::read() {
                    Ok(event) => to.send(Event::Terminal(event)),
                    Err(_) => to.send(Event::Closed),
                },
                Err(_) => to.send(Event::Closed),
            };
            if sent.is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("view-keys".to_owned())
        .spawn(listen)?;
    Ok(())
}

/// Runs until the person leaves, or a signal comes.
pub(super) fn run(
    state: &mut State,
    screen: &mut Screen,
    workers: &mut Workers,
    events: &Receiver<Event>,
) -> io::Result<End> {
    let tasks = state.begin();
    if let Some(end) = perform(tasks, screen, workers)? {
        return Ok(end);
    }
    screen.draw(state)?;
    let mut drawn = host::instant();
    let mut is_stale = false;
    loop {
        let wait = match is_stale {
            true => FRAME.saturating_sub(drawn.elapsed()),
            false => LOOK,
        };
        let mut is_urgent = false;
        match events.recv_timeout(wait) {
            Ok(first) => {
                for event in std::iter::once(first).chain(events.try_iter()) {
                    if let Event::Asked(asked) = event {
                        is_urgent = true;
                        is_stale = true;
                        fulfil(asked, state, screen, workers)?;
                        continue;
                    }
                    let Some(action) = action_of(event) else {
                        return Ok(End::Stopped);
                    };
                    let Some(action) = action else { continue };
                    is_urgent |= !matches!(action, Action::Answer(_));
                    is_stale = true;
                    if let Some(end) = perform(state.update(action), screen, workers)? {
                        return Ok(end);
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(End::Stopped),
        }
        if stop_flag().load(Ordering::Relaxed) {
            return Ok(End::Stopped);
        }
        if screen.takes_suspension() {
            screen.suspend()?;
            is_stale = true;
        }
        if is_stale && (is_urgent || is_due(drawn)) {
            screen.draw(state)?;
            drawn = host::instant();
            is_stale = false;
        }
    }
}

fn is_due(drawn: Instant) -> bool {
    drawn.elapsed() >= FRAME
}

/// Fulfils a wish, unless the state refuses it, and answers.
fn fulfil(
    asked: Asked,
    state: &mut State,
    screen: &mut Screen,
    workers: &mut Workers,
) -> io::Result<()> {
    let answer = match state.refusal(&asked.wish) {
        Some(why) => Err(why),
        None => {
            // A wish ends no session.
            perform(state.update(Action::Wish(asked.wish)), screen, workers)?;
            Ok(state.shown())
        }
    };
    // The other side may be gone.
    let _ = asked.reply.send(answer);
    Ok(())
}

/// Returns the action of an event, if it has one; nothing at all once the terminal is gone.
fn action_of(event: Event) -> Option<Option<Action>> {
    Some(match event {
        Event::Closed => return None,
        Event::Answer(answer) => Some(Action::Answer(answer)),
        Event::Asked(asked) => Some(Action::Wish(asked.wish)),
        Event::Terminal(event) => match event {
            TerminalEvent::Key(key) if key.kind != KeyEventKind::Release => Some(Action::Key(key)),
            TerminalEvent::Mouse(mouse) => match mouse.kind {
                MouseEventKind::ScrollDown => Some(Action::Wheel(NOTCH)),
                MouseEventKind::ScrollUp => Some(Action::Wheel(-NOTCH)),
                MouseEventKind::Down(MouseButton::Left) => {
                    Some(Action::Click(mouse.column, mouse.row))
                }
                _ => None,
            },
            TerminalEvent::Paste(text) => Some(Action::Paste(text)),
            TerminalEvent::Resize(width, height) => Some(Action::Resize(width, height)),
            _ => None,
        },
    })
}

/// Does what the state asked for. Returns the end, if that was it.
fn perform(
    tasks: Vec<Task>,
    screen: &mut Screen,
    workers: &mut Workers,
) -> io::Result<Option<End>> {
    for task in tasks {
        match task {
            Task::Start {
                slot,
                generation,
                job,
            } => workers.start(slot, generation, job),
            Task::Cancel(slot) => workers.cancel(slot),
            Task::Copy(text) => screen.copy(&text)?,
            Task::Suspend => screen.suspend()?,
            Task::Redraw => screen.forget()?,
            Task::Quit(farewell) => return Ok(Some(End::Left(farewell))),
        }
    }
    Ok(None)
}
