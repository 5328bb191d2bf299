//! Every entry into the catalogue applies the same policy, and an edit wins or is an error.

use std::collections::BTreeMap;

use crate::ident::ContentId;
use crate::ident::NodeId;
use crate::manifest::Manifest;
use crate::protocol::ListFilter;
use crate::registry::Edit;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::error::metadata::MetadataError;
use crate::registry::error::publisher::PublisherError;
use crate::registry::peers::testing::in_process_peer::InProcessPeer;
use crate::registry::peers::testing::lab::Lab;
use crate::registry::peers::tests::claims::plant;
use crate::registry::peers::tests::claims::tree;
use crate::trust::Action;
use crate::trust::Admitted;
use crate::trust::Consent;
use crate::trust::IMPLAUSIBLE_CLOCK;
use crate::trust::Level;
use crate::trust::Origin;
use crate::trust::PolicyInput;
use crate::trust::SignatureState;
use crate::trust::UnverifiedManifest;
use crate::trust::Verdict;
use crate::trust::evaluate;
use crate::wire::limits::CLOCK_EDITS_MAX;
use crate::wire::limits::CLOCK_ENTRIES_MAX;

/// Signs and stores a dataset with this clock.
fn planted(lab: &Lab, clock: &BTreeMap<NodeId, u64>) -> Manifest {
    let data = tree(&[b"content\n"]);
    plant(lab, &data, ContentId::from_bytes(b"content\n"), &|m| {
        m.clock.clone_from(clock);
    })
}

fn node(n: u8) -> NodeId {
    NodeId::new([n; 32])
}

fn sum(manifest: &Manifest) -> u128 {
    manifest.clock.values().map(|n| u128::from(*n)).sum()
}

#[test]
fn offer_with_an_implausible_clock_is_refused_on_every_way_in() {
    let (a, b) = (Lab::new(), Lab::new());
    planted(&a, &BTreeMap::from([(node(1), CLOCK_EDITS_MAX + 1)]));
    let near = InProcessPeer::honest(&a.registry, 1);
    let offers = b
        .registry
        .peers()
        .list_remote(&near, &ListFilter::All)
        .unwrap();
    for action in [Action::Import, Action::PullByName, Action::PullById] {
        match offers[0].accept(action, Consent::Given) {
            Err(Error::Publisher(PublisherError::NotTrusted { reason, .. })) => {
                assert_eq!(reason, IMPLAUSIBLE_CLOCK)
            }
            other => panic!("{action:?}: {other:?}"),
        }
    }
}

#[test]
fn edit_of_a_full_clock_folds_the_smallest_entry_and_wins() {
    let lab = Lab::new();
    let full: BTreeMap<NodeId, u64> = (0..CLOCK_ENTRIES_MAX)
        .map(|n| (node(n as u8 + 1), n as u64 + 1))
        .collect();
    let parent = planted(&lab, &full);
    for round in 1..4 {
        let held = lab.registry.get(&parent.content_id).unwrap().unwrap();
        let edit = Edit {
            add_tags: vec![format!("round-{round}")],
            ..Edit::default()
        };
        let after = lab
            .registry
            .descriptions()
            .revise(&held, &edit, Some(&lab.key))
            .unwrap();
        assert!(after.manifest.clock.len() <= CLOCK_ENTRIES_MAX);
        assert_eq!(sum(&after.manifest), sum(&parent) + round);
        assert!(after.manifest.tags.contains(&format!("round-{round}")));
    }
}

#[test]
fn edit_without_room_in_the_clock_is_an_error() {
    let lab = Lab::new();
    // Every entry has the maximum size, so folding any of them makes no room.
    let full: BTreeMap<NodeId, u64> = (0..CLOCK_ENTRIES_MAX)
        .map(|n| (node(n as u8 + 1), CLOCK_EDITS_MAX))
        .collect();
    let parent = planted(&lab, &full);
    let held = lab.registry.get(&parent.content_id).unwrap().unwrap();
    let edit = Edit {
        license: Some("MIT".into()),
        ..Edit::default()
    };
    match lab
        .registry
        .descriptions()
        .revise(&held, &edit, Some(&lab.key))
    {
        Err(Error::Metadata(MetadataError::ClockFull(name))) => assert_eq!(name, "planted"),
        other => panic!("{other:?}"),
    }
    let held = lab.registry.get(&parent.content_id).unwrap().unwrap();
    assert_eq!(held.manifest.license, None);
}

