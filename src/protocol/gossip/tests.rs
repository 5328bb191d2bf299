//! The schedule chooses peers fairly and comes to an end.

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

/// Makes a state that has compared with all peers due at once, and returns their number.
fn greet_all(peers: u16, seed: u64) -> (Gossip, usize) {
    greet_all_with(GossipConfig::default(), peers, seed)
}

fn greet_all_with(config: GossipConfig, peers: u16, seed: u64) -> (Gossip, usize) {
    let mut gossip = Gossip::new(config, seed);
    (0..peers).for_each(|n| assert!(gossip.add_peer(node(n))));
    let mut asked = BTreeSet::new();
    while let Some(exchange) = gossip.next(Duration::ZERO) {
        assert!(asked.insert(exchange.peer()), "twice");
        assert!(matches!(exchange, Exchange::Compare(_)), "{exchange:?}");
        gossip.record_outcome(Duration::ZERO, &exchange, ExchangeOutcome::Same);
    }
    (gossip, asked.len())
}

/// Makes a state with peers that have all answered.
fn met(peers: u16) -> Gossip {
    let config = GossipConfig {
        greet_max: usize::MAX,
        ..GossipConfig::default()
    };
    let (mut gossip, met) = greet_all_with(config, peers, 7);
    assert_eq!(met, usize::from(peers));
    gossip.set_config(GossipConfig::default());
    gossip
}

#[test]
fn gossip_greets_all_of_few_peers_and_some_of_many() {
    for seed in 0..50 {
        assert_eq!(greet_all(8, seed).1, 8);
        // The first eight, and of the others eight of as many as were met before: about 89.
        let (_, met) = greet_all(500, seed);
        assert!((60..=125).contains(&met), "{met}");
    }
}

#[test]
fn gossip_compares_with_peers_in_turns() {
    let mut gossip = met(20);
    let mut exchanges = 0;
    for second in 1..=600 {
        while let Some(exchange) = gossip.next(seconds(second)) {
            exchanges += 1;
            gossip.record_outcome(seconds(second), &exchange, ExchangeOutcome::Same);
        }
    }
    // One peer every half minute, for any number of peers.
    assert!((15..=28).contains(&exchanges), "{exchanges}");
}

#[test]
fn gossip_sends_news_to_a_few_and_not_back_to_the_sender() {
    let mut gossip = met(40);
    let teller = node(3);
    gossip.queue_items(&[item(1), item(2)], Some(&teller));
    let mut told = BTreeSet::new();
    while let Some(exchange) = gossip.next(Duration::from_millis(1)) {
        let Exchange::Announce(peer, items) = &exchange else {
            panic!("{exchange:?}");
        };
        assert_eq!(items, &[item(1), item(2)]);
        assert!(told.insert(*peer));
        gossip.record_outcome(Duration::from_millis(1), &exchange, ExchangeOutcome::Same);
    }
    assert_eq!(told.len(), GossipConfig::default().fanout);
    assert!(!told.contains(&teller));
}

#[test]
fn gossip_flood_of_news_becomes_one_comparison() {
    let mut gossip = met(1);
    let many: Vec<ItemId> = (0..10_000).map(item).collect();
    gossip.queue_items(&many, None);
    let exchange = gossip.next(Duration::from_millis(1)).unwrap();
    assert_eq!(exchange, Exchange::Compare(node(0)));
    gossip.record_outcome(
        Duration::from_millis(1),
        &exchange,
        ExchangeOutcome::Differed,
    );
    gossip.queue_items(&many[..GOSSIP_QUEUE_MAX], None);
    let exchange = gossip.next(Duration::from_millis(2)).unwrap();
    assert!(matches!(exchange, Exchange::Announce(_, items) if items.len() == GOSSIP_QUEUE_MAX));
}

#[test]
fn gossip_backs_off_from_silent_peer_until_it_appears() {
    let mut gossip = Gossip::new(GossipConfig::default(), 1);
    gossip.add_peer(node(0));
    let mut exchanges = 0;
    for second in 0..3_600 {
        while let Some(exchange) = gossip.next(seconds(second)) {
            exchanges += 1;
            gossip.record_outcome(seconds(second), &exchange, ExchangeOutcome::Failed);
        }
    }
    assert!((8..=20).contains(&exchanges), "{exchanges}");
    gossip.add_peer(node(0));
    let exchange = gossip.next(seconds(3_600));
    assert_eq!(exchange, Some(Exchange::Compare(node(0))));
}

