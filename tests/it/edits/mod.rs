//! Edits of files and datasets: the commands, the journal under faults, and commits.

mod columnar;
mod commands;
mod commit;
mod faults;
mod model;

use std::path::Path;

use crate::support::answer;
use crate::support::program;

/// Numbers of edits and rows in an answer.
pub fn counts(answer: &serde_json::Value) -> [u64; 4] {
    let keys = ["edits", "rows_changed", "rows_deleted", "rows_inserted"];
    keys.map(|key| answer[key].as_u64().unwrap())
}

/// Runs an edit, and returns its numbers.
pub fn edit(home: &Path, target: &Path, words: &[&str]) -> [u64; 4] {
    let target = target.to_str().unwrap();
    let all = [&["inspect", "edit", target], words].concat();
    counts(&answer(home, &all))
}

/// Bytes that `inspect edits apply` writes.
pub fn applied(home: &Path, target: &str) -> Vec<u8> {
    let mut command = program(home);
    let out = command.args(["inspect", "edits", "apply", target, "-o", "-"]);
    let out = out.output().unwrap();
    assert!(out.status.success(), "{out:?}");
    out.stdout
}
