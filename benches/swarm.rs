//! Many nodes, simulated.
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/it/swarm/sim.rs"]
mod sim;

use sim::engine::World;
use sim::report;
use sim::scenario::NAMES;
use sim::scenario::Scenario;

fn main() {
    println!("{}", report::HEAD);
    let args: Vec<String> = std::env::args().collect();
    let only = args.iter().find_map(|a| a.parse::<usize>().ok());
    for name in NAMES {
        for (nodes, seeds) in [(5, 20), (50, 10), (500, 1)] {
            if only.is_some_and(|n| n != nodes) { continue; }
            let started = std::time::Instant::now();
            let mut runs = Vec::new();
            for seed in 1..=seeds {
                match World::run(Scenario::named(name, nodes, seed)) {
                    Ok(r) => runs.push(r),
                    Err(e) => println!("ERR {e}"),
                }
            }
            println!("{} {:.1}s", report::line(name, nodes, &runs), started.elapsed().as_secs_f64());
        }
    }
}
