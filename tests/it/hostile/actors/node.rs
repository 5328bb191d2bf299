//! A serving node as a process of its own.

use std::io::BufRead as _;
use std::io::BufReader;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;

use serde_json::Value;

use crate::hostile::actors::lab::signal;
use crate::support::is_sound;
use crate::support::program;

/// The most memory that a node may take, in KiB.
const MEMORY_KIB_MAX: u64 = 300 << 10;

pub struct Node {
    child: Child,
    home: PathBuf,
    pub address: SocketAddr,
    pub id: String,
    said: Arc<Mutex<Vec<String>>>,
}

impl Node {
    pub fn serve(home: &Path, words: &[&str]) -> Self {
        let mut command = program(home);
        command.args(["registry", "serve", "--no-mdns", "--bind", "127.0.0.1"]);
        if !words.contains(&"--port") {
            command.args(["--port", "0"]);
        }
        let mut child = command.args(words).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = said.clone();
        std::thread::spawn(move || {
            lines.for_each(|line| heard.lock().unwrap().push(line.unwrap_or_default()));
        });
        Self {
            child,
            home: home.to_owned(),
            address: ready["addr"].as_str().unwrap().parse().unwrap(),
            id: ready["node_id"].as_str().unwrap().to_owned(),
            said,
        }
    }

    /// Returns the name of this node for `--peer`.
    pub fn peer(&self) -> String {
        format!("{}@{}", self.id, self.address)
    }

    pub fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// It still runs, never failed at a request, and never took much memory.
    pub fn is_well(&mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None, "it ended");
        let path = format!("/proc/{}/status", self.child.id());
        if let Ok(status) = std::fs::read_to_string(path) {
            let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
            let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            assert!(kib < MEMORY_KIB_MAX, "{kib} KiB");
        }
        let said = self.said.lock().unwrap();
        let failed = said.iter().find(|line| line.contains("\"failed\""));
        assert_eq!(failed, None);
    }

    /// Returns its peak memory and its processor time so far, as text.
    pub fn figures(&self) -> String {
        let read = |what| std::fs::read_to_string(format!("/proc/{}/{what}", self.child.id()));
        let status = read("status").unwrap_or_default();
        let memory = status.lines().find(|l| l.starts_with("VmHWM"));
        let memory = memory.unwrap_or_default().to_owned();
        let stat = read("stat").unwrap_or_default();
        // Behind the name, in hundredths of a second on Linux.
        let rest = stat.rsplit(") ").next().unwrap_or_default();
        let ticks = rest.split(' ').skip(11).take(2).map(|n| n.parse::<u64>());
        let ticks: u64 = ticks.map(Result::unwrap_or_default).sum();
        format!("{memory}, {:.1} s of the processor", ticks as f64 / 100.0)
    }

    /// Asks it to end, and looks at its home.
    pub fn stop(mut self) {
        self.is_well();
        signal("-TERM", &self.pid());
        let status = self.wait();
        assert!(status.success(), "{status}");
        is_sound(&self.home);
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.wait();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
