//! Event limit: bounds events that any host on the network can cause. The first few are reported one by
//! one. The others are counted, and one event reports the count.

use std::collections::BTreeMap;
use std::time::Duration;

/// A limited kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::net::gossip) enum LimitedKind {
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
struct KindLimits {
    at_once: u32,
    one_more: Duration,
    sum: Duration,
}

impl LimitedKind {
    /// Returns the event's name.
    pub(in crate::net::gossip) fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Left => "left",
            Self::Unreachable => "unreachable",
            Self::Trouble => "trouble",
        }
    }

    fn limits(self) -> KindLimits {
        match self {
            // Discovery starts again after a minute at most, and may break again.
            Self::Trouble => KindLimits {
                at_once: 2,
                one_more: Duration::from_secs(600),
                sum: Duration::from_secs(600),
            },
            _ => KindLimits {
                at_once: 32,
                one_more: Duration::from_secs(2),
                sum: Duration::from_secs(10),
            },
        }
    }
}

/// Reported and suppressed events of each kind.
#[derive(Default)]
pub(in crate::net::gossip) struct EventLimiter {
    kinds: BTreeMap<LimitedKind, KindState>,
}

struct KindState {
    /// Remaining number of events.
    left: u32,
    /// Time of the last increment of it.
    grown: Duration,
    /// Start and number of suppressed events.
    suppressed: Option<(Duration, u64)>,
}

impl EventLimiter {
    /// Returns true if one more event of a kind may be reported, and else counts it. `now` counts from
    /// any moment.
    pub(in crate::net::gossip) fn admit(&mut self, now: Duration, kind: LimitedKind) -> bool {
        let limits = kind.limits();
        let state = self.kinds.entry(kind).or_insert(KindState {
            left: limits.at_once,
            grown: now,
            suppressed: None,
        });
        while state.left < limits.at_once && state.grown + limits.one_more <= now {
            state.left += 1;
            state.grown += limits.one_more;
        }
        if state.left == limits.at_once {
            state.grown = now;
        }
        if let Some(left) = state.left.checked_sub(1) {
            state.left = left;
            return true;
        }
        state.suppressed.get_or_insert((now, 0)).1 += 1;
        false
    }

    /// Returns the counts that are due for a report.
    pub(in crate::net::gossip) fn take_suppressed(
        &mut self,
        now: Duration,
    ) -> Vec<(LimitedKind, u64)> {
        let mut all = Vec::new();
        for (kind, state) in &mut self.kinds {
            let is_due = |(since, _): &(Duration, u64)| *since + kind.limits().sum <= now;
            if let Some((_, count)) = state.suppressed.take_if(|l| is_due(l)) {
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
    fn event_limiter_reports_a_flood_as_few_events_and_a_count() {
        let mut event_limiter = EventLimiter::default();
        let (mut reported, mut counted, mut reports) = (0, 0, 0);
        // A thousand a second for a minute.
        for n in 0..60_000 {
            let now = Duration::from_millis(n);
            reported += u64::from(event_limiter.admit(now, LimitedKind::Found));
            for (kind, count) in event_limiter.take_suppressed(now) {
                assert_eq!(kind, LimitedKind::Found);
                counted += count;
                reports += 1;
            }
        }
        for (_, count) in event_limiter.take_suppressed(Duration::from_secs(120)) {
            counted += count;
        }
        assert_eq!(reported + counted, 60_000);
        assert!((32..=64).contains(&reported), "{reported}");
        assert!((4..=6).contains(&reports), "{reports}");
        // In a quiet period all events are reported again, and nothing is left to count.
        let later = Duration::from_secs(600);
        assert!((0..32).all(|_| event_limiter.admit(later, LimitedKind::Found)));
        assert!(!event_limiter.admit(later, LimitedKind::Found));
        assert!(event_limiter.admit(later, LimitedKind::Left));
        assert!(event_limiter.take_suppressed(later).is_empty());
    }
}
