//! Scratch directories with homes of registries and files beside them.

use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;

use crate::support::answer;
use crate::support::program;
use crate::support::run;

/// A scratch directory with one home in it, and files beside the home.
pub struct Lab {
    pub dir: tempfile::TempDir,
}

impl Lab {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }

    pub fn home(&self) -> PathBuf {
        self.at("home")
    }

    /// Writes a file beside the home.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        std::fs::write(self.at(name), bytes).unwrap();
        self.at(name)
    }

    /// The same; its path as a word of a command line.
    pub fn write(&self, name: &str, bytes: &[u8]) -> String {
        self.file(name, bytes);
        self.text(name)
    }

    /// Runs a command in the home.
    pub fn run(&self, words: &[&str]) -> Output {
        run(&self.home(), words)
    }

    /// The answer of a command that has to succeed.
    pub fn answer(&self, words: &[&str]) -> Value {
        answer(&self.home(), words)
    }

    /// Runs a command with the passphrase of the home's keys.
    pub fn keyed(&self, words: &[&str]) -> Output {
        let mut command = program(&self.home());
        command.env("ALIMENTAR_PASSPHRASE", "test").arg("--json");
        command.args(words).output().unwrap()
    }

    /// The answer of such a command, which has to succeed.
    pub fn done(&self, words: &[&str]) -> Value {
        let out = self.keyed(words);
        assert!(out.status.success(), "{words:?}: {out:?}");
        serde_json::from_slice(&out.stdout).unwrap()
    }
}

/// Homes of registries and files beside them, in one directory of its own.
pub struct Scratch {
    dir: tempfile::TempDir,
}

impl Scratch {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }

    /// Runs a command in a home, with the passphrase of its keys.
    pub fn keyed(&self, home: &str, words: &[&str]) -> Output {
        let mut command = program(&self.at(home));
        command.env("ALIMENTAR_PASSPHRASE", "test").arg("--json");
        command.args(words).output().unwrap()
    }

    /// The same of a command that has to succeed; its answer.
    pub fn done(&self, home: &str, words: &[&str]) -> Value {
        let out = self.keyed(home, words);
        assert!(out.status.success(), "{words:?}: {out:?}");
        serde_json::from_slice(&out.stdout).unwrap()
    }

    /// Indexes data as `NAME.jsonl`, under that name.
    pub fn index(&self, home: &str, name: &str, data: &[u8], more: &[&str]) -> Value {
        let path = self.text(&format!("{name}.jsonl"));
        std::fs::write(&path, data).unwrap();
        self.done(home, &[&["registry", "index", &path], more].concat())
    }
}
