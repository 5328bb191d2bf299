//! Merging: one winner in every order of arrival.

use std::collections::BTreeMap;

use crate::catalog;
use crate::catalog::Merged;
use crate::clock::Timestamp;
use crate::ident::ContentId;
use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::manifest::Rank;
use crate::pack::Flags;
use crate::store::MemoryMeta;
use crate::testing::Random;
use crate::testing::shuffle;
use crate::trust::Admitted;
use crate::trust::Origin;
use crate::wire::limits::KNOWN_PER_STRANGER_MAX;

fn base() -> Manifest {
    let bytes = include_bytes!("../../tests/data/manifest.json");
    Manifest::decode(bytes).unwrap()
}

/// Returns a state that some nodes have edited, often concurrently.
fn state(random: &mut Random) -> Manifest {
    let mut manifest = base();
    manifest.clock = (0..3)
        .map(|node| (NodeId::new([node; 32]), random.below(3)))
        .filter(|(_, edits)| *edits > 0)
        .collect::<BTreeMap<_, _>>();
    manifest.created_at = Timestamp(1_700_000_000 + random.below(3) as i64);
    manifest.tags = vec![format!("t{}", random.below(4))];
    manifest
}

fn envelope(manifest: &Manifest) -> Envelope {
    Envelope {
        manifest: manifest.encode().unwrap(),
        signature: None,
    }
}

fn admitted(manifest: &Manifest, origin: Origin) -> Admitted {
    Admitted::from_store(envelope(manifest), origin).unwrap()
}

fn rank(manifest: &Manifest) -> Rank {
    Rank::of(manifest, envelope(manifest).id())
}

#[test]
fn merge_order_extends_the_causal_order() {
    let mut random = Random::new(1);
    for _ in 0..2000 {
        let (a, b, c) = (state(&mut random), state(&mut random), state(&mut random));
        let clock = |m: &Manifest, node: u8| m.clock.get(&NodeId::new([node; 32])).copied();
        let dominates = (0..3).all(|n| clock(&a, n).unwrap_or(0) <= clock(&b, n).unwrap_or(0));
        if dominates && a.clock != b.clock {
            assert!(rank(&a) < rank(&b), "{:?} {:?}", a.clock, b.clock);
        }
        if rank(&a) == rank(&b) {
            assert_eq!(
                envelope(&a).id(),
                envelope(&b).id(),
                "only the same state ties"
            );
        }
        let (a, b, c) = (rank(&a), rank(&b), rank(&c));
        assert_eq!(a.max(b), b.max(a));
        assert_eq!(a.max(b).max(c), a.max(b.max(c)));
        assert_eq!(a.max(a), a);
    }
}

#[test]
fn merge_in_every_order_ends_in_same_state() {
    let mut random = Random::new(2);
    for _ in 0..200 {
        let mut states: Vec<Manifest> = (0..8).map(|_| state(&mut random)).collect();
        let mut winners: Vec<EnvelopeId> = Vec::new();
        for _ in 0..6 {
            shuffle(&mut random, &mut states);
            let mut tables = MemoryMeta::new();
            for m in &states {
                catalog::merge(&mut tables, &admitted(m, Origin::Here), Flags::default()).unwrap();
            }
            // Again, like a peer that repeats itself.
            for m in &states {
                let again =
                    catalog::merge(&mut tables, &admitted(m, Origin::Here), Flags::default())
                        .unwrap();
                assert_eq!(again, Merged::Kept);
            }
            let all = catalog::all(&tables).unwrap();
            assert_eq!(all.len(), 1);
            assert_eq!(
                catalog::by_name(&tables, &all[0].manifest.name)
                    .unwrap()
                    .len(),
                1
            );
            winners.extend(all.iter().map(|d| d.envelope_id));
        }
        winners.dedup();
        assert_eq!(winners.len(), 1);
    }
}

/// After a clock that was years ahead is corrected, the manifests received before are not the
/// newest for ever.
#[test]
fn remote_manifests_from_the_future_are_dropped_first() {
    let received = |n: u64, received_at: i64| {
        let mut manifest = base();
        manifest.content_id = ContentId::new(*blake3::hash(&n.to_le_bytes()).as_bytes());
        catalog::ReceivedManifest {
            received_at: Timestamp(received_at),
            from: NodeId::new([1; 32]),
            is_private: false,
            envelope: envelope(&manifest),
            manifest,
        }
    };
    let most = KNOWN_PER_STRANGER_MAX as u64;
    let future: Vec<_> = (0..most).map(|n| received(n, 2_000_000_000)).collect();
    let now: Vec<_> = (most..2 * most)
        .map(|n| received(n, 1_700_000_000))
        .collect();
    let mut tables = MemoryMeta::default();
    let is_trusted = |_: &catalog::DatasetSummary| false;
    let note = |tables: &mut MemoryMeta, some: &[catalog::ReceivedManifest]| {
        catalog::add_remote_manifests(tables, some, &is_trusted)
            .unwrap()
            .len() as u64
    };
    assert_eq!(note(&mut tables, &future), most);
    assert_eq!(note(&mut tables, &now), most);
    let kept = catalog::remote_manifests(&tables).unwrap();
    assert!(
        kept.iter()
            .all(|k| k.received_at == Timestamp(1_700_000_000))
    );
    // With a correct clock, the newest stay.
    let later = received(3 * most, 1_700_000_001);
    assert_eq!(note(&mut tables, &[later]), 1);
}

