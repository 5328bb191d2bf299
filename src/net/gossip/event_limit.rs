//! Event limit: bounds events that any host on the network can cause. The first few are reported one by
//! one. The others are counted, and one event reports the count.

use std::collections::BTreeMap;
use std::time::Duration;

/// A limited kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::net::gossip) enum Kind {
    /// A node was found.
    Found,
    /// A node left.
    Left,
    /// A node could not be reached.
    Unreachable,
    /// Discovery pauses for a while.
    Trouble,
}

/// Number of events at once, interval for one more, and interval of the count.
struct Bounds {
    at_once: u32,
    one_more: Duration,
    sum: Duration,
}

impl Kind {
    /// Returns the event's name.
    pub(in crate::net::gossip) fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Left => "left",
            Self::Unreachable => "unreachable",
            Self::Trouble => "trouble",
        }
    }

    fn bounds(self) -> Bounds {
        match self {
            // Discovery starts again after a minute at most, and may break again.
            Self::Trouble => Bounds {
                at_once: 2,
                one_more: Duration::from_secs(600),
                sum: Duration::from_secs(600),
            },
            _ => Bounds {
                at_once: 32,
                one_more: Duration::from_secs(2),
                sum: Duration::from_secs(10),
            },
        }
    }
}

/// Reported and suppressed events of each kind.
#[derive(Default)]
pub(in crate::net::gossip) struct Chatter {
    kinds: BTreeMap<Kind, Told>,
}

struct Told {
    /// Remaining number of events.
    left: u32,
    /// Time of the last increment of it.
    grown: Duration,
    /// Start and number of suppressed events.
    left_out: Option<(Duration, u64)>,
}

impl Chatter {
    /// Returns true if one more event of a kind may be reported, and else counts it. `now` counts from
    /// any moment.
    pub(in crate::net::gossip) fn may_tell(&mut self, now: Duration, kind: Kind) -> bool {
        let bounds = kind.bounds();
        let told = self.kinds.entry(kind).or_insert(Told {
            left: bounds.at_once,
            grown: now,
            left_out: None,
        });
        while told.left < bounds.at_once && told.grown + bounds.one_more <= now {
            told.left += 1;
            told.grown += bounds.one_more;
        }
        if told.left == bounds.at_once {
            told.grown = now;
        }
        if let Some(left) = told.left.checked_sub(1) {
            told.left = left;
            return true;
        }
        told.left_out.get_or_insert((now, 0)).1 += 1;
        false
    }

    /// Returns the counts that are due for a report.
    pub(in crate::net::gossip) fn left_out(&mut self, now: Duration) -> Vec<(Kind, u64)> {
        let mut all = Vec::new();
        for (kind, told) in &mut self.kinds {
            let is_due = |(since, _): &(Duration, u64)| *since + kind.bounds().sum <= now;
            if let Some((_, count)) = told.left_out.take_if(|l| is_due(l)) {
                all.push((*kind, count));
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_events_is_a_few_lines_and_a_count() {
        let mut chatter = Chatter::default();
        let (mut told, mut counted, mut lines) = (0, 0, 0);
        // A thousand a second for a minute.
        for n in 0..60_000 {
            let now = Duration::from_millis(n);
            told += u64::from(chatter.may_tell(now, Kind::Found));
            for (kind, count) in chatter.left_out(now) {
                assert_eq!(kind, Kind::Found);
                counted += count;
                lines += 1;
            }
        }
        for (_, count) in chatter.left_out(Duration::from_secs(120)) {
            counted += count;
        }
        assert_eq!(told + counted, 60_000);
        assert!((32..=64).contains(&told), "{told}");
        assert!((4..=6).contains(&lines), "{lines}");
        // In a quiet period all events are reported again, and nothing is left to count.
        let later = Duration::from_secs(600);
        assert!((0..32).all(|_| chatter.may_tell(later, Kind::Found)));
        assert!(!chatter.may_tell(later, Kind::Found));
        assert!(chatter.may_tell(later, Kind::Left));
        assert!(chatter.left_out(later).is_empty());
    }
}
