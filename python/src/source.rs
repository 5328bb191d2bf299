//! Sources of rows: a dataset or a file of one, a path, or a URL.

use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use alimentar::catalog::Dataset;
use alimentar::error_kind::ErrorKind;
use alimentar::file_io::IfExists;
use alimentar::ident::Reference;
use alimentar::inspect::ReadOptions;
use alimentar::progress::Progress;
use alimentar::read_at::ReadAt;
use alimentar::registry::DatasetError;
use alimentar::registry::Descriptions;
use alimentar::registry::Error;
use alimentar::registry::Listed;
use alimentar::registry::LocalRegistry;
use alimentar::registry::Target;
use alimentar::registry::TargetError;
use alimentar::registry::TargetOptions;
use alimentar::registry::peers::Look;
use alimentar::registry::split_reference;
use alimentar::remote::Remote;
use alimentar::remote::RemoteUrl;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3::types::PyCapsule;
use serde_json::json;

use crate::choice::Choice;
use crate::choice::Filter;
use crate::failure::Failure;
use crate::home;
use crate::intake::Consent;
use crate::look::LookPlace;
use crate::objects;
use crate::plan::Plan;
use crate::process::OfProcess;
use crate::rows;
use crate::stream::FailureSlot;
use crate::stream::RowStream;
use crate::stream::schema_capsule;
use crate::stream::stream_capsule;
use crate::work::Watch;
use crate::work::run;

/// Plans that are kept for further scans.
const PLANS_KEPT: usize = 16;

/// A source of rows and files.
///
/// The locks are held only by threads that hold the interpreter's lock, and never while they wait: they are free in a
/// forked child.
#[derive(Debug)]
#[pyclass(frozen, module = "alimentar._alimentar")]
pub(crate) struct Source {
    /// The text that it was opened with. Of a URL it may have secrets, which no message shows.
    text: String,
    home: PathBuf,
    allow_large: bool,
    found: Found,
    /// The place of a dataset that is not here, or only in part.
    look: Option<LookPlace>,
    opened: Mutex<OfProcess<Opened>>,
}

/// Kind of a source, and its dataset.
#[derive(Clone, Debug)]
enum Found {
    /// A dataset, and the path of one of its files.
    Dataset(Box<Dataset>, Option<String>),
    /// A file or a directory.
    Path,
    /// A place elsewhere.
    Url,
}

/// Parts that are opened when they are needed.
#[derive(Default)]
struct Opened {
    look: Option<Arc<Look>>,
    target: Option<Target>,
    files: HashMap<String, Arc<dyn ReadAt>>,
    plans: HashMap<PlanKey, Arc<Plan>>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opened")
    }
}

/// Columns and range, which determine the types of columns.
type PlanKey = (Vec<String>, u64, Option<u64>);

