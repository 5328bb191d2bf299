//! Lists of edits.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::path::PathBuf;

use crate::inspect::edits::BaseIdentity;
use crate::inspect::edits::EditCounts;
use crate::inspect::edits::Journal;
use crate::progress::Progress;
use crate::registry::Target;
use crate::registry::TargetOptions;
use crate::registry::edits::base::EditBase;
use crate::registry::edits::base::base_of;
use crate::registry::edits::error::EditError;
use crate::registry::edits::journal_file::JournalFile;
use crate::registry::edits::journal_file::journals;
use crate::registry::edits::journal_file::read_journal;
use crate::registry::error::Error;

/// An edit in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedEdit {
    /// Time of the edit, in seconds since the epoch.
    pub time: i64,
    /// Description of the edit for people.
    pub label: String,
}

/// The edits of one file or dataset.
#[derive(Clone, Debug)]
pub struct EditList {
    /// The file or dataset.
    pub target: String,
    /// Edits that are not undone, oldest first.
    pub active: Vec<ListedEdit>,
    /// Undone edits, the next to make again first.
    pub undone: Vec<ListedEdit>,
    /// Number of edits and of rows that differ.
    pub counts: EditCounts,
    /// The reason why the edits are not applied, if there is one.
    pub refused: Option<String>,
    /// Bytes at the end of the journal that are no whole record.
    pub torn_bytes: u64,
    /// The journal.
    pub journal: PathBuf,
}

/// Returns the edits of a target; an empty list if it has none.
///
/// # Errors
/// [`EditError::Journal`] for a damaged journal, and errors of reading.
pub fn edits_of(text: &str, home: &Path, options: &TargetOptions) -> Result<EditList, Error> {
    let base = base_by_name(text, home, options)?;
    let path = base.journal_path(home);
    match read_journal(&path)? {
        Some(journal) => listed(path, &journal, &base),
        None => Ok(EditList {
            target: base.shown(),
            active: Vec::new(),
            undone: Vec::new(),
            counts: EditCounts::default(),
            refused: None,
            torn_bytes: 0,
            journal: path,
        }),
    }
}

/// Returns the edits of all files and datasets of a home. A damaged journal is an item.
///
/// # Errors
/// Errors of reading the directory.
pub fn all_edits(home: &Path) -> Result<Vec<Result<EditList, Error>>, Error> {
    let mut lists = Vec::new();
    for path in journals(home)? {
        let listed = read_journal(&path).and_then(|journal| {
            let journal = journal.map(|journal| {
                let base = base_in(journal.base());
                listed(path.clone(), &journal, &base)
            });
            journal.transpose()
        });
        lists.extend(listed.transpose());
    }
    Ok(lists)
}

fn base_in(recorded: &BaseIdentity) -> EditBase {
    match recorded {
        BaseIdentity::File { path, .. } => {
            EditBase::File(PathBuf::from(std::ffi::OsStr::from_bytes(path)))
        }
        BaseIdentity::Dataset { content_id, name } => EditBase::Dataset {
            content_id: *content_id,
            name: name.clone(),
        },
    }
}

/// Returns the base of a target, which may be a path of a file that is gone.
fn base_by_name(text: &str, home: &Path, options: &TargetOptions) -> Result<EditBase, Error> {
    let options = TargetOptions {
        edits: false,
        ..options.clone()
    };
    match Target::open_with(text, home, &options) {
        Ok(target) => base_of(&target),
        Err(error) => {
            let gone = EditBase::of_path(Path::new(text)).ok();
            let gone = gone.filter(|base| base.journal_path(home).exists());
            gone.ok_or(error)
        }
    }
}

fn listed(journal: PathBuf, found: &Journal, base: &EditBase) -> Result<EditList, Error> {
    let list = |edits: &[crate::inspect::edits::EditEntry]| {
        let edits = edits.iter().map(|edit| ListedEdit {
            time: edit.time,
            label: edit.label.clone(),
        });
        edits.collect()
    };
    let refused = match base.check(found.base()) {
        Ok(_) => None,
        Err(error @ Error::Edit(EditError::BaseChanged { .. })) => Some(error.to_string()),
        Err(error) => return Err(error),
    };
    let counts = found.counts().map_err(|source| {
        let path = journal.clone();
        EditError::Journal { path, source }
    })?;
    Ok(EditList {
        target: base.shown(),
        active: list(found.active()),
        undone: list(found.undone()),
        counts,
        refused,
        torn_bytes: found.torn_bytes() as u64,
        journal,
    })
}

/// Sets the edits of a target aside, also if they are damaged or its content has changed. Returns
/// the path of the journal then; `None` if there was none.
///
/// # Errors
/// Errors of the system.
pub fn set_edits_aside(
    text: &str,
    home: &Path,
    options: &TargetOptions,
    progress: &dyn Progress,
) -> Result<Option<PathBuf>, Error> {
    let base = base_by_name(text, home, options)?;
    let journal = JournalFile::lock_unread(&base.journal_path(home), progress)?;
    journal.map(JournalFile::set_aside).transpose()
}
