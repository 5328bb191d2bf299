//! What changed in a directory or a file against the dataset that it came from, or another one.

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
use crate::registry::host;
use crate::registry::index::source_files;
use crate::registry::index::source_files::Finding;
use crate::registry::index::source_files::Seen;
use crate::registry::working_copy::disk_state::Found;
use crate::registry::working_copy::disk_state::OnDisk;
use crate::registry::working_copy::record::Noted;
use crate::registry::working_copy::record::Record;
use crate::registry::working_copy::records::blank;
use crate::registry::working_copy::selection::Chosen;
use crate::store::disk::BlobReader;

/// How a file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has other content.
    Changed,
    /// It has another path and the same content.
    Renamed,
}

impl ChangeKind {
    /// Its name in JSON.
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
    /// Its path below the root; of one that was renamed, the new one.
    pub path: String,
    /// How.
    pub kind: ChangeKind,
    /// The path before it was renamed.
    pub from: Option<String>,
    /// Bytes before; `None` for a new file.
    pub size_before: Option<u64>,
    /// Bytes now; `None` for one that is gone.
    pub size_now: Option<u64>,
}

/// What changed against a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReport {
    /// The directory or file that was compared.
    pub root: PathBuf,
    /// The dataset's content.
    pub dataset: ContentId,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The part of the dataset that was checked out; empty for all of it.
    pub part: String,
    /// An update to another version has begun and not ended.
    pub is_unfinished: bool,
    /// By path.
    pub changes: Vec<Change>,
}

impl LocalRegistry {
    /// Compares a directory or a file, or something inside of such a directory, with the dataset that it
    /// was checked out from, or indexed as, last. Files that look as they did then are not read.
    ///
    /// # Errors
    /// [`Error::NotACheckout`]; [`Error::File`], [`Error::Changed`].
    pub fn status(&self, path: &Path, progress: &dyn Progress) -> Result<StatusReport, Error> {
        let whole = path
            .canonicalize()
            .map_err(|e| Error::file("find", path, e))?;
        let record = whole.ancestors().find_map(|root| {
            let record = self.record_of(root)?;
            (!record.is_file || root == whole).then_some(record)
        });
        let mut record = record.ok_or_else(|| Error::NotACheckout(path.to_owned()))?;
        let before = record.clone();
        let taken_at = host::now().0;
        let mut disk = OnDisk::new(&before.root, before.is_file, Some(&before));
        let base = Base::of(&record.files);
        let mut changes = self.changes_in(&base, &record, &mut disk, progress)?;
        if let Ok(inside) = whole.strip_prefix(&before.root)
            && let Some(front) = inside.to_str().filter(|front| !front.is_empty())
        {
            let is_below = |path: &String| Path::new(path).starts_with(front);
            changes.retain(|c| is_below(&c.path) || c.from.as_ref().is_some_and(is_below));
        }
        // What was read and is as it was need not be read again.
        let mut is_fresher = false;
        for file in &mut record.files {
            if let Some((seen, id)) = disk.learned.get(&file.path) {
                // One that changed must not look as if it had not, with the later time.
                file.seen = (*id == file.id).then_some(*seen);
                is_fresher |= *id == file.id && taken_at != before.taken_at;
            }
        }
        if is_fresher {
            record.taken_at = taken_at;
            self.refresh_record(&record, &before);
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
    /// As [`LocalRegistry::status`], and those of reading the dataset's file table.
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
        let reader = BlobReader::new(&self.store)?;
        let table = self.files_by(&reader, m)?;
        let chosen = Chosen::of(&table, m, None)?;
        let ids = self.ids_of(&reader, m, &chosen.files)?;
        let held = self.record_of(&root);
        let is_file = root.is_file();
        let mut record = blank(&root, is_file, m);
        if let Some(held) = &held {
            record.exclude.clone_from(&held.exclude);
            record.follow_links = held.follow_links;
        }
        for ((_, file), id) in chosen.files.iter().zip(ids) {
            record.files.push(Noted {
                path: file.path.clone(),
                size_bytes: file.size_bytes,
                id,
                seen: None,
            });
        }
        let mut disk = OnDisk::new(&root, is_file, held.as_ref());
        let base = Base::of(&record.files);
        let changes = self.changes_in(&base, &record, &mut disk, progress)?;
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

    fn changes_in(
        &self,
        base: &Base<'_>,
        record: &Record,
        disk: &mut OnDisk<'_>,
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
        // Only what has the size of something that is gone may be that.
        let sizes: HashSet<u64> = removed.iter().map(|(_, size, _)| *size).collect();
        let mut added = Vec::new();
        for (path, seen) in &now {
            if base.files.contains_key(path.as_str()) {
                continue;
            }
            let size = seen.size_bytes;
            let id = match sizes.contains(&size) && size > 0 {
                true => Some(disk.id(path, *seen, progress)?),
                false => None,
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

    /// The files that count, by path: those that indexing would find, and those of the dataset that it
    /// would leave out.
    fn files_now(
        &self,
        base: &Base<'_>,
        record: &Record,
        disk: &mut OnDisk<'_>,
    ) -> Result<BTreeMap<String, Seen>, Error> {
        let how = Finding {
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
        let mut now: BTreeMap<String, Seen> = sources
            .files
            .into_iter()
            .map(|f| (f.path, f.seen))
            .collect();
        for path in base.files.keys() {
            if !now.contains_key(*path)
                && let Found::Plain(seen) = disk.look(path)?
            {
                now.insert((*path).to_owned(), seen);
            }
        }
        Ok(now)
    }
}

/// The files of a dataset by their paths.
struct Base<'a> {
    files: BTreeMap<&'a str, &'a Noted>,
}

impl<'a> Base<'a> {
    fn of(files: &'a [Noted]) -> Self {
        Self {
            files: files.iter().map(|f| (f.path.as_str(), f)).collect(),
        }
    }
}

/// A file that is on one side only: path, bytes, content.
pub(crate) type OneSided<'a> = (&'a str, u64, ContentId);

/// Which of the files that came are files that went, under another path: each path that came with the
/// one that it had. A file of the same name is preferred; empty files are never renamed.
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
    // First those whose names fit, so that none of them is taken by another.
    for must_fit in [true, false] {
        for (path, _, id) in came {
            if renamed.contains_key(path) {
                continue;
            }
            let Some(left) = left.get_mut(id) else {
                continue;
            };
            let at = match must_fit {
                true => left.iter().rposition(|from| name(from) == name(path)),
                false => left.len().checked_sub(1),
            };
            if let Some(at) = at {
                renamed.insert(*path, left.remove(at));
            }
        }
    }
    renamed
}
