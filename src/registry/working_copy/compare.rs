//! Changes of a directory or a file against the dataset that it came from, or another one.

use crate::registry::views::WorkingCopies;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;

use crate::catalog::Dataset;
use crate::ident::ContentId;
use crate::manifest::DatasetKind;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::error::checkout::CheckoutError;
use crate::registry::host;
use crate::registry::index::source_file::SourceStamp;
use crate::registry::index::source_files;
use crate::registry::index::source_files::FindOptions;
use crate::registry::working_copy::disk_state::DiskEntry;
use crate::registry::working_copy::disk_state::DiskState;
use crate::registry::working_copy::record::CheckoutRecord;
use crate::registry::working_copy::record::RecordedFile;
use crate::registry::working_copy::records::blank;
use crate::registry::working_copy::selection::FileSelection;
use crate::store::disk::BlobReader;

/// Kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ChangeKind {
    /// The file is new.
    Added,
    /// The file is gone.
    Removed,
    /// The file has other content.
    Changed,
    /// The file has another path and the same content.
    Renamed,
}

impl ChangeKind {
    /// Returns the name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Renamed => "renamed",
        }
    }
}

/// A file that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Path below the root; the new path of a renamed file.
    pub path: String,
    /// Kind of the change.
    pub kind: ChangeKind,
    /// The old path of a renamed file.
    pub from: Option<String>,
    /// Length in bytes in the dataset; `None` for a new file.
    pub size_before: Option<u64>,
    /// Length in bytes on disk; `None` for a removed file.
    pub size_now: Option<u64>,
}

/// Changes against a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReport {
    /// The compared directory or file.
    pub root: PathBuf,
    /// The dataset's content id.
    pub dataset: ContentId,
    /// The dataset's name.
    pub name: String,
    /// The dataset's version.
    pub version: String,
    /// The part of the dataset that was checked out; empty for all of it.
    pub part: String,
    /// True if an update to another version was started and not finished.
    pub is_unfinished: bool,
    /// Changes, sorted by path.
    pub changes: Vec<Change>,
}

impl WorkingCopies<'_> {
    /// Compares a directory or a file, or a part of such a directory, with the dataset of its last
    /// checkout or index. Files with unchanged metadata are not read.
    ///
    /// # Errors
    /// [`CheckoutError::NotACheckout`], [`Error::File`], or `SourceError::Changed`.
    pub fn status(&self, path: &Path, progress: &dyn Progress) -> Result<StatusReport, Error> {
        let whole = path
            .canonicalize()
            .map_err(|e| Error::file("find", path, e))?;
        let record = whole.ancestors().find_map(|root| {
            let record = self.registry.record_of(root)?;
            (!record.is_file || root == whole).then_some(record)
        });
        let mut record =
            record.ok_or_else(|| Error::Checkout(CheckoutError::NotACheckout(path.to_owned())))?;
        let before = record.clone();
        let taken_at = host::now().0;
        let mut disk = DiskState::new(&before.root, before.is_file, Some(&before));
        let base = BaseFiles::of(&record.files);
        let mut changes = self
            .registry
            .changes_in(&base, &record, &mut disk, progress)?;
        if let Ok(inside) = whole.strip_prefix(&before.root)
            && let Some(front) = inside.to_str().filter(|front| !front.is_empty())
        {
            let is_below = |path: &String| Path::new(path).starts_with(front);
            changes.retain(|c| is_below(&c.path) || c.from.as_ref().is_some_and(is_below));
        }
        // A file that was read and is unchanged need not be read again.
        let mut is_fresher = false;
        for file in &mut record.files {
            if let Some((seen, id)) = disk.learned.get(&file.path) {
                // A changed file must not look unchanged because of the later time.
                file.seen = (*id == file.id).then_some(*seen);
                is_fresher |= *id == file.id && taken_at != before.taken_at;
            }
        }
        if is_fresher {
            record.taken_at = taken_at;
            self.registry.refresh_record(&record, &before);
        }
        Ok(StatusReport {
            root: record.root,
            dataset: record.dataset,
            name: record.name,
            version: record.version,
            part: record.part,
            is_unfinished: !record.under_way.is_empty(),
            changes,
        })
    }

    /// Compares a directory or a file with a dataset.
    ///
    /// # Errors
    /// As [`WorkingCopies::status`], and errors of reading the dataset's file table.
    pub fn diff_directory(
        &self,
        dataset: &Dataset,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<StatusReport, Error> {
        let root = path
            .canonicalize()
            .map_err(|e| Error::file("find", path, e))?;
        let m = &dataset.manifest;
        let reader = BlobReader::new(&self.registry.store)?;
        let table = self.registry.files_by(&reader, m)?;
        let chosen = FileSelection::of(&table, m, None)?;
        let ids = self.registry.ids_of(&reader, m, &chosen.files)?;
        let held = self.registry.record_of(&root);
        let is_file = root.is_file();
        let mut record = blank(&root, is_file, m);
        if let Some(held) = &held {
            record.exclude.clone_from(&held.exclude);
            record.follow_links = held.follow_links;
        }
        for ((_, file), id) in chosen.files.iter().zip(ids) {
            record.files.push(RecordedFile {
                path: file.path.clone(),
                size_bytes: file.size_bytes,
                id,
                seen: None,
            });
        }
        let mut disk = DiskState::new(&root, is_file, held.as_ref());
        let base = BaseFiles::of(&record.files);
        let changes = self
            .registry
            .changes_in(&base, &record, &mut disk, progress)?;
        Ok(StatusReport {
            root: root.clone(),
            dataset: m.content_id,
            name: m.name.to_string(),
            version: m.dataset_version.to_string(),
            part: String::new(),
            is_unfinished: false,
            changes,
        })
    }
}

