//! Streams of Arrow data: batches that threads make while a reader takes them. Capsules hand them to other libraries.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;

use alimentar::error_kind::ErrorKind;
use alimentar::inspect::table::Scan;
use alimentar::inspect::table::TableError;
use alimentar::locks::threads;
use alimentar::panics::caught;
use alimentar::registry::Error;
use arrow_array::RecordBatch;
use arrow_array::RecordBatchReader;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_schema::ArrowError;
use arrow_schema::SchemaRef;
use arrow_schema::ffi::FFI_ArrowSchema;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::failure::Failure;
use crate::plan::Converter;
use crate::plan::Fault;
use crate::plan::Plan;
use crate::plan::each_batch;
use crate::process::OfProcess;
use crate::work::Watch;

/// Batches that are ready before their reader asks.
const READY: usize = 8;

/// The error that ended a stream. A reader in another library only gets its message.
pub(crate) type FailureSlot = Arc<Mutex<Option<Failure>>>;

/// Batches of a scan. The threads begin with the first batch that is asked for, and end with the stream.
pub(crate) struct RowStream {
    schema: SchemaRef,
    plan: OfProcess<Arc<Plan>>,
    failed: FailureSlot,
    running: Option<OfProcess<Running>>,
    is_over: bool,
}

struct Running {
    batches: mpsc::Receiver<Result<RecordBatch, Failure>>,
    watch: Arc<Watch>,
}

impl RowStream {
    pub(crate) fn new(plan: Arc<Plan>, failed: FailureSlot) -> Self {
        Self {
            schema: Arc::clone(&plan.schema),
            plan: OfProcess::new(plan),
            failed,
            running: None,
            is_over: false,
        }
    }

    fn start(plan: &Arc<Plan>) -> Result<Running, Failure> {
        let (sender, batches) = mpsc::sync_channel(READY);
        let watch = Arc::new(Watch::default());
        let (plan, theirs) = (Arc::clone(plan), Arc::clone(&watch));
        let thread = std::thread::Builder::new().name("alimentar-scan".to_owned());
        let started = thread.spawn(move || {
            let made = caught(|| produce(&plan, &sender, &theirs));
            let panicked = |_| Err(Failure::new(ErrorKind::Io, "a thread panicked"));
            if let Err(failure) = made.unwrap_or_else(panicked) {
                // A reader that has gone wants no error.
                let _ = sender.send(Err(failure));
            }
        });
        started.map_err(|e| Failure::new(ErrorKind::Io, format!("cannot start a thread: {e}")))?;
        Ok(Running { batches, watch })
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Failure> {
        let Some(plan) = self.plan.get() else {
            let message = "the stream was opened before the process was forked";
            return Err(Failure::new(ErrorKind::Conflict, message)
                .with_hint("open it in the child: `alimentar.open(...)`"));
        };
        if self.running.is_none() {
            self.running = Some(OfProcess::new(Self::start(plan)?));
        }
        let running = self.running.as_ref().and_then(OfProcess::get);
        let Some(running) = running else {
            return Ok(None);
        };
        running
            .batches
            .recv()
            .map_or(Ok(None), |made| made.map(Some))
    }
}

impl Iterator for RowStream {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        match self.next_batch() {
            Ok(Some(batch)) => Some(Ok(batch)),
            Ok(None) => {
                self.is_over = true;
                None
            }
            Err(failure) => {
                self.is_over = true;
                let error = io::Error::other(failure.message.clone());
                let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                *failed = Some(failure);
                Some(Err(ArrowError::ExternalError(Box::new(error))))
            }
        }
    }
}

impl RecordBatchReader for RowStream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.watch.cancel();
    }
}

/// Reason that a scan ends early.
enum Stop {
    /// The reader has gone.
    Gone,
    /// The rows cannot be read.
    Read(TableError),
    /// A row is no row of columns.
    Failed(Failure),
}

impl From<TableError> for Stop {
    fn from(error: TableError) -> Self {
        Self::Read(error)
    }
}

/// Makes all batches, and sends them in the order of the rows.
fn produce(
    plan: &Plan,
    to: &mpsc::SyncSender<Result<RecordBatch, Failure>>,
    watch: &Watch,
) -> Result<(), Failure> {
    let from = plan.choice.from;
    if let Some(end) = plan.choice.to {
        let mut converter = Converter::new(plan);
        return each_batch(
            &plan.target,
            &plan.selection(),
            end,
            watch,
            &mut |batch, first, most| {
                let made = converter.first(batch, most);
                let made = made.map_err(|fault| plan.blame(first, fault))?;
                Ok(made.into_iter().all(|rows| to.send(Ok(rows)).is_ok()))
            },
        );
    }
    let batches = plan.target.batches(&plan.selection())?;
    let scan = Scan {
        batches: &*batches,
        threads: threads(),
        progress: watch,
    };
    let done = scan.run(
        || Converter::new(plan),
        // Only the fold knows the number of a row.
        |converter, batch| match converter.all(batch) {
            Err(Fault::Read(error)) => Err(Stop::Read(error)),
            made => Ok(made),
        },
        |made| {
            let rows = made.value;
            let rows = rows.map_err(|f| Stop::Failed(plan.blame(from + made.first, f)))?;
            for rows in rows {
                to.send(Ok(rows)).map_err(|_| Stop::Gone)?;
            }
            Ok(ControlFlow::Continue(()))
        },
    );
    match done {
        Ok(()) | Err(Stop::Gone) => Ok(()),
        // The reader has gone.
        Err(Stop::Read(TableError::Interrupted)) => Err(Error::Interrupted.into()),
        Err(Stop::Read(error)) => Err(plan.target.blame(error).into()),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

/// Returns the capsule of a stream. It owns the stream until a reader moves it out.
pub(crate) fn stream_capsule(
    py: Python<'_>,
    rows: impl RecordBatchReader + Send + 'static,
) -> PyResult<Bound<'_, PyCapsule>> {
    let stream = FFI_ArrowArrayStream::new(Box::new(rows));
    PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
}

/// Returns the capsule of a schema.
pub(crate) fn schema_capsule<'py>(
    py: Python<'py>,
    schema: &SchemaRef,
) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema.as_ref());
    let schema = schema.map_err(|e| Failure::new(ErrorKind::Unsupported, e.to_string()))?;
    PyCapsule::new_with_value(py, schema, c"arrow_schema")
}
