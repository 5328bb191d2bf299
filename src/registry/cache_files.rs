//! Directories of what can be made again.

use std::fs;
use std::path::Path;

/// Removes the files that were written first, where there are too many or too large ones.
pub(crate) fn keep_newest(dir: &Path, files_max: usize, bytes_max: u64) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    let dated = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let meta = entry.metadata().ok()?;
        Some((meta.modified().ok()?, entry.path(), meta.len()))
    });
    let mut dated: Vec<_> = dated.collect();
    dated.sort_unstable();
    let mut bytes = 0_u64;
    for (n, (_, path, size)) in dated.iter().rev().enumerate() {
        bytes = bytes.saturating_add(*size);
        if n >= files_max || bytes > bytes_max {
            // Another process may have done it.
            let _ = fs::remove_file(path);
        }
    }
}
