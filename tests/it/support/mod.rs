//! Homes, data and runs of the program for the tests.

pub mod golden;
pub mod http;
pub mod lab;
pub mod labs;
pub mod lan;
pub mod namespace;
pub mod need;
pub mod random;
pub mod serving;
pub mod terminal;
pub mod wait;

use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::sync::mpsc;

use serde_json::Value;
use wait::PATIENCE;

/// Deterministic lines of about 200 bytes that do not repeat.
pub fn lines(count: usize, seed: u64) -> Vec<u8> {
    let mut noise = vec![0; count * 60];
    blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .finalize_xof()
        .fill(&mut noise);
    let rows = noise.chunks(60).enumerate();
    rows.flat_map(|(n, b)| {
        format!(
            "{{\"n\":{n},\"text\":\"{}\"}}\n",
            alimentar::ident::to_hex(b)
        )
        .into_bytes()
    })
    .collect()
}

/// The program on a home.
pub fn program(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alimentar"));
    command.arg("--home").arg(home);
    command
}

/// Runs the program with `--json` and the words given.
pub fn run(home: &Path, words: &[&str]) -> Output {
    program(home).arg("--json").args(words).output().unwrap()
}

/// Runs the program and reads its answer; it must succeed.
pub fn answer(home: &Path, words: &[&str]) -> Value {
    let out = run(home, words);
    assert!(
        out.status.success(),
        "{words:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    serde_json::from_slice(&out.stdout).unwrap()
}

/// The same of a program that did a part of it.
pub fn answer_partly(home: &Path, words: &[&str]) -> Value {
    let out = run(home, words);
    assert_eq!(out.status.code(), Some(7), "{words:?}: {out:?}");
    assert_eq!(refusal(&out)["kind"], "partial");
    serde_json::from_slice(&out.stdout).unwrap()
}

/// The error that a program ended with this code for.
pub fn refused(home: &Path, words: &[&str], code: i32) -> Value {
    let out = run(home, words);
    assert_eq!(out.status.code(), Some(code), "{words:?}: {out:?}");
    refusal(&out)
}

fn refusal(out: &Output) -> Value {
    let said: Value = serde_json::from_slice(&out.stderr).unwrap();
    said["error"].clone()
}

/// Compares lines with those of a file of vectors, without its comments.
pub fn assert_vectors(found: &str, vectors: &str) {
    let lines = vectors.lines().filter(|line| !line.starts_with('#'));
    let wanted = lines.fold(String::new(), |text, line| text + line + "\n");
    assert_eq!(found, wanted, "\n{found}");
}

/// A program whose output is kept.
pub fn begun(command: &mut Command) -> Child {
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    piped.spawn().unwrap()
}

/// A program that begins and prints nothing, for one that is killed.
pub fn begun_in_silence(home: &std::path::Path, words: &[&str]) -> Child {
    let mut command = program(home);
    let silent = command
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    silent.spawn().unwrap()
}

/// The output of a program that has to end by itself; one that does not is killed, and the test fails.
pub fn ended(child: Child) -> Output {
    let pid = rustix::process::Pid::from_child(&child);
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || done.send(child.wait_with_output()));
    match ended.recv_timeout(PATIENCE) {
        Ok(out) => out.unwrap(),
        Err(_) => {
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            let out = ended.recv().unwrap().unwrap();
            panic!("it does not end: {out:?}");
        }
    }
}

/// Makes a named pipe.
pub fn make_fifo(path: &Path) {
    rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RWXU).unwrap();
}

/// The text of stderr.
pub fn stderr(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// Checks that `fsck` finds nothing.
pub fn is_sound(home: &Path) {
    let found = answer(home, &["registry", "fsck"]);
    for key in ["corrupt", "missing", "corrupt_blobs", "missing_blobs"] {
        let none = found[key].as_array().is_none_or(Vec::is_empty);
        assert!(none, "{key}: {found}");
    }
}

/// The number of datasets in a home, unsigned and hidden ones included.
pub fn listed(home: &Path) -> usize {
    let list = answer(home, &["registry", "list", "--all"]);
    list["datasets"].as_array().unwrap().len()
}

/// Runs the program, which has to end by itself.
pub fn run_on(home: &Path, words: &[&str]) -> Output {
    ended(begun(program(home).args(words).stdin(Stdio::null())))
}

/// The object of an error on stderr.
pub fn error_of(out: &Output) -> Value {
    let text = String::from_utf8_lossy(&out.stderr);
    let last = text.lines().last().unwrap_or_default();
    let object: Value = serde_json::from_str(last).unwrap_or_else(|e| panic!("{e}: {text}"));
    object["error"].clone()
}

/// Returns the value of a variable in the environment of the tests.
#[allow(clippy::disallowed_methods, reason = "tests may be told things")]
pub fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}
