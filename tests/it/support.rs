//! Homes, data and runs of the program for the tests.

use std::path::Path;
use std::process::Command;
use std::process::Output;

use serde_json::Value;

/// Deterministic lines of about 200 bytes that do not repeat.
pub fn lines(count: usize, seed: u64) -> Vec<u8> {
    let mut noise = vec![0; count * 60];
    blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .finalize_xof()
        .fill(&mut noise);
    let rows = noise.chunks(60).enumerate();
    rows.flat_map(|(n, b)| {
        format!(
            "{{\"n\":{n},\"text\":\"{}\"}}\n",
            alimentar::ident::to_hex(b)
        )
        .into_bytes()
    })
    .collect()
}

/// The program on a home.
pub fn program(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alimentar"));
    command.arg("--home").arg(home);
    command
}

/// Runs the program with `--json` and the words given.
pub fn run(home: &Path, words: &[&str]) -> Output {
    program(home).arg("--json").args(words).output().unwrap()
}

/// Runs the program and reads its answer; it must succeed.
pub fn answer(home: &Path, words: &[&str]) -> Value {
    let out = run(home, words);
    assert!(
        out.status.success(),
        "{words:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Compares lines with those of a file of vectors, without its comments.
pub fn assert_vectors(found: &str, vectors: &str) {
    let lines = vectors.lines().filter(|line| !line.starts_with('#'));
    let wanted = lines.fold(String::new(), |text, line| text + line + "\n");
    assert_eq!(found, wanted, "\n{found}");
}
