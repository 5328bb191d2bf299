//! Ids, names, files and archives that mean harm.

mod archives;
mod files;
mod names;
mod zip;

use std::collections::BTreeMap;
use std::path::Path;

/// Returns the paths below a directory, with the lengths of files.
fn listing(dir: &Path) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            found.insert(
                path.display().to_string(),
                if meta.is_file() { meta.len() } else { 0 },
            );
            if meta.is_dir() {
                open.push(path);
            }
        }
    }
    found
}
