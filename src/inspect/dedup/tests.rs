use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::DedupReport;
use crate::inspect::dedup::DirectorySpill;
use crate::inspect::dedup::Keep;
use crate::inspect::dedup::Likeness;
use crate::inspect::dedup::Method;
use crate::inspect::dedup::OverlapOptions;
use crate::inspect::dedup::Shingle;
use crate::inspect::dedup::Weighting;
use crate::inspect::dedup::dedup;
use crate::inspect::dedup::exact::hash::hash_128;
use crate::inspect::dedup::external::partitions::Partitions;
use crate::inspect::dedup::near::shingles::each_shingle;
use crate::inspect::dedup::near::shingles::shingle_set;
use crate::inspect::dedup::near::simhash::simhash;
use crate::inspect::dedup::near::sketch::sketch;
use crate::inspect::dedup::near_pairs;
use crate::inspect::dedup::overlap;
use crate::inspect::table::LineTable;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::Table;
use crate::locks::lock;
use crate::progress::NoProgress;
use crate::testing::Random;

fn run(rows: &[String], shape: Shape, options: &DedupOptions<'_>) -> DedupReport {
    let text = rows.join("\n").into_bytes();
    let table = Arc::new(LineTable::new(Arc::new(text), shape));
    let open = move |selection: &Selection| Arc::clone(&table).batches(selection);
    dedup(&open, options, &NoProgress).unwrap()
}

/// Questions and answers of real rows.
fn real_rows() -> Vec<String> {
    let source = include_str!("../../../tests/data/gsm8k/test.jsonl");
    let rows = source.lines().map(|line| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = format!("{} {}", row["question"], row["answer"]);
        text.replace(['\n', '\r'], " ")
    });
    rows.collect()
}

/// One word in ten replaced by a word of another row.
fn edited(row: &str, others: &[String], noise: &mut Random) -> String {
    let mut words: Vec<&str> = row.split(' ').collect();
    for _ in 0..(words.len() / 10).max(1) {
        let at = noise.index(words.len());
        let other = &others[noise.index(others.len())];
        let from: Vec<&str> = other.split(' ').collect();
        words[at] = from[noise.index(from.len())];
    }
    words.join(" ")
}

/// Pairs of words as strings, by code independent of the code under test.
fn naive_set(row: &str) -> Vec<usize> {
    let lower = row.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .collect();
    let mut numbers = lock(&PAIRS);
    let mut set: Vec<usize> = words
        .windows(2)
        .map(|w| {
            let next = numbers.len();
            let pair = (w[0].to_owned(), w[1].to_owned());
            *numbers.entry(pair).or_insert(next)
        })
        .collect();
    set.sort_unstable();
    set.dedup();
    set
}

/// The numbers of pairs of words: sets of numbers are compared in a tenth of the time of sets of texts.
static PAIRS: Mutex<BTreeMap<(String, String), usize>> = Mutex::new(BTreeMap::new());

fn naive_jaccard(a: &[usize], b: &[usize]) -> f64 {
    let (mut left, mut right, mut shared) = (0, 0, 0);
    while left < a.len() && right < b.len() {
        let (x, y) = (a[left], b[right]);
        shared += usize::from(x == y);
        left += usize::from(x <= y);
        right += usize::from(y <= x);
    }
    shared as f64 / (a.len() + b.len() - shared) as f64
}

#[test]
fn near_search_matches_brute_force() {
    let real = real_rows();
    let mut noise = Random::new(3);
    let mut rows = real.clone();
    rows.extend(real.iter().map(|row| edited(row, &real, &mut noise)));
    let report = run(&rows, Shape::Text, &DedupOptions::default());
    let sets: Vec<_> = rows.iter().map(|row| naive_set(row)).collect();
    let mut wanted = 0;
    let mut found = 0;
    for (n, set) in sets.iter().enumerate() {
        // The greedy rule of the report, over every pair.
        let is_like = |kept: &usize| {
            !report.removed.contains(*kept as u64) && naive_jaccard(set, &sets[*kept]) >= 0.5
        };
        if (0..n).any(|kept| is_like(&kept)) {
            wanted += 1;
            found += u32::from(report.removed.contains(n as u64));
        } else {
            assert!(!report.removed.contains(n as u64), "row {n} is like none");
        }
    }
    assert!(wanted > 1200, "{wanted}");
    assert!(
        f64::from(found) >= 0.97 * f64::from(wanted),
        "{found} of {wanted}"
    );
    for evidence in &report.evidence {
        let [a, b] = [evidence.removed, evidence.kept].map(|n| &sets[n as usize]);
        assert!((naive_jaccard(a, b) - f64::from(evidence.similarity)).abs() < 1e-6);
        assert!(!report.removed.contains(evidence.kept));
    }
    assert_eq!(report.evidence.len() as u64, report.removed.len());
    assert_eq!(report.unique_rows + report.removed.len(), report.rows);
}

