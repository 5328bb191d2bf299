//! `registry index URL` and `registry refresh`, against servers at real sockets.

mod hub;
mod journal;
mod places;
mod stub;

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::remote::failure;
use crate::remote::program;

/// Runs the program against a hub or an S3 server, with `--json`.
fn ask(home: &Path, endpoint: &str, words: &[&str]) -> Output {
    program(home)
        .env("HF_ENDPOINT", endpoint)
        .env("AWS_ENDPOINT_URL", endpoint)
        .arg("--json")
        .args(words)
        .output()
        .unwrap()
}

/// The answer of a command that has to succeed.
fn done(home: &Path, endpoint: &str, words: &[&str]) -> Value {
    let out = ask(home, endpoint, words);
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{words:?}: {errors}");
    serde_json::from_slice(&out.stdout).unwrap()
}

/// The exit code and the message of a command that has to fail, after which nothing is indexed.
fn refused(home: &Path, endpoint: &str, words: &[&str]) -> (i32, String) {
    let (code, _, message) = failure(&ask(home, endpoint, words));
    let listed = done(home, endpoint, &["registry", "list"]);
    assert_eq!(listed["datasets"].as_array().unwrap().len(), 0, "{words:?}");
    (code, message)
}
