//! Keeping of a look: records and nodes go to its write session, and checkpoints make them durable with
//! the row of the partial holding.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::PartialHolding;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::locks::lock;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::pack::Item;
use crate::registry::host;
use crate::registry::peers::client::fetch::RecordKeeper;
use crate::store::disk::SessionStats;
use crate::store::disk::StoreError;
use crate::store::disk::WriteSession;

/// New bytes after which a checkpoint is due.
const CHECKPOINT_BYTES: u64 = 32 << 20;
/// Time after which a checkpoint is due, if something is new.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);
/// Uses of a dataset that are closer than this count as one.
const USE_SECONDS: i64 = 60;

/// Reason why a look keeps nothing any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotKept {
    /// The dataset alone has more than the limit of partial holdings.
    #[error("it has more than `partial_limit`")]
    OverLimit,
    /// The store cannot take more.
    #[error("{0}")]
    Store(String),
}

/// Tells if a look still keeps what it reads.
#[derive(Default)]
struct KeepSwitch {
    is_off: AtomicBool,
    why: Mutex<Option<NotKept>>,
}

impl KeepSwitch {
    fn turn_off(&self, why: NotKept) {
        self.is_off.store(true, Ordering::Relaxed);
        lock(&self.why).get_or_insert(why);
    }
}

/// The part of the store that a look writes.
pub(super) struct Keeping {
    pub(super) session: WriteSession,
    switch: Arc<KeepSwitch>,
    /// Bytes of records and nodes that were stored, and of these in checkpoints.
    saved: Mutex<Saved>,
    stored: AtomicU64,
    limit: u64,
    is_by_person: bool,
}

/// State at the last checkpoint.
struct Saved {
    at: Instant,
    /// Raw bytes of chunks in checkpoints.
    chunk_bytes: u64,
    /// Bytes in packs in checkpoints.
    stored_bytes: u64,
}

impl Saved {
    fn now(stats: &SessionStats) -> Self {
        Self {
            at: host::instant(),
            chunk_bytes: stats.new_bytes,
            stored_bytes: stats.stored_bytes,
        }
    }
}

impl Keeping {
    pub(super) fn new(session: WriteSession, limit: u64, is_by_person: bool) -> Self {
        let switch = KeepSwitch::default();
        if limit == 0 {
            switch.turn_off(NotKept::OverLimit);
        }
        Self {
            session,
            switch: Arc::new(switch),
            saved: Mutex::new(Saved::now(&SessionStats::default())),
            stored: AtomicU64::new(0),
            limit,
            is_by_person,
        }
    }

    /// Returns the reason why nothing is kept any more, if there is one.
    pub(super) fn why_not(&self) -> Option<NotKept> {
        lock(&self.switch.why).clone()
    }

    /// Returns the bytes in packs that the look stored.
    pub(super) fn stored_bytes(&self) -> u64 {
        self.stored.load(Ordering::Relaxed)
    }

    /// Stores a node whose id was compared.
    pub(super) fn keep_node(&self, bytes: &[u8]) -> Result<(), StoreError> {
        self.unless_full(|| self.session.add(BlobKind::Node, bytes).map(drop))
    }

    /// Stores a card whose id was compared.
    pub(super) fn keep_card(&self, bytes: &[u8]) -> Result<(), StoreError> {
        self.unless_full(|| self.session.add(BlobKind::Card, bytes).map(drop))
    }

    /// Runs `store`, unless the store cannot take more. Reading goes on then.
    fn unless_full(
        &self,
        store: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if self.switch.is_off.load(Ordering::Relaxed) {
            return Ok(());
        }
        match store() {
            Ok(()) => {
                let stored = self.session.stats().stored_bytes;
                self.stored.fetch_max(stored, Ordering::Relaxed);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::NoSpace || error.is_refused() => {
                self.switch.turn_off(NotKept::Store(error.to_string()));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Makes a checkpoint in the background if one is due.
    pub(super) fn checkpoint_if_due(&self, dataset: (&Manifest, &Envelope), is_private: bool) {
        let Ok(mut saved) = self.saved.try_lock() else {
            return;
        };
        let stats = self.session.stats();
        let new = stats.stored_bytes.saturating_sub(saved.stored_bytes);
        let is_due = new >= CHECKPOINT_BYTES || (new > 0 && saved.at.elapsed() >= CHECKPOINT_EVERY);
        if !is_due {
            return;
        }
        let row = self.row(dataset, is_private, &saved, &stats);
        let (limit, switch) = (self.limit, Arc::clone(&self.switch));
        let begun = self.session.begin_checkpoint(Box::new(move |tables| {
            if !catalog::note_partial(tables, &row, limit)? {
                switch.turn_off(NotKept::OverLimit);
            }
            Ok(())
        }));
        *saved = Saved::now(&stats);
        if let Err(error) = begun {
            self.switch.turn_off(NotKept::Store(error.to_string()));
        }
    }

    /// Makes what was stored durable, with the row of the partial holding. A store that cannot be
    /// written ends the keeping, and not the look.
    pub(super) fn checkpoint(&self, dataset: (&Manifest, &Envelope), is_private: bool) {
        let mut saved = lock(&self.saved);
        let stats = self.session.stats();
        let row = self.row(dataset, is_private, &saved, &stats);
        if stats.stored_bytes == saved.stored_bytes && self.is_just_used(&row) {
            return;
        }
        let limit = self.limit;
        let done = self
            .session
            .checkpoint(|tables| Ok::<_, StoreError>(catalog::note_partial(tables, &row, limit)?));
        *saved = Saved::now(&stats);
        match done {
            Ok(true) => {}
            Ok(false) => self.switch.turn_off(NotKept::OverLimit),
            Err(error) => self.switch.turn_off(NotKept::Store(error.to_string())),
        }
    }

    /// Returns the row of a checkpoint, with what was stored since the last one.
    fn row(
        &self,
        (manifest, envelope): (&Manifest, &Envelope),
        is_private: bool,
        saved: &Saved,
        stats: &SessionStats,
    ) -> PartialHolding {
        PartialHolding {
            used_at: host::now(),
            is_by_person: self.is_by_person,
            is_private,
            bytes: stats.new_bytes.saturating_sub(saved.chunk_bytes),
            manifest: manifest.clone(),
            envelope: envelope.clone(),
        }
    }

    /// Returns true if there is nothing to note: no row, or one that was used a moment ago.
    fn is_just_used(&self, row: &PartialHolding) -> bool {
        let held = self
            .session
            .store()
            .read(|tables| Ok::<_, StoreError>(catalog::partial_of(tables, row.key())?));
        match held {
            Ok(Some(held)) => {
                let is_agreed = held.is_by_person || !row.is_by_person;
                is_agreed && row.used_at.0.saturating_sub(held.used_at.0).abs() < USE_SECONDS
            }
            _ => true,
        }
    }
}

/// Stores the records of one thread.
pub(super) struct LookKeeper<'a> {
    pub(super) keeping: &'a Keeping,
    pub(super) records: &'a dyn RecordKeeper,
}

impl RecordKeeper for LookKeeper<'_> {
    fn keep(&self, items: &[Item], raw: &[u8], bytes: &[u8]) -> Result<(), StoreError> {
        self.keeping
            .unless_full(|| self.records.keep(items, raw, bytes))
    }
}
