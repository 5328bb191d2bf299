//! The budget of the cache.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::remote::cache::blocks::LIST;
use crate::remote::limits::CACHE_FILES_MAX;

/// The files of one name.
struct Group {
    used: SystemTime,
    bytes: u64,
    paths: Vec<PathBuf>,
}

/// Removes the files that were not used for the longest time, until the others are within the budget.
/// Errors leave files where they are.
pub(crate) fn keep_within(directory: &Path, bytes_max: u64) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    let mut groups: HashMap<PathBuf, Group> = HashMap::new();
    for entry in entries.flatten() {
        let (path, Ok(meta)) = (entry.path(), entry.metadata()) else {
            continue;
        };
        if !meta.is_file() {
            continue;
        }
        let group = groups.entry(path.with_extension("")).or_insert(Group {
            used: UNIX_EPOCH,
            bytes: 0,
            paths: Vec::new(),
        });
        // The list is dated by each use; other files by their last change.
        let is_list = path.extension().is_some_and(|e| e == LIST);
        let dated = meta.modified().unwrap_or(UNIX_EPOCH);
        if is_list || group.paths.is_empty() {
            group.used = dated;
        }
        group.bytes += meta.blocks() * 512;
        group.paths.push(path);
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_unstable_by_key(|g| std::cmp::Reverse(g.used));
    let (mut left, mut files) = (Some(bytes_max), 0);
    for group in groups {
        files += group.paths.len();
        left = left.and_then(|left| left.checked_sub(group.bytes));
        if left.is_none() || files > CACHE_FILES_MAX {
            left = None;
            for path in group.paths {
                // Another process may have removed it.
                let _ = fs::remove_file(path);
            }
        }
    }
}
