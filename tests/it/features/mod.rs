//! Tables of features: the commands, and the server as its clients meet it.

mod access;
mod commands;
mod faults;
mod feast;
mod http;
mod writes;

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
pub use crate::support::http::Reply;
use crate::support::http::ask;
use crate::support::program;
use crate::support::serving::stopped;

/// A table of users: a text key, a number, a number that may be null, a list.
const USERS: &str = "\
tables:
  users:
    source: {local: {path: SOURCE}}
    key: [user_id]
    columns:
      user_id: {dtype: utf8, nullable: false}
      score: {dtype: float64}
      visits: {dtype: int64}
";

/// A home, a directory of partitions, and a configuration.
pub struct Place {
    dir: TempDir,
}

impl Place {
    /// With the table of users, and one partition of it.
    pub fn new() -> Self {
        let place = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        let text = USERS.replace("SOURCE", place.path("source").to_str().unwrap());
        std::fs::write(place.path("features.yaml"), text).unwrap();
        place.partition(
            "2024-01-13",
            &[
                ("a", Some(0.5), Some(1)),
                ("b", None, Some(2)),
                ("c", Some(2.5), None),
            ],
        );
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// The configuration, as a word of a command.
    pub fn config(&self) -> String {
        self.path("features.yaml").to_str().unwrap().to_owned()
    }

    /// Runs a command with this configuration, which has to succeed.
    pub fn answer(&self, words: &[&str]) -> Value {
        answer(&self.home(), &self.words(words))
    }

    /// The words of a command with this configuration.
    pub fn words<'a>(&self, words: &[&'a str]) -> Vec<&'a str> {
        let config: &'static str = Box::leak(self.config().into_boxed_str());
        [&["features", words[0], "-c", config], &words[1..]].concat()
    }

    /// Makes a complete partition of users.
    pub fn partition(&self, date: &str, rows: &[(&str, Option<f64>, Option<i64>)]) {
        let rows = rows.iter().map(|(key, score, visits)| {
            serde_json::json!({"user_id": key, "score": score, "visits": visits}).to_string() + "\n"
        });
        self.partition_of(date, &rows.collect::<String>());
    }

    /// Makes a complete partition of lines of JSON.
    pub fn partition_of(&self, date: &str, lines: &str) {
        let directory = self.path("source").join(date);
        std::fs::create_dir_all(&directory).unwrap();
        let (from, to) = (self.path("rows.jsonl"), directory.join("part.parquet"));
        std::fs::write(&from, lines).unwrap();
        let _ = std::fs::remove_file(&to);
        let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
        answer(&self.home(), &["inspect", "export", from, "-o", to]);
        std::fs::write(directory.join("_SUCCESS"), "").unwrap();
    }

    /// Serves the tables, and waits until the first one is loaded.
    pub fn serve(&self, more: &[&str]) -> Server {
        let mut server = Server::start(
            &self.home(),
            &[&["-c", &self.config(), "--http", "0"], more].concat(),
        );
        let loaded = server.event();
        assert_eq!(loaded["event"], "loaded", "{loaded}");
        server
    }
}

/// A server of features as a process of its own.
pub struct Server {
    child: Child,
    pub ready: Value,
    events: std::io::Lines<BufReader<ChildStdout>>,
}

impl Server {
    pub fn start(home: &Path, words: &[&str]) -> Self {
        Self::of(program(home), words)
    }

    /// By a command that has no words yet.
    pub fn of(mut command: std::process::Command, words: &[&str]) -> Self {
        command.args(["--json", "features", "serve"]).args(words);
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

    /// Waits for the next event.
    pub fn event(&mut self) -> Value {
        let line = self.events.next().unwrap().unwrap();
        serde_json::from_str(&line).unwrap()
    }

    pub fn address(&self) -> String {
        let url = self.ready["http"].as_str().unwrap();
        let port = url.rsplit_once(':').unwrap().1;
        format!("127.0.0.1:{port}")
    }

    /// Sends a request and reads the answer.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        ask(&self.address(), method, path, headers, body)
    }

    pub fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        let headers = [("Content-Type", "application/json")];
        self.ask("POST", path, &headers, body.to_string().as_bytes())
    }

    pub fn put(&self, path: &str, body: &Value) -> Reply {
        let headers = [("Content-Type", "application/json")];
        self.ask("PUT", path, &headers, body.to_string().as_bytes())
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
