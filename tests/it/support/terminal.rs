//! The program at a terminal, by `script` of util-linux.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

/// Runs the program at a terminal where somebody types `typed`.
/// Returns its output and its exit code.
pub fn at_terminal(home: &Path, words: &[&str], typed: &str) -> (String, Option<i32>) {
    let quoted = |word: &str| format!("'{}'", word.replace('\'', "'\\''"));
    let mut line = quoted(env!("CARGO_BIN_EXE_alimentar"));
    for word in ["--home", home.to_str().unwrap()].iter().chain(words) {
        line = line + " " + &quoted(word);
    }
    let mut child = Command::new("script")
        .args(["-q", "-e", "-c", &line, "/dev/null"])
        .env("ALIMENTAR_PASSPHRASE", "test")
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // The program may end without reading it.
    let _ = stdin.write_all(typed.as_bytes());
    drop(stdin);
    let out = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    (said, out.status.code())
}
