//! Several homes with nodes, one of them a publisher's.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::answer;
use crate::support::lan::Lan;
use crate::support::program;
use crate::support::serving::Serving;
use crate::support::wait::until_some;

/// Homes, one of them a publisher's whom the others trust in full, and a network for their nodes.
pub struct Labs {
    pub dir: tempfile::TempDir,
    pub lan: Option<Lan>,
}

impl Labs {
    /// On one LAN; over loopback where there is none to be had.
    pub fn on_a_lan(machines: u8) -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            lan: Lan::new(machines),
        }
    }

    /// Over loopback.
    pub fn here() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            lan: None,
        }
    }

    pub fn home(&self, n: u8) -> PathBuf {
        self.dir.path().join(format!("home{n}"))
    }

    /// Makes the publisher's key, and lets these trust it.
    pub fn publisher(&self, trusting: &[u8]) {
        let made = self.keyed(&["registry", "keygen", "--name", "lab-a"]);
        let key = made["public_key"].as_str().unwrap();
        for n in trusting {
            answer(&self.home(*n), &["registry", "trust", "add", "lab-a", key]);
        }
    }

    /// At the publisher's, with his passphrase.
    pub fn keyed(&self, words: &[&str]) -> Value {
        let mut command = program(&self.home(0));
        command.arg("--json").env("ALIMENTAR_PASSPHRASE", "pass");
        let out = command.args(words).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{words:?}: {said}");
        serde_json::from_slice(&out.stdout).unwrap()
    }

    /// Publishes a version; its content id.
    pub fn publish(&self, version: &str, bytes: &[u8]) -> String {
        let path = self.dir.path().join("corpus.jsonl");
        std::fs::write(&path, bytes).unwrap();
        let path = path.to_str().unwrap();
        let words = ["registry", "index", path, "--name", "corpus", "--sign"];
        let done = self.keyed(&[&words[..], &["--version", version]].concat());
        done["content_id"].as_str().unwrap().to_owned()
    }

    /// A program of a lab, on its machine.
    pub fn command(&self, n: u8) -> Command {
        match &self.lan {
            Some(lan) => {
                let mut command = lan.command(n, env!("CARGO_BIN_EXE_alimentar"));
                command.arg("--home").arg(self.home(n));
                command
            }
            None => program(&self.home(n)),
        }
    }

    /// A node with nothing but `serve`; over loopback it has to stay there.
    pub fn serve(&self, n: u8, more: &[&str]) -> Serving {
        let bind: &[&str] = match self.lan {
            Some(_) => &[],
            None => &["--bind", "127.0.0.1"],
        };
        Serving::of(self.command(n), &[bind, more].concat())
    }

    pub fn ask(&self, n: u8, words: &[&str]) -> Value {
        let out = self.command(n).arg("--json").args(words).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{words:?}: {said}");
        serde_json::from_slice(&out.stdout).unwrap()
    }

    /// Waits until a home has all of these, trusted in full.
    pub fn arrives(&self, n: u8, ids: &[&str]) {
        until_some(|| {
            let held = held(&self.home(n));
            let has_all = ids.iter().all(|id| held.iter().any(|h| h == id));
            has_all
                .then_some(())
                .ok_or(format!("lab {n} has {ids:?}: {held:?}"))
        });
    }

    /// The peers that a lab lists.
    pub fn peers(&self, n: u8) -> Vec<Value> {
        let answer = self.ask(n, &["registry", "peers"]);
        answer["peers"].as_array().unwrap().clone()
    }

    /// Waits until a node knows these others.
    pub fn meets(&self, n: u8, others: &[&Serving]) {
        until_some(|| {
            let peers = self.peers(n);
            let knows = |other: &&Serving| peers.iter().any(|p| p["node_id"] == other.node_id());
            let knows_all = others.iter().all(knows);
            knows_all
                .then_some(())
                .ok_or(format!("lab {n} knows {peers:?}"))
        });
    }
}

/// The datasets of a home that are trusted in full, by content id.
pub fn held(home: &Path) -> Vec<String> {
    let listed = answer(home, &["registry", "list"]);
    let listed = listed["datasets"].as_array().unwrap().iter();
    let listed = listed.filter(|d| d["trust"] == "full");
    listed
        .map(|d| d["content_id"].as_str().unwrap().to_owned())
        .collect()
}

/// The events of one name.
pub fn told<'a>(events: &'a [Value], event: &str) -> Vec<&'a Value> {
    events.iter().filter(|e| e["event"] == event).collect()
}
