//! The search for duplicates, timed and judged: `cargo bench --bench duplicates -- WHAT [FILE]`.
//! `time FILE [MODE [BUDGET_MB]]` times one mode on a file of JSON Lines, `prints` the self-join of a
//! million fingerprints, `simhash` fingerprinting on one core, and `quality FILE [MODE...]` judges modes
//! on planted duplicates, of which `FILE.truth.tsv` tells.
#![allow(clippy::print_stdout, reason = "the tables are what it is for")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench may stop where it stands"
)]

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;
use std::time::Instant;

use alimentar::inspect::dup::DedupOptions;
use alimentar::inspect::dup::DedupReport;
use alimentar::inspect::dup::DirectorySpill;
use alimentar::inspect::dup::Likeness;
use alimentar::inspect::dup::Method;
use alimentar::inspect::dup::Shingle;
use alimentar::inspect::dup::dedup;
use alimentar::inspect::dup::near_pairs;
use alimentar::inspect::dup::simhash;
use alimentar::inspect::table::Lines;
use alimentar::inspect::table::Shape;
use alimentar::inspect::table::Table;
use alimentar::progress::NoProgress;
use alimentar::progress::Progress;
use alimentar::read_at::ReadAt;

/// Tells how long each phase took.
struct Clock(std::sync::Mutex<(Instant, String)>);

impl Progress for Clock {
    fn phase(&self, name: &str, _total: Option<u64>) {
        let mut state = self.0.lock().unwrap();
        println!("  {:>8.3} s {}", state.0.elapsed().as_secs_f64(), state.1);
        *state = (Instant::now(), name.to_owned());
    }
}

fn table_of(path: &str) -> Arc<Lines> {
    let file = File::open(path).expect("the file opens");
    Arc::new(Lines::new(Arc::new(file), Shape::Json))
}

fn run(table: &Arc<Lines>, options: &DedupOptions<'_>, progress: &dyn Progress) -> DedupReport {
    let open = |selection: &_| Arc::clone(table).batches(selection);
    dedup(&open, options, progress).expect("the rows are read")
}

fn mode(name: &str) -> DedupOptions<'static> {
    let mut options = DedupOptions {
        threads: 2,
        ..DedupOptions::default()
    };
    let (name, value) = name.split_once('=').unwrap_or((name, ""));
    match name {
        "exact" => options.method = Method::Exact,
        "minhash" => options.threshold = value.parse().unwrap_or(0.5),
        "bytes4" => {
            options.method = Method::SimHash {
                distance: value.parse().unwrap_or(3),
            }
        }
        "words3" => {
            options.method = Method::SimHash {
                distance: value.parse().unwrap_or(10),
            };
            options.shingle = Some(Shingle::Words(3));
        }
        _ => panic!("no mode {name}"),
    }
    options
}

fn time(path: &str, name: &str, budget_mb: Option<usize>) {
    let directory = tempfile::tempdir().expect("a place for the spill");
    let spill = DirectorySpill::new(directory.path().to_owned());
    let mut options = mode(name);
    options.spill = &spill;
    if let Some(budget) = budget_mb {
        options.budget_bytes = budget << 20;
    }
    let table = table_of(path);
    let clock = Clock(std::sync::Mutex::new((Instant::now(), "start".to_owned())));
    let start = Instant::now();
    let report = run(&table, &options, &clock);
    clock.phase("", None);
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{name}: {seconds:.3} s, {} rows, {} exact, {} near, {} clusters (largest {}), {} pairs \
         compared, {} MB spilled",
        report.rows,
        report.exact_duplicates,
        report.near_duplicates,
        report.clusters,
        report.largest_cluster,
        report.compared,
        report.spilled_bytes >> 20
    );
}

