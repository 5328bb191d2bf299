//! The tables of a configuration: loads, reloads, lookups and writes. It has no thread and no clock of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;

use crate::features::answer::Answer;
use crate::features::config::Config;
use crate::features::error::FeatureError;
use crate::features::keys::Keys;
use crate::features::schema::TableSchema;
use crate::features::segment::Origin;
use crate::features::source::Sources;
use crate::progress::Progress;

/// The tables of a configuration. Any thread may use it.
pub struct FeatureTables {}

/// The state of a table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TableState {
    /// The name.
    pub name: String,
    /// The columns; none before the first load of a table whose configuration names none.
    pub schema: Option<TableSchema>,
    /// The number of rows.
    pub rows: u64,
    /// The bytes of its segments.
    pub bytes: u64,
    /// The origin of the rows.
    pub origin: Option<Origin>,
    /// True for a table that has a source.
    pub has_source: bool,
    /// The time of the last look at the source that went well, in microseconds since 1970-01-01 UTC.
    pub checked_at: Option<i64>,
    /// The reason why the last look or load went wrong.
    pub failure: Option<String>,
}

/// The result of a load.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoadReport {
    /// True if the rows are those of before.
    pub is_unchanged: bool,
    /// The state after it.
    pub state: TableState,
    /// Rows that a later one of the same key replaced.
    pub duplicates: u64,
    /// Rows without a key, which are left out.
    pub null_keys: u64,
    /// Columns of types that no table has, which are left out.
    pub left_out: Vec<String>,
    /// Newer partitions that could not be loaded, with reasons.
    pub refused: Vec<(String, String)>,
}

/// The rows of a request, and where they come from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Served {
    /// The rows.
    pub answer: Answer,
    /// The origin of the rows.
    pub origin: Origin,
}

impl FeatureTables {
    /// Takes a configuration, and opens the segments that earlier loads left in a directory. It does not look at
    /// sources.
    ///
    /// # Errors
    /// [`FeatureError::File`].
    pub fn open(
        _config: &Config,
        _directory: &Path,
        _sources: Arc<dyn Sources>,
    ) -> Result<Self, FeatureError> {
        Err(FeatureError::Request("not yet".to_owned()))
    }

    /// Returns the states of all tables, by name.
    pub fn states(&self) -> Vec<TableState> {
        Vec::new()
    }

    /// Returns the state of a table.
    ///
    /// # Errors
    /// [`FeatureError::NoTable`].
    pub fn state(&self, name: &str) -> Result<TableState, FeatureError> {
        Err(FeatureError::NoTable(name.to_owned()))
    }

    /// Returns the columns of a table.
    ///
    /// # Errors
    /// [`FeatureError::NoTable`]; [`FeatureError::NoData`] before the first load, if only the files name them.
    pub fn schema(&self, name: &str) -> Result<TableSchema, FeatureError> {
        Err(FeatureError::NoTable(name.to_owned()))
    }

    /// Looks rows up. `now` is in microseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// [`FeatureError::NoTable`]; [`FeatureError::NoData`]; as `FeatureTable::get`.
    pub fn get(
        &self,
        name: &str,
        _keys: &Keys,
        _columns: &[&str],
        _now: i64,
    ) -> Result<Served, FeatureError> {
        Err(FeatureError::NoTable(name.to_owned()))
    }

    /// Looks at the source of a table, and loads its newest good partition if it is not the one that is loaded. With
    /// `force`, loads it in any case. Old rows are served until the new ones are ready.
    ///
    /// # Errors
    /// [`FeatureError::NoPartition`] if none can be loaded; [`FeatureError::Source`].
    pub fn load(
        &self,
        name: &str,
        _force: bool,
        _now: i64,
        _progress: &dyn Progress,
    ) -> Result<LoadReport, FeatureError> {
        Err(FeatureError::NoTable(name.to_owned()))
    }

    /// Returns the tables whose sources are due for a look, and the time until the next one is.
    pub fn due(&self, _now: i64) -> (Vec<String>, Duration) {
        (Vec::new(), Duration::from_secs(1))
    }

    /// Makes an empty table without a source, which survives a restart.
    ///
    /// # Errors
    /// [`FeatureError::TableExists`]; [`FeatureError::Request`] for a name that is none.
    pub fn create(&self, name: &str, _schema: TableSchema) -> Result<(), FeatureError> {
        Err(FeatureError::TableExists(name.to_owned()))
    }

    /// Removes a table without a source.
    ///
    /// # Errors
    /// [`FeatureError::NoTable`]; [`FeatureError::ReadOnly`] for a table of the configuration.
    pub fn remove(&self, name: &str) -> Result<(), FeatureError> {
        Err(FeatureError::NoTable(name.to_owned()))
    }

    /// Writes rows to a table without a source, durably; a row replaces that of the same key. Returns their number.
    ///
    /// # Errors
    /// [`FeatureError::ReadOnly`]; [`FeatureError::Mismatch`].
    pub fn write(&self, name: &str, _rows: &[RecordBatch], _now: i64) -> Result<u64, FeatureError> {
        Err(FeatureError::NoTable(name.to_owned()))
    }

    /// Joins the segments of a table without a source.
    ///
    /// # Errors
    /// As [`FeatureTables::write`].
    pub fn compact(&self, name: &str, _now: i64) -> Result<(), FeatureError> {
        Err(FeatureError::NoTable(name.to_owned()))
    }
}
