//! Events of a session: those of the terminal, answers of workers, and wishes from elsewhere in the program.

use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::Sender;
use std::time::Duration;

use ratatui::crossterm::event::Event as TerminalEvent;

use crate::tui::job::Answer;

/// A thing that happened.
#[derive(Debug)]
pub(super) enum Event {
    Terminal(TerminalEvent),
    Answer(Answer),
    Asked(Asked),
    /// The terminal gives no more events.
    Closed,
}

/// A wish, and where its answer goes.
#[derive(Debug)]
pub(super) struct Asked {
    pub wish: Wish,
    pub reply: Sender<Result<Shown, String>>,
}

/// A wish that does not come from the person at the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wish {
    /// Tell what is shown.
    Look,
    /// Go to a row, by its number.
    Row(u64),
    /// Search for an expression; an empty one ends the search.
    Search(String),
}

/// A moment of the viewer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shown {
    /// The target; `None` while none is open.
    pub target: Option<String>,
    /// The row of the cursor, once its number is known.
    pub row: Option<u64>,
    /// The number of rows, once they are counted.
    pub rows: Option<u64>,
    /// The expression that is searched for.
    pub query: Option<String>,
    /// Rows that match, so far.
    pub matches: Option<u64>,
    /// True once all rows were searched.
    pub is_searched: bool,
    /// True while the viewer is on its way to a row or a match.
    pub is_busy: bool,
}

/// The way to steer a viewer from another thread.
#[derive(Clone, Debug)]
pub struct Steering(Sender<Asked>);

/// The other end of [`Steering`], for the viewer.
#[derive(Debug)]
pub struct Steered(Receiver<Asked>);

/// Time for which a wish waits for the viewer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes a way to steer a viewer.
pub fn steering() -> (Steering, Steered) {
    let (to, from) = mpsc::channel();
    (Steering(to), Steered(from))
}

impl Steering {
    /// Tells the viewer a wish, and returns what it shows then.
    ///
    /// # Errors
    /// The reason why it is not done, for people.
    pub fn ask(&self, wish: Wish) -> Result<Shown, String> {
        let gone = |_| "the viewer is closed".to_owned();
        let (reply, answer) = mpsc::channel();
        self.0.send(Asked { wish, reply }).map_err(|_| gone(()))?;
        match answer.recv_timeout(PATIENCE) {
            Ok(shown) => shown,
            Err(mpsc::RecvTimeoutError::Timeout) => Err("the viewer does not answer".to_owned()),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(gone(())),
        }
    }
}

impl Steered {
    /// Hands wishes to a session until it is over.
    pub(super) fn forward(self, to: Sender<Event>) -> std::io::Result<()> {
        let forward = move || {
            while let Ok(asked) = self.0.recv() {
                if to.send(Event::Asked(asked)).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("view-wishes".to_owned());
        thread.spawn(forward).map(|_| ())
    }
}
