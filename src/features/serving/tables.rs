//! All tables of a configuration, and those that clients made.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::time::Duration;

use arrow_array::RecordBatch;

use crate::error_kind::message_with_causes;
use crate::features::config::Config;
use crate::features::config::TableConfig;
use crate::features::config::check_table_name;
use crate::features::error::FeatureError;
use crate::features::keys::Keys;
use crate::features::limits::TABLES_MAX;
use crate::features::schema::TableSchema;
use crate::features::serving::directory::Root;
use crate::features::serving::directory::SEGMENT;
use crate::features::serving::fingerprint::place_hash;
use crate::features::serving::loading::Load;
use crate::features::serving::slot::Rows;
use crate::features::serving::slot::Segment;
use crate::features::serving::slot::Slot;
use crate::features::serving::state::LoadReport;
use crate::features::serving::state::Served;
use crate::features::serving::state::TableState;
use crate::features::serving::written;
use crate::features::serving::written::SegmentList;
use crate::features::source::Sources;
use crate::locks::lock;
use crate::progress::Progress;

/// Time until the next look where there is nothing to look at.
const IDLE: Duration = Duration::from_secs(60);

/// The tables of a configuration. Any thread may use it.
pub struct FeatureTables {
    root: Root,
    pub(super) sources: Arc<dyn Sources>,
    tables: RwLock<BTreeMap<String, Arc<Slot>>>,
    /// Held while a table is made or removed.
    changes: Mutex<()>,
}

impl FeatureTables {
    /// Takes a configuration, and opens the segments that earlier loads left in a directory. It does not look at
    /// sources. Several programs may use one directory.
    ///
    /// # Errors
    /// [`FeatureError::File`].
    pub fn open(
        config: &Config,
        directory: &Path,
        sources: Arc<dyn Sources>,
    ) -> Result<Self, FeatureError> {
        let root = Root::open(directory)?;
        let mut slots = BTreeMap::new();
        for table in &config.tables {
            let slot = slot_of(&root, table.clone(), true);
            slots.insert(table.name.clone(), Arc::new(slot));
        }
        for directory in root.lists() {
            // A list that cannot be read keeps its place, so that nothing in it is lost.
            let Ok(Some(list)) = SegmentList::read(&directory) else {
                continue;
            };
            let config = list.config();
            slots
                .entry(config.name.clone())
                .or_insert_with(|| Arc::new(Slot::new(config, false, directory)));
        }
        for slot in slots.values() {
            open_left(slot);
        }
        root.alone(|| {
            for slot in slots.values() {
                clean(slot);
            }
        });
        Ok(Self {
            root,
            sources,
            tables: RwLock::new(slots),
            changes: Mutex::new(()),
        })
    }

