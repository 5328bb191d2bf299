//! The results of runs, as lines of a table.

use std::time::Duration;

use super::engine::World;
use super::node::Counts;

/// The measurements of one run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// From the last disturbance until all had the same.
    pub converged: Duration,
    /// Of each publication that counts in the end, when the other nodes had it, ascending.
    pub spread: Vec<Vec<Duration>>,
    pub live: usize,
    /// Up to convergence.
    pub counts: Counts,
    /// While nothing happened any more.
    pub idle: Counts,
    pub idle_for: Duration,
    pub published: usize,
}

impl Outcome {
    pub(super) fn of(world: &World, converged: Duration, before: &Counts) -> Self {
        let mut idle = world.total();
        idle.less(before);
        let live: Vec<bool> = world.nodes.iter().map(|n| n.is_alive).collect();
        let common = world.scenario.common as usize;
        let published = world.ledger.publications.iter().skip(common);
        let mut spread = Vec::new();
        let mut count = 0;
        for publication in published {
            count += 1;
            let first = world.live().next();
            let counts = first.is_some_and(|n| n.catalogue.get(&publication.item.id).is_some());
            if !counts {
                continue;
            }
            // The publisher is the first.
            let got = publication.got.iter().skip(1);
            let got = got.filter(|(at, _)| live.get(*at) == Some(&true));
            let mut times: Vec<Duration> = got.map(|(_, after)| *after).collect();
            times.sort_unstable();
            spread.push(times);
        }
        Self {
            converged,
            spread,
            live: world.live().count(),
            counts: *before,
            idle,
            idle_for: world.scenario.idle,
            published: count,
        }
    }

    fn per_node(&self, count: u64) -> f64 {
        count as f64 / self.live.max(1) as f64
    }

    fn per_hour(&self, count: u64) -> f64 {
        self.per_node(count) * 3_600.0 / self.idle_for.as_secs_f64().max(1.0)
    }
}

impl Counts {
    /// Each with its name, for adding and taking away.
    fn all(&mut self) -> [&mut u64; 8] {
        [
            &mut self.sent_bytes,
            &mut self.received_bytes,
            &mut self.exchanges,
            &mut self.comparisons,
            &mut self.failed,
            &mut self.round_trips,
            &mut self.taken,
            &mut self.duplicates,
        ]
    }

    pub(super) fn add(&mut self, other: &Self) {
        let mut other = *other;
        for (to, from) in self.all().into_iter().zip(other.all()) {
            *to += *from;
        }
    }

    pub(super) fn less(&mut self, other: &Self) {
        let mut other = *other;
        for (to, from) in self.all().into_iter().zip(other.all()) {
            *to -= *from;
        }
    }
}

/// The first lines of the table.
pub const HEAD: &str = "\
| scenario | nodes | all the same after, s | 50 % after, s | 99 % | 100 % | kB a node | exchanges a node | failed | round trips an exchange | duplicates an item | idle kB a node and hour |
|---|---|---|---|---|---|---|---|---|---|---|---|";

/// A line of it, of several runs.
pub fn line(name: &str, nodes: usize, runs: &[Outcome]) -> String {
    let converged = runs.iter().map(|r| r.converged.as_secs_f64());
    let part = |part: usize| {
        let times = runs.iter().flat_map(|r| &r.spread);
        let times = times.filter_map(|s| s.get((s.len() * part).div_ceil(100).max(1) - 1));
        two(times.map(Duration::as_secs_f64).collect())
    };
    let mean =
        |of: &dyn Fn(&Outcome) -> f64| runs.iter().map(of).sum::<f64>() / runs.len().max(1) as f64;
    let per_talk = |r: &Outcome| r.counts.round_trips as f64 / r.counts.exchanges.max(1) as f64;
    let doubled = |r: &Outcome| r.counts.duplicates as f64 / r.counts.taken.max(1) as f64;
    format!(
        "| {name} | {nodes} | {} | {} | {} | {} | {:.0} | {:.0} | {:.1} | {:.1} | {:.2} | {:.0} |",
        two(converged.collect()),
        part(50),
        part(99),
        part(100),
        mean(&|r| r.per_node(r.counts.sent_bytes + r.counts.received_bytes) / 1e3),
        mean(&|r| r.per_node(r.counts.exchanges)),
        mean(&|r| r.per_node(r.counts.failed)),
        mean(&per_talk),
        mean(&doubled),
        mean(&|r| r.per_hour(r.idle.sent_bytes + r.idle.received_bytes) / 1e3),
    )
}

/// The median and the most.
fn two(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    let middle = values.get(values.len() / 2).copied().unwrap_or(0.0);
    let most = values.last().copied().unwrap_or(0.0);
    format!("{}, {}", figures(middle), figures(most))
}

fn figures(value: f64) -> String {
    match value {
        v if v < 1.0 => format!("{v:.3}"),
        v if v < 10.0 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}
