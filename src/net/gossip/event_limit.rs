//! Events that anybody on the network may bring about as often as he likes: the first few are told
//! one by one, the others are counted, and the count is told in one line.

use std::collections::BTreeMap;
use std::time::Duration;

/// What is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::net::gossip) enum Kind {
    /// A node was found.
    Found,
    /// A node left.
    Left,
    /// A node could not be talked to.
    Unreachable,
    /// Discovery stands still for a while.
    Trouble,
}

/// How many are told at once, how soon one more is, and how often the rest is counted up.
struct Bounds {
    at_once: u32,
    one_more: Duration,
    sum: Duration,
}

impl Kind {
    /// As in the events themselves.
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
            // Discovery begins anew after a minute at most, and breaks again.
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

/// What was told of each kind, and what was left out.
#[derive(Default)]
pub(in crate::net::gossip) struct Chatter {
    kinds: BTreeMap<Kind, Told>,
}

struct Told {
    /// How many more may be told now.
    left: u32,
    /// When the last one was added to these.
    grown: Duration,
    /// Since when so many were left out.
    left_out: Option<(Duration, u64)>,
}

impl Chatter {
    /// Whether one more of a kind is told; if not it is counted. `now` counts from any moment.
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

    /// How many of which kinds were left out, where it is time to say so.
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
        // Once it is quiet, all is told again, and nothing is left to count.
        let later = Duration::from_secs(600);
        assert!((0..32).all(|_| chatter.may_tell(later, Kind::Found)));
        assert!(!chatter.may_tell(later, Kind::Found));
        assert!(chatter.may_tell(later, Kind::Left));
        assert!(chatter.left_out(later).is_empty());
    }
}