#[test]
fn gossip_limits_exchanges_to_a_few_and_one_a_peer() {
    let mut gossip = Gossip::new(GossipConfig::default(), 1);
    (0..100).for_each(|n| assert!(gossip.add_peer(node(n))));
    let under_way: Vec<Exchange> = std::iter::from_fn(|| gossip.next(Duration::ZERO)).collect();
    assert_eq!(under_way.len(), GossipConfig::default().exchanges);
    let peers: BTreeSet<NodeId> = under_way.iter().map(Exchange::peer).collect();
    assert_eq!(peers.len(), under_way.len());
    // One peer leaves during its exchange: its slot is free, and its end counts for no other.
    gossip.remove_peer(&under_way[0].peer());
    assert!(gossip.next(Duration::ZERO).is_some());
    gossip.record_outcome(Duration::ZERO, &under_way[0], ExchangeOutcome::Same);
    assert!(gossip.next(Duration::ZERO).is_none());
}

#[test]
fn gossip_bounds_peers_and_queues() {
    let mut gossip = Gossip::new(GossipConfig::default(), 1);
    for n in 0..u16::MAX {
        gossip.add_peer(node(n));
    }
    assert_eq!(gossip.len(), GOSSIP_PEERS_MAX);
    assert!(gossip.next_wake().is_some());
}

/// Returns the number of exchanges in a span of seconds if all peers answer with this outcome.
fn talks_in(gossip: &mut Gossip, (from, to): (u64, u64), end: ExchangeOutcome) -> usize {
    let mut exchanges = 0;
    for tick in from * 10..to * 10 {
        let now = Duration::from_millis(tick * 100);
        while let Some(exchange) = gossip.next(now) {
            exchanges += 1;
            gossip.record_outcome(now, &exchange, end);
        }
    }
    exchanges
}

#[test]
fn gossip_slows_down_for_peer_that_always_differs() {
    let mut gossip = met(1);
    let exchanges = talks_in(&mut gossip, (0, 600), ExchangeOutcome::Differed);
    assert!((20..=45).contains(&exchanges), "{exchanges}");
    // It had nothing for once, so there may be more again.
    let exchanges = talks_in(&mut gossip, (600, 660), ExchangeOutcome::Same);
    assert!((1..=4).contains(&exchanges), "{exchanges}");
    let exchanges = talks_in(&mut gossip, (660, 720), ExchangeOutcome::Differed);
    assert!((4..=12).contains(&exchanges), "{exchanges}");
}

#[test]
fn gossip_backs_off_from_peer_that_announces_but_never_answers() {
    let mut gossip = Gossip::new(GossipConfig::default(), 1);
    let mut exchanges = 0;
    for second in 0..3_600 {
        gossip.add_peer(node(0));
        while let Some(exchange) = gossip.next(seconds(second)) {
            exchanges += 1;
            gossip.record_outcome(seconds(second), &exchange, ExchangeOutcome::Failed);
        }
    }
    assert!((10..=120).contains(&exchanges), "{exchanges}");
    // It answers once, which clears its failures.
    let exchange = gossip.next(seconds(9_000)).unwrap();
    gossip.record_outcome(seconds(9_000), &exchange, ExchangeOutcome::Same);
    let tell = gossip.next(seconds(9_100)).unwrap();
    gossip.record_outcome(seconds(9_100), &tell, ExchangeOutcome::Failed);
    gossip.add_peer(node(0));
    assert!(gossip.next(seconds(9_100)).is_some());
}

#[test]
fn gossip_with_thousands_of_silent_peers_serves_the_real_one() {
    let mut gossip = Gossip::new(GossipConfig::default(), 1);
    for n in 0..GOSSIP_PEERS_MAX as u16 {
        assert!(gossip.add_peer(node(n)));
    }
    let honest = node(u16::MAX);
    assert!(!gossip.add_peer(honest));
    let exchange = gossip.next(Duration::ZERO).unwrap();
    gossip.record_outcome(Duration::ZERO, &exchange, ExchangeOutcome::Failed);
    assert!(gossip.add_peer(honest) && gossip.contains(&honest));
    assert_eq!(gossip.len(), GOSSIP_PEERS_MAX);
    gossip.retain_peers(|peer| *peer == honest);
    assert_eq!(gossip.len(), 1);
}

