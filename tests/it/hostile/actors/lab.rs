//! A publisher with datasets in a home, and fresh homes that trust it.

use std::cell::Cell;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use alimentar::LocalRegistry;
use alimentar::catalog::Dataset;
use alimentar::progress::NoProgress;
use alimentar::registry::IndexOptions;
use alimentar::trust::KeyPair;

use crate::support::answer;
use crate::support::is_sound;
use crate::support::run_on;
use crate::support::stderr;

pub struct Lab {
    dir: tempfile::TempDir,
    pub key: KeyPair,
    pub registry: LocalRegistry,
    homes: Cell<u32>,
}

impl Lab {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = LocalRegistry::open(&dir.path().join("served")).unwrap();
        let key = KeyPair::generate().unwrap();
        Self {
            dir,
            key,
            registry,
            homes: Cell::new(0),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The home that is served.
    pub fn served(&self) -> &Path {
        self.registry.home()
    }

    /// Returns the number of remote manifests that the served registry has heard of.
    pub fn heard(&self) -> usize {
        self.registry.peers().remote_manifests().unwrap().len()
    }

    /// Indexes and signs a file, with a card.
    pub fn index(&self, name: &str, bytes: &[u8], private: bool) -> Dataset {
        let path = self.path(&format!("{name}.jsonl"));
        std::fs::write(&path, bytes).unwrap();
        let card = self.path("card.md");
        std::fs::write(&card, format!("# What `{name}` is\n")).unwrap();
        let mut options = IndexOptions::default();
        options.private = private;
        options.card = Some(card);
        options.sign_with = Some(self.key.clone());
        let report = self.registry.index(&path, &options, &NoProgress).unwrap();
        let id = report.manifest.content_id;
        self.registry.get(&id).unwrap().unwrap()
    }

    /// A home with nothing in it that trusts this publisher in full.
    pub fn home(&self) -> PathBuf {
        self.homes.set(self.homes.get() + 1);
        let home = self.path(&format!("home{}", self.homes.get()));
        std::fs::create_dir(&home).unwrap();
        let key = self.key.public_key();
        let trust = format!("version = 1\n\n[publisher.lab]\nkey = \"{key}\"\nlevel = \"full\"\n");
        std::fs::write(home.join("trust.toml"), trust).unwrap();
        home
    }

    /// Pulls into a fresh home from an honest node, and compares every byte.
    pub fn pulls(&self, peer: &str, name: &str) {
        self.pulls_into(&self.home(), &[peer], name);
    }

    /// Pulls into a home, and compares every byte; what was said meanwhile.
    pub fn pulls_into(&self, home: &Path, peers: &[&str], name: &str) -> String {
        let out = pull(home, peers, name);
        let said = stderr(&out);
        assert!(out.status.success(), "{peers:?}: {said}");
        self.compare(home, name);
        said
    }

    /// Checks that a dataset in a home has the indexed bytes, and that the home is sound.
    pub fn compare(&self, home: &Path, name: &str) {
        let copy = home.join("copy");
        let to = copy.to_str().unwrap();
        answer(home, &["registry", "checkout", name, to]);
        let truth = std::fs::read(self.path(&format!("{name}.jsonl"))).unwrap();
        assert!(std::fs::read(&copy).unwrap() == truth, "other bytes");
        std::fs::remove_file(&copy).unwrap();
        is_sound(home);
    }
}

pub fn pull(home: &Path, peers: &[&str], name: &str) -> Output {
    let mut words = vec!["--json", "registry", "pull", name];
    peers.iter().for_each(|peer| words.extend(["--peer", peer]));
    run_on(home, &words)
}

pub fn signal(which: &str, pid: &str) {
    let sent = Command::new("kill").args([which, pid]).status();
    assert!(sent.unwrap().success());
}
