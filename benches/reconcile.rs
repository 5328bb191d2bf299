//! The cost of comparing catalogues, by size and difference: `cargo bench --bench reconcile`.
//! Prints the table of `spec/reconciliation.md`: the median of several seeds.
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

use std::time::Duration;
use std::time::Instant;

use alimentar::protocol::Element;
use alimentar::protocol::Request;
use alimentar::protocol::Response;
use alimentar::protocol::Salt;
use alimentar::protocol::reconcile::CompareStep;
use alimentar::protocol::reconcile::Encoder;
use alimentar::protocol::reconcile::Keys;
use alimentar::protocol::reconcile::Reconciler;
use alimentar::protocol::reconcile::Symbols;
use alimentar::protocol::reconcile::WantedRequest;
use alimentar::wire::limits::RECONCILE_WANTED_MAX;

/// One comparison.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    way: &'static str,
    round_trips: u32,
    bytes: usize,
    symbols: usize,
    asking: Duration,
    answering: Duration,
}

fn salt(seed: u64) -> Salt {
    let hash = blake3::hash(&seed.to_le_bytes());
    Salt::new(*hash.as_bytes().first_chunk().unwrap_or(&[0; 16]))
}

/// Elements as even as those of a salt, by SplitMix64: the hashing of ids is not measured here.
fn elements(seed: u64, range: std::ops::Range<u64>) -> Vec<Element> {
    let mut elements: Vec<Element> = range
        .map(|n| {
            let mut x = (seed << 40)
                .wrapping_add(n)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
            x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            Element((x ^ (x >> 31)).to_le_bytes())
        })
        .collect();
    elements.sort_unstable();
    elements
}

/// Exchanges requests and responses until the difference and its items are known.
fn compare(here: &[Element], there: &[Element], seed: u64) -> Run {
    let (mut run, salt) = (Run::default(), salt(seed));
    let mut own = here.to_vec();
    own.sort_unstable();
    let (own, started) = (own, Instant::now());
    let mut comparing = Reconciler::new(salt, own);
    run.asking += started.elapsed();
    loop {
        match comparing.step() {
            CompareStep::Symbols(request) => {
                let started = Instant::now();
                let keys = Keys::of(&salt);
                let digest = keys.digest(there);
                let symbols = match digest == request.digest {
                    true => Vec::new(),
                    false => Encoder::range(&keys, there, request.from, request.take),
                };
                run.answering += started.elapsed();
                run.symbols += symbols.len();
                let answer = Symbols {
                    count: there.len() as u64,
                    digest,
                    from: request.from,
                    symbols,
                };
                run.round_trips += 1;
                run.bytes += Request::Symbols(request).encode().len();
                run.bytes += Response::Symbols(answer.clone()).encode().len();
                let started = Instant::now();
                comparing.take_response(answer);
                run.asking += started.elapsed();
            }
            CompareStep::Done(difference) => {
                run.way = match run.symbols {
                    0 => "digest",
                    _ => "symbols",
                };
                for some in difference.only_there.chunks(RECONCILE_WANTED_MAX) {
                    let elements = some.to_vec();
                    let wanted = Request::Wanted(WantedRequest { salt, elements });
                    run.round_trips += 1;
                    run.bytes += wanted.encode().len();
                }
                return run;
            }
            CompareStep::List | CompareStep::Restart => {
                run.way = "list";
                let list = comparing.into_list();
                let lacks =
                    |(n, e): (usize, &Element)| there.binary_search(e).is_err().then_some(n);
                let missing = list.elements.iter().enumerate().filter_map(lacks).collect();
                run.round_trips += 1;
                run.bytes += Request::Reconcile(list.clone()).encode().len();
                run.bytes += Response::Reconciled(missing).encode().len();
                return run;
            }
        }
    }
}

fn median<T: Ord + Copy + Default>(runs: &[Run], of: impl Fn(&Run) -> T) -> T {
    let mut values: Vec<T> = runs.iter().map(of).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn main() {
    println!(
        "| N | d | way | bytes | round trips, median and most | symbols per d | asking ms | answering ms |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for size in [100, 1_000, 10_000, 100_000, 1_000_000_u64] {
        for difference in [0, 1, 10, 100, 200, 1_000, 10_000, 100_000_u64] {
            if difference > size {
                continue;
            }
            let seeds = match size {
                1_000_000 => 5,
                100_000 => 9,
                _ => 25,
            };
            // Changed manifests: what is new here, and as much, or one more, new there.
            let runs: Vec<Run> = (1..=seeds)
                .map(|seed| {
                    let here = elements(seed, 0..size);
                    let from = difference / 2;
                    let there = elements(seed, from..size + difference - from);
                    compare(&here, &there, seed)
                })
                .collect();
            let symbols = median(&runs, |r| r.symbols);
            let per = match difference {
                0 => String::new(),
                d => format!("{:.2}", symbols as f64 / d as f64),
            };
            println!(
                "| {size} | {difference} | {} | {} | {}, {} | {per} | {:.1} | {:.1} |",
                median(&runs, |r| r.way),
                median(&runs, |r| r.bytes),
                median(&runs, |r| r.round_trips),
                runs.iter().map(|r| r.round_trips).max().unwrap_or(0),
                median(&runs, |r| r.asking).as_secs_f64() * 1e3,
                median(&runs, |r| r.answering).as_secs_f64() * 1e3,
            );
        }
    }
    peeling();
}

/// Prints the number of symbols that a difference takes if they come one at a time. It measures the code
/// without the guess of how many symbols to request.
fn peeling() {
    println!("\n| d | symbols per d, median | 95th of 100 |");
    println!("|---|---|---|");
    for difference in [1, 4, 10, 30, 100, 200, 1_000, 10_000_u64] {
        let tries = if difference > 1_000 { 20 } else { 100 };
        let mut needed: Vec<usize> = (1..=tries)
            .map(|seed| symbols_needed(&elements(seed, 0..difference), seed))
            .collect();
        needed.sort_unstable();
        let at = |part: usize| needed.get(needed.len() * part / 100).copied().unwrap_or(0);
        let per = |n: usize| n as f64 / difference as f64;
        println!("| {difference} | {:.2} | {:.2} |", per(at(50)), per(at(95)));
    }
}

/// The fewest symbols from which a set of these is told.
fn symbols_needed(there: &[Element], seed: u64) -> usize {
    let keys = Keys::of(&salt(seed));
    let symbols = Encoder::new(&keys, there).take(64 + there.len() * 3);
    let is_enough = |n: usize| {
        alimentar::protocol::reconcile::peel(&keys, symbols.get(..n).unwrap_or(&[])).is_some()
    };
    let (mut low, mut high) = (0, symbols.len());
    while low + 1 < high {
        let middle = low.midpoint(high);
        match is_enough(middle) {
            true => high = middle,
            false => low = middle,
        }
    }
    high
}