    fn slots(&self) -> Vec<Arc<Slot>> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        tables.values().cloned().collect()
    }

    pub(super) fn slot(&self, name: &str) -> Result<Arc<Slot>, FeatureError> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let found = tables.get(name).cloned();
        found.ok_or_else(|| FeatureError::NoTable(name.chars().take(128).collect()))
    }

    /// Returns the states of all tables, by name.
    pub fn states(&self) -> Vec<TableState> {
        self.slots().iter().map(|slot| slot.state()).collect()
    }

    /// Returns the state of a table.
    ///
    /// # Errors
    /// [`FeatureError::NoTable`].
    pub fn state(&self, name: &str) -> Result<TableState, FeatureError> {
        Ok(self.slot(name)?.state())
    }

    /// Returns the columns of a table.
    ///
    /// # Errors
    /// [`FeatureError::NoTable`]; [`FeatureError::NoData`] before the first load, if only the files name them.
    pub fn schema(&self, name: &str) -> Result<TableSchema, FeatureError> {
        let slot = self.slot(name)?;
        slot.schema(slot.rows().as_deref())
    }

    /// Looks rows up. `now` is in microseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// [`FeatureError::NoTable`]; [`FeatureError::NoData`]; as `FeatureTable::get`.
    pub fn get(
        &self,
        name: &str,
        keys: &Keys,
        columns: &[&str],
        now: i64,
    ) -> Result<Served, FeatureError> {
        self.slot(name)?.get(keys, columns, now)
    }

    /// Looks at the source of a table, and loads its newest good partition if it is not the one that is loaded. With
    /// `force`, loads it in any case. Old rows are served until the new ones are ready. A table that clients write to
    /// gets the rows that other programs wrote.
    ///
    /// # Errors
    /// [`FeatureError::NoPartition`] if none can be loaded; [`FeatureError::Source`].
    pub fn load(
        &self,
        name: &str,
        force: bool,
        now: i64,
        progress: &dyn Progress,
    ) -> Result<LoadReport, FeatureError> {
        let slot = self.slot(name)?;
        let Some(config) = &slot.config.source else {
            let _work = lock(&slot.work);
            written::refresh(&slot)?;
            return Ok(LoadReport {
                is_unchanged: true,
                state: slot.state(),
                duplicates: 0,
                null_keys: 0,
                left_out: Vec::new(),
                refused: Vec::new(),
            });
        };
        let source = self.sources.source(config);
        let source =
            source.inspect_err(|e| slot.note_look(now, false, Some(message_with_causes(e))))?;
        let load = Load {
            slot: &slot,
            root: &self.root,
            source: &*source,
            force,
            now,
            progress,
        };
        load.run()
    }

    /// Returns the tables whose sources are due for a look, and the time until the next one is.
    pub fn due(&self, now: i64) -> (Vec<String>, Duration) {
        let (mut due, mut next) = (Vec::new(), IDLE);
        for slot in self.slots() {
            if slot.config.source.is_none() || slot.is_busy() {
                continue;
            }
            let (name, interval) = (&slot.config.name, slot.config.poll_interval);
            let looks = slot.looks();
            if slot.is_damaged() && looks.failures == 0 {
                due.push(name.clone());
                continue;
            }
            match looks.wait(name, interval, now) {
                Duration::ZERO => due.push(name.clone()),
                wait => next = next.min(wait),
            }
        }
        (due, next)
    }

    /// Makes an empty table without a source, which survives a restart.
    ///
    /// # Errors
    /// [`FeatureError::TableExists`]; [`FeatureError::Request`] for a name that is none; [`FeatureError::Limit`].
    pub fn create(&self, name: &str, schema: TableSchema) -> Result<(), FeatureError> {
        check_table_name(name).map_err(FeatureError::Request)?;
        let _changes = lock(&self.changes);
        let count = {
            let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
            if tables.contains_key(name) {
                return Err(FeatureError::TableExists(name.to_owned()));
            }
            tables.values().filter(|slot| !slot.is_configured).count()
        };
        if count >= TABLES_MAX {
            return Err(FeatureError::Limit {
                what: "another table".to_owned(),
                limit: format!("{TABLES_MAX} tables"),
            });
        }
        let list = SegmentList::new(name, schema);
        let slot = slot_of(&self.root, list.config(), false);
        slot.directory.make()?;
        let turn = slot.directory.turn()?;
        if slot.directory.list()?.is_some() {
            // Another program made it meanwhile.
            return Err(FeatureError::TableExists(name.to_owned()));
        }
        list.save(&slot.directory)?;
        drop(turn);
        written::refresh(&slot)?;
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        tables.insert(name.to_owned(), Arc::new(slot));
        Ok(())
    }

    /// Removes a table without a source.
    ///
    /// # Errors
    /// [`FeatureError::NoTable`]; [`FeatureError::ReadOnly`] for a table with a source; [`FeatureError::Request`] for
    /// another one of the configuration.
    pub fn remove(&self, name: &str) -> Result<(), FeatureError> {
        let _changes = lock(&self.changes);
        let slot = self.slot(name)?;
        if slot.config.source.is_some() {
            return Err(FeatureError::ReadOnly(name.to_owned()));
        }
        if slot.is_configured {
            let why = format!("the table `{name}` is one of the configuration");
            return Err(FeatureError::Request(why));
        }
        let work = lock(&slot.work);
        slot.directory.remove()?;
        drop(work);
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        tables.remove(name);
        Ok(())
    }

    /// Writes rows to a table without a source, durably; a row replaces that of the same key. Returns their number.
    ///
    /// # Errors
    /// [`FeatureError::ReadOnly`]; [`FeatureError::Mismatch`].
    pub fn write(&self, name: &str, rows: &[RecordBatch], now: i64) -> Result<u64, FeatureError> {
        written::write(&*self.slot(name)?, rows, now)
    }

    /// Joins the segments of a table without a source.
    ///
    /// # Errors
    /// As [`FeatureTables::write`].
    pub fn compact(&self, name: &str, now: i64) -> Result<(), FeatureError> {
        written::compact(&*self.slot(name)?, now)
    }
}

fn slot_of(root: &Root, config: TableConfig, is_configured: bool) -> Slot {
    let hash = place_hash(&config.name, config.source.as_ref());
    let directory = root.table(&config.name, &hash);
    Slot::new(config, is_configured, directory)
}

/// Opens what earlier loads or writes left. A segment that cannot be opened is as good as none, because it can be loaded
/// again; one that clients wrote cannot.
fn open_left(slot: &Slot) {
    if slot.config.source.is_none() {
        let opened = slot.directory.make().and_then(|()| written::refresh(slot));
        slot.note_failure(opened.err().map(|e| message_with_causes(&e)));
        return;
    }
    let front = format!("{}-", slot.hash);
    let current = slot.directory.current();
    let others = slot.directory.segments();
    let candidates = current.into_iter().chain(others);
    for file in candidates.filter(|file| file.starts_with(&front)) {
        if let Ok(segment) = Segment::open(slot, &file) {
            slot.serve(Rows::of(segment));
            return;
        }
    }
}

/// Removes the segments that a table no longer needs.
fn clean(slot: &Slot) {
    if slot.config.source.is_some() {
        let rows = slot.rows();
        let served = rows.iter().flat_map(|rows| &rows.segments);
        let served: Vec<&str> = served.map(|segment| segment.file.as_str()).collect();
        slot.directory.clean(&|file| served.contains(&file));
        return;
    }
    // If something in the list could not be opened, nothing is known to be needless.
    if slot.rows().is_some()
        && let Ok(Some(list)) = SegmentList::read(&slot.directory)
    {
        slot.directory
            .clean(&|file| !file.ends_with(SEGMENT) || list.segments.iter().any(|s| s == file));
    }
}
