//! The time and the bytes until a published dataset is known to all nodes, in a simulation:
//! `cargo bench --bench swarm`. Prints the tables of `docs/benchmarks/swarm.md` and draws `docs/benchmarks/swarm.svg`.
//! Time and bytes are simulated: how fast the machine is does not matter.
#![allow(clippy::print_stdout, reason = "the tables are what it is for")]

use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/it/swarm/sim/mod.rs"]
mod sim;

use sim::engine::World;
use sim::plot;
use sim::report;
use sim::report::Outcome;
use sim::scenario::NAMES;
use sim::scenario::Scenario;

/// Numbers of nodes, each with a number of seeds.
const SIZES: [(usize, u64); 3] = [(500, 1), (50, 10), (5, 20)];

/// Another way of doing it, to compare with.
type Variant = (&'static str, fn(&mut Scenario));

const VARIANTS: [Variant; 7] = [
    ("as it is", |_| {}),
    ("fanout 3", |s| s.rhythm.fanout = 3),
    ("fanout 8", |s| s.rhythm.fanout = 8),
    ("pause 10 s", |s| s.rhythm.pause = Duration::from_secs(10)),
    ("pause 60 s", |s| s.rhythm.pause = Duration::from_secs(60)),
    ("everybody greeted", |s| s.rhythm.greet_max = usize::MAX),
    ("known nodes not seen again", |s| s.sees_again = false),
];

/// Runs that end well; what is wrong with the others is printed.
fn runs(scenarios: impl Iterator<Item = Scenario>) -> Vec<Outcome> {
    let mut good = Vec::new();
    for scenario in scenarios {
        match World::run(scenario) {
            Ok(outcome) => good.push(outcome),
            Err(wrong) => println!("**{wrong}**"),
        }
    }
    good
}

/// All scenarios with all sizes, two at a time, the longest first; in the order of the table.
fn all() -> Vec<(&'static str, usize, Vec<Outcome>)> {
    let sizes = SIZES.iter().enumerate();
    let tasks = sizes.flat_map(|(place, size)| NAMES.map(|name| (place, name, *size)));
    let tasks = Mutex::new(tasks);
    let done = Mutex::new(Vec::new());
    let next = || tasks.lock().unwrap_or_else(PoisonError::into_inner).next();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((place, name, (nodes, seeds))) = next() {
                    let runs = runs((1..=seeds).map(|seed| Scenario::named(name, nodes, seed)));
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    done.push((place, (name, nodes, runs)));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let order = |name: &str| NAMES.iter().position(|of| *of == name);
    done.sort_by_key(|(place, (name, ..))| (order(name), std::cmp::Reverse(*place)));
    done.into_iter().map(|(_, row)| row).collect()
}

fn main() -> std::io::Result<()> {
    let all = all();
    println!("{}", report::HEAD);
    for (name, nodes, runs) in &all {
        println!("{}", report::line(name, *nodes, runs));
    }
    let panels: Vec<plot::Panel<'_>> = NAMES
        .iter()
        .map(|name| {
            let own = all.iter().filter(|(of, ..)| of == name);
            let curves = own.map(|(_, nodes, runs)| (*nodes, runs.as_slice()));
            (*name, curves.collect())
        })
        .collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks/swarm.svg");
    std::fs::write(path, plot::draw(&panels))?;
    for name in ["busy", "partition"] {
        println!("\n{name}:\n\n{}", report::HEAD);
        for (told, change) in VARIANTS {
            let scenarios = (1..=10).map(|seed| {
                let mut scenario = Scenario::named(name, 50, seed);
                change(&mut scenario);
                scenario
            });
            println!("{}", report::line(told, 50, &runs(scenarios)));
        }
    }
    Ok(())
}
