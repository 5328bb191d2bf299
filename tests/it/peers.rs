//! Two labs on one machine: the program serves, lists, syncs and pulls as the README tells it.

use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Output;
use std::process::Stdio;

use serde_json::Value;

use crate::support::answer;
use crate::support::lines;
use crate::support::program;
use crate::support::run;

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
        let pid = rustix_pid(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let code = self.child.wait().unwrap().code();
        let events = std::mem::replace(&mut self.events, std::thread::spawn(Vec::new));
        (code, events.join().unwrap())
    }
}

fn rustix_pid(child: &Child) -> rustix::process::Pid {
    rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap()
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Lab {
    dir: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn at(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.at(name), bytes).unwrap();
        self.at(name)
    }

    /// Makes a key; returns its public half.
    fn key(&self) -> String {
        let made = self.keyed(&["registry", "keygen"]);
        made["public_key"].as_str().unwrap().to_owned()
    }

    /// With the passphrase of the key.
    fn keyed(&self, words: &[&str]) -> Value {
        let mut command = program(&self.home());
        command.arg("--json").env("ALIMENTAR_PASSPHRASE", "pass");
        let out = command.args(words).output().unwrap();
        assert!(out.status.success(), "{words:?}: {}", stderr(&out));
        serde_json::from_slice(&out.stdout).unwrap()
    }

    fn done(&self, words: &[&str]) -> Value {
        answer(&self.home(), words)
    }

    fn try_to(&self, words: &[&str]) -> Output {
        run(&self.home(), words)
    }
}

