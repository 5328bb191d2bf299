//! Sources of rows: a dataset or a file of one, a path, or a URL.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use alimentar::catalog::Dataset;
use alimentar::error_kind::ErrorKind;
use alimentar::file_io::IfExists;
use alimentar::progress::Progress;
use alimentar::read_at::ReadAt;
use alimentar::registry::DatasetError;
use alimentar::registry::Descriptions;
use alimentar::registry::Error;
use alimentar::registry::Listed;
use alimentar::registry::Target;
use alimentar::registry::peers::Look;
use alimentar::remote::RemoteUrl;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::json;

use crate::choice::Choice;
use crate::failure::Failure;
use crate::home;
use crate::look::LookPlace;
use crate::objects;
use crate::opening::Found;
use crate::opening::OpenOptions;
use crate::opening::Place;
use crate::opening::find;
use crate::plan::Plan;
use crate::process::OfProcess;
use crate::rows;
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
    ///
    /// # Errors
    /// [`Failure`] for settings of connections in the environment that make no sense.
    fn place(&self) -> Result<Place, Failure> {
        let is_url = matches!(self.found, Found::Url);
        Ok(Place {
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
            remote: is_url.then(|| home::remote(&self.home)).transpose()?,
        })
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
        let mut place = self.place()?;
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
    pub(crate) fn plan(
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
        let (mut place, wanted) = (self.place()?, path.to_owned());
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
                    Err(e) => return Err(Failure::of_reading(&e)),
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
