//! Catalogues of several registries: forwarded items, suppressed items, and convergence.

use crate::protocol::Access;
use crate::protocol::ItemId;
use crate::registry::Edit;
use crate::registry::LocalRegistry;
use crate::registry::peers::Showing;
use crate::registry::peers::SyncOptions;
use crate::registry::peers::testing::in_process_peer::InProcessPeer;
use crate::registry::peers::testing::lab::Lab;
use crate::registry::peers::testing::lab::rows;
use crate::trust::Level;
use crate::trust::Publisher;
use std::collections::BTreeSet;

/// Returns a registry as another one calls it.
fn asked(lab: &Lab, id: u8, asker: u8) -> InProcessPeer {
    InProcessPeer {
        asker,
        ..InProcessPeer::honest(&lab.registry, id)
    }
}

/// Reconciles without pulling. Returns the numbers of received and sent items.
fn compare(at: &Lab, with: &InProcessPeer) -> (u64, u64) {
    let done = at
        .registry
        .peers()
        .compare(with, Showing::default())
        .unwrap();
    (done.received, done.sent)
}

fn advertised_items(lab: &Lab) -> BTreeSet<ItemId> {
    let passing = lab
        .registry
        .peers()
        .advertised_items(Showing::default())
        .unwrap();
    passing.into_iter().collect()
}

/// Sets a publisher whose data needs consent, under a name.
fn prompting(lab: &Lab, other: &Lab, name: &str) {
    let publisher = Publisher::new(name.parse().unwrap(), other.key.public_key(), Level::Prompt);
    let put = lab.registry.trust().change(|f| Ok(f.put(publisher)?));
    put.unwrap();
}

#[test]
fn remote_manifests_are_forwarded_without_data() {
    let (a, b, c) = (Lab::new(), Lab::new(), Lab::new());
    a.index("ours", &rows(1, 300), false);
    b.trusting(&a);
    prompting(&c, &a, "first");
    assert_eq!(compare(&b, &asked(&a, 1, 2)), (1, 0));
    assert!(b.registry.list().unwrap().is_empty());
    assert_eq!(compare(&c, &asked(&b, 2, 3)), (1, 0));
    assert_eq!(advertised_items(&c), advertised_items(&a));
    // All nodes have it, so there is nothing to send.
    assert_eq!(compare(&c, &asked(&a, 1, 3)), (0, 0));
    assert_eq!(compare(&c, &asked(&b, 2, 3)), (0, 0));
    // The same in the other direction.
    let d = Lab::new();
    d.trusting(&a);
    assert_eq!(compare(&c, &asked(&d, 4, 3)), (0, 1));
    assert_eq!(advertised_items(&d), advertised_items(&a));
}

#[test]
fn manifests_of_unknown_publishers_are_not_forwarded() {
    let (a, b, c) = (Lab::new(), Lab::new(), Lab::new());
    a.index("ours", &rows(2, 300), false);
    let from_a = asked(&a, 1, 2);
    assert_eq!(compare(&b, &from_a), (1, 0));
    assert!(advertised_items(&b).is_empty());
    assert_eq!(compare(&c, &asked(&b, 2, 3)), (0, 0));
    // The peer's earlier offer of it is on record.
    assert_eq!(compare(&b, &from_a), (0, 0));
    let items = b
        .registry
        .peers()
        .reconcile_items(&from_a_id(), Showing::default());
    assert_eq!(items.unwrap().suppressed.len(), 1);
    // Data of a publisher that is known by name is forwarded at once.
    b.trusting(&a);
    assert_eq!(advertised_items(&b), advertised_items(&a));
    c.trusting(&a);
    assert_eq!(compare(&c, &asked(&b, 2, 3)), (1, 0));
}

fn from_a_id() -> crate::ident::NodeId {
    crate::ident::NodeId::new([1; 32])
}

#[test]
fn advertised_items_exclude_items_of_restricted_nodes() {
    let (a, b, c) = (Lab::new(), Lab::new(), Lab::new());
    a.index("inside", &rows(3, 300), false);
    b.trusting(&a);
    c.trusting(&a);
    let closed = InProcessPeer {
        access: Access::Listed,
        ..asked(&a, 1, 2)
    };
    assert_eq!(compare(&b, &closed), (1, 0));
    assert!(advertised_items(&b).is_empty());
    assert_eq!(compare(&b, &closed), (0, 0));
    assert_eq!(compare(&c, &asked(&b, 2, 3)), (0, 0));
}

#[test]
fn manifest_is_received_again_after_trust_returns() {
    let (a, b) = (Lab::new(), Lab::new());
    a.index("ours", &rows(4, 300), false);
    let key = a.key.public_key();
    let mut publisher = Publisher::new("a".parse().unwrap(), key, Level::Revoked);
    let put = |p: &Publisher| {
        let p = p.clone();
        b.registry.trust().change(|f| Ok(f.put(p)?)).unwrap();
    };
    put(&publisher);
    let near = asked(&a, 1, 2);
    assert_eq!(compare(&b, &near), (0, 0));
    assert!(b.registry.peers().remote_manifests().unwrap().is_empty());
    publisher.level = Level::Full;
    put(&publisher);
    assert_eq!(compare(&b, &near), (1, 0));
}

/// Both sides of a partition edit one dataset. Afterwards both hold the same state of it.
#[test]
fn partition_edits_on_both_sides_converge() {
    let (a, b) = (Lab::new(), Lab::new());
    a.index("ours", &rows(5, 300), false);
    b.trusting(&a);
    let (to_a, to_b) = (asked(&a, 1, 2), asked(&b, 2, 1));
    let sync = |lab: &Lab, near: &InProcessPeer| {
        let options = SyncOptions::default();
        let progress = crate::progress::NoProgress;
        lab.registry
            .peers()
            .sync(near, &options, &progress)
            .unwrap()
    };
    assert_eq!(sync(&b, &to_a).pulled.len(), 1);
    let edit = |registry: &LocalRegistry, tag: &str| {
        let dataset = registry.resolve(&"ours".parse().unwrap()).unwrap();
        let edit = Edit {
            add_tags: vec![tag.to_owned()],
            ..Edit::default()
        };
        registry
            .descriptions()
            .revise(&dataset, &edit, Some(&a.key))
            .unwrap();
    };
    // The publisher works at both places, with one key.
    edit(&a.registry, "left");
    edit(&b.registry, "right");
    edit(&b.registry, "righter");
    assert_ne!(advertised_items(&a), advertised_items(&b));
    a.registry
        .trust()
        .change(|f| {
            let own = Publisher::new("self".parse().unwrap(), a.key.public_key(), Level::Full);
            Ok(f.put(own)?)
        })
        .unwrap();
    compare(&a, &to_b);
    assert_eq!(advertised_items(&a), advertised_items(&b));
    // The catalogues agree. The dataset follows when it is pulled.
    assert_eq!(sync(&a, &to_b).pulled.len(), 1);
    let state = |lab: &Lab| {
        let held = lab.registry.resolve(&"ours".parse().unwrap()).unwrap();
        (held.envelope_id, held.manifest.tags)
    };
    assert_eq!(state(&a), state(&b));
    assert_eq!(compare(&a, &to_b), (0, 0));
    assert_eq!(compare(&b, &to_a), (0, 0));
}