impl Source {
    fn opened(&self) -> MutexGuard<'_, OfProcess<Opened>> {
        let mut guard = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if guard.get().is_none() {
            *guard = OfProcess::new(Opened::default());
        }
        guard
    }

    /// Returns the dataset.
    ///
    /// # Errors
    /// `wish` needs one, and there is none.
    fn dataset(&self, wish: &str) -> Result<Dataset, Failure> {
        match &self.found {
            Found::Dataset(dataset, _) => Ok((**dataset).clone()),
            Found::Path | Found::Url => {
                let message = format!(
                    "`{}` is no dataset, and only a dataset {wish}",
                    self.shown()
                );
                Err(Failure::new(ErrorKind::Unsupported, message)
                    .with_hint("`alimentar.index(...)` makes a dataset of it"))
            }
        }
    }

    /// Returns the text that it was opened with, without secrets.
    fn shown(&self) -> String {
        match RemoteUrl::parse(&self.text) {
            Ok(url) if matches!(self.found, Found::Url) => url.to_string(),
            _ => self.text.clone(),
        }
    }

    /// Returns what `open_target` needs.
    fn place(&self) -> Place {
        Place {
            text: match &self.found {
                Found::Dataset(dataset, None) => dataset.manifest.content_id.to_string(),
                Found::Dataset(dataset, Some(path)) => {
                    format!("{}:{path}", dataset.manifest.content_id)
                }
                Found::Path | Found::Url => self.text.clone(),
            },
            home: self.home.clone(),
            allow_large: self.allow_large,
            is_dataset: matches!(self.found, Found::Dataset(..)),
            look: None,
            remote: matches!(self.found, Found::Url).then(|| home::remote(&self.home)),
        }
    }

    /// Returns the look into a dataset that is not here. A forked child begins one of its own.
    fn look(&self, py: Python<'_>) -> PyResult<Option<Arc<Look>>> {
        let Some(place) = self.look.clone() else {
            return Ok(None);
        };
        if let Some(look) = self.opened().get().and_then(|o| o.look.clone()) {
            return Ok(Some(look));
        }
        let home = self.home.clone();
        let look = run(py, None, move |watch| place.open(&home, watch))?;
        if let Some(opened) = self.opened().get_mut() {
            opened.look = Some(Arc::clone(&look));
        }
        Ok(Some(look))
    }

    /// Returns the rows, which the first call opens.
    fn target(&self, py: Python<'_>) -> PyResult<Target> {
        if let Some(target) = self.opened().get().and_then(|o| o.target.clone()) {
            return Ok(target);
        }
        let mut place = self.place();
        if let (Found::Dataset(_, path), Some(look)) = (&self.found, self.look(py)?) {
            place.look = Some((look, path.clone()));
        }
        let target = run(py, None, move |_| place.open())?;
        if let Some(opened) = self.opened().get_mut() {
            opened.target = Some(target.clone());
        }
        Ok(target)
    }

    /// Returns the plan of a scan. Plans of a dataset are kept, because it does not change.
    fn plan(
        &self,
        py: Python<'_>,
        choice: &Choice,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Arc<Plan>> {
        let key = (choice.columns.clone(), choice.from, choice.to);
        let kept = self.opened().get().and_then(|o| o.plans.get(&key).cloned());
        if let Some(kept) = kept {
            return Ok(Arc::new(kept.with_choice(choice)));
        }
        let (target, choice) = (self.target(py)?, choice.clone());
        let made = run(py, progress, move |watch| {
            Plan::new(&target, &choice, &**watch)
        })?;
        let made = Arc::new(made);
        if let (Found::Dataset(..), Some(opened)) = (&self.found, self.opened().get_mut()) {
            if opened.plans.len() >= PLANS_KEPT {
                opened.plans.clear();
            }
            opened.plans.insert(key, Arc::clone(&made));
        }
        Ok(made)
    }

    /// Returns the bytes of a file.
    fn file(&self, py: Python<'_>, path: &str) -> PyResult<Arc<dyn ReadAt>> {
        if let Some(file) = self.opened().get().and_then(|o| o.files.get(path).cloned()) {
            return Ok(file);
        }
        let (mut place, wanted) = (self.place(), path.to_owned());
        if let Found::Dataset(dataset, _) = &self.found {
            place.text = format!("{}:{path}", dataset.manifest.content_id);
            place.look = self.look(py)?.map(|look| (look, Some(path.to_owned())));
        }
        let shown = self.shown();
        let file = run(py, None, move |_| {
            let target = place.open()?;
            let files = target.files();
            let found = match files {
                [only] => Some(only).filter(|f| f.path() == wanted || place.is_dataset),
                several => several.iter().find(|f| f.path() == wanted),
            };
            let found = found.ok_or_else(|| {
                Error::Dataset(DatasetError::NoSuchFile {
                    path: wanted,
                    dataset: shown,
                })
            })?;
            Ok(found.bytes()?)
        })?;
        if let Some(opened) = self.opened().get_mut() {
            opened.files.insert(path.to_owned(), Arc::clone(&file));
        }
        Ok(file)
    }
}

/// The place of a target.
struct Place {
    text: String,
    home: PathBuf,
    allow_large: bool,
    is_dataset: bool,
    /// A look into a dataset that is not here, and the path of one of its files.
    look: Option<(Arc<Look>, Option<String>)>,
    remote: Option<Remote>,
}

impl Place {
    fn open(&self) -> Result<Target, Failure> {
        if let Some((look, path)) = &self.look {
            let how = (self.home.as_path(), ReadOptions::default());
            return Ok(Target::of_look(&self.text, look, path.as_deref(), how)?);
        }
        let mut options = TargetOptions::default();
        options.allow_large = self.allow_large;
        options.remote = self.remote.clone();
        Ok(match self.is_dataset {
            true => Target::open_dataset(&self.text, &self.home, &options)?,
            false => Target::open_with(&self.text, &self.home, &options)?,
        })
    }
}

