//! Targets read as if their edits were applied.

use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::inspect::edits::FileOverlay;
use crate::inspect::edits::Journal;
use crate::registry::Target;
use crate::registry::edits::base::EditBase;
use crate::registry::edits::error::EditError;
use crate::registry::edits::journal_file::has_journals;
use crate::registry::edits::journal_file::read_journal;
use crate::registry::error::Error;
use crate::registry::targets::edited::EditForm;
use crate::registry::targets::edited::form_of;
use crate::registry::targets::file::FileLocation;
use crate::registry::targets::file::TargetFile;

impl Target {
    /// Returns the target read as if the edits of its files were applied.
    ///
    /// # Errors
    /// [`EditError::BaseChanged`] if a file was changed since its edits were made, and errors of
    /// reading.
    pub fn with_edits(self) -> Result<Self, Error> {
        match has_journals(&self.home) {
            true => self.with_journals(HashMap::new()),
            false => Ok(self),
        }
    }

    /// Returns the target read with the edits that its files have now, in place of those that it was
    /// read with.
    ///
    /// # Errors
    /// As [`Target::with_edits`].
    pub fn with_present_edits(self) -> Result<Self, Error> {
        self.without_edits().with_edits()
    }

    /// Returns the target read with the edits of a journal, whatever is on disk.
    ///
    /// # Errors
    /// As [`Target::with_edits`].
    pub(crate) fn with_journal(self, path: &Path, journal: &Journal) -> Result<Self, Error> {
        let journal = Some(journal.clone()).filter(|journal| !journal.active().is_empty());
        self.with_journals(HashMap::from([(path.to_owned(), journal)]))
    }

    fn with_journals(
        mut self,
        mut journals: HashMap<PathBuf, Option<Journal>>,
    ) -> Result<Self, Error> {
        let mut files = Vec::with_capacity(self.files.len());
        let mut has_edits = false;
        for file in self.files.iter() {
            let edited = with_edits(file, &mut journals, &self.home)?;
            has_edits |= edited.is_some();
            files.push(edited.unwrap_or_else(|| file.clone()));
        }
        if has_edits {
            self.files = Arc::new(files);
            // Sketches of the dataset are of other rows.
            self.dataset = None;
        }
        Ok(self)
    }
}

impl Target {
    /// Returns a target of one file.
    pub(crate) fn of_file(file: TargetFile, home: &Path) -> Self {
        Self {
            name: file.path().to_owned(),
            files: Arc::new(vec![file]),
            home: home.to_owned(),
            dataset: None,
            spooled: Vec::new(),
        }
    }

    /// Returns true if its files have the same edits as those of another opening of the target.
    pub(crate) fn has_same_edits(&self, other: &Self) -> bool {
        let overlay = |file: &TargetFile| match &file.place {
            FileLocation::Edited(_, overlay) => Some(Arc::clone(overlay)),
            _ => None,
        };
        let edits = |target: &Self| -> Vec<_> { target.files.iter().map(overlay).collect() };
        edits(self) == edits(other)
    }

    /// Returns the target read without its edits.
    #[must_use]
    pub(crate) fn without_edits(mut self) -> Self {
        let base = |file: &TargetFile| match &file.place {
            FileLocation::Edited(base, _) => base.as_ref().clone(),
            _ => file.clone(),
        };
        self.files = Arc::new(self.files.iter().map(base).collect());
        self
    }
}

fn with_edits(
    file: &TargetFile,
    journals: &mut HashMap<PathBuf, Option<Journal>>,
    home: &Path,
) -> Result<Option<TargetFile>, Error> {
    let Some(base) = EditBase::of(file)? else {
        return Ok(None);
    };
    let path = base.journal_path(home);
    let journal = match journals.get(&path) {
        Some(journal) => journal,
        None => {
            let journal = read_journal(&path)?;
            let journal = journal.filter(|journal| !journal.active().is_empty());
            if let Some(journal) = &journal {
                base.check(journal.base())?;
            }
            journals.entry(path.clone()).or_insert(journal)
        }
    };
    let Some(journal) = journal else {
        return Ok(None);
    };
    let overlay = overlay_of(journal, file, &path)?;
    match overlay.is_empty() {
        true => Ok(None),
        false => file.edited(overlay).map(Some),
    }
}

/// Returns the path of a target's file in a journal.
pub(crate) fn path_in_journal(file: &TargetFile) -> &str {
    match &file.place {
        FileLocation::Store(held) => held.path(),
        FileLocation::Edited(base, _) => path_in_journal(base),
        _ => "",
    }
}

/// Composes the edits of a file.
///
/// # Errors
/// [`EditError::Journal`] for edits that do not fit the file, and errors of reading.
pub(crate) fn overlay_of(
    journal: &Journal,
    file: &TargetFile,
    path: &Path,
) -> Result<FileOverlay, Error> {
    let form = form_of(&file.opened()?).map_err(|why| EditError::NotEditable {
        target: file.path().to_owned(),
        why,
    })?;
    let bytes = match form {
        EditForm::Bytes => Some(file.size_bytes()),
        EditForm::Rows => None,
    };
    let overlay = journal.overlay(path_in_journal(file), bytes);
    overlay.map_err(|source| {
        let path = path.to_owned();
        EditError::Journal { path, source }.into()
    })
}