/// Fake services delay neither news nor comparisons of real peers.
#[test]
fn gossip_fake_peers_take_no_turns_from_real_ones() {
    let mut gossip = met(3);
    (100..250).for_each(|n| assert!(gossip.add_peer(node(n))));
    let mut waiting: Vec<(u64, Exchange)> = Vec::new();
    let (mut rounds, mut told, mut tried) = (0, 0, BTreeSet::new());
    for second in 1..=300 {
        let (over, still) = waiting.into_iter().partition(|(end, _)| *end <= second);
        waiting = still;
        let over: Vec<(u64, Exchange)> = over;
        for (_, exchange) in over {
            gossip.record_outcome(seconds(second), &exchange, ExchangeOutcome::Failed);
        }
        if second % 30 == 0 {
            gossip.queue_items(&[item(second)], None);
        }
        let mut asked = 0;
        while let Some(exchange) = gossip.next(seconds(second)) {
            asked += 1;
            assert!(asked < 20);
            if exchange.peer() >= node(100) {
                // A handshake may take this long.
                tried.insert(exchange.peer());
                waiting.push((second + 10, exchange));
                continue;
            }
            match &exchange {
                Exchange::Compare(_) => rounds += 1,
                Exchange::Announce(..) => told += 1,
            }
            gossip.record_outcome(seconds(second), &exchange, ExchangeOutcome::Same);
        }
        assert!(gossip.next_wake().is_none_or(|at| at > seconds(second)));
    }
    assert!((8..=15).contains(&rounds), "{rounds}");
    assert_eq!(told, 3 * 10);
    assert!((50..=70).contains(&tried.len()), "{}", tried.len());
}

#[test]
fn gossip_sends_refused_items_to_another_peer() {
    let mut gossip = met(30);
    let now = Duration::from_millis(1);
    gossip.queue_items(&[item(1)], None);
    let mut told = BTreeSet::new();
    while told.len() < GossipConfig::default().fanout {
        let exchange = gossip.next(now).unwrap();
        assert!(told.insert(exchange.peer()) && matches!(exchange, Exchange::Announce(..)));
        gossip.record_outcome(now, &exchange, ExchangeOutcome::Same);
    }
    gossip.queue_items(&[item(2)], None);
    let failed = gossip.next(now).unwrap();
    gossip.record_outcome(now, &failed, ExchangeOutcome::Failed);
    let mut heard = 0;
    while let Some(exchange) = gossip.next(now) {
        assert_ne!(exchange.peer(), failed.peer());
        assert!(matches!(exchange, Exchange::Announce(..)), "{exchange:?}");
        heard += 1;
        gossip.record_outcome(now, &exchange, ExchangeOutcome::Same);
    }
    assert_eq!(heard, GossipConfig::default().fanout);
    // When it is present again, catalogues are compared.
    gossip.add_peer(failed.peer());
    assert_eq!(gossip.next(now), Some(Exchange::Compare(failed.peer())));
}

#[test]
fn gossip_sends_news_of_a_comparison_after_it() {
    let mut gossip = Gossip::new(GossipConfig::default(), 1);
    gossip.add_peer(node(0));
    let exchange = gossip.next(Duration::ZERO).unwrap();
    assert_eq!(exchange, Exchange::Compare(node(0)));
    gossip.queue_items(&[item(1)], None);
    assert_eq!(gossip.queued_items(), 1);
    gossip.record_outcome(Duration::ZERO, &exchange, ExchangeOutcome::Same);
    let exchange = gossip.next(Duration::ZERO);
    assert_eq!(exchange, Some(Exchange::Announce(node(0), vec![item(1)])));
    assert_eq!(gossip.queued_items(), 0);
}

#[test]
fn gossip_gives_at_most_half_of_exchanges_to_silent_peers() {
    let mut gossip = Gossip::new(GossipConfig::default(), 1);
    (0..9).for_each(|n| assert!(gossip.add_peer(node(n))));
    let exchange = gossip.next(Duration::ZERO).unwrap();
    gossip.record_outcome(Duration::ZERO, &exchange, ExchangeOutcome::Same);
    let there = exchange.peer();
    for _ in 0..8 {
        let exchange = gossip.next(Duration::ZERO).unwrap();
        gossip.record_outcome(Duration::ZERO, &exchange, ExchangeOutcome::Failed);
    }
    let under_way = std::iter::from_fn(|| gossip.next(seconds(60)));
    let silent = under_way
        .filter(|exchange| exchange.peer() != there)
        .count();
    assert_eq!(silent, GossipConfig::default().exchanges / 2);
    assert_eq!(gossip.next_wake(), None);
}

#[test]
fn gossip_retry_of_silent_peer_postpones_no_comparison() {
    let mut gossip = met(1);
    gossip.add_peer(node(1));
    let exchange = gossip.next(Duration::ZERO).unwrap();
    gossip.record_outcome(Duration::ZERO, &exchange, ExchangeOutcome::Failed);
    let answering = Exchange::Compare(node(0));
    while let Some(exchange) = gossip.next(seconds(1)) {
        gossip.record_outcome(seconds(1), &exchange, ExchangeOutcome::Same);
    }
    assert_eq!(gossip.next(seconds(20)), Some(Exchange::Compare(node(1))));
    assert_eq!(gossip.next(seconds(40)), Some(answering));
}
