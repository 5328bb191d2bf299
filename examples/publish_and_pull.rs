//! Two nodes in one process: one serves a signed dataset over QUIC, the other pulls and verifies it.
//!
//! `cargo run --example publish_and_pull -- tests/data/gsm8k/test.jsonl`
#![allow(clippy::print_stdout, reason = "an example shows what it did")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use alimentar::LocalRegistry;
use alimentar::net::Node;
use alimentar::net::ServeOptions;
use alimentar::net::SyncClient;
use alimentar::progress::NoProgress;
use alimentar::registry::IndexOptions;
use alimentar::trust::KeyPair;
use zeroize::Zeroizing;

fn main() -> Result<(), Box<dyn Error>> {
    let path = PathBuf::from(std::env::args_os().nth(1).ok_or("give a file")?);
    let work = std::env::temp_dir().join(format!("alimentar-pull-{}", std::process::id()));
    let publisher = LocalRegistry::open(&work.join("publisher"))?;
    let options = IndexOptions::signed_with(KeyPair::from_seed(&Zeroizing::new([7; 32])));
    let indexed = publisher.index(&path, &options, &NoProgress)?;

    let serve = ServeOptions::on(vec!["127.0.0.1:0".parse()?]);
    let node = Node::start(&publisher, &serve, Arc::new(|_| {}))?;
    let port = node.addresses().first().ok_or("no address")?.port();
    // With the node's key in its address, nobody else can answer in its place.
    let address = format!("{}@127.0.0.1:{port}", node.node_id()).parse()?;

    let puller = LocalRegistry::open(&work.join("puller"))?;
    let copy = work.join("copy");
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let client = SyncClient::connect(&puller, &address).await?;
        for manifest in client.list_remote().await? {
            println!(
                "the peer has {}@{}",
                manifest.name, manifest.dataset_version
            );
        }
        client.pull(&indexed.manifest.content_id, &copy).await
    })?;
    assert_eq!(std::fs::read(&path)?, std::fs::read(&copy)?);
    println!(
        "pulled {} bytes, every chunk verified",
        indexed.manifest.size_bytes
    );

    node.stop();
    std::fs::remove_dir_all(&work)?;
    Ok(())
}