#[test]
fn unsigned_manifest_from_elsewhere_never_replaces_what_was_made_here() {
    let mut own = base();
    own.clock = BTreeMap::from([(NodeId::new([1; 32]), 1)]);
    let mut edited = own.clone();
    edited.clock = BTreeMap::from([(NodeId::new([1; 32]), 1), (NodeId::new([2; 32]), 5)]);
    edited.license = Some("stolen".into());
    let (own, edited) = (
        admitted(&own, Origin::Here),
        admitted(&edited, Origin::Elsewhere),
    );
    for first_is_own in [true, false] {
        let mut tables = MemoryMeta::new();
        let mut both = [&own, &edited];
        if !first_is_own {
            both.reverse();
        }
        for one in both {
            let merged = catalog::merge(&mut tables, one, Flags::default()).unwrap();
            assert_eq!(merged, Merged::Added);
        }
        let all = catalog::all(&tables).unwrap();
        assert_eq!(all.len(), 2);
        let here = all.iter().find(|d| !d.flags.foreign).unwrap();
        assert_eq!(here.envelope_id, own.envelope().id());
        let apart = all.iter().find(|d| d.flags.foreign).unwrap();
        assert_eq!(apart.envelope_id, edited.envelope().id());
        let found = catalog::by_envelope(&tables, &apart.envelope_id).unwrap();
        assert_eq!(found.unwrap().key, apart.key);
    }
}

#[test]
fn unsigned_manifest_that_says_the_same_as_what_was_made_here_adds_nothing() {
    let own = base();
    let mut tables = MemoryMeta::new();
    catalog::merge(&mut tables, &admitted(&own, Origin::Here), Flags::default()).unwrap();
    let again = admitted(&own, Origin::Elsewhere);
    let merged = catalog::merge(&mut tables, &again, Flags::default()).unwrap();
    assert_eq!(merged, Merged::Kept);
    assert_eq!(catalog::all(&tables).unwrap().len(), 1);
}

/// Stores of the first version kept unsigned manifests of both origins under one key.
#[test]
fn unsigned_manifest_under_the_old_key_is_found_and_moved_when_it_changes() {
    let old = base();
    let flags = Flags {
        foreign: true,
        ..Flags::default()
    };
    let mut tables = MemoryMeta::new();
    let key = catalog::RegisterKey::of(&old, Origin::Here);
    catalog::merge::put_row(&mut tables, key, (&old, &envelope(&old)), flags).unwrap();
    let held = catalog::of_register(&tables, &old, Origin::Elsewhere).unwrap();
    assert_eq!(held.unwrap().key, key);
    assert!(
        catalog::of_register(&tables, &old, Origin::Here)
            .unwrap()
            .is_none()
    );
    let mut new = old.clone();
    new.clock.insert(NodeId::new([9; 32]), 9);
    let merged = catalog::merge(&mut tables, &admitted(&new, Origin::Elsewhere), flags).unwrap();
    assert_eq!(merged, Merged::Replaced(envelope(&old).id()));
    let all = catalog::all(&tables).unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(
        all[0].key,
        catalog::RegisterKey::of(&new, Origin::Elsewhere)
    );
}

#[test]
fn unsigned_manifest_under_the_old_key_makes_room_for_what_is_made_here() {
    let old = base();
    let flags = Flags {
        foreign: true,
        ..Flags::default()
    };
    let mut tables = MemoryMeta::new();
    let key = catalog::RegisterKey::of(&old, Origin::Here);
    catalog::merge::put_row(&mut tables, key, (&old, &envelope(&old)), flags).unwrap();
    let mut own = old.clone();
    own.tags = vec!["own".into()];
    let own = admitted(&own, Origin::Here);
    assert_eq!(
        catalog::merge(&mut tables, &own, Flags::default()).unwrap(),
        Merged::Added
    );
    let all = catalog::all(&tables).unwrap();
    let origins: Vec<bool> = all.iter().map(|d| d.flags.foreign).collect();
    assert_eq!(origins.iter().filter(|foreign| **foreign).count(), 1);
    assert_eq!(all.len(), 2);
}