/// Options of opening, as Python passes them.
#[derive(Clone, Debug, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct OpenOptions {
    /// The id that a dataset must have.
    content_id: Option<String>,
    /// True if the text names no path and no URL.
    is_dataset: bool,
    allow_large: bool,
    allow_withdrawn: bool,
    /// Peers that are asked for a dataset that is not here.
    peers: Vec<String>,
    publishers: Vec<String>,
    unsigned: bool,
}

/// A look that was begun, and its place.
type LookAt = (LookPlace, Arc<Look>);

/// Finds out what a text names: here, or else at the peers.
fn find(
    text: &str,
    home: &Path,
    options: &OpenOptions,
    watch: &Arc<Watch>,
) -> Result<(Found, Option<LookAt>), Failure> {
    let failure = match find_here(text, home, options) {
        Ok(found) => return Ok((found, None)),
        Err(failure) => failure,
    };
    if options.peers.is_empty() || failure.kind != ErrorKind::NotFound {
        return Err(failure);
    }
    let (reference, path) = split_reference(text);
    let place = LookPlace {
        reference: options.content_id.clone().unwrap_or(reference),
        peers: options.peers.clone(),
        consent: Consent {
            publishers: options.publishers.clone(),
            unsigned: options.unsigned,
            allow_large: options.allow_large,
        },
    };
    let look = place.open(home, watch)?;
    let dataset = look.offer().listed.dataset.clone();
    let found = Found::Dataset(Box::new(dataset), path.map(str::to_owned));
    Ok((found, Some((place, look))))
}

fn find_here(text: &str, home: &Path, options: &OpenOptions) -> Result<Found, Failure> {
    let OpenOptions {
        content_id,
        is_dataset,
        allow_withdrawn,
        ..
    } = options;
    let (content_id, is_dataset) = (content_id.as_deref(), *is_dataset);
    let path = Path::new(text);
    if content_id.is_none() && !is_dataset {
        if RemoteUrl::looks_like_url(text) && !path.exists() {
            return Ok(Found::Url);
        }
        if path.symlink_metadata().is_ok() {
            return Ok(Found::Path);
        }
    }
    let (reference, path) = split_reference(text);
    let not_here = || Error::Target(TargetError::NotHere(text.to_owned()));
    let parsed = reference.parse::<Reference>().map_err(|error| {
        // A text with an `@` is no path, and what is wrong with it helps.
        match is_dataset || reference.contains('@') {
            true => Failure::from(error),
            false => not_here().into(),
        }
    })?;
    if !home.exists() {
        return Err(not_here().into());
    }
    let registry = home::registry(home, false)?;
    let mut dataset = registry.resolve(&parsed);
    if let Some(id) = content_id {
        let is_it = |d: &Dataset| d.manifest.content_id.to_string() == id;
        if !dataset.as_ref().is_ok_and(is_it) {
            dataset = registry.resolve(&id.parse::<Reference>()?);
        }
    }
    let dataset = dataset?;
    if !*allow_withdrawn {
        refuse_withdrawn(&registry, &dataset)?;
    }
    Ok(Found::Dataset(Box::new(dataset), path.map(str::to_owned)))
}

fn refuse_withdrawn(registry: &LocalRegistry, dataset: &Dataset) -> Result<(), Failure> {
    let listed = Listed::of(&registry.trust().store()?, dataset.clone());
    let Some(reason) = listed.withdrawn else {
        return Ok(());
    };
    let m = &dataset.manifest;
    let dataset = format!("{}@{}", m.name, m.dataset_version);
    let error = Failure::from(Error::Dataset(DatasetError::Withdrawn { dataset, reason }));
    Err(error.with_hint("allow_withdrawn=True uses it all the same"))
}

#[pymethods]
impl Source {
    /// Finds a source. No row of it is read yet.
    #[new]
    fn new(
        py: Python<'_>,
        text: String,
        home: Option<PathBuf>,
        options: OpenOptions,
    ) -> PyResult<Self> {
        let home = home::path_of(home)?;
        let allow_large = options.allow_large;
        let (named, at) = (text.clone(), home.clone());
        let (found, look) = run(py, None, move |watch| find(&named, &at, &options, watch))?;
        let (look, opened) = look.unzip();
        Ok(Self {
            text,
            home,
            allow_large,
            found,
            look,
            opened: Mutex::new(OfProcess::new(Opened {
                look: opened,
                ..Opened::default()
            })),
        })
    }

    /// Returns the registry's directory.
    #[getter]
    fn home(&self) -> PathBuf {
        self.home.clone()
    }

