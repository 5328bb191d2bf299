//! Whom a node talks to, and that it comes to an end.

use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::protocol::Exchange;
use crate::protocol::ExchangeOutcome;
use crate::protocol::Gossip;
use crate::protocol::GossipConfig;
use crate::protocol::ItemId;
use crate::wire::limits::GOSSIP_PEERS_MAX;
use crate::wire::limits::GOSSIP_QUEUE_MAX;
use std::collections::BTreeSet;
use std::time::Duration;

fn node(n: u16) -> NodeId {
    let mut id = [0; 32];
    id[..2].copy_from_slice(&n.to_le_bytes());
    NodeId::new(id)
}

fn item(n: u64) -> ItemId {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&n.to_le_bytes());
    ItemId::Manifest(EnvelopeId::new(id))
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Knows these peers, and has compared with those it is to compare with at once: so many.
fn greeted(peers: u16, seed: u64) -> (Gossip, usize) {
    greeted_by(GossipConfig::default(), peers, seed)
}

fn greeted_by(rhythm: GossipConfig, peers: u16, seed: u64) -> (Gossip, usize) {
    let mut gossip = Gossip::new(rhythm, seed);
    (0..peers).for_each(|n| assert!(gossip.appeared(node(n))));
    let mut asked = BTreeSet::new();
    while let Some(talk) = gossip.next(Duration::ZERO) {
        assert!(asked.insert(talk.peer()), "twice");
        assert!(matches!(talk, Exchange::Compare(_)), "{talk:?}");
        gossip.done(Duration::ZERO, &talk, ExchangeOutcome::Same);
    }
    (gossip, asked.len())
}

/// All of these have answered.
fn met(peers: u16) -> Gossip {
    let rhythm = GossipConfig {
        greeted: usize::MAX,
        ..GossipConfig::default()
    };
    let (mut gossip, met) = greeted_by(rhythm, peers, 7);
    assert_eq!(met, usize::from(peers));
    gossip.set_rhythm(GossipConfig::default());
    gossip
}

#[test]
fn of_those_who_appear_all_are_met_where_they_are_few_and_a_few_where_they_are_many() {
    for seed in 0..50 {
        assert_eq!(greeted(8, seed).1, 8);
        // The first eight, and of the others eight of as many as were met before: about 89.
        let (_, met) = greeted(500, seed);
        assert!((60..=125).contains(&met), "{met}");
    }
}

#[test]
fn peers_are_compared_with_in_turns() {
    let mut gossip = met(20);
    let mut talks = 0;
    for second in 1..=600 {
        while let Some(talk) = gossip.next(seconds(second)) {
            talks += 1;
            gossip.done(seconds(second), &talk, ExchangeOutcome::Same);
        }
    }
    // One peer every half minute, whoever many there are.
    assert!((15..=28).contains(&talks), "{talks}");
}

#[test]
fn news_are_told_to_a_few_and_not_to_who_told_them() {
    let mut gossip = met(40);
    let teller = node(3);
    gossip.news(&[item(1), item(2)], Some(&teller));
    let mut told = BTreeSet::new();
    while let Some(talk) = gossip.next(Duration::from_millis(1)) {
        let Exchange::Tell(peer, items) = &talk else {
            panic!("{talk:?}");
        };
        assert_eq!(items, &[item(1), item(2)]);
        assert!(told.insert(*peer));
        gossip.done(Duration::from_millis(1), &talk, ExchangeOutcome::Same);
    }
    assert_eq!(told.len(), GossipConfig::default().fanout);
    assert!(!told.contains(&teller));
}

#[test]
fn a_flood_of_news_becomes_one_comparison() {
    let mut gossip = met(1);
    let many: Vec<ItemId> = (0..10_000).map(item).collect();
    gossip.news(&many, None);
    let talk = gossip.next(Duration::from_millis(1)).unwrap();
    assert_eq!(talk, Exchange::Compare(node(0)));
    gossip.done(Duration::from_millis(1), &talk, ExchangeOutcome::Differed);
    gossip.news(&many[..GOSSIP_QUEUE_MAX], None);
    let talk = gossip.next(Duration::from_millis(2)).unwrap();
    assert!(matches!(talk, Exchange::Tell(_, items) if items.len() == GOSSIP_QUEUE_MAX));
}

#[test]
fn who_does_not_answer_is_asked_ever_more_seldom_until_it_shows_itself() {
    let mut gossip = Gossip::new(GossipConfig::default(), 1);
    gossip.appeared(node(0));
    let mut talks = 0;
    for second in 0..3_600 {
        while let Some(talk) = gossip.next(seconds(second)) {
            talks += 1;
            gossip.done(seconds(second), &talk, ExchangeOutcome::Failed);
        }
    }
    assert!((8..=20).contains(&talks), "{talks}");
    gossip.appeared(node(0));
    let talk = gossip.next(seconds(3_600));
    assert_eq!(talk, Some(Exchange::Compare(node(0))));
}

