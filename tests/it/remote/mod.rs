//! Data that is elsewhere, read by the program from real sockets.

mod cache;
mod hub;
mod lies;
mod limits;
mod reading;
mod s3;
pub mod server;

use std::path::Path;
use std::process::Command;
use std::process::Output;

use serde_json::Value;

use crate::support;

/// The program without the credentials and proxies of whoever runs the tests.
pub fn program(home: &Path) -> Command {
    let mut command = support::program(home);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let upper = name.to_uppercase();
        let is_ours = ["HF_", "AWS_", "ALIMENTAR_OFFLINE"]
            .iter()
            .any(|p| upper.starts_with(p));
        if is_ours || upper.ends_with("_PROXY") {
            command.env_remove(name);
        }
    }
    // No token of the user either.
    command.env("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
    command
}

/// Runs the program with `--json`.
fn run(home: &Path, words: &[&str]) -> Output {
    program(home).arg("--json").args(words).output().unwrap()
}

/// The answer of a command that succeeds.
fn answer(home: &Path, words: &[&str]) -> Value {
    let out = run(home, words);
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{words:?}: {errors}");
    serde_json::from_slice(&out.stdout).unwrap()
}

/// The rows that `inspect lines` shows.
fn rows(home: &Path, words: &[&str]) -> Vec<Value> {
    let out = run(home, &[&["inspect", "lines"], words].concat());
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{words:?}: {errors}");
    let text = String::from_utf8(out.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The exit code, kind and message of a command that fails.
pub fn failure(out: &Output) -> (i32, String, String) {
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    let last = errors.lines().rfind(|line| line.starts_with('{'));
    let json: Value = serde_json::from_str(last.unwrap_or(&errors)).unwrap();
    let of = |key: &str| json["error"][key].as_str().unwrap_or_default().to_owned();
    (out.status.code().unwrap(), of("kind"), of("message"))
}

/// A home that exists, so that there is a cache.
pub fn home() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let private = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(dir.path(), private).unwrap();
    dir
}
