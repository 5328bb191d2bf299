//! Identity of a target's content.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use crate::registry::Target;
use crate::registry::TargetOptions;
use crate::registry::cache::files::stamp_of;
use crate::registry::error::Error;
use crate::registry::error::target::TargetError;
use crate::registry::targets::file::FileLocation;
use crate::registry::targets::file::TargetFile;
use crate::registry::targets::places::dataset_files::in_store;

impl Target {
    /// Opens a dataset of the registry, or a file of one after a colon. Paths are never looked at.
    ///
    /// # Errors
    /// As [`Target::open_with`].
    pub fn open_dataset(text: &str, home: &Path, options: &TargetOptions) -> Result<Self, Error> {
        let (files, dataset) = in_store(text, home, options.allow_large)?;
        if files.is_empty() {
            return Err(TargetError::NoRows(text.to_owned()).into());
        }
        let target = Self {
            name: text.to_owned(),
            files: Arc::new(files),
            home: home.to_owned(),
            dataset: Some(dataset),
            spooled: Vec::new(),
        };
        let target = target.read_as(options.reading);
        match options.edits {
            true => target.with_edits(),
            false => Ok(target),
        }
    }

    /// Returns a text that changes when the content of one of its files changes: of content ids for
    /// stored files, and of metadata for files on disk.
    ///
    /// # Errors
    /// [`Error::File`] when a file is gone or cannot be opened.
    pub fn identity(&self) -> Result<String, Error> {
        let mut hasher = blake3::Hasher::new();
        for file in self.files.iter() {
            hasher.update(file.path.as_bytes());
            hasher.update(&[0]);
            add_place(&mut hasher, &file.place)?;
        }
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// Returns true if it is a dataset of the registry, or a file of one.
    pub fn is_dataset(&self) -> bool {
        let is_held = |file: &TargetFile| match &file.place {
            FileLocation::Edited(base, _) => matches!(base.place, FileLocation::Store(_)),
            _ => false,
        };
        // The edits of a dataset make it a target of other rows.
        self.dataset.is_some() || self.files.iter().any(is_held)
    }
}

/// Adds what tells the content of a file from other content.
fn add_place(hasher: &mut blake3::Hasher, place: &FileLocation) -> Result<(), Error> {
    match place {
        FileLocation::Disk(path) => {
            let fail = |e| Error::file("read", path, e);
            let opened = File::open(path).map_err(fail)?;
            let (stamp, _) = stamp_of(&opened).map_err(fail)?;
            hasher.update(format!("{stamp:?}").as_bytes());
        }
        FileLocation::Remote(place) => {
            let file = place.file()?;
            hasher.update(format!("{} {:?}", file.url(), file.validator()).as_bytes());
        }
        FileLocation::Store(stored) => {
            hasher.update(format!("{:?}", stored.text()).as_bytes());
        }
        FileLocation::Edited(base, overlay) => {
            add_place(hasher, &base.place)?;
            hasher.update(format!("{overlay:?}").as_bytes());
        }
    }
    Ok(())
}
