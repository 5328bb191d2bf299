//! One table: its configuration, the rows that are served, and what happened to it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use crate::error_kind::message_with_causes;
use crate::features::answer::Answer;
use crate::features::config::TableConfig;
use crate::features::error::FeatureError;
use crate::features::keys::Keys;
use crate::features::schema::TableSchema;
use crate::features::segment::Origin;
use crate::features::serving::directory::TableDirectory;
use crate::features::serving::fingerprint::config_hash;
use crate::features::serving::schedule::Looks;
use crate::features::serving::state::Served;
use crate::features::serving::state::TableState;
use crate::features::table::FeatureTable;
use crate::features::table::MaxAge;
use crate::features::table::MemoryMode;
use crate::locks::lock;

/// A table.
pub(super) struct Slot {
    pub(super) config: TableConfig,
    /// True for a table of the configuration, false for one that a client made.
    pub(super) is_configured: bool,
    /// The hash of the configuration.
    pub(super) hash: String,
    pub(super) directory: TableDirectory,
    rows: RwLock<Option<Arc<Rows>>>,
    notes: Mutex<Notes>,
    /// Held by the one thread that loads or writes.
    pub(super) work: Mutex<Work>,
    is_busy: AtomicBool,
    /// True if a request met damage in the rows, so that the next load makes them anew.
    is_damaged: AtomicBool,
}

/// The rows that are served.
pub(super) struct Rows {
    pub(super) schema: TableSchema,
    /// Segments, the newest first: its rows replace those of the others.
    pub(super) segments: Vec<Segment>,
    /// The number of rows without those that a newer one replaces, where it is known.
    pub(super) count: Option<u64>,
}

/// An open segment.
#[derive(Clone)]
pub(super) struct Segment {
    /// The name of the file.
    pub(super) file: String,
    pub(super) table: Arc<FeatureTable>,
    /// True if it is in the memory that it shall be in.
    pub(super) is_settled: bool,
}

/// The events of a table.
#[derive(Default)]
struct Notes {
    looks: Looks,
    checked_at: Option<i64>,
    failure: Option<String>,
}

/// The memory of a load or a write for the next one.
#[derive(Default)]
pub(super) struct Work {
    /// Fingerprints of partitions that cannot be loaded, with reasons.
    pub(super) refused: HashMap<String, String>,
}

/// A mark that a thread loads or writes.
pub(super) struct Busy<'a>(&'a AtomicBool);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Segment {
    /// Opens a segment at once: its rows are in a map for now, and are checked as they are read.
    pub(super) fn open(slot: &Slot, file: &str) -> Result<Self, FeatureError> {
        let memory = slot.config.memory;
        let table = FeatureTable::open(&slot.directory.file(file), memory)?;
        Ok(Self {
            file: file.to_owned(),
            table: Arc::new(table),
            is_settled: memory != MemoryMode::Auto,
        })
    }

    /// Returns the segment in large pages, with all of its bytes checked, if there is room for it.
    pub(super) fn settled(self) -> Result<Self, FeatureError> {
        let copy = match self.is_settled {
            true => None,
            false => self.table.in_memory()?,
        };
        Ok(Self {
            table: copy.map_or(self.table, Arc::new),
            is_settled: true,
            ..self
        })
    }
}

impl Rows {
    /// Returns the rows of a segment.
    pub(super) fn of(segment: Segment) -> Self {
        Self {
            schema: segment.table.schema().clone(),
            segments: vec![segment],
            count: None,
        }
    }

    /// Returns the origin of the newest rows.
    pub(super) fn origin(&self, table: &str) -> Origin {
        match self.segments.first() {
            Some(newest) => newest.table.origin().clone(),
            None => Origin {
                table: table.to_owned(),
                ..Origin::default()
            },
        }
    }

    fn get(
        &self,
        keys: &Keys,
        columns: &[&str],
        max_age: Option<MaxAge>,
    ) -> Result<Answer, FeatureError> {
        if let [only] = self.segments.as_slice() {
            return only.table.get(keys, columns, max_age);
        }
        let answers = self.segments.iter();
        let answers = answers.map(|segment| segment.table.get(keys, columns, max_age));
        let answers = answers.collect::<Result<Vec<_>, _>>()?;
        match answers.is_empty() {
            true => Answer::without_rows(&self.schema, columns, keys.len()),
            false => Answer::newest_of(&answers),
        }
    }
}

