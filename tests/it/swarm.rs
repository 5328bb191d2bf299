//! Many nodes, simulated: whatever happens, in the end all have the same.

#[allow(dead_code, reason = "the bench uses the rest")]
#[path = "swarm/sim.rs"]
mod sim;

use sim::engine::World;
use sim::scenario::NAMES;
use sim::scenario::Scenario;

#[test]
fn few_nodes_always_end_with_the_same() {
    for name in NAMES {
        for seed in 1..=20 {
            let outcome = World::run(Scenario::named(name, 5, seed));
            assert!(outcome.is_ok(), "{outcome:?}");
        }
    }
}
