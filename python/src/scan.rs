//! Scans: choices of rows and columns, which become streams.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::choice::Choice;
use crate::choice::Filter;
use crate::objects;
use crate::plan::Plan;
use crate::process::OfProcess;
use crate::source::Source;
use crate::stream::FailureSlot;
use crate::stream::RowStream;
use crate::stream::schema_capsule;
use crate::stream::stream_capsule;

/// A choice of rows and columns, which becomes a stream when a reader asks for it.
#[pyclass(frozen, module = "alimentar._alimentar")]
pub(crate) struct Scan {
    source: Py<Source>,
    choice: Choice,
    plan: Mutex<Option<OfProcess<Arc<Plan>>>>,
    failed: FailureSlot,
}

impl Scan {
    fn plan(&self, py: Python<'_>, progress: Option<&Bound<'_, PyAny>>) -> PyResult<Arc<Plan>> {
        let lock = || self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = lock().as_ref().and_then(|kept| kept.get().cloned());
        if let Some(plan) = kept {
            return Ok(plan);
        }
        let plan = self.source.get().plan(py, &self.choice, progress)?;
        *lock() = Some(OfProcess::new(Arc::clone(&plan)));
        Ok(plan)
    }
}

#[pymethods]
impl Scan {
    /// Chooses columns, a range of rows, and rows by a condition or a regular expression.
    #[new]
    #[pyo3(signature = (source, columns, start, stop=None, predicate=None, pattern=None))]
    fn new(
        source: Py<Source>,
        columns: Vec<String>,
        start: u64,
        stop: Option<u64>,
        predicate: Option<&str>,
        pattern: Option<(String, Option<String>, bool, bool)>,
    ) -> PyResult<Self> {
        let filter = match (predicate, pattern) {
            (Some(text), _) => Filter::of_predicate(text)?,
            (None, Some((pattern, column, ignores_case, is_inverted))) => {
                Filter::of_pattern(&pattern, column, (ignores_case, is_inverted))?
            }
            (None, None) => Filter::None,
        };
        Ok(Self {
            source,
            choice: Choice {
                columns,
                from: start,
                to: stop,
                filter,
            },
            plan: Mutex::new(None),
            failed: FailureSlot::default(),
        })
    }

    /// Finds the types of the columns, which reads files of text once. Returns the names and types of columns that are left
    /// out, because their types are not read.
    #[pyo3(signature = (progress=None))]
    fn prepare(
        &self,
        py: Python<'_>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Vec<(String, String)>> {
        let plan = self.plan(py, progress)?;
        let left_out = plan.left_out.iter();
        Ok(left_out.map(|c| (c.name.clone(), c.kind.clone())).collect())
    }

    /// Returns a capsule with a stream of Arrow data. Every call begins a new pass.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // A reader may not count on it: it casts itself where the types differ.
        let _ = requested_schema;
        let plan = self.plan(py, None)?;
        stream_capsule(py, RowStream::new(plan, Arc::clone(&self.failed)))
    }

    /// Returns a capsule with the columns and their types.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.plan(py, None)?.schema)
    }

    /// Returns the columns and their types as JSON.
    fn fields(&self, py: Python<'_>) -> PyResult<String> {
        Ok(objects::fields(&self.plan(py, None)?.schema).to_string())
    }

    /// Raises the error that ended a stream of this scan, if one did. Other libraries only have its message.
    fn check(&self) -> PyResult<()> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        match failed.take() {
            Some(failure) => Err(failure.into()),
            None => Ok(()),
        }
    }
}
