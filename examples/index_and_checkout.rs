//! Indexes a file, checks it out again and compares: the registry without its command line.
//!
//! `cargo run --example index_and_checkout -- tests/data/gsm8k/test.jsonl`
#![allow(clippy::print_stdout, reason = "an example shows what it did")]

use std::error::Error;
use std::path::PathBuf;

use alimentar::LocalRegistry;
use alimentar::progress::NoProgress;
use alimentar::registry::IndexOptions;

fn main() -> Result<(), Box<dyn Error>> {
    let path = PathBuf::from(std::env::args_os().nth(1).ok_or("give a file")?);
    let work = std::env::temp_dir().join(format!("alimentar-example-{}", std::process::id()));
    let registry = LocalRegistry::open(&work.join("home"))?;

    let report = registry.index(&path, &IndexOptions::default(), &NoProgress)?;
    println!("{} is {}", report.manifest.name, report.manifest.content_id);

    let dataset = registry
        .get(&report.manifest.content_id)?
        .ok_or("it was just indexed")?;
    let copy = work.join("copy");
    registry.checkout(&dataset, None, &copy, &NoProgress)?;
    assert_eq!(std::fs::read(&path)?, std::fs::read(&copy)?);
    println!(
        "checked out {} bytes, the same as before",
        report.manifest.size_bytes
    );

    std::fs::remove_dir_all(&work)?;
    Ok(())
}
