//! Catalogues among several registries: what is passed on, what is put aside, and that everybody
//! ends with the same.

use crate::protocol::Access;
use crate::protocol::ItemId;
use crate::registry::Edit;
use crate::registry::LocalRegistry;
use crate::registry::peers::Showing;
use crate::registry::peers::SyncOptions;
use crate::registry::peers::testing::in_process_peer::Near;
use crate::registry::peers::testing::lab::Lab;
use crate::registry::peers::testing::lab::rows;
use crate::trust::Level;
use crate::trust::Publisher;
use std::collections::BTreeSet;

/// A node as another one asks it.
fn asked(lab: &Lab, id: u8, asker: u8) -> Near {
    Near {
        asker,
        ..Near::honest(&lab.registry, id)
    }
}

/// Compares, without pulling; what came and what went.
fn compare(at: &Lab, with: &Near) -> (u64, u64) {
    let done = at.registry.compare(with, Showing::default()).unwrap();
    (done.received, done.sent)
}

fn passing(lab: &Lab) -> BTreeSet<ItemId> {
    let passing = lab.registry.passing(Showing::default()).unwrap();
    passing.into_iter().collect()
}

/// Somebody whose data is asked about, under a name.
fn prompting(lab: &Lab, other: &Lab, name: &str) {
    let publisher = Publisher::new(name.parse().unwrap(), other.key.public_key(), Level::Prompt);
    let put = lab.registry.change_trust(|f| Ok(f.put(publisher)?));
    put.unwrap();
}

#[test]
fn what_is_heard_is_passed_on_without_its_data() {
    let (a, b, c) = (Lab::new(), Lab::new(), Lab::new());
    a.index("ours", &rows(1, 300), false);
    b.trusting(&a);
    prompting(&c, &a, "first");
    assert_eq!(compare(&b, &asked(&a, 1, 2)), (1, 0));
    assert!(b.registry.list().unwrap().is_empty());
    assert_eq!(compare(&c, &asked(&b, 2, 3)), (1, 0));
    assert_eq!(passing(&c), passing(&a));
    // Everybody has it: nothing more to say.
    assert_eq!(compare(&c, &asked(&a, 1, 3)), (0, 0));
    assert_eq!(compare(&c, &asked(&b, 2, 3)), (0, 0));
    // Offered in the other direction, too.
    let d = Lab::new();
    d.trusting(&a);
    assert_eq!(compare(&c, &asked(&d, 4, 3)), (0, 1));
    assert_eq!(passing(&d), passing(&a));
}

#[test]
fn what_strangers_sign_is_noted_and_goes_no_further() {
    let (a, b, c) = (Lab::new(), Lab::new(), Lab::new());
    a.index("ours", &rows(2, 300), false);
    let from_a = asked(&a, 1, 2);
    assert_eq!(compare(&b, &from_a), (1, 0));
    assert!(passing(&b).is_empty());
    assert_eq!(compare(&c, &asked(&b, 2, 3)), (0, 0));
    // It is remembered that this peer showed it.
    assert_eq!(compare(&b, &from_a), (0, 0));
    let items = b.registry.items_with(&from_a_id(), Showing::default());
    assert_eq!(items.unwrap().aside.len(), 1);
    // Known by name, its publisher's data goes on at once.
    b.trusting(&a);
    assert_eq!(passing(&b), passing(&a));
    c.trusting(&a);
    assert_eq!(compare(&c, &asked(&b, 2, 3)), (1, 0));
}

fn from_a_id() -> crate::ident::NodeId {
    crate::ident::NodeId::new([1; 32])
}

#[test]
fn what_a_closed_circle_shows_is_not_passed_on() {
    let (a, b, c) = (Lab::new(), Lab::new(), Lab::new());
    a.index("inside", &rows(3, 300), false);
    b.trusting(&a);
    c.trusting(&a);
    let closed = Near {
        access: Access::Listed,
        ..asked(&a, 1, 2)
    };
    assert_eq!(compare(&b, &closed), (1, 0));
    assert!(passing(&b).is_empty());
    assert_eq!(compare(&b, &closed), (0, 0));
    assert_eq!(compare(&c, &asked(&b, 2, 3)), (0, 0));
}

#[test]
fn who_is_not_trusted_any_more_is_heard_again_once_he_is() {
    let (a, b) = (Lab::new(), Lab::new());
    a.index("ours", &rows(4, 300), false);
    let key = a.key.public_key();
    let mut publisher = Publisher::new("a".parse().unwrap(), key, Level::Revoked);
    let put = |p: &Publisher| {
        let p = p.clone();
        b.registry.change_trust(|f| Ok(f.put(p)?)).unwrap();
    };
    put(&publisher);
    let near = asked(&a, 1, 2);
    assert_eq!(compare(&b, &near), (0, 0));
    assert!(b.registry.heard().unwrap().is_empty());
    publisher.level = Level::Full;
    put(&publisher);
    assert_eq!(compare(&b, &near), (1, 0));
}

/// Both sides of a partition edit one dataset; afterwards both have the same state of it.
#[test]
fn edits_on_both_sides_of_a_partition_end_as_one() {
    let (a, b) = (Lab::new(), Lab::new());
    a.index("ours", &rows(5, 300), false);
    b.trusting(&a);
    let (to_a, to_b) = (asked(&a, 1, 2), asked(&b, 2, 1));
    let sync = |lab: &Lab, near: &Near| {
        let options = SyncOptions::default();
        let progress = crate::progress::NoProgress;
        lab.registry.sync(near, &options, &progress).unwrap()
    };
    assert_eq!(sync(&b, &to_a).pulled.len(), 1);
    let edit = |registry: &LocalRegistry, tag: &str| {
        let dataset = registry.resolve(&"ours".parse().unwrap()).unwrap();
        let edit = Edit {
            add_tags: vec![tag.to_owned()],
            ..Edit::default()
        };
        registry.revise(&dataset, &edit, Some(&a.key)).unwrap();
    };
    // The publisher works at both places, with one key.
    edit(&a.registry, "left");
    edit(&b.registry, "right");
    edit(&b.registry, "righter");
    assert_ne!(passing(&a), passing(&b));
    a.registry
        .change_trust(|f| {
            let own = Publisher::new("self".parse().unwrap(), a.key.public_key(), Level::Full);
            Ok(f.put(own)?)
        })
        .unwrap();
    compare(&a, &to_b);
    assert_eq!(passing(&a), passing(&b));
    // The catalogue is one; the dataset follows when it is pulled.
    assert_eq!(sync(&a, &to_b).pulled.len(), 1);
    let state = |lab: &Lab| {
        let held = lab.registry.resolve(&"ours".parse().unwrap()).unwrap();
        (held.envelope_id, held.manifest.tags)
    };
    assert_eq!(state(&a), state(&b));
    assert_eq!(compare(&a, &to_b), (0, 0));
    assert_eq!(compare(&b, &to_a), (0, 0));
}
