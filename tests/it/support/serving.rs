//! A node as a process of its own.

use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Stdio;

use serde_json::Value;

use crate::support::program;

/// A node that serves until it is dropped.
pub struct Serving {
    child: Child,
    pub ready: Value,
    pub events: std::thread::JoinHandle<Vec<Value>>,
}

impl Serving {
    /// Alone: the nodes of tests that run beside this one are nobody's neighbours.
    pub fn start(home: &Path, more: &[&str]) -> Self {
        Self::of(
            program(home),
            &[&["--bind", "127.0.0.1", "--no-mdns"], more].concat(),
        )
    }

    /// With these words, by a command that has none yet.
    pub fn of(mut command: std::process::Command, more: &[&str]) -> Self {
        command.args(["registry", "serve", "--port", "0"]);
        let child = command.args(more).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        let mut events = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = serde_json::from_str(&events.next().unwrap().unwrap()).unwrap();
        let rest = events.map_while(Result::ok);
        let events = std::thread::spawn(move || {
            rest.map(|line| serde_json::from_str(&line).unwrap())
                .collect()
        });
        Self {
            child,
            ready,
            events,
        }
    }

    pub fn addr(&self) -> String {
        self.ready["addr"].as_str().unwrap().to_owned()
    }

    pub fn node_id(&self) -> String {
        self.ready["node_id"].as_str().unwrap().to_owned()
    }

    /// Asks it to stop, and returns its exit code and what it told.
    pub fn stop(mut self) -> (Option<i32>, Vec<Value>) {
        let code = stopped(&mut self.child);
        let events = std::mem::replace(&mut self.events, std::thread::spawn(Vec::new));
        (code, events.join().unwrap())
    }
}

/// Asks a server to stop, and returns its exit code.
pub fn stopped(child: &mut Child) -> Option<i32> {
    let pid = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    child.wait().unwrap().code()
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
