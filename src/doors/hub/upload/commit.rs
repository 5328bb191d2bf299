//! Commits: the next version of a dataset, made of kept files and of those that were uploaded.

use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;

use hyper::StatusCode;
use serde::Serialize;

use crate::catalog::Dataset;
use crate::doors::body::Answer;
use crate::doors::catalogue::DatasetList;
use crate::doors::error::DoorError;
use crate::doors::hub::limits::COMMIT_BYTES_MAX;
use crate::doors::hub::limits::OBJECT_TIME;
use crate::doors::hub::refusal::Refusal;
use crate::doors::hub::reply::json;
use crate::doors::hub::repo::NO_COMMIT;
use crate::doors::hub::repo::commit_of;
use crate::doors::hub::route::RepoName;
use crate::doors::hub::upload::area::UploadArea;
use crate::doors::hub::upload::before::repo_url;
use crate::doors::hub::upload::changes::Changes;
use crate::doors::hub::upload::changes::LargeFile;
use crate::doors::hub::upload::copies::copied;
use crate::doors::hub::upload::incoming::read_with;
use crate::doors::hub::upload::permission::permitted;
use crate::doors::request::DoorRequest;
use crate::doors::shown::LOCAL;
use crate::doors::shown::ShownDataset;
use crate::doors::state::Doors;
use crate::doors::visitor::Visitor;
use crate::ident::DatasetName;
use crate::ident::EnvelopeId;
use crate::manifest::Manifest;
use crate::progress::NoProgress;
use crate::registry::AssemblyOptions;
use crate::registry::IndexOptions;
use crate::registry::IndexReport;
use crate::registry::LocalRegistry;
use crate::registry::NewFile;
use crate::registry::peers::Showing;
use crate::registry::served::ServedDataset;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CommittedJson {
    success: bool,
    commit_oid: String,
    commit_url: String,
    hook_output: &'static str,
}

/// Makes the next version from the changes in a body.
///
/// # Errors
/// A refusal for a client that may not write, for changes of another form, and for a dataset that changed since.
pub(in crate::doors::hub) async fn commit(
    doors: &Arc<Doors>,
    visitor: &Visitor,
    request: DoorRequest,
    asked: &RepoName,
    revision: &str,
) -> Result<Answer, Refusal> {
    let name = permitted(doors, visitor, asked)?;
    if revision != "main" || request.param("create_pr").is_some() {
        let text =
            "an upload is the next version of a dataset: commit to `main`, without a pull request";
        return Err(DoorError::Invalid(text.to_owned()).into());
    }
    let url = repo_url(&request.base(), &name);
    let room = doors.uploads.room_for_commit().await?;
    let area = doors.uploads.area.clone();
    let changes = read_with(request.body, COMMIT_BYTES_MAX, move |body| {
        let directory = area.directory()?;
        Changes::read(&mut BufReader::with_capacity(256 << 10, body), directory)
    });
    let changes = changes.await?;
    // The base of one commit is the result of the other. The work goes on if the client leaves.
    let turn = Arc::clone(&doors.uploads.publishing).lock_owned().await;
    let list = doors.catalogue.list(visitor).await?;
    let newest = list.newest(LOCAL, name.as_str());
    if newest.as_ref().is_some_and(|d| !d.is_here) {
        let text = "the newest version is not in this node; its owner pulls it first";
        return Err(DoorError::Forbidden(text.to_owned()).into());
    }
    let at = newest
        .as_ref()
        .map_or_else(|| NO_COMMIT.to_owned(), |d| commit_of(&d.content_id));
    let is_outdated = |parent: &String| parent.len() < 7 || !at.starts_with(parent.as_str());
    if changes.parent.as_ref().is_some_and(is_outdated) {
        let text = format!("the dataset is at the commit {at} now");
        return Err(Refusal::outdated(text));
    }
    let work = Publishing {
        registry: doors.catalogue.registry().clone(),
        showing: doors.options.showing,
        area: doors.uploads.area.clone(),
        name: name.clone(),
        base: newest,
        seen: seen_versions(&list, &name),
        changes,
    };
    let made = doors.catalogue.blocking(move || {
        let _turn = (room, turn);
        work.run()
    });
    let manifest = made.await??;
    doors.uploads.note_filled(name.as_str());
    let commit_oid = commit_of(&manifest.content_id);
    let committed = CommittedJson {
        success: true,
        commit_url: format!("{url}/commit/{commit_oid}"),
        commit_oid,
        hook_output: "",
    };
    Ok(json(StatusCode::OK, &committed))
}

fn seen_versions(list: &DatasetList, name: &DatasetName) -> Vec<EnvelopeId> {
    let versions = list.versions(LOCAL, name.as_str()).iter();
    versions.map(|d| d.envelope_id).collect()
}

