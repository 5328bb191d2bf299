//! Plan of an update to another version, made before any change.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use crate::ident::ContentId;
use crate::manifest::FileEntry;
use crate::progress::Progress;
use crate::registry::error::Error;
use crate::registry::working_copy::disk_state::DiskEntry;
use crate::registry::working_copy::disk_state::DiskState;
use crate::registry::working_copy::record::CheckoutRecord;
use crate::registry::working_copy::record::RecordedFile;
use crate::registry::working_copy::selection::FileSelection;

/// Files to write, to remove and to keep.
#[derive(Default)]
pub(in crate::registry::working_copy) struct UpdatePlan<'a> {
    /// Files of the new version to write, each with its path and the current entry.
    pub write: Vec<(u64, &'a FileEntry, &'a str, DiskEntry)>,
    /// Files that are already up to date.
    pub same: Vec<RecordedFile>,
    /// Unmodified files that the new version lacks, with their current entries.
    pub remove: Vec<(String, DiskEntry)>,
    /// Modified files that the new version lacks. They stay.
    pub kept: Vec<String>,
    /// Files that were modified here and differ in the new version.
    pub conflicts: Vec<String>,
    /// An entry that is never replaced and is in the way of a file.
    pub blocked: Option<String>,
}

impl<'a> UpdatePlan<'a> {
    /// Compares a new version with the files on disk.
    ///
    /// # Errors
    /// As [`DiskState::id`].
    pub(in crate::registry::working_copy) fn make(
        chosen: &FileSelection<'a>,
        ids: &[ContentId],
        record: Option<&CheckoutRecord>,
        disk: &mut DiskState<'_>,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let mut plan = Self::default();
        let written = written_by_us(record);
        let is_ours = |path: &str, id: &ContentId| {
            written
                .get(path)
                .is_some_and(|written| written.contains(id))
        };
        let mut new_paths = HashSet::new();
        for ((at, file), wanted) in chosen.files.iter().zip(ids) {
            let path: &'a str = path_of(chosen, file);
            new_paths.insert(path);
            let found = disk.look(path)?;
            let is_same = match found {
                DiskEntry::Plain(seen) | DiskEntry::Link(seen) => {
                    let id = match seen.size_bytes == file.size_bytes || written.contains_key(path)
                    {
                        true => Some(disk.id(path, seen, progress)?),
                        false => None,
                    };
                    let is_same = id == Some(*wanted);
                    // A link was made by a person, whatever its target.
                    let is_link = matches!(found, DiskEntry::Link(_));
                    let may_go = id.is_some_and(|id| is_ours(path, &id)) && !is_link;
                    if is_same {
                        plan.same.push(RecordedFile {
                            path: path.to_owned(),
                            size_bytes: file.size_bytes,
                            id: *wanted,
                            seen: Some(seen),
                        });
                    } else if !may_go {
                        plan.conflicts.push(path.to_owned());
                    }
                    is_same
                }
                DiskEntry::Absent | DiskEntry::Directory => false,
                DiskEntry::Other => {
                    plan.blocked.get_or_insert_with(|| path.to_owned());
                    false
                }
            };
            if !is_same {
                plan.write.push((*at, file, path, found));
            }
        }
        for (path, ids) in &written {
            if new_paths.contains(path) {
                continue;
            }
            match disk.look(path)? {
                DiskEntry::Absent => {}
                found @ DiskEntry::Plain(seen) if ids.contains(&disk.id(path, seen, progress)?) => {
                    plan.remove.push(((*path).to_owned(), found));
                }
                _ => plan.kept.push((*path).to_owned()),
            }
        }
        plan.find_blocks(disk)?;
        Ok(plan)
    }

    /// Finds a file in the way of a directory, or a directory in the way of a file, that is not
    /// removed.
    fn find_blocks(&mut self, disk: &mut DiskState<'_>) -> Result<(), Error> {
        let goes: BTreeSet<&str> = self.remove.iter().map(|(path, _)| path.as_str()).collect();
        let mut looked_at = HashSet::new();
        for (_, _, path, found) in &self.write {
            for (at, _) in path.match_indices('/') {
                let above = path.get(..at).unwrap_or_default();
                if !looked_at.insert(above) || goes.contains(above) {
                    continue;
                }
                if !matches!(disk.look(above)?, DiskEntry::Absent | DiskEntry::Directory) {
                    self.blocked.get_or_insert_with(|| above.to_owned());
                }
            }
            if *found == DiskEntry::Directory && !empties(&disk.at(path), path, &goes) {
                self.blocked.get_or_insert_with(|| (*path).to_owned());
            }
        }
        Ok(())
    }
}

/// Returns true if a directory is empty after these files are removed.
fn empties(dir: &std::path::Path, path: &str, goes: &BTreeSet<&str>) -> bool {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return false;
    };
    entries.into_iter().all(|entry| {
        let Ok(entry) = entry else { return false };
        let name = entry.file_name();
        let Some(inside) = name.to_str().map(|name| format!("{path}/{name}")) else {
            return false;
        };
        match entry.file_type() {
            // An empty directory that a person made stays.
            Ok(kind) if kind.is_dir() => {
                let front = format!("{inside}/");
                goes.range(front.as_str()..)
                    .next()
                    .is_some_and(|p| p.starts_with(&front))
                    && empties(&entry.path(), &inside, goes)
            }
            Ok(_) => goes.contains(inside.as_str()),
            Err(_) => false,
        }
    })
}

fn path_of<'a>(chosen: &FileSelection<'a>, file: &'a FileEntry) -> &'a str {
    chosen.path_of(file)
}

/// Returns the content that this program may have written to each path.
fn written_by_us(record: Option<&CheckoutRecord>) -> BTreeMap<&str, Vec<ContentId>> {
    let mut written: BTreeMap<&str, Vec<ContentId>> = BTreeMap::new();
    let Some(record) = record else {
        return written;
    };
    for file in &record.files {
        written.entry(&file.path).or_default().push(file.id);
    }
    for (path, id) in &record.under_way {
        written.entry(path).or_default().push(*id);
    }
    written
}

/// Returns the content ids of files by path.
pub(in crate::registry::working_copy) fn ids_by_path<'a>(
    chosen: &FileSelection<'a>,
    ids: &[ContentId],
) -> HashMap<&'a str, ContentId> {
    let pairs = chosen.files.iter().zip(ids);
    pairs
        .map(|((_, file), id)| (path_of(chosen, file), *id))
        .collect()
}