    /// Returns facts about it as JSON.
    fn info(&self, py: Python<'_>) -> PyResult<String> {
        let (found, home, shown) = (self.found.clone(), self.home.clone(), self.shown());
        run(py, None, move |_| {
            let dataset = match found {
                Found::Path => return Ok(json!({"kind": "path", "text": shown}).to_string()),
                Found::Url => return Ok(json!({"kind": "url", "text": shown}).to_string()),
                Found::Dataset(dataset, path) => (*dataset, path),
            };
            let registry = home::registry(&home, false)?;
            let (dataset, path) = dataset;
            let m = &dataset.manifest;
            let more = json!({
                "kind": "dataset",
                "text": shown,
                "path": path,
                "num_files": m.num_files,
                "description": m.description,
            });
            let listed = Listed::of(&registry.trust().store()?, dataset);
            let mut object = objects::listed(listed.summary());
            objects::remove(&mut object, "accepted");
            Ok(objects::joined(object, more).to_string())
        })
    }

    /// Returns its files as JSON.
    fn files(&self, py: Python<'_>) -> PyResult<String> {
        if let (Found::Dataset(_, path), Some(look)) = (&self.found, self.look(py)?) {
            let files = look.table().files().iter();
            let files = files.filter(|f| path.as_ref().is_none_or(|p| *p == f.path));
            return Ok(serde_json::Value::from_iter(files.map(objects::file)).to_string());
        }
        if let Found::Dataset(dataset, path) = &self.found {
            let (dataset, path, home) = (dataset.clone(), path.clone(), self.home.clone());
            return run(py, None, move |_| {
                let table = home::registry(&home, false)?.files(&dataset.manifest)?;
                let files = table.files().iter();
                let files = files.filter(|f| path.as_ref().is_none_or(|p| *p == f.path));
                Ok(serde_json::Value::from_iter(files.map(objects::file)).to_string())
            });
        }
        let target = self.target(py)?;
        let files = target.files().iter().map(objects::file_elsewhere);
        Ok(serde_json::Value::from_iter(files).to_string())
    }

    /// Returns its card as JSON.
    fn card(&self, py: Python<'_>) -> PyResult<String> {
        let (dataset, home) = (self.dataset("has a card")?, self.home.clone());
        let look = self.look(py)?;
        run(py, None, move |_| {
            if let Some(look) = &look {
                look.card()?;
                look.save();
            }
            let report = home::registry(&home, false)?
                .descriptions()
                .card(&dataset)?;
            Ok(json!({
                "drafted": report.is_draft,
                "error": report.card.error.map(|e| e.to_string()),
                "frontmatter": report.card.front_matter,
                "markdown": report.card.markdown,
            })
            .to_string())
        })
    }

    /// Returns the columns as JSON: those of the manifest, or else those of the first file with any.
    fn fields(&self, py: Python<'_>) -> PyResult<String> {
        if let Found::Dataset(dataset, None) = &self.found
            && let Some(schema) = Descriptions::schema(&dataset.manifest)
        {
            return Ok(objects::fields(&schema).to_string());
        }
        let target = self.target(py)?;
        run(py, None, move |_| {
            for file in target.files() {
                if let (_, Some(schema)) = file.describe()? {
                    return Ok(objects::fields(&schema).to_string());
                }
            }
            Ok("[]".to_owned())
        })
    }

