//! The JSON scanner beside serde_json, in turns on one core: `cargo bench --bench json -- [FILE...]`
//! with files of JSON Lines, of which the first 64 MiB are read; the rows of the tests without.
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

use std::hint::black_box;
use std::io::Read as _;
use std::time::Duration;
use std::time::Instant;

use alimentar::inspect::json::field;
use alimentar::inspect::json::validate;
use serde::de::IgnoredAny;

/// Turns that each way gets. The fastest counts: what else a machine does only adds.
const TURNS: usize = 31;

type Way = fn(&[u8]) -> bool;

const WAYS: [(&str, Way); 5] = [
    ("serde_json IgnoredAny", |row| {
        serde_json::from_slice::<IgnoredAny>(row).is_ok()
    }),
    ("the same, and UTF-8", |row| {
        std::str::from_utf8(row).is_ok() && serde_json::from_slice::<IgnoredAny>(row).is_ok()
    }),
    ("serde_json Value", |row| {
        serde_json::from_slice::<serde_json::Value>(row).is_ok()
    }),
    ("validate", |row| validate(row).is_ok()),
    ("field, of a missing key", |row| field(row, "\u{1}").is_ok()),
];

/// Rows of about a thousand bytes: a chat of two turns with escapes, and a few small fields.
fn rows() -> Vec<u8> {
    let source = include_str!("../tests/data/gsm8k/test.jsonl");
    let read = |line| serde_json::from_str::<serde_json::Value>(line).ok();
    let lines: Vec<_> = source.lines().filter_map(read).collect();
    let mut text = String::new();
    for (n, pair) in lines.chunks_exact(2).cycle().take(40_000).enumerate() {
        let [a, b] = pair else { continue };
        let (q, r) = (a.get("question"), a.get("answer"));
        let more = b.get("answer");
        let row = serde_json::json!({
            "id": n, "split": "train", "score": n as f64 / 7.0, "flagged": n % 9 == 0,
            "messages": [{"role": "user", "content": q}, {"role": "assistant", "content": r}],
            "reference": more, "tags": ["maths", "school"], "parent": null,
        });
        text.push_str(&row.to_string());
        text.push('\n');
    }
    text.into_bytes()
}

/// Every way on every row, in turns: the least time of each.
fn measure(rows: &[&[u8]]) -> [Duration; WAYS.len()] {
    let mut least = [Duration::MAX; WAYS.len()];
    for _ in 0..TURNS {
        for ((_, way), least) in WAYS.iter().zip(&mut least) {
            let start = Instant::now();
            let good = rows.iter().filter(|row| way(black_box(row))).count();
            *least = start.elapsed().min(*least);
            assert_eq!(good, rows.len());
        }
    }
    least
}

fn table(name: &str, text: &[u8]) {
    let rows: Vec<&[u8]> = text
        .split(|b| *b == b'\n')
        .filter(|row| !row.is_empty())
        .collect();
    let bytes: usize = rows.iter().map(|row| row.len()).sum();
    let times = measure(&rows);
    let each = bytes / rows.len().max(1);
    println!("\n{name}: {} rows of {each} bytes\n", rows.len());
    println!("| way | MB/s | of IgnoredAny |\n|---|---:|---:|");
    for ((way, _), time) in WAYS.iter().zip(times) {
        let speed = bytes as f64 / time.as_secs_f64() / 1e6;
        let ratio = times[0].as_secs_f64() / time.as_secs_f64();
        println!("| {way} | {speed:.0} | {ratio:.2} |");
    }
}

fn main() -> std::io::Result<()> {
    let paths: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    if paths.is_empty() {
        table("chats", &rows());
    }
    for path in paths {
        let mut text = Vec::new();
        let file = std::fs::File::open(&path)?;
        file.take(64 << 20).read_to_end(&mut text)?;
        text.truncate(memchr::memrchr(b'\n', &text).unwrap_or(text.len()));
        table(&path, &text);
    }
    Ok(())
}
