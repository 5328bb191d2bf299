//! Merging: one winner, whatever the order of arrival.

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
use crate::wire::limits::KNOWN_PER_STRANGER_MAX;

/// Seeded numbers: SplitMix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for n in (1..items.len()).rev() {
            items.swap(n, self.roll(n as u64 + 1) as usize);
        }
    }
}

fn base() -> Manifest {
    let bytes = include_bytes!("../../tests/data/manifest.json");
    Manifest::decode(bytes).unwrap()
}

/// A state that some nodes have edited, in ways that are often concurrent.
fn state(dice: &mut Dice) -> Manifest {
    let mut manifest = base();
    manifest.clock = (0..3)
        .map(|node| (NodeId::new([node; 32]), dice.roll(3)))
        .filter(|(_, edits)| *edits > 0)
        .collect::<BTreeMap<_, _>>();
    manifest.created_at = Timestamp(1_700_000_000 + dice.roll(3) as i64);
    manifest.tags = vec![format!("t{}", dice.roll(4))];
    manifest
}

fn envelope(manifest: &Manifest) -> Envelope {
    Envelope {
        manifest: manifest.encode().unwrap(),
        signature: None,
    }
}

fn rank(manifest: &Manifest) -> Rank {
    Rank::of(manifest, envelope(manifest).id())
}

#[test]
fn the_order_contains_the_causal_one_and_decides_everything_else() {
    let mut dice = Dice(1);
    for _ in 0..2000 {
        let (a, b, c) = (state(&mut dice), state(&mut dice), state(&mut dice));
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
fn every_order_of_arrival_ends_in_the_same_state() {
    let mut dice = Dice(2);
    for _ in 0..200 {
        let mut states: Vec<Manifest> = (0..8).map(|_| state(&mut dice)).collect();
        let mut winners: Vec<EnvelopeId> = Vec::new();
        for _ in 0..6 {
            dice.shuffle(&mut states);
            let mut tables = MemoryMeta::new();
            for m in &states {
                catalog::merge(&mut tables, m, &envelope(m), Flags::default()).unwrap();
            }
            // Again, as a peer that repeats itself would.
            for m in &states {
                let again = catalog::merge(&mut tables, m, &envelope(m), Flags::default()).unwrap();
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

/// A clock that was years ahead and was put right: what it heard then is not the newest for ever.
#[test]
fn what_was_heard_in_the_future_goes_first_when_there_is_too_much() {
    let heard = |n: u64, heard_at: i64| {
        let mut manifest = base();
        manifest.content_id = ContentId::new(*blake3::hash(&n.to_le_bytes()).as_bytes());
        catalog::Heard {
            heard_at: Timestamp(heard_at),
            from: NodeId::new([1; 32]),
            is_private: false,
            envelope: envelope(&manifest),
            manifest,
        }
    };
    let most = KNOWN_PER_STRANGER_MAX as u64;
    let future: Vec<_> = (0..most).map(|n| heard(n, 2_000_000_000)).collect();
    let now: Vec<_> = (most..2 * most).map(|n| heard(n, 1_700_000_000)).collect();
    let mut tables = MemoryMeta::default();
    let is_trusted = |_: &catalog::Brief| false;
    let note = |tables: &mut MemoryMeta, some: &[catalog::Heard]| {
        catalog::note_known(tables, some, &is_trusted)
            .unwrap()
            .len() as u64
    };
    assert_eq!(note(&mut tables, &future), most);
    assert_eq!(note(&mut tables, &now), most);
    let kept = catalog::known(&tables).unwrap();
    assert!(kept.iter().all(|k| k.heard_at == Timestamp(1_700_000_000)));
    // By a clock that goes on, the newest stay.
    let later = heard(3 * most, 1_700_000_001);
    assert_eq!(note(&mut tables, &[later]), 1);
}
