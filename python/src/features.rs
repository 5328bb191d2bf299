//! Tables of features by key, for reading.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use alimentar::features::Keys;
use alimentar::features::Status;
use alimentar::features::config::Config;
use alimentar::features::config::SourceConfig;
use alimentar::features::serving::FeatureTables;
use alimentar::features::source::FileSources;
use alimentar::features::source::Sources;
use alimentar::registry::RegistrySources;
use alimentar::registry::host;
use arrow_array::RecordBatch;
use arrow_array::RecordBatchIterator;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::home;
use crate::process::OfProcess;
use crate::stream::schema_capsule;
use crate::stream::stream_capsule;
use crate::work::run;

/// The tables of a configuration.
#[pyclass(frozen, module = "alimentar._alimentar")]
pub(crate) struct Features {
    config: PathBuf,
    home: Option<PathBuf>,
    opened: Mutex<OfProcess<Arc<FeatureTables>>>,
}

impl Features {
    fn opened(&self, py: Python<'_>) -> PyResult<Arc<FeatureTables>> {
        let lock = || self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = lock().get().cloned();
        if let Some(opened) = kept {
            return Ok(opened);
        }
        let opened = open(py, &self.config, &self.home)?;
        *lock() = OfProcess::new(Arc::clone(&opened));
        Ok(opened)
    }
}

fn open(py: Python<'_>, path: &Path, home: &Option<PathBuf>) -> PyResult<Arc<FeatureTables>> {
    let (path, home) = (path.to_owned(), home::path_of(home.clone())?);
    let remote = home::remote(&home)?;
    run(py, None, move |_| {
        let config = Config::read(&path)?;
        let directory = match &config.server.data_dir {
            Some(directory) => directory.clone(),
            None => home.join("cache").join("features"),
        };
        let files: Arc<dyn Sources> = Arc::new(FileSources::new(remote));
        let mut sources = config.tables.iter().map(|table| &table.source);
        let is_dataset =
            |s: &Option<SourceConfig>| matches!(s, Some(SourceConfig::Registry { .. }));
        let sources: Arc<dyn Sources> = match sources.any(is_dataset) {
            true => Arc::new(RegistrySources::new(files, home::registry(&home, false)?)),
            false => files,
        };
        Ok(Arc::new(FeatureTables::open(&config, &directory, sources)?))
    })
}

fn now() -> i64 {
    i64::try_from(host::since_epoch().as_micros()).unwrap_or(i64::MAX)
}

#[pymethods]
impl Features {
    #[new]
    #[pyo3(signature = (config, home=None))]
    fn new(py: Python<'_>, config: PathBuf, home: Option<PathBuf>) -> PyResult<Self> {
        let opened = open(py, &config, &home)?;
        Ok(Self {
            config,
            home,
            opened: Mutex::new(OfProcess::new(opened)),
        })
    }

    /// Returns the names of the tables.
    fn tables(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let tables = self.opened(py)?;
        run(py, None, move |_| {
            Ok(tables
                .states()
                .into_iter()
                .map(|state| state.name)
                .collect())
        })
    }

    /// Looks rows up. Returns the columns, and the positions of keys without a row.
    fn get(
        &self,
        py: Python<'_>,
        table: String,
        keys: Vec<String>,
        columns: Vec<String>,
    ) -> PyResult<(Rows, Vec<usize>)> {
        let tables = self.opened(py)?;
        run(py, None, move |watch| {
            let state = tables.state(&table)?;
            if state.has_source && state.origin.is_none() {
                tables.load(&table, false, now(), &**watch)?;
            }
            let schema = tables.schema(&table)?;
            let texts: Vec<&str> = keys.iter().map(String::as_str).collect();
            let wanted = Keys::of_texts(&schema, &texts)?;
            let mut names: Vec<&str> = columns.iter().map(String::as_str).collect();
            if names.is_empty() {
                let is_key = |name: &str| schema.key().any(|c| c.name == name);
                let all = schema.columns().iter().map(|c| c.name.as_str());
                names = all.filter(|name| !is_key(name)).collect();
            }
            let served = tables.get(&table, &wanted, &names, now())?;
            let answer = &served.answer;
            let is_missing = |row: &usize| {
                let status = answer.status(*row, usize::MAX);
                matches!(status, Status::Missing | Status::Expired)
            };
            let missing = (0..keys.len()).filter(is_missing).collect();
            Ok((Rows(answer.dense()?), missing))
        })
    }
}

/// Columns of rows.
#[pyclass(frozen, module = "alimentar._alimentar")]
pub(crate) struct Rows(RecordBatch);

#[pymethods]
impl Rows {
    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    /// Returns a capsule with a stream of one batch.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let batches = vec![Ok(self.0.clone())];
        let reader = RecordBatchIterator::new(batches, self.0.schema());
        stream_capsule(py, reader)
    }

    /// Returns a capsule with the columns and their types.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.0.schema())
    }
}