#[test]
fn talks_are_few_at_once_and_one_with_each() {
    let mut gossip = Gossip::new(GossipConfig::default(), 1);
    (0..100).for_each(|n| assert!(gossip.appeared(node(n))));
    let under_way: Vec<Exchange> = std::iter::from_fn(|| gossip.next(Duration::ZERO)).collect();
    assert_eq!(under_way.len(), GossipConfig::default().talks);
    let peers: BTreeSet<NodeId> = under_way.iter().map(Exchange::peer).collect();
    assert_eq!(peers.len(), under_way.len());
    // One leaves in the middle of it: its place is free, and its end counts for nobody.
    gossip.left(&under_way[0].peer());
    assert!(gossip.next(Duration::ZERO).is_some());
    gossip.done(Duration::ZERO, &under_way[0], ExchangeOutcome::Same);
    assert!(gossip.next(Duration::ZERO).is_none());
}

#[test]
fn peers_and_what_waits_for_them_are_bounded() {
    let mut gossip = Gossip::new(GossipConfig::default(), 1);
    for n in 0..u16::MAX {
        gossip.appeared(node(n));
    }
    assert_eq!(gossip.len(), GOSSIP_PEERS_MAX);
    assert!(gossip.wakes_at().is_some());
}

/// How often it is talked in so many seconds to peers who all answer so.
fn talks_in(gossip: &mut Gossip, (from, to): (u64, u64), end: ExchangeOutcome) -> usize {
    let mut talks = 0;
    for tick in from * 10..to * 10 {
        let now = Duration::from_millis(tick * 100);
        while let Some(talk) = gossip.next(now) {
            talks += 1;
            gossip.done(now, &talk, end);
        }
    }
    talks
}

#[test]
fn who_always_has_something_new_is_not_asked_ever_faster() {
    let mut gossip = met(1);
    let talks = talks_in(&mut gossip, (0, 600), ExchangeOutcome::Differed);
    assert!((20..=45).contains(&talks), "{talks}");
    // It had nothing for once: it may be that there is more again.
    let talks = talks_in(&mut gossip, (600, 660), ExchangeOutcome::Same);
    assert!((1..=4).contains(&talks), "{talks}");
    let talks = talks_in(&mut gossip, (660, 720), ExchangeOutcome::Differed);
    assert!((4..=12).contains(&talks), "{talks}");
}

#[test]
fn who_shows_itself_all_the_time_and_never_answers_is_let_be() {
    let mut gossip = Gossip::new(GossipConfig::default(), 1);
    let mut talks = 0;
    for second in 0..3_600 {
        gossip.appeared(node(0));
        while let Some(talk) = gossip.next(seconds(second)) {
            talks += 1;
            gossip.done(seconds(second), &talk, ExchangeOutcome::Failed);
        }
    }
    assert!((10..=120).contains(&talks), "{talks}");
    // It answers once: whatever was before is forgotten.
    let talk = gossip.next(seconds(9_000)).unwrap();
    gossip.done(seconds(9_000), &talk, ExchangeOutcome::Same);
    let tell = gossip.next(seconds(9_100)).unwrap();
    gossip.done(seconds(9_100), &tell, ExchangeOutcome::Failed);
    gossip.appeared(node(0));
    assert!(gossip.next(seconds(9_100)).is_some());
}

#[test]
fn thousands_who_never_answer_leave_room_for_who_does() {
    let mut gossip = Gossip::new(GossipConfig::default(), 1);
    for n in 0..GOSSIP_PEERS_MAX as u16 {
        assert!(gossip.appeared(node(n)));
    }
    let honest = node(u16::MAX);
    assert!(!gossip.appeared(honest));
    let talk = gossip.next(Duration::ZERO).unwrap();
    gossip.done(Duration::ZERO, &talk, ExchangeOutcome::Failed);
    assert!(gossip.appeared(honest) && gossip.knows(&honest));
    assert_eq!(gossip.len(), GOSSIP_PEERS_MAX);
    gossip.keep(|peer| *peer == honest);
    assert_eq!(gossip.len(), 1);
}

