//! The doors for clients of other programs: the program as its clients meet it.

mod bundle;
mod core;
mod hub;
mod page;
mod pull_through;
mod s3;

use std::io::BufRead as _;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::ChildStdout;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::answer;
use crate::support::http::Reply;
use crate::support::http::ask;
use crate::support::program;
use crate::support::serving::stopped;

/// A home, and a place for files.
pub struct Place {
    dir: TempDir,
}

impl Place {
    /// Without a dataset.
    pub fn empty() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Writes a file, below the place.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs a command, which has to succeed.
    pub fn answer(&self, words: &[&str]) -> Value {
        answer(&self.home(), words)
    }

    /// Indexes a file or a directory of the place under a name, and returns its content id in hexadecimal.
    pub fn index(&self, path: &str, name: &str, more: &[&str]) -> String {
        let path = self.path(path);
        let words = [&["index", path.to_str().unwrap(), "--name", name], more].concat();
        let id = self.answer(&words)["content_id"]
            .as_str()
            .unwrap()
            .to_owned();
        id.trim_start_matches("alimentar:").to_owned()
    }

    /// Opens the doors of the home; unsigned datasets are shown.
    pub fn serve(&self, more: &[&str]) -> Server {
        Server::start(&self.home(), &[&["--share-unsigned"], more].concat())
    }
}

/// A serving node as a process of its own, with both doors.
pub struct Server {
    child: Child,
    pub ready: Value,
    pub events: std::io::Lines<BufReader<ChildStdout>>,
}

impl Server {
    pub fn start(home: &Path, more: &[&str]) -> Self {
        let words = [
            "--json",
            "registry",
            "serve",
            "--bind",
            "127.0.0.1",
            "--port",
            "0",
            "--no-mdns",
        ];
        let mut command = program(home);
        command
            .args(words)
            .args(["--http", "0", "--s3", "0"])
            .args(more);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut events = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready: Value = serde_json::from_str(&events.next().unwrap().unwrap()).unwrap();
        assert_eq!(ready["event"], "ready", "{ready}");
        Self {
            child,
            ready,
            events,
        }
    }

    /// Waits for the next event of a kind.
    pub fn event(&mut self, kind: &str) -> Value {
        loop {
            let line = self.events.next().unwrap().unwrap();
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["event"] == kind {
                return event;
            }
        }
    }

    /// The address of the hub's API and the page.
    pub fn http(&self) -> String {
        self.address("http")
    }

    /// The address of S3.
    pub fn s3(&self) -> String {
        self.address("s3")
    }

    fn address(&self, door: &str) -> String {
        let url = self.ready[door].as_str().unwrap();
        url.strip_prefix("http://").unwrap().to_owned()
    }

    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        ask(&self.http(), method, path, headers, body)
    }

    pub fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], b"")
    }

    pub fn get_s3(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        ask(&self.s3(), "GET", path, headers, b"")
    }

    /// Asks it to stop, and returns its exit code.
    pub fn stop(mut self) -> Option<i32> {
        stopped(&mut self.child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
