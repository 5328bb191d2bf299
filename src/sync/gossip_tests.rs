//! Whom a node talks to, and that it comes to an end.

use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::sync::Gossip;
use crate::sync::ItemId;
use crate::sync::Rhythm;
use crate::sync::Talk;
use crate::sync::TalkEnd;
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
    let mut gossip = Gossip::new(Rhythm::default(), seed);
    (0..peers).for_each(|n| assert!(gossip.appeared(node(n))));
    let mut asked = BTreeSet::new();
    while let Some(talk) = gossip.next(Duration::ZERO) {
        assert!(asked.insert(talk.peer()), "twice");
        assert!(matches!(talk, Talk::Compare(_)), "{talk:?}");
        gossip.done(Duration::ZERO, &talk, TalkEnd::Same);
    }
    (gossip, asked.len())
}

fn met(peers: u16) -> Gossip {
    greeted(peers, 7).0
}

#[test]
fn of_those_who_appear_all_are_met_where_they_are_few_and_a_few_where_they_are_many() {
    for seed in 0..50 {
        assert_eq!(greeted(8, seed).1, 8);
        // The first eight, and of the others one in eight parts of how many there are: about 41.
        let (_, met) = greeted(500, seed);
        assert!((20..=65).contains(&met), "{met}");
    }
}