#[test]
fn edit_with_a_revoked_key_is_refused() {
    let lab = Lab::new();
    let parent = planted(&lab, &BTreeMap::from([(node(1), 1)]));
    lab.registry.trust().revoke_own(&lab.key, "lost").unwrap();
    let held = lab.registry.get(&parent.content_id).unwrap().unwrap();
    let edit = Edit {
        license: Some("MIT".into()),
        ..Edit::default()
    };
    match lab
        .registry
        .descriptions()
        .revise(&held, &edit, Some(&lab.key))
    {
        Err(Error::Publisher(PublisherError::NotTrusted { .. })) => {}
        other => panic!("{other:?}"),
    }
    let held = lab.registry.get(&parent.content_id).unwrap().unwrap();
    assert_eq!(held.manifest.license, None);
}

/// Every way in admits exactly the manifests that the table of `spec/trust.md` admits. A manifest
/// that it refuses has no value of the type that the catalogue takes.
#[test]
fn manifest_is_admitted_exactly_where_the_policy_says_so() {
    let a = Lab::new();
    planted(&a, &BTreeMap::from([(node(1), 1)]));
    let near = InProcessPeer::honest(&a.registry, 1);
    let b = Lab::new();
    let offers = b
        .registry
        .peers()
        .list_remote(&near, &ListFilter::All)
        .unwrap();
    let signed = offers[0].verified().clone();
    let mut unsigned = signed.manifest().clone();
    unsigned.signer = None;
    let unsigned = UnverifiedManifest::new(crate::manifest::Envelope {
        manifest: unsigned.encode().unwrap(),
        signature: None,
    });
    let unsigned = unsigned.verify().unwrap();
    let mut tried = 0;
    for (verified, signature) in [
        (&signed, SignatureState::Valid),
        (&unsigned, SignatureState::None),
    ] {
        for level in [Level::Full, Level::Prompt, Level::Unknown, Level::Revoked] {
            for is_grandfathered in [false, true] {
                let input = PolicyInput {
                    origin: Origin::Elsewhere,
                    signature,
                    level,
                    is_grandfathered,
                };
                for action in Action::ALL {
                    for consent in [Consent::Given, Consent::NotAsked] {
                        let verdict = evaluate(&input, action).verdict;
                        let wanted = match verdict {
                            Verdict::Accept | Verdict::KeepApart => true,
                            Verdict::Ask => consent == Consent::Given,
                            Verdict::Refuse => false,
                        };
                        let admitted = Admitted::admit(verified.clone(), &input, action, consent);
                        assert_eq!(admitted.is_ok(), wanted, "{input:?} {action:?}");
                        if let Ok(admitted) = admitted {
                            assert_eq!(admitted.origin(), Origin::Elsewhere);
                        }
                        tried += 1;
                    }
                }
            }
        }
    }
    assert_eq!(tried, 2 * 4 * 2 * Action::ALL.len() * 2);
}

/// An edited unsigned copy never replaces a dataset that was indexed here, in either order of
/// arrival. A rebuilt index keeps them apart.
#[test]
fn unsigned_copy_stays_apart_through_pull_and_rebuild() {
    let (a, b) = (Lab::new(), Lab::new());
    let path = a.dir.path().join("own.jsonl");
    std::fs::write(&path, b"{\"n\":1}\n").unwrap();
    let own = a.index_path(&path, false, false);
    a.registry.peers().share(&own).unwrap();
    let near = InProcessPeer::honest(&a.registry, 1);
    b.pull_accepted(&near);
    let copy = b.registry.get(&own.manifest.content_id).unwrap().unwrap();
    assert!(copy.flags.foreign);
    let edit = Edit {
        license: Some("LicenseRef-theirs".into()),
        ..Edit::default()
    };
    let copy = b
        .registry
        .descriptions()
        .revise(&copy, &edit, None)
        .unwrap();
    assert!(copy.flags.foreign, "an edit does not make it ours");
    b.registry.peers().share(&copy).unwrap();
    let near = InProcessPeer::honest(&b.registry, 2);
    a.pull_accepted(&near);
    let home = a.registry.home().to_owned();
    let holds = |registry: &LocalRegistry| {
        let all = registry.list().unwrap();
        assert_eq!(all.len(), 2);
        let here = all.iter().find(|d| !d.flags.foreign).unwrap();
        assert_eq!(here.envelope_id, own.envelope_id);
        assert_eq!(here.manifest.license, None);
        let apart = all.iter().find(|d| d.flags.foreign).unwrap();
        assert_eq!(apart.manifest.license.as_deref(), Some("LicenseRef-theirs"));
        let meant = registry.resolve(&"own".parse().unwrap()).unwrap();
        assert_eq!(meant.envelope_id, own.envelope_id);
        let meant = registry.get(&own.manifest.content_id).unwrap().unwrap();
        assert_eq!(meant.envelope_id, own.envelope_id);
    };
    holds(&a.registry);
    std::fs::remove_file(home.join("registry.redb")).unwrap();
    let again = LocalRegistry::open(&home).unwrap();
    holds(&again);
}
