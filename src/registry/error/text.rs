//! Lists of paths in error messages.

use std::io;
use std::path::PathBuf;

/// Maximum number of paths that one message lists. The others are counted.
const UNREADABLE_NAMED: usize = 20;

/// Formats unreadable paths, each with its error.
pub(super) fn unreadable(paths: &[(PathBuf, io::Error)]) -> String {
    let named = paths.iter().take(UNREADABLE_NAMED);
    let named = named.map(|(path, error)| format!("`{}` ({error})", path.display()));
    let named = named.collect::<Vec<_>>().join(", ");
    match paths.len().checked_sub(UNREADABLE_NAMED) {
        Some(more @ 1..) => format!("{named} and {more} more"),
        _ => named,
    }
}

/// Formats the first paths, and the number of the others.
pub(super) fn some_of(paths: &[String]) -> String {
    let mut text = paths.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    if let Some(more) = paths.len().checked_sub(5).filter(|n| *n > 0) {
        text += &format!(" and {more} more");
    }
    text
}