impl LocalRegistry {
    fn changes_in(
        &self,
        base: &BaseFiles<'_>,
        record: &CheckoutRecord,
        disk: &mut DiskState<'_>,
        progress: &dyn Progress,
    ) -> Result<Vec<Change>, Error> {
        progress.phase("comparing", None);
        let now = self.files_now(base, record, disk)?;
        let mut changes = Vec::new();
        let mut removed = Vec::new();
        for (path, file) in &base.files {
            match now.get(*path) {
                None => removed.push((*path, file.size_bytes, file.id)),
                Some(seen) => {
                    let is_same = seen.size_bytes == file.size_bytes
                        && disk.id(path, *seen, progress)? == file.id;
                    if !is_same {
                        changes.push(Change {
                            path: (*path).to_owned(),
                            kind: ChangeKind::Changed,
                            from: None,
                            size_before: Some(file.size_bytes),
                            size_now: Some(seen.size_bytes),
                        });
                    }
                }
            }
        }
        // Only a file with the size of a removed file can be that file.
        let sizes: HashSet<u64> = removed.iter().map(|(_, size, _)| *size).collect();
        let mut added = Vec::new();
        for (path, seen) in &now {
            if base.files.contains_key(path.as_str()) {
                continue;
            }
            let size = seen.size_bytes;
            let id = if sizes.contains(&size) && size > 0 {
                Some(disk.id(path, *seen, progress)?)
            } else {
                None
            };
            added.push((path.as_str(), size, id));
        }
        let candidates: Vec<_> = added
            .iter()
            .filter_map(|(path, size, id)| Some((*path, *size, (*id)?)))
            .collect();
        let renamed = renames(&removed, &candidates);
        let gone: HashSet<&str> = renamed.values().copied().collect();
        for (path, size, _) in removed.iter().filter(|(path, ..)| !gone.contains(path)) {
            changes.push(Change {
                path: (*path).to_owned(),
                kind: ChangeKind::Removed,
                from: None,
                size_before: Some(*size),
                size_now: None,
            });
        }
        for (path, size, _) in added {
            let from = renamed.get(path).map(|from| (*from).to_owned());
            changes.push(Change {
                path: path.to_owned(),
                kind: match from {
                    Some(_) => ChangeKind::Renamed,
                    None => ChangeKind::Added,
                },
                size_before: from.as_ref().map(|_| size),
                from,
                size_now: Some(size),
            });
        }
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(changes)
    }

    /// Returns the relevant files by path: those that an index would find, and those of the dataset
    /// that it would skip.
    fn files_now(
        &self,
        base: &BaseFiles<'_>,
        record: &CheckoutRecord,
        disk: &mut DiskState<'_>,
    ) -> Result<BTreeMap<String, SourceStamp>, Error> {
        let how = FindOptions {
            exclude: &record.exclude,
            follow_links: record.follow_links,
        };
        let sources = source_files::find(&record.root, &how, self.home())?;
        if sources.kind == DatasetKind::File {
            let seen = sources.files.into_iter().next().map(|f| (f.path, f.seen));
            // A dataset of one file may be checked out under any name.
            let only = match record.files.as_slice() {
                [only] => Some(only.path.clone()),
                _ => None,
            };
            return Ok(seen
                .map(|(path, seen)| (only.unwrap_or(path), seen))
                .into_iter()
                .collect());
        }
        let mut now: BTreeMap<String, SourceStamp> = sources
            .files
            .into_iter()
            .map(|f| (f.path, f.seen))
            .collect();
        for path in base.files.keys() {
            if !now.contains_key(*path)
                && let DiskEntry::Plain(seen) = disk.look(path)?
            {
                now.insert((*path).to_owned(), seen);
            }
        }
        Ok(now)
    }
}

/// The files of a dataset by path.
struct BaseFiles<'a> {
    files: BTreeMap<&'a str, &'a RecordedFile>,
}

impl<'a> BaseFiles<'a> {
    fn of(files: &'a [RecordedFile]) -> Self {
        Self {
            files: files.iter().map(|f| (f.path.as_str(), f)).collect(),
        }
    }
}

/// A file on one side only: path, length in bytes, content id.
pub(crate) type OneSided<'a> = (&'a str, u64, ContentId);

/// Matches added files with removed files of the same content. Returns each new path with its old
/// one. Equal file names are preferred, and empty files are never matched.
pub(crate) fn renames<'a>(
    gone: &[OneSided<'a>],
    came: &[OneSided<'a>],
) -> HashMap<&'a str, &'a str> {
    let mut left: HashMap<ContentId, Vec<&'a str>> = HashMap::new();
    for (path, size, id) in gone.iter().rev() {
        if *size > 0 {
            left.entry(*id).or_default().push(path);
        }
    }
    let name = |path: &str| path.rsplit('/').next().map(str::to_owned);
    let mut renamed = HashMap::new();
    // First the files with equal names, so that no other file takes them.
    for must_fit in [true, false] {
        for (path, _, id) in came {
            if renamed.contains_key(path) {
                continue;
            }
            let Some(left) = left.get_mut(id) else {
                continue;
            };
            let at = if must_fit {
                left.iter().rposition(|from| name(from) == name(path))
            } else {
                left.len().checked_sub(1)
            };
            if let Some(at) = at {
                renamed.insert(*path, left.remove(at));
            }
        }
    }
    renamed
}
