//! What bringing a checkout to another version takes, before anything is done.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use crate::ident::ContentId;
use crate::manifest::FileEntry;
use crate::progress::Progress;
use crate::registry::error::Error;
use crate::registry::working_copy::disk_state::Found;
use crate::registry::working_copy::disk_state::OnDisk;
use crate::registry::working_copy::record::Noted;
use crate::registry::working_copy::record::Record;
use crate::registry::working_copy::selection::Chosen;

/// Files to be written, removed and left.
#[derive(Default)]
pub(in crate::registry::working_copy) struct Plan<'a> {
    /// Files of the new version that are not here so, each with where it goes and what is there.
    pub write: Vec<(u64, &'a FileEntry, &'a str, Found)>,
    /// Files that are here just so.
    pub same: Vec<Noted>,
    /// Paths that the new version has not, whose files are as they were, and what they look like.
    pub remove: Vec<(String, Found)>,
    /// The same whose files were changed here: they stay.
    pub kept: Vec<String>,
    /// Changed here, and different in the new version.
    pub conflicts: Vec<String>,
    /// Something that is never replaced stands where a file belongs.
    pub blocked: Option<String>,
}

impl<'a> Plan<'a> {
    /// Compares a new version with what is here.
    ///
    /// # Errors
    /// As [`OnDisk::id`].
    pub(in crate::registry::working_copy) fn make(
        chosen: &Chosen<'a>,
        ids: &[ContentId],
        record: Option<&Record>,
        disk: &mut OnDisk<'_>,
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
                Found::Plain(seen) | Found::Link(seen) => {
                    let id = match seen.size_bytes == file.size_bytes || written.contains_key(path)
                    {
                        true => Some(disk.id(path, seen, progress)?),
                        false => None,
                    };
                    let is_same = id == Some(*wanted);
                    // A link is somebody's work, whatever is behind it.
                    let is_link = matches!(found, Found::Link(_));
                    let may_go = id.is_some_and(|id| is_ours(path, &id)) && !is_link;
                    if is_same {
                        plan.same.push(Noted {
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
                Found::Absent | Found::Directory => false,
                Found::Other => {
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
                Found::Absent => {}
                found @ Found::Plain(seen) if ids.contains(&disk.id(path, seen, progress)?) => {
                    plan.remove.push(((*path).to_owned(), found));
                }
                _ => plan.kept.push((*path).to_owned()),
            }
        }
        plan.find_blocks(disk)?;
        Ok(plan)
    }

    /// Whether a file is in the way of a directory, or a directory of a file, that does not go away.
    fn find_blocks(&mut self, disk: &mut OnDisk<'_>) -> Result<(), Error> {
        let goes: BTreeSet<&str> = self.remove.iter().map(|(path, _)| path.as_str()).collect();
        let mut looked_at = HashSet::new();
        for (_, _, path, found) in &self.write {
            for (at, _) in path.match_indices('/') {
                let above = path.get(..at).unwrap_or_default();
                if !looked_at.insert(above) || goes.contains(above) {
                    continue;
                }
                if !matches!(disk.look(above)?, Found::Absent | Found::Directory) {
                    self.blocked.get_or_insert_with(|| above.to_owned());
                }
            }
            if *found == Found::Directory && !empties(&disk.at(path), path, &goes) {
                self.blocked.get_or_insert_with(|| (*path).to_owned());
            }
        }
        Ok(())
    }
}

/// Whether nothing is left in a directory when these files are removed.
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
            // An empty directory of somebody's stays.
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

fn path_of<'a>(chosen: &Chosen<'a>, file: &'a FileEntry) -> &'a str {
    chosen.path_of(file)
}

/// What this program may have written to each path.
fn written_by_us(record: Option<&Record>) -> BTreeMap<&str, Vec<ContentId>> {
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

/// The content of files by where they go.
pub(in crate::registry::working_copy) fn ids_by_path<'a>(
    chosen: &Chosen<'a>,
    ids: &[ContentId],
) -> HashMap<&'a str, ContentId> {
    let pairs = chosen.files.iter().zip(ids);
    pairs
        .map(|((_, file), id)| (path_of(chosen, file), *id))
        .collect()
}