fn stderr(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

fn code(out: &Output) -> Option<i32> {
    out.status.code()
}

#[test]
fn two_labs_share_a_dataset_and_then_what_changed() {
    let (a, b) = (Lab::new(), Lab::new());
    let key = a.key();
    let first = lines(20_000, 1);
    let corpus = a.file("corpus.jsonl", &first);
    a.keyed(&["registry", "index", &corpus, "--sign", "--license", "MIT"]);
    let node = Serving::start(&a.home(), &[]);
    let peer = format!("{}@{}", node.node_id(), node.addr());

    let listed = b.done(&["registry", "list", "--peer", &peer]);
    assert_eq!(listed["datasets"][0]["name"], "corpus");
    assert_eq!(listed["datasets"][0]["trust"], "unknown");
    // A stranger's data is not taken by name unasked.
    let refused = b.try_to(&["registry", "pull", "corpus", "--peer", &peer]);
    assert_eq!(code(&refused), Some(5), "{}", stderr(&refused));
    assert!(stderr(&refused).contains(&key));
    let synced = b.done(&["registry", "sync", "--peer", &peer]);
    assert_eq!(synced["manifests_received"], 1);
    assert_eq!(synced["datasets_pulled"], 0);

    b.done(&["registry", "trust", "add", "lab-a", &key]);
    let synced = b.done(&["registry", "sync", "--peer", &peer]);
    assert_eq!(synced["datasets_pulled"], 1);
    assert!(synced["round_trips"].as_u64().unwrap() < 20);
    let out = b.at("out.jsonl");
    b.done(&["registry", "checkout", "lab-a/corpus", &out]);
    assert_eq!(std::fs::read(&out).unwrap(), first);

    // A new version while the node serves; the other side pulls the delta.
    let second = [first.as_slice(), &lines(200, 2)].concat();
    a.file("corpus.jsonl", &second);
    let indexed = a.keyed(&["registry", "index", &corpus, "--sign"]);
    assert_eq!(indexed["version"], "0.1.1");
    let out = b.at("second.jsonl");
    let pulled = b.done(&["registry", "pull", "corpus", "--peer", &peer, "-o", &out]);
    let (fetched, local) = (
        pulled["chunks_fetched"].as_u64().unwrap(),
        pulled["chunks_local"].as_u64().unwrap(),
    );
    assert!(fetched > 0 && fetched * 20 < local, "{fetched} of {local}");
    assert!(pulled["bytes_received"].as_u64().unwrap() < 200_000);
    assert_eq!(pulled["sources"][0]["chunks"], fetched);
    assert_eq!(std::fs::read(&out).unwrap(), second);
    let again = b.done(&["registry", "pull", "corpus", "--peer", &peer]);
    assert_eq!(again["already_here"], true);
    assert_eq!(
        b.done(&["registry", "verify", "corpus", "--require-signature"])["content"],
        "ok"
    );

    let (exit, events) = node.stop();
    assert_eq!(exit, Some(0));
    let kinds: Vec<&str> = events
        .iter()
        .map(|e| e["event"].as_str().unwrap())
        .collect();
    assert!(kinds.contains(&"connected") && kinds.contains(&"disconnected"));
    assert_eq!(kinds.last(), Some(&"stopped"));
}

#[test]
fn everything_else_works_while_a_node_serves() {
    let a = Lab::new();
    let file = a.file("x.jsonl", &lines(500, 3));
    let idle = a.done(&["registry", "node"]);
    assert_eq!(idle["running"], false);
    let node = Serving::start(&a.home(), &["--share-unsigned"]);
    let running = a.done(&["registry", "node"]);
    assert_eq!(running["node_id"], idle["node_id"]);
    assert_eq!(running["addr"], node.addr());
    assert_eq!(
        (&running["running"], &running["sessions"]),
        (&true.into(), &0.into())
    );
    // Who may ask is who owns the home.
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(a.home().join("node.sock")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    let second = a.try_to(&["registry", "serve", "--port", "0"]);
    assert_eq!(code(&second), Some(1), "{}", stderr(&second));

    let b = Lab::new();
    let addr = node.addr();
    std::thread::scope(|scope| {
        for n in 0..4 {
            let (a, b, file, addr) = (&a, &b, &file, &addr);
            scope.spawn(move || {
                let name = format!("set-{n}");
                a.done(&["registry", "index", file, "--name", &name]);
                b.done(&[
                    "registry",
                    "pull",
                    &name,
                    "--peer",
                    addr,
                    "--accept-unsigned",
                ]);
                b.done(&["registry", "verify", &name]);
                a.done(&["registry", "unindex", &name]);
            });
        }
    });
    a.done(&["registry", "gc", "--keep-days", "0"]);
    assert_eq!(
        a.done(&["registry", "fsck"])["corrupt"],
        serde_json::json!([])
    );
    assert_eq!(
        b.done(&["registry", "list", "--all"])["datasets"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    drop(node);
    // Killed, it left its socket behind: that is no node.
    assert_eq!(a.done(&["registry", "node"])["running"], false);
    let (exit, _) = Serving::start(&a.home(), &[]).stop();
    assert_eq!(exit, Some(0));
}

#[test]
fn who_is_served_and_what_is_shown_can_be_limited() {
    let (a, b) = (Lab::new(), Lab::new());
    let file = a.file("x.jsonl", &lines(500, 4));
    a.key();
    a.keyed(&["registry", "index", &file, "--name", "inner", "--sign"]);
    a.done(&["registry", "index", &file, "--name", "draft"]);
    let node = Serving::start(&a.home(), &["--access", "listed"]);
    let addr = node.addr();
    let list = ["registry", "list", "--peer", &addr];
    let refused = b.try_to(&list);
    assert_eq!(code(&refused), Some(6), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("not on the list"));
    let own = b.done(&["registry", "node"])["node_id"]
        .as_str()
        .unwrap()
        .to_owned();
    a.done(&["registry", "access", "add", &own]);
    let names = |listed: &Value| -> Vec<String> {
        let datasets = listed["datasets"].as_array().unwrap().iter();
        datasets
            .map(|d| d["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&b.done(&list)), ["inner"]);
    let shared = a.done(&["registry", "share", "draft"]);
    assert_eq!(shared["shared"], true);
    assert_eq!(names(&b.done(&list)), ["draft", "inner"]);
    a.done(&["registry", "unshare", "inner"]);
    assert_eq!(names(&b.done(&list)), ["draft"]);
    let hidden = b.try_to(&["registry", "pull", "inner", "--peer", &addr]);
    assert_eq!(code(&hidden), Some(3), "{}", stderr(&hidden));
    // What comes from a closed circle is not passed on.
    b.done(&[
        "registry",
        "pull",
        "draft",
        "--peer",
        &addr,
        "--accept-unsigned",
    ]);
    assert_eq!(
        b.done(&["registry", "list", "--all"])["datasets"][0]["private"],
        true
    );
    a.done(&["registry", "access", "remove", &own]);
    assert_eq!(code(&b.try_to(&list)), Some(6));
}

#[test]
fn another_key_at_a_known_address_is_refused_until_it_is_forgotten() {
    let (a, c, b) = (Lab::new(), Lab::new(), Lab::new());
    let node = Serving::start(&a.home(), &[]);
    let (addr, first) = (node.addr(), node.node_id());
    b.done(&["registry", "list", "--peer", &addr]);
    let known = b.done(&["registry", "peers"]);
    assert_eq!(known["peers"][0]["node_id"], first.as_str());
    node.stop();
    let port = addr.rsplit(':').next().unwrap().to_owned();
    let mut other = program(&c.home());
    other.args(["registry", "serve", "--bind", "127.0.0.1", "--port", &port]);
    let mut other = other.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(other.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let second = ready["node_id"].as_str().unwrap();
    let refused = b.try_to(&["registry", "list", "--peer", &addr]);
    assert_eq!(code(&refused), Some(5), "{}", stderr(&refused));
    assert!(stderr(&refused).contains(&first) && stderr(&refused).contains(second));
    let wrong = format!("{first}@{addr}");
    assert_eq!(
        code(&b.try_to(&["registry", "sync", "--peer", &wrong])),
        Some(5)
    );
    b.done(&["registry", "peers", "forget", &addr]);
    b.done(&["registry", "list", "--peer", &addr]);
    other.kill().unwrap();
    other.wait().unwrap();
    let gone = b.try_to(&["registry", "list", "--peer", "127.0.0.1:9"]);
    assert_eq!(code(&gone), Some(6), "{}", stderr(&gone));
}

#[test]
fn several_peers_give_one_dataset_and_a_peer_heals_what_was_lost() {
    let (a, b, c) = (Lab::new(), Lab::new(), Lab::new());
    let key = a.key();
    let data = lines(120_000, 5);
    let file = a.file("wide.jsonl", &data);
    a.keyed(&["registry", "index", &file, "--sign"]);
    let of_a = Serving::start(&a.home(), &[]);
    for lab in [&b, &c] {
        lab.done(&["registry", "trust", "add", "lab-a", &key]);
    }
    b.done(&["registry", "pull", "wide", "--peer", &of_a.addr()]);
    let of_b = Serving::start(&b.home(), &[]);
    let both = [of_a.addr(), of_b.addr()];
    let out = c.at("wide.jsonl");
    let pulled = c.done(&[
        "registry", "pull", "wide", "--peer", &both[0], "--peer", &both[1], "-o", &out,
    ]);
    assert_eq!(pulled["sources"].as_array().unwrap().len(), 2);
    assert_eq!(std::fs::read(&out).unwrap(), data);

    // Bytes of a pack go bad; a peer has them.
    let pack = std::fs::read_dir(c.home().join("packs"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .max_by_key(|p| p.metadata().unwrap().len())
        .unwrap();
    let mut bytes = std::fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&pack, &bytes).unwrap();
    assert_eq!(code(&c.try_to(&["registry", "verify", "wide"])), Some(4));
    c.done(&["registry", "fsck", "--repair", "--peer", &both[1]]);
    assert_eq!(c.done(&["registry", "verify", "wide"])["content"], "ok");
}

#[test]
fn the_library_speaks_asynchronously() {
    let (a, b) = (Lab::new(), Lab::new());
    let data = lines(3_000, 6);
    let file = a.file("x.jsonl", &data);
    a.key();
    let indexed = a.keyed(&["registry", "index", &file, "--sign"]);
    let node = Serving::start(&a.home(), &[]);
    let registry = alimentar::LocalRegistry::open(&b.home()).unwrap();
    let own = b.file("own.jsonl", &lines(100, 7));
    b.key();
    b.keyed(&["registry", "index", &own, "--sign"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dest = PathBuf::from(b.at("pulled.jsonl"));
    runtime.block_on(async {
        let address = node.addr().parse().unwrap();
        let client = alimentar::net::SyncClient::connect(&registry, &address).await;
        let client = client.unwrap();
        let listed = client.list_remote().await.unwrap();
        assert_eq!(listed.len(), 1);
        let id = listed[0].content_id;
        assert_eq!(id.to_string(), indexed["content_id"].as_str().unwrap());
        client.pull(&id, &dest).await.unwrap();
        let own = registry.list().unwrap();
        let own = own.iter().find(|d| d.manifest.name.to_string() == "own");
        client.announce(&own.unwrap().manifest).await.unwrap();
    });
    assert_eq!(std::fs::read(&dest).unwrap(), data);
    // What was announced is known there, and nothing was pushed.
    let synced = b.done(&["registry", "sync", "--peer", &node.addr()]);
    assert_eq!(synced["manifests_sent"], 0);
    assert_eq!(
        a.done(&["registry", "list"])["datasets"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn directories_are_written_while_they_arrive() {
    let (a, b) = (Lab::new(), Lab::new());
    let node = |lab: &Lab| Serving::start(&lab.home(), &["--share-unsigned"]);
    // Few files, empty ones first, between and last; and more than are written straight.
    let dir = a.dir.path().join("few");
    std::fs::create_dir_all(dir.join("deep/er")).unwrap();
    for (name, bytes) in [
        ("a-empty", Vec::new()),
        ("b.jsonl", lines(3_000, 8)),
        ("deep/empty", Vec::new()),
        ("deep/er/c.jsonl", lines(20, 9)),
        ("z-empty", Vec::new()),
    ] {
        std::fs::write(dir.join(name), bytes).unwrap();
    }
    let many = a.dir.path().join("many");
    std::fs::create_dir_all(&many).unwrap();
    for n in 0..1_100 {
        std::fs::write(many.join(format!("{n}.txt")), format!("file {n}\n")).unwrap();
    }
    for dir in [&dir, &many] {
        a.done(&["registry", "index", dir.to_str().unwrap()]);
    }
    a.file("void", &[]);
    a.done(&["registry", "index", &a.at("void")]);
    let node = node(&a);
    for name in ["few", "many", "void"] {
        let out = b.at(&format!("{name}-out"));
        let peer = node.addr();
        let words = [
            "registry",
            "pull",
            name,
            "--peer",
            &peer,
            "--accept-unsigned",
            "-o",
            &out,
        ];
        b.done(&words);
        let same = std::process::Command::new("diff")
            .args(["-r", a.at(name).as_str(), &out])
            .output()
            .unwrap();
        assert!(
            same.status.success(),
            "{}",
            String::from_utf8_lossy(&same.stdout)
        );
        // Nothing is written over, and nothing is left beside it.
        assert_eq!(code(&b.try_to(&words)), Some(1));
    }
    let left = std::fs::read_dir(b.dir.path()).unwrap();
    let names = left.map(|e| e.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| !name.contains("partial")));
}

#[test]
fn a_home_with_a_long_path_has_its_socket_elsewhere() {
    let lab = Lab::new();
    let deep = lab.dir.path().join("d".repeat(60)).join("e".repeat(60));
    std::fs::create_dir_all(&deep).unwrap();
    let node = Serving::start(&deep, &[]);
    assert!(!deep.join("node.sock").exists());
    let state = answer(&deep, &["registry", "node"]);
    assert_eq!(state["addr"], node.addr());
    node.stop();
    assert_eq!(answer(&deep, &["registry", "node"])["running"], false);
}