impl Slot {
    pub(super) fn new(config: TableConfig, is_configured: bool, directory: TableDirectory) -> Self {
        Self {
            hash: config_hash(&config),
            config,
            is_configured,
            directory,
            rows: RwLock::new(None),
            notes: Mutex::default(),
            work: Mutex::default(),
            is_busy: AtomicBool::new(false),
            is_damaged: AtomicBool::new(false),
        }
    }

    /// Returns the rows. No load makes this wait.
    pub(super) fn rows(&self) -> Option<Arc<Rows>> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.clone()
    }

    /// Serves other rows from now on. Requests under way finish with the old ones.
    pub(super) fn serve(&self, rows: Rows) {
        let rows = Some(Arc::new(rows));
        let mut place = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *place, rows);
        self.is_damaged.store(false, Ordering::Release);
        // Closing large segments takes time, in which nobody has to wait.
        drop(place);
        drop(old);
    }

    /// Marks the table as busy until the result is dropped.
    pub(super) fn begin(&self) -> Busy<'_> {
        self.is_busy.store(true, Ordering::Release);
        Busy(&self.is_busy)
    }

    /// Returns true while a thread loads or writes.
    pub(super) fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Acquire)
    }

    /// Says that the rows are damaged.
    pub(super) fn set_damaged(&self) {
        self.is_damaged.store(true, Ordering::Release);
    }

    /// Returns true if a request met damage in the rows.
    pub(super) fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Acquire)
    }

    /// Returns the looks at the source.
    pub(super) fn looks(&self) -> Looks {
        lock(&self.notes).looks
    }

    /// Takes note of a look at the source: whether it could be seen, and what failed.
    pub(super) fn note_look(&self, now: i64, is_seen: bool, failure: Option<String>) {
        let mut notes = lock(&self.notes);
        notes.looks.note(now, is_seen);
        if is_seen {
            notes.checked_at = Some(now);
        }
        notes.failure = failure;
    }

    /// Takes note of a failure, or of the end of one.
    pub(super) fn note_failure(&self, failure: Option<String>) {
        lock(&self.notes).failure = failure;
    }

    /// Returns the state.
    pub(super) fn state(&self) -> TableState {
        let rows = self.rows();
        let segments = rows.iter().flat_map(|rows| &rows.segments);
        let (mut count, mut bytes) = (0, 0);
        for segment in segments {
            count += segment.table.rows();
            bytes += segment.table.bytes();
        }
        let is_loaded = rows.as_ref().filter(|rows| !rows.segments.is_empty());
        // This may look at the notes too.
        let schema = self.schema(rows.as_deref()).ok();
        let notes = lock(&self.notes);
        TableState {
            name: self.config.name.clone(),
            schema,
            rows: rows.as_ref().and_then(|rows| rows.count).unwrap_or(count),
            bytes,
            origin: is_loaded.map(|rows| rows.origin(&self.config.name)),
            has_source: self.config.source.is_some(),
            checked_at: notes.checked_at,
            failure: notes.failure.clone(),
        }
    }

    /// Returns the columns: those of the rows, or else of the configuration.
    pub(super) fn schema(&self, rows: Option<&Rows>) -> Result<TableSchema, FeatureError> {
        if let Some(rows) = rows {
            return Ok(rows.schema.clone());
        }
        let config = &self.config;
        let named = TableSchema::new(
            config.columns.clone(),
            &config.key,
            config.timestamp.as_deref(),
        );
        // A table with a source may leave its key to the files.
        named.map_err(|_| self.no_data())
    }

    fn no_data(&self) -> FeatureError {
        let failure = lock(&self.notes).failure.clone();
        FeatureError::NoData {
            table: self.config.name.clone(),
            why: failure.unwrap_or_else(|| "it was not loaded yet".to_owned()),
        }
    }

    /// Looks rows up.
    pub(super) fn get(
        &self,
        keys: &Keys,
        columns: &[&str],
        now: i64,
    ) -> Result<Served, FeatureError> {
        let rows = self.rows().ok_or_else(|| self.no_data())?;
        let max_age = self.config.ttl.map(|ttl| MaxAge { ttl, now });
        let answer = rows.get(keys, columns, max_age).inspect_err(|error| {
            if matches!(error, FeatureError::Damaged { .. }) {
                self.set_damaged();
                self.note_failure(Some(message_with_causes(error)));
            }
        })?;
        let origin = rows.origin(&self.config.name);
        Ok(Served { answer, origin })
    }
}
