//! Collections of JSON documents, for reading.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;

use alimentar::documents::Collection;
use alimentar::documents::DocumentError;
use alimentar::documents::Layout;
use alimentar::documents::Scan;
use alimentar::error_kind::ErrorKind;
use alimentar::ident::Reference;
use alimentar::panics::caught;
use alimentar::registry::DatasetStore;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::failure::Failure;
use crate::home;
use crate::process::OfProcess;
use crate::work::run;

/// Documents that are handed over at once.
const BATCH: usize = 256;
/// Name of the collection where several, or none, are there.
const DEFAULT: &str = "default";

/// A collection of a directory, or of a dataset.
#[pyclass(frozen, module = "alimentar._alimentar")]
pub(crate) struct Documents {
    root: PathBuf,
    collection: Option<String>,
    home: Option<PathBuf>,
    opened: Mutex<OfProcess<Arc<Opened>>>,
}

struct Opened {
    collection: Collection,
    /// The directory of the documents of a dataset, as long as they are read.
    _store: Option<DatasetStore>,
}

impl Opened {
    fn new(root: PathBuf, name: Option<String>, home: PathBuf) -> Result<Self, Failure> {
        let reference = root.to_str().filter(|_| root.symlink_metadata().is_err());
        let reference = reference.and_then(|text| text.parse::<Reference>().ok());
        let store = match reference {
            Some(reference) if home.exists() => {
                let registry = home::registry(&home, false)?;
                let dataset = registry.resolve(&reference)?;
                let copies = registry.working_copies();
                Some(copies.document_store(&dataset, &alimentar::progress::NoProgress)?)
            }
            _ => None,
        };
        let root = store.as_ref().map_or(root.as_path(), |s| s.root());
        let only = || match Layout::collections(root).unwrap_or_default().as_slice() {
            [one] => one.to_string(),
            _ => DEFAULT.to_owned(),
        };
        let layout = Layout::new(root, &name.unwrap_or_else(only))?;
        Ok(Self {
            collection: Collection::open(layout)?,
            _store: store,
        })
    }
}

impl Documents {
    fn opened(&self, py: Python<'_>) -> PyResult<Arc<Opened>> {
        let lock = || self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = lock().get().cloned();
        if let Some(opened) = kept {
            return Ok(opened);
        }
        let opened = open(py, &self.root, &self.collection, &self.home)?;
        *lock() = OfProcess::new(Arc::clone(&opened));
        Ok(opened)
    }
}

fn open(
    py: Python<'_>,
    root: &Path,
    collection: &Option<String>,
    home: &Option<PathBuf>,
) -> PyResult<Arc<Opened>> {
    let home = home::path_of(home.clone())?;
    let (root, collection) = (root.to_owned(), collection.clone());
    run(py, None, move |_| {
        Opened::new(root, collection, home).map(Arc::new)
    })
}

#[pymethods]
impl Documents {
    #[new]
    #[pyo3(signature = (root, collection=None, home=None))]
    fn new(
        py: Python<'_>,
        root: PathBuf,
        collection: Option<String>,
        home: Option<PathBuf>,
    ) -> PyResult<Self> {
        let opened = open(py, &root, &collection, &home)?;
        Ok(Self {
            root,
            collection,
            home,
            opened: Mutex::new(OfProcess::new(opened)),
        })
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        let opened = self.opened(py)?;
        run(py, None, move |_| Ok(opened.collection.len()))
    }

    /// Returns a document as JSON.
    fn get<'py>(&self, py: Python<'py>, id: String) -> PyResult<Bound<'py, PyBytes>> {
        let opened = self.opened(py)?;
        let document = run(py, None, move |_| {
            Ok(opened.collection.get(&id)?.into_bytes())
        })?;
        Ok(PyBytes::new(py, &document))
    }

    /// Begins a scan.
    #[pyo3(signature = (conditions, fields, limit=None))]
    fn scan(
        &self,
        py: Python<'_>,
        conditions: Vec<String>,
        fields: Vec<String>,
        limit: Option<u64>,
    ) -> PyResult<DocumentScan> {
        let opened = self.opened(py)?;
        let mut choice = Scan::all();
        for text in conditions {
            let parsed = text.parse().map_err(|source| {
                Failure::from(DocumentError::Predicate {
                    text: text.chars().take(200).collect(),
                    source,
                })
            })?;
            choice = choice.matching(parsed);
        }
        choice.fields = fields;
        choice.limit = limit;
        let (sender, receiver) = mpsc::sync_channel(4);
        let thread = std::thread::Builder::new().name("alimentar-scan".to_owned());
        let started = thread.spawn(move || {
            let made = caught(|| send_all(&opened.collection, &choice, &sender));
            let panicked = |_| Err(Failure::new(ErrorKind::Io, "a thread panicked"));
            if let Err(failure) = made.unwrap_or_else(panicked) {
                // A reader that has gone wants no error.
                let _ = sender.send(Err(failure));
            }
        });
        started.map_err(|e| Failure::new(ErrorKind::Io, e.to_string()))?;
        Ok(DocumentScan {
            batches: Mutex::new(Some(OfProcess::new(receiver))),
        })
    }
}

/// Documents under way.
type Sent = Result<Vec<Vec<u8>>, Failure>;

fn send_all(
    collection: &Collection,
    choice: &Scan,
    to: &mpsc::SyncSender<Sent>,
) -> Result<(), Failure> {
    let mut batch = Vec::new();
    for document in collection.scan(choice)? {
        batch.push(document?.into_bytes());
        if batch.len() >= BATCH && to.send(Ok(std::mem::take(&mut batch))).is_err() {
            return Ok(());
        }
    }
    // A reader that has gone wants no rest.
    let _ = to.send(Ok(batch));
    Ok(())
}

/// A scan under way.
#[pyclass(frozen, module = "alimentar._alimentar")]
pub(crate) struct DocumentScan {
    batches: Mutex<Option<OfProcess<mpsc::Receiver<Sent>>>>,
}

#[pymethods]
impl DocumentScan {
    /// Returns the next documents; none at the end.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let lock = || self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(batches) = lock().take() else {
            return Ok(Vec::new());
        };
        if batches.get().is_none() {
            let message = "the scan was begun before the process was forked";
            return Err(Failure::new(ErrorKind::Conflict, message).into());
        }
        // A document is at most some megabytes away.
        let (made, batches) = py.detach(move || (batches.get().map(mpsc::Receiver::recv), batches));
        let documents = match made {
            Some(Ok(made)) => made?,
            Some(Err(_)) | None => return Ok(Vec::new()),
        };
        *lock() = Some(batches);
        Ok(documents.iter().map(|d| PyBytes::new(py, d)).collect())
    }
}
