//! Looks at the sources of tables when they are due.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

use crate::error_kind::message_with_causes;
use crate::feature_server::state::give_way;
use crate::feature_server::state::now;
use crate::features::FeatureError;
use crate::features::serving::FeatureTables;
use crate::features::serving::LoadReport;
use crate::locks::lock;
use crate::panics::caught;
use crate::progress::Progress;

/// Tables that load at one time. A source that stalls holds one of them.
const LOADS_AT_ONCE: usize = 4;
/// Interval at which the thread asks for its end, and for loads that ended.
const LOOK_UP: Duration = Duration::from_millis(50);

/// The result of a look at a source, for people and logs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LoadEvent {
    /// No partition could be loaded. The rows of before stay.
    Failed {
        /// The table.
        table: String,
        /// The reason.
        reason: String,
    },
    /// A partition was loaded.
    Loaded {
        /// The table.
        table: String,
        /// The partition.
        partition: Option<String>,
        /// The content id of the dataset.
        content_id: Option<String>,
        /// The number of rows.
        rows: u64,
        /// The bytes of the segment.
        bytes: u64,
        /// Rows that a later one of the same key replaced.
        duplicates: u64,
        /// Rows without a key, which are left out.
        null_keys: u64,
        /// Columns of types that no table has, which are left out.
        left_out: Vec<String>,
    },
    /// A newer partition could not be loaded.
    Refused {
        /// The table.
        table: String,
        /// The partition.
        partition: String,
        /// The reason.
        reason: String,
    },
}

impl LoadEvent {
    /// Returns the events of a load.
    pub fn of(report: &LoadReport) -> Vec<Self> {
        let state = &report.state;
        let refused = report
            .refused
            .iter()
            .map(|(partition, reason)| Self::Refused {
                table: state.name.clone(),
                partition: partition.clone(),
                reason: reason.clone(),
            });
        let mut events: Vec<Self> = refused.collect();
        if !report.is_unchanged {
            let origin = state.origin.as_ref();
            events.push(Self::Loaded {
                table: state.name.clone(),
                partition: origin.and_then(|o| o.partition.clone()),
                content_id: origin.and_then(|o| o.content_id.clone()),
                rows: state.rows,
                bytes: state.bytes,
                duplicates: report.duplicates,
                null_keys: report.null_keys,
                left_out: report.left_out.clone(),
            });
        }
        events
    }
}

/// The receiver of events. Any thread may call it.
pub type LoadObserver = dyn Fn(&LoadEvent) + Send + Sync;

/// A thread that looks at sources when they are due, until it is dropped.
pub struct Poller {
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The parts that the threads of loads use.
struct Loading {
    tables: Arc<FeatureTables>,
    observer: Arc<LoadObserver>,
    ending: Arc<AtomicBool>,
    /// The names of the tables that load.
    under_way: Mutex<HashSet<String>>,
    /// Events that were reported and whose state lasts: the same is not reported again.
    reported: Mutex<Vec<LoadEvent>>,
}

impl Progress for Loading {
    fn cancelled(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }
}

impl Poller {
    /// Starts the thread.
    ///
    /// # Errors
    /// Those of the system, if it has no thread.
    pub fn start(tables: Arc<FeatureTables>, observer: Arc<LoadObserver>) -> std::io::Result<Self> {
        let ending = Arc::new(AtomicBool::new(false));
        let loading = Arc::new(Loading {
            tables,
            observer,
            ending: Arc::clone(&ending),
            under_way: Mutex::default(),
            reported: Mutex::default(),
        });
        let builder = std::thread::Builder::new().name("features".to_owned());
        Ok(Self {
            ending,
            thread: Some(builder.spawn(move || poll(&loading))?),
        })
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A load that stalls is left behind.
            let _ = thread.join();
        }
    }
}

fn poll(loading: &Arc<Loading>) {
    while !loading.cancelled() {
        let (due, until_next) = loading.tables.due(now());
        for name in due {
            let begins = {
                let mut under_way = lock(&loading.under_way);
                under_way.len() < LOADS_AT_ONCE && under_way.insert(name.clone())
            };
            if !begins {
                continue;
            }
            let own = Arc::clone(loading);
            let table = name.clone();
            let thread = std::thread::Builder::new().name("load".to_owned());
            let begun = thread.spawn(move || {
                give_way();
                // A panic leaves the rows of before.
                if caught(|| load(&own, &table)).is_err() {
                    let reason = "the load failed inside of the program".to_owned();
                    let table = table.clone();
                    own.report(&LoadEvent::Failed { table, reason });
                }
                lock(&own.under_way).remove(&table);
            });
            if begun.is_err() {
                lock(&loading.under_way).remove(&name);
            }
        }
        std::thread::sleep(until_next.clamp(Duration::from_millis(1), LOOK_UP));
    }
}

fn load(loading: &Loading, table: &str) {
    let (events, lasting) = match loading.tables.load(table, false, now(), loading) {
        Ok(report) => (LoadEvent::of(&report), report.refused.len()),
        Err(FeatureError::Interrupted) => return,
        Err(error) => {
            let (table, reason) = (table.to_owned(), message_with_causes(&error));
            (vec![LoadEvent::Failed { table, reason }], 1)
        }
    };
    loading.report_all(table, &events, lasting);
}

impl Loading {
    fn report(&self, event: &LoadEvent) {
        (self.observer)(event);
    }

    /// Reports events of a table. Of the first, whose state lasts, those that were not reported before.
    fn report_all(&self, table: &str, events: &[LoadEvent], lasting: usize) {
        let (lasting, once) = events.split_at(lasting.min(events.len()));
        let fresh: Vec<&LoadEvent> = {
            let mut reported = lock(&self.reported);
            let fresh = lasting.iter().filter(|e| !reported.contains(e)).collect();
            reported.retain(|e| e.table() != table);
            reported.extend(lasting.iter().cloned());
            fresh
        };
        for event in fresh.into_iter().chain(once) {
            self.report(event);
        }
    }
}

impl LoadEvent {
    /// Returns the name of the table.
    pub fn table(&self) -> &str {
        match self {
            Self::Failed { table, .. }
            | Self::Loaded { table, .. }
            | Self::Refused { table, .. } => table,
        }
    }
}
