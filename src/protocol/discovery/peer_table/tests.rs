//! Claims never override proofs. No number of claims grows the table or evicts a proven node.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use crate::ident::NodeId;
use crate::protocol::ClaimOutcome;
use crate::protocol::PeerTable;
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
        summary: None,
    }
}

fn saying(n: u64, datasets: u64) -> ServiceRecord {
    let summary = SharedSummary {
        datasets,
        filter_digest: [1; 8],
        filter_bytes: 0,
        filter: None,
    };
    ServiceRecord {
        summary: Some(summary),
        ..claim(n)
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Returns address `n` of a network of fake nodes.
fn fake(n: u64) -> SocketAddr {
    let n = u32::try_from(n % 60_000).unwrap();
    SocketAddr::from((std::net::Ipv4Addr::from(0x0a00_0001 + n), 8765))
}

#[test]
fn peer_table_nodes_appear_change_and_leave() {
    let mut table = PeerTable::new(Some(node(0)), START);
    let (a, b) = (address("10.0.0.1:1"), address("10.0.0.2:1"));
    assert_eq!(
        table.record_claim(at(0), claim(0), &[a]),
        ClaimOutcome::Refused
    );
    assert_eq!(
        table.record_claim(at(0), claim(1), &[]),
        ClaimOutcome::Refused
    );
    assert_eq!(table.record_claim(at(0), claim(1), &[a]), ClaimOutcome::New);
    assert_eq!(
        table.record_claim(at(1), claim(1), &[a]),
        ClaimOutcome::Same
    );
    assert_eq!(
        table.record_claim(at(2), claim(1), &[a, b]),
        ClaimOutcome::Changed
    );
    assert_eq!(
        table.record_claim(at(3), saying(1, 5), &[a]),
        ClaimOutcome::Changed
    );
    assert_eq!(table.candidates(&node(1)), [a, b]);
    assert_eq!(table.list()[0].record, Some(saying(1, 5)));
    table.record_farewell(at(3), &node(1));
    assert!(table.is_empty());
    table.record_proof(at(4), node(1), b);
    table.record_farewell(at(4), &node(1));
    assert!(table.list()[0].has_left && table.list()[0].is_proven);
    assert_eq!(
        table.record_claim(at(5), claim(1), &[b]),
        ClaimOutcome::Changed
    );
    assert!(!table.list()[0].has_left);
    table.record_proof(at(5), node(0), a);
    assert_eq!(table.len(), 1);
}

/// An exchange that began before a node's farewell ends after it.
#[test]
fn peer_table_proof_before_farewell_does_not_bring_node_back() {
    let mut table = PeerTable::new(None, START);
    let a = address("10.0.0.1:1");
    table.record_claim(at(1), claim(1), &[a]);
    table.record_farewell(at(5), &node(1));
    table.record_proof(at(4), node(1), a);
    assert!(table.is_empty());
    table.record_proof(at(6), node(1), a);
    assert!(!table.list()[0].has_left);
    table.record_farewell(at(9), &node(1));
    table.record_proof(at(8), node(1), a);
    assert!(table.list()[0].has_left && table.list()[0].is_proven);
    table.record_proof(at(10), node(1), a);
    assert!(!table.list()[0].has_left);
}

#[test]
fn peer_table_drops_unusable_addresses() {
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
    assert_eq!(
        table.record_claim(at(0), claim(1), &nowhere),
        ClaimOutcome::Refused
    );
    let link = address("[fe80::1%3]:1");
    let all = [link, address("169.254.0.1:1"), address("[fd00::1]:1")];
    assert_eq!(table.record_claim(at(0), claim(1), &all), ClaimOutcome::New);
    assert_eq!(table.candidates(&node(1)), [all[2], all[1], link]);
}

#[test]
fn peer_table_orders_proven_first_and_failed_last() {
    let mut table = PeerTable::new(None, START);
    let [a, b, c] = ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"].map(address);
    table.record_claim(at(0), claim(1), &[a, b, c]);
    table.record_proof(at(1), node(1), c);
    assert_eq!(table.candidates(&node(1)), [c, a, b]);
    table.record_failure(at(2), &node(1), &c);
    table.record_failure(at(3), &node(1), &a);
    assert_eq!(table.candidates(&node(1)), [b, c, a]);
    table.record_proof(at(4), node(1), a);
    assert_eq!(table.candidates(&node(1)), [a, b, c]);
    table.record_failure(at(4), &node(9), &a);
}

#[test]
fn peer_table_claim_of_a_foreign_id_wins_nothing() {
    let mut table = PeerTable::new(None, START);
    let (real, liar) = (address("10.0.0.1:1"), address("10.6.6.6:1"));
    table.record_claim(at(0), saying(1, 5), &[real]);
    table.record_proof(at(1), node(1), real);
    assert_eq!(
        table.record_claim(at(2), saying(1, 99), &[liar]),
        ClaimOutcome::Changed
    );
    let known = table.list().remove(0);
    assert_eq!(known.record, Some(saying(1, 5)));
    assert_eq!(known.addresses, [real, liar]);
    for n in 0..1000 {
        table.record_claim(at(3 + n), saying(1, n), &[fake(n), fake(n + 1)]);
        table.record_failure(at(3 + n), &node(1), &fake(n));
        assert_eq!(table.candidates(&node(1))[0], real);
        assert!(table.candidates(&node(1)).len() <= NODE_ADDRESSES_MAX);
    }
    assert_eq!(table.list()[0].record, Some(saying(1, 5)));
    // A forged farewell or a forged return has no effect either.
    table.record_farewell(at(2000), &node(1));
    table.record_claim(at(2000), claim(1), &[liar]);
    assert!(table.list()[0].has_left);
    assert_eq!(table.candidates(&node(1))[0], real);
}

#[test]
fn peer_table_flood_of_addresses_keeps_the_first() {
    let mut table = PeerTable::new(None, START);
    let real = address("192.168.1.1:1");
    table.record_claim(at(0), claim(1), &[real]);
    for n in 0..10_000 {
        let flood: Vec<SocketAddr> = (0..200).map(|m| fake(n * 200 + m)).collect();
        table.record_claim(at(n), claim(1), &flood);
        let held = table.candidates(&node(1));
        assert!(held.len() <= NODE_ADDRESSES_MAX && held.contains(&real));
    }
    // Proven addresses get in all the same.
    let proven = address("192.168.1.2:1");
    table.record_proof(at(10_000), node(1), proven);
    assert_eq!(table.candidates(&node(1))[0], proven);
    assert_eq!(table.candidates(&node(1)).len(), NODE_ADDRESSES_MAX);
}

#[test]
fn peer_table_with_100000_fakes_stays_within_bounds() {
    let mut table = PeerTable::new(None, START);
    for n in 0..100 {
        table.record_proof(at(0), node(n), fake(n));
    }
    let mut new = 0;
    for n in 0..100_000 {
        // All within ten seconds.
        let now = START + Duration::from_micros(100 * n);
        new +=
            usize::from(table.record_claim(now, claim(1000 + n), &[fake(n)]) == ClaimOutcome::New);
    }
    assert!((256..=300).contains(&new), "{new} in ten seconds");
    for n in 0..100_000 {
        table.record_claim(at(10 + n), claim(1_000_000 + n), &[fake(n)]);
        assert!(table.len() <= NODES_SEEN_MAX);
    }
    assert_eq!(table.len(), NODES_SEEN_MAX);
    let proven = table.list().iter().filter(|n| n.is_proven).count();
    assert_eq!(proven, 100);
    // A failed node makes room for the next one; a proven one always gets in.
    assert_eq!(
        table.record_claim(at(200_000), claim(7), &[fake(7)]),
        ClaimOutcome::Changed
    );
    assert_eq!(
        table.record_claim(at(200_000), claim(500), &[fake(7)]),
        ClaimOutcome::Refused
    );
    let tried = table.list().into_iter().find(|n| !n.is_proven).unwrap();
    table.record_failure(at(200_001), &tried.node, &tried.addresses[0]);
    assert_eq!(
        table.record_claim(at(200_002), claim(500), &[fake(7)]),
        ClaimOutcome::New
    );
    table.record_proof(at(200_003), node(501), fake(8));
    assert_eq!(table.len(), NODES_SEEN_MAX);
    assert!(table.candidates(&node(501)).contains(&fake(8)));
}

#[test]
fn peer_table_only_proofs_evict_proofs() {
    let mut table = PeerTable::new(None, START);
    for n in 0..2 * NODES_SEEN_MAX as u64 {
        table.record_proof(at(n), node(n), fake(n));
    }
    assert_eq!(table.len(), NODES_SEEN_MAX);
    // Those proven longest ago went.
    assert!(table.candidates(&node(0)).is_empty());
    let last = NODES_SEEN_MAX as u64;
    assert!(!table.candidates(&node(last)).is_empty());
    for n in 0..1000 {
        let seen = table.record_claim(at(5000 + n), claim(90_000 + n), &[fake(1)]);
        assert_eq!(seen, ClaimOutcome::Refused);
    }
}

#[test]
fn peer_table_limits_the_rate_of_changing_claims() {
    let mut table = PeerTable::new(None, START);
    let a = address("10.0.0.1:1");
    table.record_claim(START, saying(1, 0), &[a]);
    let changed = (1..10_000).filter(|n| {
        let now = START + Duration::from_millis(*n);
        table.record_claim(now, saying(1, *n), &[a]) == ClaimOutcome::Changed
    });
    let changed = changed.count();
    assert!((16..=26).contains(&changed), "{changed} in ten seconds");
}

#[test]
fn peer_table_forgets_nodes_not_seen_again() {
    let mut table = PeerTable::new(None, START);
    let (a, b) = (address("10.0.0.1:1"), address("10.0.0.2:1"));
    table.record_claim(at(0), claim(1), &[a, b]);
    table.record_claim(at(0), claim(2), &[a]);
    table.record_proof(at(0), node(3), a);
    table.record_claim(at(800), claim(1), &[a]);
    assert_eq!(table.expire(at(899), TTL), []);
    assert_eq!(table.expire(at(900), TTL), [node(2), node(3)]);
    assert_eq!(table.candidates(&node(1)), [a]);
    // A clock that goes back forgets no node.
    assert_eq!(table.expire(Duration::ZERO, TTL), []);
    assert_eq!(table.expire(at(1700), TTL), [node(1)]);
}

#[test]
fn peer_table_in_any_order_of_events_keeps_its_bounds() {
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
            0..4 => drop(table.record_claim(now, saying(who, below(3)), &[place, fake(below(30))])),
            4 => {
                table.record_proof(now, node(who), place);
                proven.extend((who != 0).then(|| node(who)));
            }
            5 => table.record_failure(now, &node(who), &place),
            6 => table.record_farewell(now, &node(who)),
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
fn peer_table_limits_slots_for_one_host_with_many_keys() {
    let mut table = PeerTable::new(None, START);
    let port = |n: u64| SocketAddr::from(([10, 0, 0, 9], u16::try_from(n).unwrap()));
    let taken = (1..2_000).filter(|n| table.record_call(at(*n), node(*n), port(*n)));
    assert_eq!(taken.count(), CALLERS_PER_HOST_MAX);
    // It keeps no other host out, and neither do claims about its host.
    for n in 0..100 {
        table.record_claim(at(2_000), claim(10_000 + n), &[address("10.0.0.10:9")]);
    }
    assert!(table.record_call(at(2_000), node(5_000), address("10.0.0.10:8765")));
    assert!(table.contains(&node(5_000)));
    // A failed caller makes room for the next one; a proven one counts no more.
    table.record_failure(at(2_001), &node(3), &port(3));
    assert!(table.record_call(at(2_001), node(3_000), port(3_000)));
    assert!(!table.contains(&node(3)));
    table.record_proof(at(2_002), node(3_000), port(3_000));
    assert!(table.record_call(at(2_002), node(3_001), port(3_001)));
    assert!(!table.record_call(at(2_002), node(3_002), port(3_002)));
}

#[test]
fn peer_table_limits_callers_as_claims() {
    let mut table = PeerTable::new(None, START);
    let taken = (0..5_000).filter(|n| table.record_call(START, node(*n), fake(*n)));
    assert_eq!(taken.count(), 256);
    let taken = (5_000..6_000).filter(|n| table.record_call(at(10), node(*n), fake(*n)));
    assert_eq!(taken.count(), 40);
}

#[test]
fn peer_table_prefers_address_of_caller_over_claims() {
    let mut table = PeerTable::new(None, START);
    let lies: Vec<SocketAddr> = (0..NODE_ADDRESSES_MAX as u64).map(fake).collect();
    table.record_claim(at(0), claim(1), &lies);
    let truth = address("10.9.9.9:8765");
    table.record_call(at(1), node(1), truth);
    assert!(table.candidates(&node(1)).contains(&truth));
    table.record_proof(at(2), node(1), truth);
    // A claim does not remove a proven address.
    for n in 0..100 {
        let other = SocketAddr::from(([10, 9, 9, 9], 1_000 + n));
        table.record_call(at(3), node(1), other);
    }
    let candidates = table.candidates(&node(1));
    assert_eq!(candidates.len(), NODE_ADDRESSES_MAX);
    assert_eq!(candidates[0], truth);
}
