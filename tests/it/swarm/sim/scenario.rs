//! The scenarios of runs.

use std::time::Duration;

use alimentar::protocol::GossipConfig;

/// Everything that decides a run.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub name: &'static str,
    pub nodes: usize,
    pub seed: u64,
    pub rhythm: GossipConfig,
    /// Items that all have before it begins.
    pub common: u32,
    /// When the first publication comes; all nodes are switched on within the first ten seconds.
    pub warm_up: Duration,
    /// From the first publication to the last.
    pub publishing: Duration,
    /// Between two publications, on the average; one only where this is none.
    pub publish_every: Option<Duration>,
    /// The mean time for each node until it crashes or leaves, or another one joins.
    pub node_life: Option<Duration>,
    /// Set if a repeated announcement counts as a sighting of a known node that did not answer.
    pub sees_again: bool,
    /// When the network splits and heals, counted from the first publication.
    pub partition: Option<(Duration, Duration)>,
    /// The percentage of nodes with a bad connection.
    pub slow_percent: usize,
    /// The time for which a run goes on after all nodes have the same.
    pub idle: Duration,
    /// In what time all must have the same, after the last disturbance.
    pub limit: Duration,
}

/// By their names.
pub const NAMES: [&str; 6] = ["calm", "busy", "churn", "partition", "slow", "all of it"];

impl Scenario {
    pub fn named(name: &'static str, nodes: usize, seed: u64) -> Self {
        let seconds = Duration::from_secs;
        let mut scenario = Self {
            name,
            nodes,
            seed,
            rhythm: GossipConfig::default(),
            common: 40,
            warm_up: seconds(60),
            publishing: seconds(180),
            publish_every: Some(seconds(5)),
            node_life: None,
            sees_again: true,
            partition: None,
            slow_percent: 0,
            idle: seconds(600),
            limit: seconds(1_800),
        };
        let is = |part: &str| name == part || name == "all of it";
        if name == "calm" {
            (scenario.publishing, scenario.publish_every) = (seconds(0), None);
        }
        if name == "busy" {
            scenario.publish_every = Some(seconds(2));
        }
        if is("churn") {
            scenario.node_life = Some(seconds(600));
        }
        if is("partition") {
            scenario.partition = Some((seconds(10), seconds(160)));
        }
        if is("slow") {
            scenario.slow_percent = 30;
        }
        scenario
    }
}
