//! Many nodes, simulated: whatever happens, in the end all have the same, and what they have is
//! what was published. How fast that is, and what it takes, is measured by `benches/swarm.rs`.

#[allow(dead_code, reason = "the bench uses the rest")]
mod sim;

use std::time::Duration;

use sim::engine::World;
use sim::report::Outcome;
use sim::scenario::NAMES;
use sim::scenario::Scenario;

/// A run of less than the whole bench: there is no need to watch nodes that have nothing to do.
fn run(name: &'static str, nodes: usize, seed: u64, change: fn(&mut Scenario)) -> Outcome {
    let mut scenario = Scenario::named(name, nodes, seed);
    scenario.idle = Duration::from_secs(60);
    change(&mut scenario);
    World::run(scenario).unwrap_or_else(|wrong| panic!("{wrong}"))
}

#[test]
fn swarm_of_five_nodes_converges() {
    for name in NAMES {
        for seed in 1..=20 {
            let outcome = run(name, 5, seed, |_| {});
            assert!(outcome.published > 0);
        }
    }
}

#[test]
fn swarm_of_fifty_nodes_converges() {
    for (name, seed) in NAMES.iter().zip(100..) {
        let outcome = run(name, 50, seed, |s| s.warm_up = Duration::from_secs(30));
        assert!(outcome.published > 0);
        assert!(!outcome.spread.is_empty());
    }
}

#[test]
fn swarm_with_the_same_seed_repeats() {
    let told = |seed| format!("{:?}", run("all of it", 5, seed, |_| {}));
    assert_eq!(told(3), told(3));
    assert_ne!(told(3), told(4));
}

/// However many there are, a node that starts meets a few, and what it hears of is told by a few.
#[test]
fn swarm_traffic_per_node_does_not_grow_with_nodes() {
    let outcome = run("calm", 150, 1, |s| {
        s.warm_up = Duration::from_secs(25);
        s.idle = Duration::from_secs(5);
        s.common = 10;
    });
    let exchanges = outcome.counts.exchanges as f64 / 150.0;
    assert!((10.0..60.0).contains(&exchanges), "{exchanges} a node");
    let doubled = outcome.counts.duplicates as f64 / outcome.counts.taken as f64;
    assert!(doubled < 5.0, "{doubled} for each that is new");
    // Half of them within ten hops, whatever is left to comparisons.
    let half = outcome.spread.first().and_then(|s| s.get(s.len() / 2));
    assert!(
        half.is_some_and(|t| *t < Duration::from_millis(200)),
        "{half:?}"
    );
}