#[test]
fn rows_of_one_template_are_no_pairs() {
    let real = real_rows();
    let template = real[..2].join(" ");
    let answer = |n: usize| {
        let words = real[n].split(' ').take(12);
        words.map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    // Some real answers are similar to each other. They cannot test the template.
    let mut answers: Vec<String> = Vec::new();
    for n in 2..1202 {
        let own = naive_set(&answer(n));
        let is_like = |other: &String| naive_jaccard(&own, &naive_set(other)) >= 0.2;
        if !answers.iter().any(is_like) {
            answers.push(answer(n));
        }
    }
    assert!(answers.len() > 1100, "{}", answers.len());
    let mut rows: Vec<String> = answers.iter().map(|a| format!("{template} {a}")).collect();
    let options = DedupOptions::default();
    let report = run(&rows, Shape::Text, &options);
    assert_eq!(report.near_duplicates, 0);
    let plain = DedupOptions {
        weighting: Weighting::Plain,
        ..DedupOptions::default()
    };
    // Without weights nearly all rows merge; the weights prevent that.
    assert!(run(&rows, Shape::Text, &plain).near_duplicates > 1000);
    // Copies that include the answer are still found.
    let copies = answers.iter().take(50);
    rows.extend(copies.map(|a| format!("{template} {a} indeed")));
    let found = run(&rows, Shape::Text, &options);
    assert!(found.near_duplicates >= 48, "{}", found.near_duplicates);
}

#[test]
fn equal_rows_are_found_within_any_budget() {
    let mut noise = Random::new(9);
    let rows: Vec<String> = (0..10_000)
        .map(|_| format!("row {}", noise.index(7_000)))
        .collect();
    let mut firsts = HashMap::new();
    let mut expected = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        match firsts.get(row) {
            Some(first) => expected.push((n as u64, *first)),
            None => drop(firsts.insert(row.clone(), n as u64)),
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let spill = DirectorySpill::new(directory.path().to_owned());
    let (exact, near) = (Method::Exact, Method::MinHash);
    // Reads rows again in full passes, and one by one.
    for (method, size_bytes) in [(exact, None), (exact, Some(u64::MAX)), (near, None)] {
        for budget_bytes in [0, 1000, 100_000, 1 << 30] {
            // A tiny budget needs a pass for every few groups.
            let least = match (method, size_bytes) {
                (Method::Exact, None) => 0,
                (Method::Exact, Some(_)) => 1000,
                _ => 100_000,
            };
            if budget_bytes < least {
                continue;
            }
            let options = DedupOptions {
                method,
                budget_bytes,
                size_bytes,
                spill: &spill,
                ..DedupOptions::default()
            };
            let report = run(&rows, Shape::Text, &options);
            let exact = report
                .evidence
                .iter()
                .filter(|e| e.likeness == Likeness::Exact);
            let found: Vec<_> = exact.map(|e| (e.removed, e.kept)).collect();
            assert_eq!(found, expected, "{budget_bytes}");
            assert_eq!(report.spilled_bytes > 0, budget_bytes < 1 << 30);
        }
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn dedup_keeps_requested_row() {
    let row = |text: &str, score: f64, from: &str| {
        serde_json::json!({"text": text, "score": score, "from": from}).to_string()
    };
    let long = "one two three four five six seven eight nine ten eleven twelve";
    let rows = [
        row(long, -2.0, "a"),
        row(&format!("{long} thirteen"), -1.0, "b"),
        row(long, 0.5, "a"),
        String::new(),
        row("something else altogether", 9.0, "b"),
    ];
    let kept = |keep: Keep| {
        let options = DedupOptions {
            columns: vec!["text".to_owned()],
            source: Some("from".to_owned()),
            keep,
            ..DedupOptions::default()
        };
        let report = run(&rows, Shape::Json, &options);
        assert_eq!((report.rows, report.unique_rows), (4, 2));
        assert_eq!((report.clusters, report.largest_cluster), (1, 3));
        let sources: Vec<_> = report.sources.iter().map(|s| (s.rows, s.kept)).collect();
        let stays = (0..5).filter(|n| *n != 3 && !report.removed.contains(*n));
        (stays.collect::<Vec<u64>>(), sources)
    };
    assert_eq!(kept(Keep::First), (vec![0, 4], vec![(2, 1), (2, 1)]));
    assert_eq!(kept(Keep::Longest), (vec![1, 4], vec![(2, 0), (2, 2)]));
    let score = Keep::Maximum("score".to_owned());
    assert_eq!(kept(score), (vec![2, 4], vec![(2, 1), (2, 1)]));
}

#[test]
fn all_near_fingerprints_are_found_and_no_others() {
    let mut noise = Random::new(1);
    let mut random = || (noise.index(1 << 32) as u64) << 32 | noise.index(1 << 32) as u64;
    let mut prints: Vec<u64> = (0..1500).map(|_| random()).collect();
    for n in 0..500 {
        let flips = (0..n % 12).fold(0, |all, _| all | 1 << (random() % 64));
        prints.push(prints[n] ^ flips);
    }
    for distance in [0, 1, 3, 7, 10, 24, 64] {
        let mut found = Vec::new();
        near_pairs(&prints, distance, &mut |pair| {
            found.push((pair.first, pair.second));
            true
        });
        found.sort_unstable();
        let mut expected = Vec::new();
        for (n, a) in prints.iter().enumerate() {
            for (m, b) in prints.iter().enumerate().skip(n + 1) {
                if (a ^ b).count_ones() <= distance {
                    expected.push((n as u32, m as u32));
                }
            }
        }
        assert_eq!(found, expected, "distance {distance}");
    }
}

#[test]
fn simhash_bits_are_majority_of_shingles() {
    let real = real_rows();
    let long = real[..200].join(" ");
    for text in ["", "a", "abcd", "abcde", &real[0], &long] {
        for shingle in [Shingle::Bytes(4), Shingle::Words(3), Shingle::Words(2)] {
            let mut counts = [0_i64; 64];
            let mut total = 0;
            each_shingle(text.as_bytes(), shingle, |hash| {
                total += 1;
                for (bit, count) in counts.iter_mut().enumerate() {
                    *count += if hash >> bit & 1 == 1 { 1 } else { -1 };
                }
            });
            let expected = counts.iter().enumerate();
            let expected = expected.fold(0, |all, (n, c)| all | u64::from(*c > 0) << n);
            let found = simhash(text.as_bytes(), shingle);
            assert_eq!(found, (total > 0).then_some(expected), "{shingle:?}");
        }
    }
    // Unrelated texts differ in about half of all bits.
    let print = |row: &String| simhash(row.as_bytes(), Shingle::Bytes(4)).unwrap();
    let apart = real
        .windows(2)
        .map(|w| (print(&w[0]) ^ print(&w[1])).count_ones());
    let mean = apart.sum::<u32>() as f64 / (real.len() - 1) as f64;
    assert!((20.0..36.0).contains(&mean), "{mean}");
}

#[test]
fn sketches_agree_as_often_as_sets_are_alike() {
    let mut noise = Random::new(5);
    for size in [1_usize, 3, 10, 50, 200, 3000] {
        let (mut sum, mut turns) = (0.0, 0.0);
        let shared = size * 2 / 3;
        for _ in 0..200 {
            let mut new = |n: usize| (0..n).map(|_| noise.index(1 << 32) as u32).collect();
            let (both, mut a, b): (Vec<u32>, Vec<u32>, Vec<u32>) =
                (new(shared), new(size - shared), new(size - shared));
            a.extend(&both);
            let b = [both, b].concat();
            let (a, b) = (sketch(&a).unwrap(), sketch(&b).unwrap());
            sum += a.iter().zip(&b).filter(|(x, y)| x == y).count() as f64 / 128.0;
            turns += 1.0;
        }
        let expected = shared as f64 / (2 * size - shared) as f64;
        assert!(
            (sum / turns - expected).abs() < 0.03,
            "{size}: {} {expected}",
            sum / turns
        );
    }
    assert_eq!(sketch(&[]), None);
}

#[test]
fn shingle_words_ignore_case_and_separators() {
    let set = |text: &str| {
        let mut set = Vec::new();
        shingle_set(text.as_bytes(), Shingle::Words(2), &mut set);
        set
    };
    assert_eq!(set("Hello, WORLD-wide"), set("hello world\nwide!"));
    assert_eq!(set("Über ÄRGER"), set("über-ärger"));
    assert_eq!(set("\u{6771}\u{4eac}\u{90fd}").len(), 2);
    assert_eq!(set("one").len(), 1);
    assert_eq!(set(" \u{2014}.,").len(), 0);
    assert_eq!(set("a b").len(), 1);
    assert_ne!(set("a b"), set("b a"));
    for length in 0..9 {
        for shingle in [Shingle::Words(length), Shingle::Bytes(length)] {
            let mut set = Vec::new();
            shingle_set(b"\xff\xe4\x80 a \xf0\x9f\x98", shingle, &mut set);
            assert!(!set.is_empty());
        }
    }
}

#[test]
fn hash_128_changed_byte_changes_both_halves() {
    let row: Vec<u8> = (0..100).collect();
    let whole = hash_128(&row);
    for at in 0..row.len() {
        let mut other = row.clone();
        other[at] ^= 1;
        let differ = whole ^ hash_128(&other);
        assert!(differ as u64 != 0 && (differ >> 64) as u64 != 0);
        assert!((30..98).contains(&differ.count_ones()), "{at}");
        assert_ne!(hash_128(&row[..at]), hash_128(&row[..at + 1]));
    }
    assert_ne!(hash_128(b""), hash_128(b"\0"));
}

#[test]
fn overlap_finds_planted_rows() {
    let real = real_rows();
    let (train, test) = real.split_at(900);
    let mut noise = Random::new(11);
    let mut rows = test.to_vec();
    rows.extend(train[..50].iter().cloned());
    rows.extend(train[100..200].iter().map(|r| edited(r, train, &mut noise)));
    let quote = train[300].split(' ').take(20).collect::<Vec<_>>().join(" ");
    rows.push(format!(
        "Somebody wrote: {quote} - and more of his own, which nobody has read."
    ));
    let table = |rows: &[String]| {
        let text = rows.join("\n").into_bytes();
        Arc::new(LineTable::new(Arc::new(text), Shape::Text))
    };
    let (a, b) = (table(train), table(&rows));
    let open_a = move |selection: &Selection| Arc::clone(&a).batches(selection);
    let open_b = move |selection: &Selection| Arc::clone(&b).batches(selection);
    let options = OverlapOptions::default();
    let found = overlap(&open_a, &open_b, &options, &NoProgress).unwrap();
    assert_eq!((found.rows_a, found.rows_b), (900, rows.len() as u64));
    assert_eq!(found.exact, 50);
    assert!((95..=105).contains(&found.near), "{}", found.near);
    assert_eq!(found.examples.len(), 10);
    for example in &found.examples {
        let [a, b] = [example.row_a, example.row_b].map(|n| n as usize);
        assert_eq!(train[a], rows[b]);
    }
    let grams = |row: &String| {
        let lower = row.to_lowercase();
        let words = lower.split(|c: char| !c.is_alphanumeric());
        let words: Vec<String> = words.filter(|w| !w.is_empty()).map(str::to_owned).collect();
        words.windows(13).map(<[_]>::to_vec).collect::<Vec<_>>()
    };
    let in_train: HashSet<Vec<String>> = train.iter().flat_map(grams).collect();
    let has = |row: &&String| grams(row).iter().any(|g| in_train.contains(g));
    let expected = rows.iter().filter(has).count() as u64;
    assert!(expected > 100);
    assert_eq!(found.contaminated, Some(expected));
    // Swapped: now the smaller table is the first.
    let back = overlap(&open_b, &open_a, &options, &NoProgress).unwrap();
    assert_eq!(
        (back.rows_a, back.rows_b, back.exact),
        (found.rows_b, 900, 50)
    );
    assert!((95..=105).contains(&back.near), "{}", back.near);
}

#[test]
fn partitions_return_their_records() {
    let directory = tempfile::tempdir().unwrap();
    let spill = DirectorySpill::new(directory.path().to_owned());
    for budget in [0, 1000, 100_000, 1 << 30] {
        let mut parts = Partitions::new(5, budget, &spill);
        let mut noise = Random::new(budget as u64);
        let mut wanted = vec![Vec::new(); 5];
        for n in 0..20_000_u32 {
            let part = noise.index(5);
            parts.push(part, &n.to_le_bytes()).unwrap();
            wanted[part].push(n);
        }
        let spilled = parts.spilled_bytes;
        assert_eq!(spilled > 0, budget < 80_000);
        if budget == 1000 {
            parts.end_writing().unwrap();
            assert_eq!(parts.spilled_bytes, 80_000);
        }
        for (part, wanted) in wanted.iter().enumerate() {
            let records = parts.take(part).records(|r| u32::from_le_bytes(*r));
            assert_eq!(records.unwrap(), *wanted);
            assert!(parts.take(part).records::<4, _>(|r| *r).unwrap().is_empty());
        }
    }
}