/// The making of a version.
struct Publishing {
    registry: LocalRegistry,
    showing: Showing,
    area: UploadArea,
    name: DatasetName,
    /// The newest version that the client sees.
    base: Option<Arc<ShownDataset>>,
    /// All versions that the client sees.
    seen: Vec<EnvelopeId>,
    changes: Changes,
}

impl Publishing {
    fn run(&self) -> Result<Manifest, DoorError> {
        self.check_name()?;
        let base = self.base_dataset()?;
        let mut options = AssemblyOptions::new(self.name.clone(), IndexOptions::default());
        // The next number of this registry could be before those of a version from elsewhere.
        options.index.version = base
            .as_ref()
            .filter(|base| base.flags.foreign)
            .map(|base| base.manifest.dataset_version.next());
        options.base = base;
        let changes = &self.changes;
        options.removed.clone_from(&changes.removed);
        options.added.clone_from(&changes.added);
        for file in &changes.large {
            let at = self.find(file)?;
            let path = file.path.clone();
            options.added.push(NewFile { path, at });
        }
        let mut report = self.assemble(&options)?;
        // A state from before has its version, and becomes the newest again by a number of its own.
        let before = options.base.as_ref().map(|base| &base.manifest);
        let returned =
            before.filter(|m| report.unchanged && m.content_id != report.manifest.content_id);
        if let Some(version) = returned.map(|m| m.dataset_version.next()) {
            options.index.version = Some(version);
            report = self.assemble(&options)?;
        }
        let large = self.changes.large.iter();
        large.for_each(|file| self.area.forget(&file.oid));
        self.area.sweep(OBJECT_TIME);
        show(&self.registry, self.showing, &report.manifest)?;
        Ok(report.manifest)
    }

    /// Finds a large file that was uploaded, or that the newest version has.
    fn find(&self, file: &LargeFile) -> Result<PathBuf, DoorError> {
        let found = match file.size {
            Some(size) => self.area.find(&file.oid, size),
            None => self.area.find_any(&file.oid),
        };
        if let Some(found) = found {
            return Ok(found);
        }
        let base = self.base.as_ref().map(|base| base.envelope_id);
        let opened = base.map(|id| ServedDataset::open(&self.registry, &id, self.showing));
        let copied = match opened.transpose()?.flatten() {
            Some(from) => copied(&from, file, &self.changes)?,
            None => None,
        };
        copied.ok_or_else(|| {
            let path = &file.path;
            let text = format!("`{path}` was not uploaded before the commit; upload it again");
            DoorError::Invalid(text)
        })
    }

    fn assemble(&self, options: &AssemblyOptions) -> Result<IndexReport, DoorError> {
        let report = self.registry.assemble(options, &NoProgress);
        report.map_err(refused)
    }

    /// Refuses a name under which this registry has versions that the client does not see.
    fn check_name(&self) -> Result<(), DoorError> {
        let held = self.registry.list()?;
        let is_hidden = |d: &Dataset| {
            let is_own = d.manifest.name == self.name && !d.flags.foreign;
            is_own && !self.seen.contains(&d.envelope_id)
        };
        match held.iter().any(is_hidden) {
            true => Err(DoorError::Forbidden(format!(
                "the owner of this node has other versions of `{}`; upload under another name",
                self.name
            ))),
            false => Ok(()),
        }
    }

    fn base_dataset(&self) -> Result<Option<Dataset>, DoorError> {
        let Some(base) = &self.base else {
            return Ok(None);
        };
        let peers = self.registry.peers();
        let found = peers.shown_by_envelope(&base.envelope_id, self.showing)?;
        let gone = || DoorError::Busy("the dataset changed meanwhile; try again".to_owned());
        found.map(Some).ok_or_else(gone)
    }
}

/// Returns the error of an assembly. A fault of the files is the client's.
fn refused(error: crate::registry::Error) -> DoorError {
    use crate::error_kind::Classify as _;
    use crate::error_kind::ErrorKind;

    match error.kind() {
        ErrorKind::Invalid | ErrorKind::Conflict => DoorError::Invalid(error.to_string()),
        _ => error.into(),
    }
}

/// Shows the version, as the client expects to read it back, where the node shows no unsigned versions by itself.
fn show(registry: &LocalRegistry, showing: Showing, manifest: &Manifest) -> Result<(), DoorError> {
    let held = registry.list()?;
    let is_it = |d: &&Dataset| {
        let m = &d.manifest;
        m.signer.is_none()
            && m.content_id == manifest.content_id
            && (&m.name, &m.dataset_version) == (&manifest.name, &manifest.dataset_version)
    };
    let Some(made) = held.iter().find(is_it) else {
        return Ok(());
    };
    let peers = registry.peers();
    let shown = peers.shown_by_envelope(&made.envelope_id, showing)?;
    match shown {
        Some(_) => Ok(()),
        None => Ok(peers.share(made)?),
    }
}
