//! Claims never win over proofs, and no number of them makes the table grow or turns out who is
//! proven.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use crate::ident::NodeId;
use crate::protocol::PeerTable;
use crate::protocol::Seen;
use crate::protocol::ServiceRecord;
use crate::protocol::SharedSummary;
use crate::wire::limits::CALLERS_PER_HOST_MAX;
use crate::wire::limits::NODE_ADDRESSES_MAX;
use crate::wire::limits::NODES_SEEN_MAX;

const START: Duration = Duration::from_secs(1000);
const TTL: Duration = Duration::from_secs(900);

fn at(seconds: u64) -> Duration {
    START + Duration::from_secs(seconds)
}

fn node(n: u64) -> NodeId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    NodeId::new(bytes)
}

fn claim(n: u64) -> ServiceRecord {
    ServiceRecord {
        node: node(n),
        version: 1,
        shown: None,
    }
}

fn saying(n: u64, datasets: u64) -> ServiceRecord {
    let shown = SharedSummary {
        datasets,
        filter_digest: [1; 8],
        filter_bytes: 0,
        filter: None,
    };
    ServiceRecord {
        shown: Some(shown),
        ..claim(n)
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Address `n` of a network of fakes.
fn fake(n: u64) -> SocketAddr {
    let n = u32::try_from(n % 60_000).unwrap();
    SocketAddr::from((std::net::Ipv4Addr::from(0x0a00_0001 + n), 8765))
}

#[test]
fn nodes_come_change_and_go() {
    let mut table = PeerTable::new(Some(node(0)), START);
    let (a, b) = (address("10.0.0.1:1"), address("10.0.0.2:1"));
    assert_eq!(table.saw(at(0), claim(0), &[a]), Seen::Refused);
    assert_eq!(table.saw(at(0), claim(1), &[]), Seen::Refused);
    assert_eq!(table.saw(at(0), claim(1), &[a]), Seen::New);
    assert_eq!(table.saw(at(1), claim(1), &[a]), Seen::Same);
    assert_eq!(table.saw(at(2), claim(1), &[a, b]), Seen::Changed);
    assert_eq!(table.saw(at(3), saying(1, 5), &[a]), Seen::Changed);
    assert_eq!(table.candidates(&node(1)), [a, b]);
    assert_eq!(table.list()[0].sighting, Some(saying(1, 5)));
    table.gone(at(3), &node(1));
    assert!(table.is_empty());
    table.proven(at(4), node(1), b);
    table.gone(at(4), &node(1));
    assert!(table.list()[0].has_left && table.list()[0].is_proven);
    assert_eq!(table.saw(at(5), claim(1), &[b]), Seen::Changed);
    assert!(!table.list()[0].has_left);
    table.proven(at(5), node(0), a);
    assert_eq!(table.len(), 1);
}

/// A talk that began before its farewell ends after it.
#[test]
fn who_was_found_before_it_left_is_not_back() {
    let mut table = PeerTable::new(None, START);
    let a = address("10.0.0.1:1");
    table.saw(at(1), claim(1), &[a]);
    table.gone(at(5), &node(1));
    table.proven(at(4), node(1), a);
    assert!(table.is_empty());
    table.proven(at(6), node(1), a);
    assert!(!table.list()[0].has_left);
    table.gone(at(9), &node(1));
    table.proven(at(8), node(1), a);
    assert!(table.list()[0].has_left && table.list()[0].is_proven);
    table.proven(at(10), node(1), a);
    assert!(!table.list()[0].has_left);
}

#[test]
fn addresses_where_nobody_can_be_are_dropped() {
    let mut table = PeerTable::new(None, START);
    let nowhere = [
        "0.0.0.0:1",
        "10.0.0.1:0",
        "224.0.0.251:5353",
        "255.255.255.255:1",
        "[::]:1",
        "[ff02::fb]:5353",
        "[fe80::1]:1",
        "[::ffff:10.0.0.1]:1",
    ]
    .map(address);
    assert_eq!(table.saw(at(0), claim(1), &nowhere), Seen::Refused);
    let link = address("[fe80::1%3]:1");
    let all = [link, address("169.254.0.1:1"), address("[fd00::1]:1")];
    assert_eq!(table.saw(at(0), claim(1), &all), Seen::New);
    assert_eq!(table.candidates(&node(1)), [all[2], all[1], link]);
}

#[test]
fn proven_ones_are_tried_first_and_failed_ones_last() {
    let mut table = PeerTable::new(None, START);
    let [a, b, c] = ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"].map(address);
    table.saw(at(0), claim(1), &[a, b, c]);
    table.proven(at(1), node(1), c);
    assert_eq!(table.candidates(&node(1)), [c, a, b]);
    table.failed(at(2), &node(1), &c);
    table.failed(at(3), &node(1), &a);
    assert_eq!(table.candidates(&node(1)), [b, c, a]);
    table.proven(at(4), node(1), a);
    assert_eq!(table.candidates(&node(1)), [a, b, c]);
    table.failed(at(4), &node(9), &a);
}

#[test]
fn a_claim_of_anothers_id_wins_nothing() {
    let mut table = PeerTable::new(None, START);
    let (real, liar) = (address("10.0.0.1:1"), address("10.6.6.6:1"));
    table.saw(at(0), saying(1, 5), &[real]);
    table.proven(at(1), node(1), real);
    assert_eq!(table.saw(at(2), saying(1, 99), &[liar]), Seen::Changed);
    let neighbour = table.list().remove(0);
    assert_eq!(neighbour.sighting, Some(saying(1, 5)));
    assert_eq!(neighbour.addresses, [real, liar]);
    for n in 0..1000 {
        table.saw(at(3 + n), saying(1, n), &[fake(n), fake(n + 1)]);
        table.failed(at(3 + n), &node(1), &fake(n));
        assert_eq!(table.candidates(&node(1))[0], real);
        assert!(table.candidates(&node(1)).len() <= NODE_ADDRESSES_MAX);
    }
    assert_eq!(table.list()[0].sighting, Some(saying(1, 5)));
    // A forged farewell is believed by nobody either, and neither is that it is back.
    table.gone(at(2000), &node(1));
    table.saw(at(2000), claim(1), &[liar]);
    assert!(table.list()[0].has_left);
    assert_eq!(table.candidates(&node(1))[0], real);
}

#[test]
fn a_flood_of_addresses_does_not_turn_out_the_first() {
    let mut table = PeerTable::new(None, START);
    let real = address("192.168.1.1:1");
    table.saw(at(0), claim(1), &[real]);
    for n in 0..10_000 {
        let flood: Vec<SocketAddr> = (0..200).map(|m| fake(n * 200 + m)).collect();
        table.saw(at(n), claim(1), &flood);
        let held = table.candidates(&node(1));
        assert!(held.len() <= NODE_ADDRESSES_MAX && held.contains(&real));
    }
    // Proofs get in all the same.
    let proven = address("192.168.1.2:1");
    table.proven(at(10_000), node(1), proven);
    assert_eq!(table.candidates(&node(1))[0], proven);
    assert_eq!(table.candidates(&node(1)).len(), NODE_ADDRESSES_MAX);
}

#[test]
fn a_hundred_thousand_fakes_stay_within_bounds() {
    let mut table = PeerTable::new(None, START);
    for n in 0..100 {
        table.proven(at(0), node(n), fake(n));
    }
    let mut new = 0;
    for n in 0..100_000 {
        // All within ten seconds.
        let now = START + Duration::from_micros(100 * n);
        new += usize::from(table.saw(now, claim(1000 + n), &[fake(n)]) == Seen::New);
    }
    assert!((256..=300).contains(&new), "{new} in ten seconds");
    for n in 0..100_000 {
        table.saw(at(10 + n), claim(1_000_000 + n), &[fake(n)]);
        assert!(table.len() <= NODES_SEEN_MAX);
    }
    assert_eq!(table.len(), NODES_SEEN_MAX);
    let proven = table.list().iter().filter(|n| n.is_proven).count();
    assert_eq!(proven, 100);
    // Who was tried in vain makes room for the next; who is proven always gets in.
    assert_eq!(table.saw(at(200_000), claim(7), &[fake(7)]), Seen::Changed);
    assert_eq!(
        table.saw(at(200_000), claim(500), &[fake(7)]),
        Seen::Refused
    );
    let tried = table.list().into_iter().find(|n| !n.is_proven).unwrap();
    table.failed(at(200_001), &tried.node, &tried.addresses[0]);
    assert_eq!(table.saw(at(200_002), claim(500), &[fake(7)]), Seen::New);
    table.proven(at(200_003), node(501), fake(8));
    assert_eq!(table.len(), NODES_SEEN_MAX);
    assert!(table.candidates(&node(501)).contains(&fake(8)));
}

#[test]
fn only_proofs_turn_out_proofs() {
    let mut table = PeerTable::new(None, START);
    for n in 0..2 * NODES_SEEN_MAX as u64 {
        table.proven(at(n), node(n), fake(n));
    }
    assert_eq!(table.len(), NODES_SEEN_MAX);
    // The ones proven longest ago went.
    assert!(table.candidates(&node(0)).is_empty());
    let last = NODES_SEEN_MAX as u64;
    assert!(!table.candidates(&node(last)).is_empty());
    for n in 0..1000 {
        let seen = table.saw(at(5000 + n), claim(90_000 + n), &[fake(1)]);
        assert_eq!(seen, Seen::Refused);
    }
}

#[test]
fn a_claim_that_changes_without_end_is_slowed_down() {
    let mut table = PeerTable::new(None, START);
    let a = address("10.0.0.1:1");
    table.saw(START, saying(1, 0), &[a]);
    let changed = (1..10_000).filter(|n| {
        let now = START + Duration::from_millis(*n);
        table.saw(now, saying(1, *n), &[a]) == Seen::Changed
    });
    let changed = changed.count();
    assert!((16..=26).contains(&changed), "{changed} in ten seconds");
}

#[test]
fn what_is_not_seen_again_is_forgotten() {
    let mut table = PeerTable::new(None, START);
    let (a, b) = (address("10.0.0.1:1"), address("10.0.0.2:1"));
    table.saw(at(0), claim(1), &[a, b]);
    table.saw(at(0), claim(2), &[a]);
    table.proven(at(0), node(3), a);
    table.saw(at(800), claim(1), &[a]);
    assert_eq!(table.expire(at(899), TTL), []);
    assert_eq!(table.expire(at(900), TTL), [node(2), node(3)]);
    assert_eq!(table.candidates(&node(1)), [a]);
    // A clock that goes back forgets nobody.
    assert_eq!(table.expire(Duration::ZERO, TTL), []);
    assert_eq!(table.expire(at(1700), TTL), [node(1)]);
}

#[test]
fn no_order_of_events_breaks_the_bounds() {
    let mut seed = 0x0d15_c0e4_u64;
    let mut below = |n: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % n
    };
    let mut table = PeerTable::new(Some(node(0)), START);
    let mut proven = BTreeSet::new();
    let mut now = START;
    for _ in 0..10_000 {
        now += Duration::from_millis(below(400));
        let (who, place) = (below(40), fake(below(30)));
        match below(8) {
            0..4 => drop(table.saw(now, saying(who, below(3)), &[place, fake(below(30))])),
            4 => {
                table.proven(now, node(who), place);
                proven.extend((who != 0).then(|| node(who)));
            }
            5 => table.failed(now, &node(who), &place),
            6 => table.gone(now, &node(who)),
            _ => {
                for gone in table.expire(now, Duration::from_secs(60)) {
                    proven.remove(&gone);
                }
            }
        }
        let list = table.list();
        assert!(list.iter().all(|n| n.node != node(0)));
        assert!(list.iter().all(|n| n.addresses.len() <= NODE_ADDRESSES_MAX));
        let held = list.iter().filter(|n| n.is_proven).map(|n| n.node);
        assert_eq!(held.collect::<BTreeSet<_>>(), proven);
    }
}

#[test]
fn a_host_that_calls_with_many_keys_gets_a_few_places() {
    let mut table = PeerTable::new(None, START);
    let port = |n: u64| SocketAddr::from(([10, 0, 0, 9], u16::try_from(n).unwrap()));
    let taken = (1..2_000).filter(|n| table.called(at(*n), node(*n), port(*n)));
    assert_eq!(taken.count(), CALLERS_PER_HOST_MAX);
    // Others are not kept out by it, nor by what is only claimed of their host.
    for n in 0..100 {
        table.saw(at(2_000), claim(10_000 + n), &[address("10.0.0.10:9")]);
    }
    assert!(table.called(at(2_000), node(5_000), address("10.0.0.10:8765")));
    assert!(table.knows(&node(5_000)));
    // Who was tried in vain goes for the next one; who was proven counts no more.
    table.failed(at(2_001), &node(3), &port(3));
    assert!(table.called(at(2_001), node(3_000), port(3_000)));
    assert!(!table.knows(&node(3)));
    table.proven(at(2_002), node(3_000), port(3_000));
    assert!(table.called(at(2_002), node(3_001), port(3_001)));
    assert!(!table.called(at(2_002), node(3_002), port(3_002)));
}

#[test]
fn callers_come_in_no_faster_than_claims() {
    let mut table = PeerTable::new(None, START);
    let taken = (0..5_000).filter(|n| table.called(START, node(*n), fake(*n)));
    assert_eq!(taken.count(), 256);
    let taken = (5_000..6_000).filter(|n| table.called(at(10), node(*n), fake(*n)));
    assert_eq!(taken.count(), 40);
}

#[test]
fn who_calls_knows_better_where_it_is_than_whoever_claims() {
    let mut table = PeerTable::new(None, START);
    let lies: Vec<SocketAddr> = (0..NODE_ADDRESSES_MAX as u64).map(fake).collect();
    table.saw(at(0), claim(1), &lies);
    let truth = address("10.9.9.9:8765");
    table.called(at(1), node(1), truth);
    assert!(table.candidates(&node(1)).contains(&truth));
    table.proven(at(2), node(1), truth);
    // A proven place is not given up for a word.
    for n in 0..100 {
        let other = SocketAddr::from(([10, 9, 9, 9], 1_000 + n));
        table.called(at(3), node(1), other);
    }
    let candidates = table.candidates(&node(1));
    assert_eq!(candidates.len(), NODE_ADDRESSES_MAX);
    assert_eq!(candidates[0], truth);
}
