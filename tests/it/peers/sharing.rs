//! Two labs on one machine: the program serves, lists, syncs and pulls as the README tells it.

use std::io::BufRead;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::Output;
use std::process::Stdio;

use serde_json::Value;

use crate::support::answer;
use crate::support::lab::Lab;
use crate::support::lines;
use crate::support::program;
use crate::support::serving::Serving;
use crate::support::stderr;

impl Lab {
    /// Makes a key; returns its public half.
    fn key(&self) -> String {
        let made = self.done(&["registry", "keygen"]);
        made["public_key"].as_str().unwrap().to_owned()
    }
}

fn code(out: &Output) -> Option<i32> {
    out.status.code()
}

#[test]
fn second_pull_fetches_only_changes() {
    let (a, b) = (Lab::new(), Lab::new());
    let key = a.key();
    let first = lines(20_000, 1);
    let corpus = a.write("corpus.jsonl", &first);
    a.done(&["registry", "index", &corpus, "--sign", "--license", "MIT"]);
    let node = Serving::start(&a.home(), &[]);
    let peer = format!("{}@{}", node.node_id(), node.addr());

    let listed = b.answer(&["registry", "list", "--peer", &peer]);
    assert_eq!(listed["datasets"][0]["name"], "corpus");
    assert_eq!(listed["datasets"][0]["trust"], "unknown");
    // A stranger's data is not taken by name unasked.
    let refused = b.run(&["registry", "pull", "corpus", "--peer", &peer]);
    assert_eq!(code(&refused), Some(5), "{}", stderr(&refused));
    assert!(stderr(&refused).contains(&key));
    let synced = b.answer(&["registry", "sync", "--peer", &peer]);
    assert_eq!(synced["manifests_received"], 1);
    assert_eq!(synced["datasets_pulled"], 0);

    b.answer(&["registry", "trust", "add", "lab-a", &key]);
    let synced = b.answer(&["registry", "sync", "--peer", &peer]);
    assert_eq!(synced["datasets_pulled"], 1);
    assert!(synced["round_trips"].as_u64().unwrap() < 20);
    let out = b.text("out.jsonl");
    b.answer(&["registry", "checkout", "lab-a/corpus", &out]);
    assert_eq!(std::fs::read(&out).unwrap(), first);

    // A new version while the node serves; the other side pulls only the new chunks.
    let second = [first.as_slice(), &lines(200, 2)].concat();
    a.write("corpus.jsonl", &second);
    let indexed = a.done(&["registry", "index", &corpus, "--sign"]);
    assert_eq!(indexed["version"], "0.1.1");
    let out = b.text("second.jsonl");
    let pulled = b.answer(&["registry", "pull", "corpus", "--peer", &peer, "-o", &out]);
    let (fetched, local) = (
        pulled["chunks_fetched"].as_u64().unwrap(),
        pulled["chunks_local"].as_u64().unwrap(),
    );
    assert!(fetched > 0 && fetched * 20 < local, "{fetched} of {local}");
    assert!(pulled["bytes_received"].as_u64().unwrap() < 200_000);
    assert_eq!(pulled["sources"][0]["chunks"], fetched);
    assert_eq!(std::fs::read(&out).unwrap(), second);
    let again = b.answer(&["registry", "pull", "corpus", "--peer", &peer]);
    assert_eq!(again["already_here"], true);
    assert_eq!(
        b.answer(&["registry", "verify", "corpus", "--require-signature"])["content"],
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
fn commands_work_while_a_node_serves() {
    let a = Lab::new();
    let file = a.write("x.jsonl", &lines(500, 3));
    let idle = a.answer(&["registry", "node"]);
    assert_eq!(idle["running"], false);
    let node = Serving::start(&a.home(), &["--share-unsigned"]);
    let running = a.answer(&["registry", "node"]);
    assert_eq!(running["node_id"], idle["node_id"]);
    assert_eq!(running["addr"], node.addr());
    assert_eq!(
        (&running["running"], &running["sessions"]),
        (&true.into(), &0.into())
    );
    // Only the owner of the home may use the control socket.
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(a.home().join("node.sock")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    let second = a.run(&["registry", "serve", "--port", "0"]);
    assert_eq!(code(&second), Some(1), "{}", stderr(&second));

    let b = Lab::new();
    let addr = node.addr();
    std::thread::scope(|scope| {
        for n in 0..4 {
            let (a, b, file, addr) = (&a, &b, &file, &addr);
            scope.spawn(move || {
                let name = format!("set-{n}");
                a.answer(&["registry", "index", file, "--name", &name]);
                b.answer(&[
                    "registry",
                    "pull",
                    &name,
                    "--peer",
                    addr,
                    "--accept-unsigned",
                ]);
                b.answer(&["registry", "verify", &name]);
                a.answer(&["registry", "unindex", &name]);
            });
        }
    });
    a.answer(&["registry", "gc", "--keep-days", "0"]);
    assert_eq!(
        a.answer(&["registry", "fsck"])["corrupt"],
        serde_json::json!([])
    );
    assert_eq!(
        b.answer(&["registry", "list", "--all"])["datasets"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    drop(node);
    // Killed, it left its socket behind: that is no node.
    assert_eq!(a.answer(&["registry", "node"])["running"], false);
    let (exit, _) = Serving::start(&a.home(), &[]).stop();
    assert_eq!(exit, Some(0));
}

#[test]
fn serve_limits_access_and_shared_datasets() {
    let (a, b) = (Lab::new(), Lab::new());
    let file = a.write("x.jsonl", &lines(500, 4));
    a.key();
    a.done(&["registry", "index", &file, "--name", "inner", "--sign"]);
    a.answer(&["registry", "index", &file, "--name", "draft"]);
    let node = Serving::start(&a.home(), &["--access", "listed"]);
    let addr = node.addr();
    let list = ["registry", "list", "--peer", &addr];
    let refused = b.run(&list);
    assert_eq!(code(&refused), Some(6), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("not on the list"));
    let own = b.answer(&["registry", "node"])["node_id"]
        .as_str()
        .unwrap()
        .to_owned();
    a.answer(&["registry", "access", "add", &own]);
    let names = |listed: &Value| -> Vec<String> {
        let datasets = listed["datasets"].as_array().unwrap().iter();
        datasets
            .map(|d| d["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&b.answer(&list)), ["inner"]);
    let shared = a.answer(&["registry", "share", "draft"]);
    assert_eq!(shared["shared"], true);
    assert_eq!(names(&b.answer(&list)), ["draft", "inner"]);
    a.answer(&["registry", "unshare", "inner"]);
    assert_eq!(names(&b.answer(&list)), ["draft"]);
    let hidden = b.run(&["registry", "pull", "inner", "--peer", &addr]);
    assert_eq!(code(&hidden), Some(3), "{}", stderr(&hidden));
    // Items from a node with access `listed` are not forwarded.
    b.answer(&[
        "registry",
        "pull",
        "draft",
        "--peer",
        &addr,
        "--accept-unsigned",
    ]);
    assert_eq!(
        b.answer(&["registry", "list", "--all"])["datasets"][0]["private"],
        true
    );
    a.answer(&["registry", "access", "remove", &own]);
    assert_eq!(code(&b.run(&list)), Some(6));
}

#[test]
fn known_address_with_another_key_is_refused_until_forgotten() {
    let (a, c, b) = (Lab::new(), Lab::new(), Lab::new());
    let node = Serving::start(&a.home(), &[]);
    let (addr, first) = (node.addr(), node.node_id());
    b.answer(&["registry", "list", "--peer", &addr]);
    let known = b.answer(&["registry", "peers"]);
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
    let refused = b.run(&["registry", "list", "--peer", &addr]);
    assert_eq!(code(&refused), Some(5), "{}", stderr(&refused));
    assert!(stderr(&refused).contains(&first) && stderr(&refused).contains(second));
    let wrong = format!("{first}@{addr}");
    assert_eq!(
        code(&b.run(&["registry", "sync", "--peer", &wrong])),
        Some(5)
    );
    b.answer(&["registry", "peers", "forget", &addr]);
    b.answer(&["registry", "list", "--peer", &addr]);
    other.kill().unwrap();
    other.wait().unwrap();
    let gone = b.run(&["registry", "list", "--peer", "127.0.0.1:9"]);
    assert_eq!(code(&gone), Some(6), "{}", stderr(&gone));
}

#[test]
fn pull_from_several_peers_completes_and_heals() {
    let (a, b, c) = (Lab::new(), Lab::new(), Lab::new());
    let key = a.key();
    let data = lines(120_000, 5);
    let file = a.write("wide.jsonl", &data);
    a.done(&["registry", "index", &file, "--sign"]);
    let of_a = Serving::start(&a.home(), &[]);
    for lab in [&b, &c] {
        lab.answer(&["registry", "trust", "add", "lab-a", &key]);
    }
    b.answer(&["registry", "pull", "wide", "--peer", &of_a.addr()]);
    let of_b = Serving::start(&b.home(), &[]);
    let both = [of_a.addr(), of_b.addr()];
    let out = c.text("wide.jsonl");
    let pulled = c.answer(&[
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
    assert_eq!(code(&c.run(&["registry", "verify", "wide"])), Some(4));
    c.answer(&["registry", "fsck", "--repair", "--peer", &both[1]]);
    assert_eq!(c.answer(&["registry", "verify", "wide"])["content"], "ok");
}

#[test]
fn async_client_lists_and_pulls() {
    let (a, b) = (Lab::new(), Lab::new());
    let data = lines(3_000, 6);
    let file = a.write("x.jsonl", &data);
    a.key();
    let indexed = a.done(&["registry", "index", &file, "--sign"]);
    let node = Serving::start(&a.home(), &[]);
    let registry = alimentar::LocalRegistry::open(&b.home()).unwrap();
    let own = b.write("own.jsonl", &lines(100, 7));
    b.key();
    b.done(&["registry", "index", &own, "--sign"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dest = PathBuf::from(b.text("pulled.jsonl"));
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
    // The announced manifest is known there, and no data was pushed.
    let synced = b.answer(&["registry", "sync", "--peer", &node.addr()]);
    assert_eq!(synced["manifests_sent"], 0);
    assert_eq!(
        a.answer(&["registry", "list"])["datasets"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn pull_of_a_directory_writes_it_while_it_arrives() {
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
        a.answer(&["registry", "index", dir.to_str().unwrap()]);
    }
    a.write("void", &[]);
    a.answer(&["registry", "index", &a.text("void")]);
    let node = node(&a);
    for name in ["few", "many", "void"] {
        let out = b.text(&format!("{name}-out"));
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
        b.answer(&words);
        let same = std::process::Command::new("diff")
            .args(["-r", a.text(name).as_str(), &out])
            .output()
            .unwrap();
        assert!(
            same.status.success(),
            "{}",
            String::from_utf8_lossy(&same.stdout)
        );
        // Nothing is written over, and nothing is left beside it.
        assert_eq!(code(&b.run(&words)), Some(1));
    }
    let left = std::fs::read_dir(b.dir.path()).unwrap();
    let names = left.map(|e| e.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| !name.contains("partial")));
}

#[test]
fn home_with_a_long_path_puts_its_socket_elsewhere() {
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