fn noise(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut x = *state;
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn prints() {
    for count in [1_000_000_usize, 10_000_000] {
        let mut state = 1;
        let mut prints: Vec<u64> = (0..count).map(|_| noise(&mut state)).collect();
        for n in 0..count / 20 {
            let flip = noise(&mut state) % 64;
            let other = noise(&mut state) as usize % count;
            prints[n] = prints[other] ^ 1 << flip;
        }
        for _ in 0..3 {
            let (start, mut found) = (Instant::now(), 0);
            near_pairs(&prints, 3, &mut |_| {
                found += 1;
                true
            });
            let seconds = start.elapsed().as_secs_f64();
            println!("{count} fingerprints at distance 3: {seconds:.3} s, {found} pairs");
        }
    }
}

fn simhash_speed(path: &str) {
    let mut text = vec![0; 64 << 20];
    let n = ReadAt::read_at(&File::open(path).unwrap(), &mut text, 0).unwrap();
    let rows: Vec<&[u8]> = text[..n].split(|b| *b == b'\n').collect();
    for (name, shingle) in [
        ("bytes:4", Shingle::Bytes(4)),
        ("words:3", Shingle::Words(3)),
    ] {
        let start = Instant::now();
        let all = rows
            .iter()
            .filter_map(|r| simhash(r, shingle))
            .fold(0, |a, b| a ^ b);
        let speed = n as f64 / start.elapsed().as_secs_f64() / 1e6;
        println!("simhash {name}: {speed:.0} MB/s a core ({all:x})");
    }
}

const MODES: [&str; 9] = [
    "exact",
    "bytes4=3",
    "words3=10",
    "minhash=0.3",
    "minhash=0.4",
    "minhash=0.5",
    "minhash=0.6",
    "minhash=0.7",
    "minhash=0.8",
];

/// Recall of each kind of planted duplicate: the row is removed, in favour of a row of its family.
fn quality(path: &str, modes: &[&str]) {
    let truth = std::fs::read_to_string(format!("{path}.truth.tsv")).unwrap();
    let mut kinds: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    let mut family: HashMap<u64, u64> = HashMap::new();
    for line in truth.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let (a, b) = (fields[1].parse().unwrap(), fields[2].parse().unwrap());
        kinds.entry(fields[0]).or_default().push((a, b));
        let root = *family.get(&a).unwrap_or(&a);
        family.entry(a).or_insert(root);
        let old = family.insert(b, root);
        if let Some(old) = old.filter(|old| *old != root) {
            family.insert(old, root);
        }
    }
    let names: Vec<&str> = kinds.keys().copied().collect();
    println!("| mode | {} | removed | of no family |", names.join(" | "));
    println!("|---|{}---:|---:|", "---:|".repeat(names.len()));
    let table = table_of(path);
    let columns = ["instruction", "input", "output"]
        .map(str::to_owned)
        .to_vec();
    for name in modes {
        let mut options = mode(name);
        options.columns = columns.clone();
        let report = run(&table, &options, &NoProgress);
        let related: HashMap<u64, u64> = report
            .evidence
            .iter()
            .map(|e| (e.removed, e.kept))
            .collect();
        let root = |row: &u64| *family.get(row).unwrap_or(row);
        let mut line = format!("| {name} |");
        for kind in &names {
            let pairs = &kinds[kind];
            let found = pairs.iter().filter(|(a, b)| {
                let ends = [a, b].map(|n| related.get(n).copied().unwrap_or(*n));
                ends[0] == ends[1]
            });
            line += &format!(" {:.4} |", found.count() as f64 / pairs.len() as f64);
        }
        let near = report
            .evidence
            .iter()
            .filter(|e| e.likeness == Likeness::Near);
        let strange = near.filter(|e| root(&e.removed) != root(&e.kept)).count();
        println!("{line} {} | {strange} |", report.evidence.len());
    }
}

fn main() {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["time", path] => time(path, "minhash", None),
        ["time", path, name] => time(path, name, None),
        ["time", path, name, budget] => time(path, name, budget.parse().ok()),
        ["quality", path] => quality(path, &MODES),
        ["quality", path, modes @ ..] => quality(path, modes),
        ["simhash", path] => simhash_speed(path),
        _ => prints(),
    }
}
