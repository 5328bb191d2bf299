//! Partial holdings: made, used, evicted, collected, completed.

use crate::error_kind::ErrorKind;
use crate::progress::NoProgress;
use crate::protocol::ListFilter;
use crate::registry::LocalRegistry;
use crate::registry::integrity::rebuild;
use crate::registry::peers::LookOptions;
use crate::registry::peers::LookPeers;
use crate::registry::peers::NotKept;
use crate::registry::peers::testing::in_process_peer::InProcessPeer;
use crate::registry::peers::testing::lab::Lab;
use crate::registry::peers::testing::lab::accepted;
use crate::registry::peers::testing::lab::rows;
use crate::registry::peers::tests::look::Nobody;
use crate::registry::peers::tests::look::Somebody;
use crate::registry::peers::tests::look::file;
use crate::registry::peers::tests::look::labs;
use crate::registry::peers::tests::look::look;
use crate::registry::peers::tests::look::look_again;
use crate::registry::peers::tests::look::look_with;
use crate::registry::peers::tests::look::offer;
use crate::registry::peers::tests::look::pull;
use crate::registry::peers::tests::look::range;
use crate::registry::peers::tests::look::shared;
use crate::store::disk::DiskStore;
use crate::store::disk::GcOptions;
use crate::store::disk::io::sim::SimDisk;
use std::sync::Arc;
use std::sync::Mutex;

#[test]
fn look_keeps_what_it_read_and_pull_fetches_the_rest() {
    let (there, here, bytes) = labs(23, 60_000);
    let whole = {
        let other = Lab::new();
        pull(&other, &there)
    };
    let first = look(&here, &there);
    let read = file(&first);
    assert_eq!(range(&read, 0, 100_000).unwrap(), &bytes[..100_000]);
    drop((read, first));
    let partial = here
        .registry
        .peers()
        .resolve_partial(&"corpus".parse().unwrap());
    let (offer, is_by_person) = partial.unwrap().unwrap();
    assert!(!is_by_person);
    assert_eq!(offer.manifest().size_bytes, bytes.len() as u64);
    // It is not held.
    assert!(here.registry.list().unwrap().is_empty());
    assert!(here.registry.resolve(&"corpus".parse().unwrap()).is_err());
    let fetched = pull(&here, &there);
    assert!(fetched > 0 && fetched < whole, "{fetched} of {whole}");
    assert_eq!(here.bytes_of("corpus").unwrap(), bytes);
    let partial = here
        .registry
        .peers()
        .resolve_partial(&"corpus".parse().unwrap());
    assert!(partial.unwrap().is_none(), "it is a dataset now");
}

#[test]
fn look_at_everything_leaves_nothing_to_pull() {
    let (there, here, bytes) = labs(24, 60_000);
    let look = look(&here, &there);
    assert_eq!(range(&file(&look), 0, bytes.len()).unwrap(), bytes);
    assert_eq!(look.held_bytes().unwrap(), bytes.len() as u64);
    drop(look);
    assert_eq!(pull(&here, &there), 0);
    assert_eq!(here.bytes_of("corpus").unwrap(), bytes);
    let fsck = here.registry.maintenance().fsck(&NoProgress).unwrap();
    assert!(fsck.corrupt.is_empty() && fsck.missing.is_empty());
}

#[test]
fn look_at_what_is_here_needs_no_peer_and_the_rest_does() {
    let (there, here, bytes) = labs(25, 60_000);
    let first = look(&here, &there);
    assert_eq!(range(&file(&first), 0, 50_000).unwrap(), &bytes[..50_000]);
    drop(first);
    let again = look_again(&here, Nobody);
    assert_eq!(range(&file(&again), 0, 50_000).unwrap(), &bytes[..50_000]);
    let rest = range(&file(&again), bytes.len() - 100, 100).unwrap_err();
    assert_eq!(ErrorKind::of_io(&rest), ErrorKind::Network, "{rest}");
    drop(again);
    let asked = Arc::new(Mutex::new(0));
    let again = look_again(&here, Somebody(there.registry.clone(), Arc::clone(&asked)));
    assert_eq!(range(&file(&again), 0, 50_000).unwrap(), &bytes[..50_000]);
    assert_eq!(*asked.lock().unwrap(), 0);
    assert_eq!(range(&file(&again), 0, bytes.len()).unwrap(), bytes);
    assert_eq!(*asked.lock().unwrap(), 1);
}

#[test]
fn look_survives_a_collection_and_its_row_alone_keeps_it() {
    let (there, here, bytes) = labs(26, 60_000);
    let first = look(&here, &there);
    assert_eq!(range(&file(&first), 0, 200_000).unwrap(), &bytes[..200_000]);
    let held = first.held_bytes().unwrap();
    drop(first);
    let gc = GcOptions::default();
    here.registry.maintenance().gc(&gc, &NoProgress).unwrap();
    let again = look_again(&here, Nobody);
    assert_eq!(range(&file(&again), 0, 200_000).unwrap(), &bytes[..200_000]);
    assert_eq!(again.held_bytes().unwrap(), held);
    drop(again);
    here.registry
        .peers()
        .forget_partial(&"corpus".parse().unwrap())
        .unwrap();
    let freed = here.registry.maintenance().gc(&gc, &NoProgress).unwrap();
    assert!(freed.freed_bytes > 0);
    assert_eq!(here.registry.maintenance().stats().unwrap().store.chunks, 0);
}

