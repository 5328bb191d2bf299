//! Collections of documents through the program: commands, full disks, failing calls, power cuts, hostile names.

mod commands;
mod failing_calls;
mod full_disk;
mod hostile;
mod power_cut;

use std::io::Write as _;
use std::path::Path;
use std::process::Output;
use std::process::Stdio;

use serde_json::Value;

use crate::support::program;

/// Runs a command with bytes on stdin, on a home in a directory.
fn with_input(dir: &Path, words: &[&str], input: &[u8]) -> Output {
    let mut child = program(&dir.join("home"))
        .arg("--json")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its arguments reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// Returns the objects that a command printed, one a line.
fn rows(out: &Output) -> Vec<Value> {
    assert!(out.status.success(), "{out:?}");
    rows_of(&out.stdout)
}

fn rows_of(bytes: &[u8]) -> Vec<Value> {
    let lines = bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty());
    lines.map(|l| serde_json::from_slice(l).unwrap()).collect()
}
