//! Opening: from a text to a dataset, a path, a URL, or a look at peers.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use alimentar::catalog::Dataset;
use alimentar::error_kind::ErrorKind;
use alimentar::ident::Reference;
use alimentar::inspect::ReadOptions;
use alimentar::registry::DatasetError;
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

use crate::failure::Failure;
use crate::home;
use crate::intake::Consent;
use crate::look::LookPlace;
use crate::work::Watch;

/// Kind of a source, and its dataset.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// A dataset, and the path of one of its files.
    Dataset(Box<Dataset>, Option<String>),
    /// A file or a directory.
    Path,
    /// A place elsewhere.
    Url,
}

/// The place of a target.
pub(crate) struct Place {
    pub(crate) text: String,
    pub(crate) home: PathBuf,
    pub(crate) allow_large: bool,
    pub(crate) is_dataset: bool,
    /// A look into a dataset that is not here, and the path of one of its files.
    pub(crate) look: Option<(Arc<Look>, Option<String>)>,
    pub(crate) remote: Option<Remote>,
}

impl Place {
    pub(crate) fn open(&self) -> Result<Target, Failure> {
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
    pub(crate) allow_large: bool,
    allow_withdrawn: bool,
    /// Peers that are asked for a dataset that is not here.
    peers: Vec<String>,
    publishers: Vec<String>,
    unsigned: bool,
}

/// A look that was begun, and its place.
pub(crate) type LookAt = (LookPlace, Arc<Look>);

/// Finds out what a text names: here, or else at the peers.
pub(crate) fn find(
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
