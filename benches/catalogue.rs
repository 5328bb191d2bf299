//! Two real registries of many signed datasets, one of them serving over QUIC on loopback: what it
//! takes to compare them, equal and with a hundred changes. `cargo bench --bench catalogue -- 10000`.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use alimentar::LocalRegistry;
use alimentar::net::Net;
use alimentar::net::Node;
use alimentar::net::ServeOptions;
use alimentar::progress::NoProgress;
use alimentar::protocol::ListFilter;
use alimentar::registry::IndexOptions;
use alimentar::registry::peers::Showing;
use alimentar::trust::KeyPair;
use alimentar::trust::Level;
use alimentar::trust::Publisher;

fn main() {
    let wished = std::env::args().find_map(|word| word.parse::<usize>().ok());
    let count = wished.unwrap_or(2_000);
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    let key = KeyPair::generate().unwrap();
    let registry = LocalRegistry::open(&a).unwrap();
    let trusted = Publisher::new("lab".parse().unwrap(), key.public_key(), Level::Full);
    registry.trust().change(|f| Ok(f.put(trusted)?)).unwrap();
    let began = Instant::now();
    (0..count).for_each(|n| index(&registry, dir.path(), &key, &format!("of-both-{n}")));
    println!(
        "{count} datasets made in {:.1} s",
        began.elapsed().as_secs_f64()
    );
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .args([&a, &b])
        .status();
    assert!(copied.unwrap().success());
    std::fs::remove_file(b.join("node.key")).ok();
    let other = LocalRegistry::open(&b).unwrap();
    let options = ServeOptions::on(vec!["127.0.0.1:0".parse().unwrap()]);
    let node = Node::start(&registry, &options, Arc::new(|_| {})).unwrap();
    let at = format!("{}@{}", node.node_id(), node.addresses()[0]);
    println!("| what | way | round trips | bytes both ways | received | sent | seconds |");
    println!("|---|---|---:|---:|---:|---:|---:|");
    compare(&other, &at, "equal");
    for n in 0..50 {
        index(&registry, dir.path(), &key, &format!("only-there-{n}"));
        index(&other, dir.path(), &key, &format!("only-here-{n}"));
    }
    compare(&other, &at, "50 new on each side");
    compare(&other, &at, "again");
    let began = Instant::now();
    let net = Net::new(&other).unwrap();
    let peer = net.connect(&at.parse().unwrap()).unwrap();
    let offers = other
        .peers()
        .list_remote(&peer, &ListFilter::All)
        .unwrap()
        .len();
    println!(
        "{offers} signed manifests listed and verified in {:.2} s",
        began.elapsed().as_secs_f64()
    );
    drop(peer);
    node.stop();
}

fn index(registry: &LocalRegistry, dir: &Path, key: &KeyPair, name: &str) {
    let path = dir.join(format!("{name}.jsonl"));
    std::fs::write(&path, format!("{{\"name\":\"{name}\"}}\n")).unwrap();
    let options = IndexOptions::signed_with(key.clone());
    registry.index(&path, &options, &NoProgress).unwrap();
    std::fs::remove_file(path).unwrap();
}

fn compare(registry: &LocalRegistry, at: &str, what: &str) {
    let net = Net::new(registry).unwrap();
    let peer = net.connect(&at.parse().unwrap()).unwrap();
    let began = Instant::now();
    let done = registry.peers().compare(&peer, Showing::default()).unwrap();
    let seconds = began.elapsed().as_secs_f64();
    let t = done.effort;
    println!(
        "| {what} | {} | {} | {} | {} | {} | {seconds:.2} |",
        t.way.name(),
        t.round_trips,
        t.sent_bytes + t.received_bytes,
        done.received,
        done.sent,
    );
}