    /// Counts rows; with `numbers`, also the blank lines that have one.
    #[pyo3(signature = (numbers, progress=None))]
    fn count(
        &self,
        py: Python<'_>,
        numbers: bool,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<u64> {
        if let (Found::Dataset(dataset, None), false) = (&self.found, numbers) {
            return Ok(dataset.manifest.num_rows);
        }
        let target = self.target(py)?;
        run(py, progress, move |watch| {
            Ok(match numbers {
                true => target.count(&**watch)?,
                false => target.rows(&**watch)?,
            })
        })
    }

    /// Returns 32 bytes that stand for the content: the content id, or a hash of what is known of other files.
    fn identity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        if let Found::Dataset(dataset, None) = &self.found {
            return Ok(PyBytes::new(py, dataset.manifest.content_id.as_bytes()));
        }
        let target = self.target(py)?;
        let hex = run(py, None, move |_| Ok(target.identity()?))?;
        let bytes = alimentar::ident::from_hex::<32>(&hex);
        let bytes = bytes.ok_or_else(|| Failure::new(ErrorKind::Io, "no identity"))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Reads rows by their numbers, which are in ascending order, as JSON.
    fn rows(&self, py: Python<'_>, numbers: Vec<u64>) -> PyResult<Vec<(u64, String)>> {
        let target = self.target(py)?;
        run(py, None, move |watch| {
            rows::read(&target, &numbers, &**watch)
        })
    }

    /// Returns the length of a file in bytes.
    fn size(&self, py: Python<'_>, path: &str) -> PyResult<u64> {
        Ok(self.file(py, path)?.len())
    }

    /// Reads bytes of a file.
    fn read<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        offset: u64,
        length: u64,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let file = self.file(py, path)?;
        let bytes = run(py, None, move |watch| {
            let end = offset.saturating_add(length).min(file.len());
            let length = usize::try_from(end.saturating_sub(offset));
            let length = length.map_err(|_| Failure::invalid("it is too long for the memory"))?;
            let mut bytes = vec![0; length];
            let mut filled = 0;
            while let Some(rest) = bytes.get_mut(filled..).filter(|r| !r.is_empty()) {
                if watch.cancelled() {
                    return Err(Error::Interrupted.into());
                }
                match file.read_at(rest, offset + filled as u64) {
                    Ok(0) => break,
                    Ok(n) => filled += n,
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(e) => return Err(read_failure(&e)),
                }
            }
            bytes.truncate(filled);
            Ok(bytes)
        })?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Verifies all bytes. Returns the result as JSON.
    #[pyo3(signature = (progress=None))]
    fn verify(&self, py: Python<'_>, progress: Option<&Bound<'_, PyAny>>) -> PyResult<String> {
        let (dataset, home) = (self.dataset("can be verified")?, self.home.clone());
        let look = self.look(py)?;
        run(py, progress, move |watch| {
            if let Some(look) = &look {
                look.fetch_all(&**watch)?;
            }
            let registry = home::registry(&home, false)?;
            registry.verify(&dataset, &**watch)?;
            let id = dataset.manifest.content_id.to_string();
            let key = dataset.manifest.signer.map(|k| k.to_hex());
            let signature = match &look {
                // Its manifest is not in the catalogue; it was verified when it came.
                Some(look) => look.offer().listed.policy_input.signature,
                None => registry.publishing().signature(&dataset)?,
            };
            let mut listed = Listed::of(&registry.trust().store()?, dataset);
            listed.policy_input.signature = signature;
            Ok(json!({
                "content_id": id,
                "content": "ok",
                "signature": signature.name(),
                "publisher": listed.publisher(),
                "publisher_key": key,
                "trust": listed.trust().name(),
                "withdrawn": listed.withdrawn,
                "revoked_because": listed.revoked,
            })
            .to_string())
        })
    }

    /// Writes the dataset, or a part of it, to a path. Returns the result as JSON.
    #[pyo3(signature = (dest, path=None, overwrite=false, progress=None))]
    fn checkout(
        &self,
        py: Python<'_>,
        dest: PathBuf,
        path: Option<String>,
        overwrite: bool,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        let (dataset, home) = (self.dataset("can be checked out")?, self.home.clone());
        let own = match &self.found {
            Found::Dataset(_, own) => own.clone(),
            _ => None,
        };
        let allow_large = self.allow_large;
        let look = self.look(py)?;
        run(py, progress, move |watch| {
            if let Some(look) = &look {
                look.fetch_all(&**watch)?;
            }
            let registry = home::registry(&home, false)?;
            if !allow_large && let Some(beyond) = registry.maintenance().expansion(&dataset)? {
                return Err(Failure::from(beyond.refused(&dataset.manifest))
                    .with_hint("allow_large=True takes it all the same"));
            }
            let if_exists = match overwrite {
                true => IfExists::Replace,
                false => IfExists::Refuse,
            };
            let path = path.or(own);
            let copies = registry.working_copies();
            let place = (dest.as_path(), if_exists);
            let report = copies.checkout_over(&dataset, path.as_deref(), place, &**watch)?;
            Ok(json!({
                "content_id": dataset.manifest.content_id.to_string(),
                "files": report.files,
                "bytes": report.bytes,
            })
            .to_string())
        })
    }
}

fn read_failure(error: &std::io::Error) -> Failure {
    let kind = match error.kind() {
        std::io::ErrorKind::InvalidData => ErrorKind::Integrity,
        _ => ErrorKind::of_io(error),
    };
    Failure::new(kind, error.to_string())
}

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
