//! Signs a dataset in one registry, carries it to another in an archive, and verifies it there
//! without a network.
//!
//! `cargo run --example verify_offline -- tests/data/gsm8k/test.jsonl`
#![allow(clippy::print_stdout, reason = "an example shows what it did")]

use std::error::Error;
use std::path::PathBuf;

use alimentar::LocalRegistry;
use alimentar::progress::NoProgress;
use alimentar::registry::ExportOptions;
use alimentar::registry::ImportOptions;
use alimentar::registry::IndexOptions;
use alimentar::registry::archive_inputs;
use alimentar::trust::KeyPair;
use zeroize::Zeroizing;

fn main() -> Result<(), Box<dyn Error>> {
    let path = PathBuf::from(std::env::args_os().nth(1).ok_or("give a file")?);
    let work = std::env::temp_dir().join(format!("alimentar-offline-{}", std::process::id()));
    // A real key comes from `alimentar registry keygen`, under a passphrase.
    let pair = KeyPair::from_seed(&Zeroizing::new([7; 32]));

    let lab_a = LocalRegistry::open(&work.join("a"))?;
    let options = IndexOptions::signed_with(pair);
    let indexed = lab_a.index(&path, &options, &NoProgress)?;
    let id = indexed.manifest.content_id;
    let dataset = lab_a.get(&id)?.ok_or("it was just indexed")?;
    let archive = work.join("stick.alimentar");
    lab_a
        .archives()
        .export(&[dataset], &archive, &ExportOptions::default(), &NoProgress)?;

    let lab_b = LocalRegistry::open(&work.join("b"))?;
    for archive in archive_inputs(&[archive])? {
        let report = lab_b
            .archives()
            .import(&archive, &ImportOptions::default(), &NoProgress)?;
        println!("imported {} chunk(s)", report.new_chunks);
    }
    let received = lab_b.get(&id)?.ok_or("it was just imported")?;
    let verified = lab_b.verify(&received, &NoProgress)?;
    println!(
        "{}: {} bytes verified, {:?}",
        received.manifest.name,
        verified.bytes,
        lab_b.publishing().signature(&received)?
    );

    std::fs::remove_dir_all(&work)?;
    Ok(())
}
