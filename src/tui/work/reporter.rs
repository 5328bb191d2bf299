//! The way of answers to the loop of the program.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::Sender;
use std::time::Duration;
use std::time::Instant;

use crate::locks::lock;
use crate::registry::host;
use crate::tui::document::CancelToken;
use crate::tui::event::Event;
use crate::tui::job::Answer;
use crate::tui::job::AnswerBody;
use crate::tui::job::Slot;

/// Sender of the answers of one job.
#[derive(Clone)]
pub(super) struct Reporter {
    slot: Slot,
    generation: u64,
    to: Sender<Event>,
    pub cancel: CancelToken,
    told: Arc<Mutex<Told>>,
}

struct Told {
    done: u64,
    total: u64,
    at: Instant,
}

/// Time between two reports of progress.
const INTERVAL: Duration = Duration::from_millis(80);

impl Reporter {
    pub(super) fn new(slot: Slot, generation: u64, to: Sender<Event>, cancel: CancelToken) -> Self {
        let told = Told {
            done: 0,
            total: 0,
            at: host::instant(),
        };
        Self {
            slot,
            generation,
            to,
            cancel,
            told: Arc::new(Mutex::new(told)),
        }
    }

    /// Sends an answer. The receiver is gone at the end of the program.
    pub(super) fn answer(&self, body: AnswerBody) {
        let answer = Answer {
            slot: self.slot,
            generation: self.generation,
            body,
        };
        let _ = self.to.send(Event::Answer(answer));
    }

    /// Says how many bytes the whole work has.
    pub(super) fn begin(&self, total: u64) {
        let mut told = lock(&self.told);
        (told.done, told.total) = (0, total);
    }

    /// Reports that further bytes are done, at most every 80 ms.
    pub(super) fn advance(&self, bytes: u64) {
        let mut told = lock(&self.told);
        told.done += bytes;
        if told.at.elapsed() < INTERVAL {
            return;
        }
        told.at = host::instant();
        let (done, total) = (told.done, told.total);
        drop(told);
        self.answer(AnswerBody::Progress { done, total });
    }
}