#[test]
fn look_over_its_limit_reads_on_and_keeps_no_more() {
    let (there, here, bytes) = labs(30, 60_000);
    let peer = shared(InProcessPeer::honest(&there.registry, 1));
    let options = LookOptions {
        partial_limit: 100_000,
        ..LookOptions::default()
    };
    let look = look_with(&here, vec![peer], options).unwrap();
    let file = file(&look);
    assert_eq!(range(&file, 0, 300_000).unwrap(), &bytes[..300_000]);
    look.save();
    assert_eq!(look.report().not_kept, Some(NotKept::OverLimit));
    let held = look.held_bytes().unwrap();
    assert_eq!(range(&file, 0, bytes.len()).unwrap(), bytes);
    look.save();
    assert_eq!(look.held_bytes().unwrap(), held);
}

#[test]
fn look_least_recently_used_holding_makes_room() {
    let (there, here, bytes) = labs(31, 20_000);
    there.index("second", &rows(32, 20_000), false);
    let peer = shared(InProcessPeer::honest(&there.registry, 1));
    let offers = here
        .registry
        .peers()
        .list_remote(&*peer, &ListFilter::All)
        .unwrap();
    for offer in &offers {
        let options = LookOptions {
            partial_limit: bytes.len() as u64 * 3 / 2,
            ..LookOptions::default()
        };
        let peers = LookPeers::Connected(vec![Arc::clone(&peer)]);
        let accepted = accepted(offer).unwrap();
        let look = here
            .registry
            .peers()
            .look(&accepted, peers, options, &NoProgress);
        let look = Arc::new(look.unwrap());
        range(&file(&look), 0, bytes.len()).unwrap();
    }
    let is_here = |name: &str| {
        let found = here
            .registry
            .peers()
            .resolve_partial(&name.parse().unwrap());
        found.unwrap().is_some()
    };
    assert_eq!((is_here("corpus"), is_here("second")), (false, true));
}

#[test]
fn look_two_at_once_share_one_holding() {
    let (there, here, bytes) = labs(33, 60_000);
    let looks = [look(&here, &there), look(&here, &there)];
    std::thread::scope(|scope| {
        for (n, look) in looks.iter().enumerate() {
            let bytes = &bytes;
            scope.spawn(move || {
                let from = n * bytes.len() / 3;
                let length = bytes.len() * 2 / 3;
                let read = range(&file(look), from, length).unwrap();
                assert_eq!(read, &bytes[from..from + length]);
            });
        }
    });
    drop(looks);
    assert_eq!(pull(&here, &there), 0);
    assert_eq!(here.bytes_of("corpus").unwrap(), bytes);
}

#[test]
fn look_beside_a_collection_loses_nothing() {
    let (there, here, bytes) = labs(34, 60_000);
    let reading = look(&here, &there);
    std::thread::scope(|scope| {
        let collecting = scope.spawn(|| {
            for _ in 0..8 {
                let gc = GcOptions {
                    patience: std::time::Duration::from_millis(20),
                    ..GcOptions::default()
                };
                here.registry.maintenance().gc(&gc, &NoProgress).unwrap();
            }
        });
        let file = file(&reading);
        for at in (0..bytes.len()).step_by(70_000) {
            let end = (at + 70_000).min(bytes.len());
            assert_eq!(range(&file, at, end - at).unwrap(), &bytes[at..end]);
            reading.save();
        }
        collecting.join().unwrap();
    });
    drop(reading);
    here.registry
        .maintenance()
        .gc(&GcOptions::default(), &NoProgress)
        .unwrap();
    assert_eq!(pull(&here, &there), 0);
}

#[test]
fn look_pull_while_it_is_read_sees_what_arrived() {
    let (there, here, bytes) = labs(36, 60_000);
    let reading = look(&here, &there);
    let file = file(&reading);
    assert_eq!(range(&file, 0, 10_000).unwrap(), &bytes[..10_000]);
    pull(&here, &there);
    assert_eq!(range(&file, 0, bytes.len()).unwrap(), bytes);
    drop((file, reading));
    let partial = here
        .registry
        .peers()
        .resolve_partial(&"corpus".parse().unwrap());
    assert!(partial.unwrap().is_none(), "the row does not come back");
}

/// Looks at all of `corpus` with a registry on a disk that takes nothing more after `spoil`. Returns
/// the reason why nothing is kept.
fn look_on(spoil: &dyn Fn(&SimDisk)) -> Option<NotKept> {
    let (there, _, bytes) = labs(40, 60_000);
    let disk = SimDisk::default();
    let store = DiskStore::on(Arc::new(disk.clone()), &rebuild::refill).unwrap();
    let here = LocalRegistry::over(store);
    let peer = shared(InProcessPeer::honest(&there.registry, 1));
    let offer = offer(&here, &*peer);
    let accepted = accepted(&offer).unwrap();
    spoil(&disk);
    let peers = LookPeers::Connected(vec![peer]);
    let options = LookOptions::default();
    let look = here.peers().look(&accepted, peers, options, &NoProgress);
    let look = Arc::new(look.unwrap());
    assert_eq!(range(&file(&look), 0, bytes.len()).unwrap(), bytes);
    look.save();
    look.report().not_kept
}

#[test]
fn look_on_a_full_disk_reads_on_and_keeps_no_more() {
    for room in [0, 1 << 10] {
        let why = look_on(&|disk| disk.limit(Some(disk.used_bytes() + room)));
        assert!(matches!(why, Some(NotKept::Store(_))), "{room}: {why:?}");
    }
    // One change of many fails; some of these are not needed.
    let full = std::io::ErrorKind::StorageFull;
    let failed = (0..12).filter(|n| {
        let why = look_on(&|disk| disk.fail_change_at(disk.changes() + 4 * n, full));
        matches!(why, Some(NotKept::Store(_)))
    });
    assert!(failed.count() > 3);
}

#[test]
fn look_where_nothing_can_be_written_reads_on() {
    let why = look_on(&|disk| disk.make_read_only(true));
    assert!(matches!(why, Some(NotKept::Store(_))), "{why:?}");
}
