//! Stores an edited copy of a file as the next version, and shows the rows that differ. Only the chunks
//! around the edit are stored and read.
//!
//! `cargo run --example compare_two_versions -- tests/data/gsm8k/test.jsonl`
#![allow(clippy::print_stdout, reason = "an example shows what it did")]

use std::error::Error;
use std::path::PathBuf;

use alimentar::LocalRegistry;
use alimentar::progress::NoProgress;
use alimentar::registry::IndexOptions;

fn main() -> Result<(), Box<dyn Error>> {
    let path = PathBuf::from(std::env::args_os().nth(1).ok_or("give a file of lines")?);
    let work = std::env::temp_dir().join(format!("alimentar-versions-{}", std::process::id()));
    let registry = LocalRegistry::open(&work.join("home"))?;
    let options = IndexOptions::named("rows".parse()?);
    let first = registry.index(&path, &options, &NoProgress)?;

    // The third line goes, and one comes at the end.
    let text = std::fs::read_to_string(&path)?;
    let kept = text.lines().enumerate().filter(|(number, _)| *number != 2);
    let mut edited: Vec<&str> = kept.map(|(_, line)| line).collect();
    edited.push("{\"question\": \"What is new?\", \"answer\": \"This row.\"}");
    let copy = work.join("edited.jsonl");
    std::fs::write(&copy, edited.join("\n") + "\n")?;
    let second = registry.index(&copy, &options, &NoProgress)?;
    println!(
        "{}@{}: {} of {} chunks are new",
        second.manifest.name,
        second.manifest.dataset_version,
        second.stats.new_chunks,
        second.chunks
    );

    let before = registry
        .get(&first.manifest.content_id)?
        .ok_or("no such dataset")?;
    let after = registry
        .get(&second.manifest.content_id)?
        .ok_or("no such dataset")?;
    for file in registry
        .comparison()
        .diff_rows(&before, &after, &NoProgress)?
    {
        println!(
            "{} rows added, {} removed, {} bytes read",
            file.added, file.removed, file.bytes_read
        );
    }
    std::fs::remove_dir_all(&work)?;
    Ok(())
}