#[test]
fn peers_are_compared_with_in_turns() {
    let mut gossip = met(20);
    let mut talks = 0;
    for second in 1..=600 {
        while let Some(talk) = gossip.next(seconds(second)) {
            talks += 1;
            gossip.done(seconds(second), &talk, TalkEnd::Same);
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
        let Talk::Tell(peer, items) = &talk else {
            panic!("{talk:?}");
        };
        assert_eq!(items, &[item(1), item(2)]);
        assert!(told.insert(*peer));
        gossip.done(Duration::from_millis(1), &talk, TalkEnd::Same);
    }
    assert_eq!(told.len(), Rhythm::default().fanout);
    assert!(!told.contains(&teller));
}

#[test]
fn a_flood_of_news_becomes_one_comparison() {
    let mut gossip = met(1);
    let many: Vec<ItemId> = (0..10_000).map(item).collect();
    gossip.news(&many, None);
    let talk = gossip.next(Duration::from_millis(1)).unwrap();
    assert_eq!(talk, Talk::Compare(node(0)));
    gossip.done(Duration::from_millis(1), &talk, TalkEnd::Differed);
    gossip.news(&many[..GOSSIP_QUEUE_MAX], None);
    let talk = gossip.next(Duration::from_millis(2)).unwrap();
    assert!(matches!(talk, Talk::Tell(_, items) if items.len() == GOSSIP_QUEUE_MAX));
}

#[test]
fn who_does_not_answer_is_asked_ever_more_seldom_until_it_shows_itself() {
    let mut gossip = Gossip::new(Rhythm::default(), 1);
    gossip.appeared(node(0));
    let mut talks = 0;
    for second in 0..3_600 {
        while let Some(talk) = gossip.next(seconds(second)) {
            talks += 1;
            gossip.done(seconds(second), &talk, TalkEnd::Failed);
        }
    }
    assert!((8..=20).contains(&talks), "{talks}");
    gossip.appeared(node(0));
    let talk = gossip.next(seconds(3_600));
    assert_eq!(talk, Some(Talk::Compare(node(0))));
}

#[test]
fn talks_are_few_at_once_and_one_with_each() {
    let mut gossip = Gossip::new(Rhythm::default(), 1);
    (0..100).for_each(|n| assert!(gossip.appeared(node(n))));
    let under_way: Vec<Talk> = std::iter::from_fn(|| gossip.next(Duration::ZERO)).collect();
    assert_eq!(under_way.len(), Rhythm::default().talks);
    let peers: BTreeSet<NodeId> = under_way.iter().map(Talk::peer).collect();
    assert_eq!(peers.len(), under_way.len());
    // One leaves in the middle of it: its place is free, and its end counts for nobody.
    gossip.left(&under_way[0].peer());
    assert!(gossip.next(Duration::ZERO).is_some());
    gossip.done(Duration::ZERO, &under_way[0], TalkEnd::Same);
    assert!(gossip.next(Duration::ZERO).is_none());
}

#[test]
fn peers_and_what_waits_for_them_are_bounded() {
    let mut gossip = Gossip::new(Rhythm::default(), 1);
    for n in 0..u16::MAX {
        gossip.appeared(node(n));
    }
    assert_eq!(gossip.len(), GOSSIP_PEERS_MAX);
    assert!(gossip.wakes_at().is_some());
}

#[test]
fn what_one_does_not_take_another_one_hears() {
    let mut gossip = met(30);
    let now = Duration::from_millis(1);
    gossip.news(&[item(1)], None);
    let mut told = BTreeSet::new();
    while told.len() < Rhythm::default().fanout {
        let talk = gossip.next(now).unwrap();
        assert!(told.insert(talk.peer()) && matches!(talk, Talk::Tell(..)));
        gossip.done(now, &talk, TalkEnd::Same);
    }
    gossip.news(&[item(2)], None);
    let failed = gossip.next(now).unwrap();
    gossip.done(now, &failed, TalkEnd::Failed);
    let mut heard = 0;
    while let Some(talk) = gossip.next(now) {
        assert_ne!(talk.peer(), failed.peer());
        assert!(matches!(talk, Talk::Tell(..)), "{talk:?}");
        heard += 1;
        gossip.done(now, &talk, TalkEnd::Same);
    }
    assert_eq!(heard, Rhythm::default().fanout);
    // When it is there again, catalogues are compared.
    gossip.appeared(failed.peer());
    assert_eq!(gossip.next(now), Some(Talk::Compare(failed.peer())));
}

#[test]
fn what_is_new_during_a_comparison_is_told_after_it() {
    let mut gossip = Gossip::new(Rhythm::default(), 1);
    gossip.appeared(node(0));
    let talk = gossip.next(Duration::ZERO).unwrap();
    assert_eq!(talk, Talk::Compare(node(0)));
    gossip.news(&[item(1)], None);
    assert_eq!(gossip.waiting(), 1);
    gossip.done(Duration::ZERO, &talk, TalkEnd::Same);
    let talk = gossip.next(Duration::ZERO);
    assert_eq!(talk, Some(Talk::Tell(node(0), vec![item(1)])));
    assert_eq!(gossip.waiting(), 0);
}

#[test]
fn at_most_half_of_the_talks_are_with_who_was_silent() {
    let mut gossip = Gossip::new(Rhythm::default(), 1);
    (0..8).for_each(|n| assert!(gossip.appeared(node(n))));
    for _ in 0..8 {
        let talk = gossip.next(Duration::ZERO).unwrap();
        gossip.done(Duration::ZERO, &talk, TalkEnd::Failed);
    }
    let under_way = std::iter::from_fn(|| gossip.next(seconds(60))).count();
    assert_eq!(under_way, Rhythm::default().talks / 2);
    assert_eq!(gossip.wakes_at(), None);
}

#[test]
fn trying_who_was_silent_puts_off_no_comparison() {
    let mut gossip = met(1);
    gossip.appeared(node(1));
    let talk = gossip.next(Duration::ZERO).unwrap();
    gossip.done(Duration::ZERO, &talk, TalkEnd::Failed);
    let answering = Talk::Compare(node(0));
    while let Some(talk) = gossip.next(seconds(1)) {
        gossip.done(seconds(1), &talk, TalkEnd::Same);
    }
    assert_eq!(gossip.next(seconds(20)), Some(Talk::Compare(node(1))));
    assert_eq!(gossip.next(seconds(40)), Some(answering));
}
