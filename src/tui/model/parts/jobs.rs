//! Running jobs by their slots. Answers of earlier generations are dropped.

use std::collections::BTreeMap;

use crate::tui::job::Slot;

/// The jobs of all slots.
#[derive(Debug, Default)]
pub(in crate::tui) struct Jobs {
    last: u64,
    running: BTreeMap<Slot, Running>,
}

/// A job that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui) struct Running {
    pub generation: u64,
    /// Bytes done, and all bytes, if that was told.
    pub done: u64,
    pub total: u64,
}

impl Running {
    /// Percent done, if the whole is known.
    pub(in crate::tui) fn percent(&self) -> Option<u64> {
        (self.total > 0)
            .then(|| (self.done.min(self.total) as u128 * 100 / self.total as u128) as u64)
    }
}

impl Jobs {
    /// Returns the running job of a slot.
    pub(in crate::tui) fn get(&self, slot: Slot) -> Option<Running> {
        self.running.get(&slot).copied()
    }

    pub(in crate::tui) fn is_running(&self, slot: Slot) -> bool {
        self.running.contains_key(&slot)
    }

    /// Running jobs that take long enough to be told.
    pub(in crate::tui) fn told(&self) -> impl Iterator<Item = (Slot, Running)> {
        let all = self.running.iter().map(|(slot, running)| (*slot, *running));
        all.filter(|(slot, _)| slot.name().is_some())
    }

    /// Returns true if no job runs.
    #[cfg(test)]
    pub(in crate::tui) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    pub(in crate::tui::model) fn is_current(&self, slot: Slot, generation: u64) -> bool {
        self.get(slot)
            .is_some_and(|job| job.generation == generation)
    }

    pub(in crate::tui::model) fn set_progress(&mut self, slot: Slot, done: u64, total: u64) {
        if let Some(job) = self.running.get_mut(&slot) {
            (job.done, job.total) = (done, total);
        }
    }

    /// Begins a job, and returns its generation.
    pub(in crate::tui::model) fn begin(&mut self, slot: Slot) -> u64 {
        self.last += 1;
        let running = Running {
            generation: self.last,
            done: 0,
            total: 0,
        };
        self.running.insert(slot, running);
        self.last
    }

    pub(in crate::tui::model) fn end(&mut self, slot: Slot) {
        self.running.remove(&slot);
    }
}