/// Services that are made up keep neither news nor comparisons from those who are there.
#[test]
fn whoever_is_not_there_takes_no_turns_from_who_is() {
    let mut gossip = met(3);
    (100..250).for_each(|n| assert!(gossip.appeared(node(n))));
    let mut waiting: Vec<(u64, Exchange)> = Vec::new();
    let (mut rounds, mut told, mut tried) = (0, 0, BTreeSet::new());
    for second in 1..=300 {
        let (over, still) = waiting.into_iter().partition(|(end, _)| *end <= second);
        waiting = still;
        let over: Vec<(u64, Exchange)> = over;
        for (_, talk) in over {
            gossip.done(seconds(second), &talk, ExchangeOutcome::Failed);
        }
        if second % 30 == 0 {
            gossip.news(&[item(second)], None);
        }
        let mut asked = 0;
        while let Some(talk) = gossip.next(seconds(second)) {
            asked += 1;
            assert!(asked < 20);
            if talk.peer() >= node(100) {
                // As long as a handshake may take.
                tried.insert(talk.peer());
                waiting.push((second + 10, talk));
                continue;
            }
            match &talk {
                Exchange::Compare(_) => rounds += 1,
                Exchange::Tell(..) => told += 1,
            }
            gossip.done(seconds(second), &talk, ExchangeOutcome::Same);
        }
        assert!(gossip.wakes_at().is_none_or(|at| at > seconds(second)));
    }
    assert!((8..=15).contains(&rounds), "{rounds}");
    assert_eq!(told, 3 * 10);
    assert!((50..=70).contains(&tried.len()), "{}", tried.len());
}

#[test]
fn what_one_does_not_take_another_one_hears() {
    let mut gossip = met(30);
    let now = Duration::from_millis(1);
    gossip.news(&[item(1)], None);
    let mut told = BTreeSet::new();
    while told.len() < GossipConfig::default().fanout {
        let talk = gossip.next(now).unwrap();
        assert!(told.insert(talk.peer()) && matches!(talk, Exchange::Tell(..)));
        gossip.done(now, &talk, ExchangeOutcome::Same);
    }
    gossip.news(&[item(2)], None);
    let failed = gossip.next(now).unwrap();
    gossip.done(now, &failed, ExchangeOutcome::Failed);
    let mut heard = 0;
    while let Some(talk) = gossip.next(now) {
        assert_ne!(talk.peer(), failed.peer());
        assert!(matches!(talk, Exchange::Tell(..)), "{talk:?}");
        heard += 1;
        gossip.done(now, &talk, ExchangeOutcome::Same);
    }
    assert_eq!(heard, GossipConfig::default().fanout);
    // When it is there again, catalogues are compared.
    gossip.appeared(failed.peer());
    assert_eq!(gossip.next(now), Some(Exchange::Compare(failed.peer())));
}

#[test]
fn what_is_new_during_a_comparison_is_told_after_it() {
    let mut gossip = Gossip::new(GossipConfig::default(), 1);
    gossip.appeared(node(0));
    let talk = gossip.next(Duration::ZERO).unwrap();
    assert_eq!(talk, Exchange::Compare(node(0)));
    gossip.news(&[item(1)], None);
    assert_eq!(gossip.waiting(), 1);
    gossip.done(Duration::ZERO, &talk, ExchangeOutcome::Same);
    let talk = gossip.next(Duration::ZERO);
    assert_eq!(talk, Some(Exchange::Tell(node(0), vec![item(1)])));
    assert_eq!(gossip.waiting(), 0);
}

#[test]
fn at_most_half_of_the_talks_are_with_who_was_silent() {
    let mut gossip = Gossip::new(GossipConfig::default(), 1);
    (0..9).for_each(|n| assert!(gossip.appeared(node(n))));
    let talk = gossip.next(Duration::ZERO).unwrap();
    gossip.done(Duration::ZERO, &talk, ExchangeOutcome::Same);
    let there = talk.peer();
    for _ in 0..8 {
        let talk = gossip.next(Duration::ZERO).unwrap();
        gossip.done(Duration::ZERO, &talk, ExchangeOutcome::Failed);
    }
    let under_way = std::iter::from_fn(|| gossip.next(seconds(60)));
    let silent = under_way.filter(|talk| talk.peer() != there).count();
    assert_eq!(silent, GossipConfig::default().talks / 2);
    assert_eq!(gossip.wakes_at(), None);
}

#[test]
fn trying_who_was_silent_puts_off_no_comparison() {
    let mut gossip = met(1);
    gossip.appeared(node(1));
    let talk = gossip.next(Duration::ZERO).unwrap();
    gossip.done(Duration::ZERO, &talk, ExchangeOutcome::Failed);
    let answering = Exchange::Compare(node(0));
    while let Some(talk) = gossip.next(seconds(1)) {
        gossip.done(seconds(1), &talk, ExchangeOutcome::Same);
    }
    assert_eq!(gossip.next(seconds(20)), Some(Exchange::Compare(node(1))));
    assert_eq!(gossip.next(seconds(40)), Some(answering));
}
