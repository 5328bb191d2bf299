//! The search for duplicates, timed and judged: `cargo bench --bench duplicates -- WHAT [FILE]`.
//! `time FILE [MODE [BUDGET_MB]]` times one mode on a file of JSON Lines, `prints` the self-join of a
//! million fingerprints, `simhash` fingerprinting on one core, `quality FILE [MODE...]` judges modes
//! on planted duplicates, of which `FILE.truth.tsv` tells, and `brute FILE [ROWS]` compares all pairs of
//! some rows and of copies with every tenth word another, by code that shares nothing with the search.
#![allow(clippy::print_stdout, reason = "the tables are what it is for")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench may stop where it stands"
)]

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs::File;
use std::hash::Hash;
use std::hash::Hasher;
use std::sync::Arc;
use std::time::Instant;

use alimentar::inspect::dedup::DedupOptions;
use alimentar::inspect::dedup::DedupReport;
use alimentar::inspect::dedup::DirectorySpill;
use alimentar::inspect::dedup::Evidence;
use alimentar::inspect::dedup::Likeness;
use alimentar::inspect::dedup::Method;
use alimentar::inspect::dedup::Shingle;
use alimentar::inspect::dedup::dedup;
use alimentar::inspect::dedup::near_pairs;
use alimentar::inspect::dedup::simhash;
use alimentar::inspect::table::LineTable;
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

fn table_of(path: &str) -> Arc<LineTable> {
    let file = File::open(path).expect("the file opens");
    Arc::new(LineTable::new(Arc::new(file), Shape::Json))
}

fn run(table: &Arc<LineTable>, options: &DedupOptions<'_>, progress: &dyn Progress) -> DedupReport {
    let open = |selection: &_| Arc::clone(table).batches(selection);
    dedup(&open, options, progress).expect("the rows are read")
}

fn mode(name: &str) -> DedupOptions<'static> {
    let mut options = DedupOptions::default();
    options.threads = 2;
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
    println!(
        "| mode | {} | removed | of no family | precision |",
        names.join(" | ")
    );
    println!("|---|{}---:|---:|---:|", "---:|".repeat(names.len()));
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
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
        let are_alike = |e: &&Evidence| {
            let [a, b] = [e.removed, e.kept].map(|row| word_pairs(&text_of(lines[row as usize])));
            jaccard(&a, &b) >= least(&options)
        };
        let right = report.evidence.iter().filter(are_alike).count();
        let precision = right as f64 / report.evidence.len().max(1) as f64;
        println!(
            "{line} {} | {strange} | {precision:.4} |",
            report.evidence.len()
        );
    }
}

fn text_of(line: &str) -> String {
    let row: serde_json::Value = serde_json::from_str(line).unwrap();
    let columns = ["instruction", "input", "output"];
    columns
        .map(|c| row[c].as_str().unwrap_or("").to_owned())
        .join(" ")
}

/// Pairs of words that follow each other, as hashes that the search does not use, in order.
fn word_pairs(text: &str) -> Vec<u64> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words.filter(|w| !w.is_empty()).collect();
    let hash = |pair: &[&str]| {
        let mut hasher = std::hash::DefaultHasher::new();
        pair.hash(&mut hasher);
        hasher.finish()
    };
    let mut pairs: Vec<u64> = words.windows(2).map(hash).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let (mut i, mut j, mut shared) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            Ordering::Less => i += 1,
            Ordering::Greater => j += 1,
            Ordering::Equal => (i, j, shared) = (i + 1, j + 1, shared + 1),
        }
    }
    f64::from(shared) / (a.len() + b.len() - shared as usize).max(1) as f64
}

/// The least similarity at which a mode reports two rows.
fn least(options: &DedupOptions<'_>) -> f64 {
    match options.method {
        Method::MinHash => options.threshold,
        _ => 0.5,
    }
}

/// Precision and recall against every pair compared: a row is to go when a row that stays is like it.
fn brute(path: &str, count: usize) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut state = 5;
    let mut rows: Vec<String> = text.lines().take(count).map(text_of).collect();
    let edited: Vec<String> = rows
        .iter()
        .map(|row| {
            let mut words: Vec<&str> = row.split_whitespace().collect();
            for _ in 0..words.len() / 10 {
                let at = noise(&mut state) as usize % words.len();
                let other = &rows[noise(&mut state) as usize % rows.len()];
                let from: Vec<&str> = other.split_whitespace().collect();
                if !from.is_empty() {
                    words[at] = from[noise(&mut state) as usize % from.len()];
                }
            }
            words.join(" ")
        })
        .collect();
    rows.extend(edited);
    let rows: Vec<String> = rows.iter().map(|r| r.replace(['\n', '\r'], " ")).collect();
    let sets: Vec<Vec<u64>> = rows.iter().map(|r| word_pairs(r)).collect();
    println!("| mode | removed | precision | recall |\n|---|---:|---:|---:|");
    for name in MODES {
        let bytes = rows.join("\n").into_bytes();
        let table = Arc::new(LineTable::new(Arc::new(bytes), Shape::Text));
        let options = mode(name);
        let report = run(&table, &options, &NoProgress);
        let threshold = least(&options);
        let (mut wanted, mut found, mut wrong) = (0, 0, 0);
        for (n, set) in sets.iter().enumerate() {
            let stays = |kept: &usize| !report.removed.contains(*kept as u64);
            let is_like = (0..n)
                .filter(stays)
                .any(|k| jaccard(set, &sets[k]) >= threshold);
            let went = report.removed.contains(n as u64);
            wanted += u32::from(is_like);
            found += u32::from(is_like && went);
            wrong += u32::from(!is_like && went);
        }
        let (wanted, found, wrong) = (f64::from(wanted), f64::from(found), f64::from(wrong));
        println!(
            "| {name} | {} | {:.4} | {:.4} |",
            report.removed.len(),
            found / (found + wrong).max(1.0),
            found / wanted.max(1.0)
        );
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
        ["brute", path] => brute(path, 3000),
        ["brute", path, rows] => brute(path, rows.parse().expect("a number of rows")),
        ["simhash", path] => simhash_speed(path),
        _ => prints(),
    }
}
