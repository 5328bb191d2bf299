//! Pulls from in-process peers that send false data, disconnect and stall, by seed. Every schedule
//! ends with the whole dataset, or with an error and no visible dataset.

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::progress::NoProgress;
use crate::protocol::Access;
use crate::protocol::ChunkSource;
use crate::protocol::Filter;
use crate::protocol::ListFilter;
use crate::protocol::PeerCatalog;
use crate::protocol::PullChunkRequest;
use crate::protocol::PullNodeRequest;
use crate::protocol::ReconcileRequest;
use crate::registry::peers::Showing;
use crate::registry::peers::SyncOptions;
use crate::registry::peers::testing::in_process_peer::InProcessPeer;
use crate::registry::peers::testing::lab::Lab;
use crate::registry::peers::testing::lab::rows;
use crate::registry::publishing::trust::Listed;

#[test]
fn pull_of_next_version_gets_only_changes() {
    let (a, b) = (Lab::new(), Lab::new());
    let first = rows(1, 60_000);
    a.index("corpus", &first, false);
    let near = InProcessPeer::honest(&a.registry, 1);
    let chunks = b.pull("corpus", &[&near]).unwrap();
    assert!(chunks > 50, "{chunks}");
    assert_eq!(b.bytes_of("corpus"), Some(first.clone()));
    let second = [first.as_slice(), &rows(2, 300)].concat();
    a.index("corpus", &second, false);
    let more = b.pull("corpus", &[&near]).unwrap();
    assert!((1..10).contains(&more), "{more} chunks");
    assert_eq!(b.bytes_of("corpus"), Some(second));
    assert_eq!(b.pull("corpus", &[&near]).unwrap(), 0);
    let fsck = b.registry.maintenance().fsck(&NoProgress).unwrap();
    assert!(fsck.corrupt.is_empty() && fsck.missing.is_empty());
}

#[test]
fn pull_with_faults_ends_whole_or_invisible() {
    let a = Lab::new();
    let data = rows(3, 4_000);
    a.index("corpus", &data, false);
    let (mut whole, mut broken) = (0, 0);
    for seed in 0..400 {
        let b = Lab::new();
        // Fault rates from one frame in fifty to one in two.
        let per_mille = [20, 100, 500][seed as usize % 3];
        let liars: Vec<InProcessPeer> = (0..1 + seed % 3)
            .map(|n| InProcessPeer::faulty(&a.registry, 2 + n as u8, seed * 8 + n, per_mille))
            .collect();
        let peers: Vec<&InProcessPeer> = liars.iter().collect();
        match b.pull("corpus", &peers) {
            Ok(_) => whole += 1,
            Err(_) => {
                broken += 1;
                assert_eq!(b.bytes_of("corpus"), None, "seed {seed}");
                // The same faulty peers and one honest peer.
                let honest = InProcessPeer::honest(&a.registry, 1);
                let peers: Vec<&InProcessPeer> = liars.iter().chain([&honest]).collect();
                b.pull("corpus", &peers).unwrap();
            }
        }
        assert_eq!(b.bytes_of("corpus").as_ref(), Some(&data), "seed {seed}");
        let fsck = b.registry.maintenance().fsck(&NoProgress).unwrap();
        assert!(
            fsck.corrupt.is_empty() && fsck.missing.is_empty(),
            "seed {seed}"
        );
    }
    assert!(whole > 20 && broken > 20, "{whole} whole, {broken} broken");
}

#[test]
fn private_dataset_is_hidden_from_every_request() {
    let a = Lab::new();
    let secret = a.index("secret", &rows(5, 3_000), true);
    // Half of it is public under another name, so its chunks share records with the private
    // dataset.
    let public = a.index("public", &rows(5, 1_500), false);
    let mut unsigned = a.dir.path().to_owned();
    unsigned.push("local.jsonl");
    std::fs::write(&unsigned, rows(6, 1_000)).unwrap();
    let unsigned = a.index_path(&unsigned, false, false);
    let near = InProcessPeer::honest(&a.registry, 1);
    let listed = near.list(&ListFilter::All).unwrap();
    assert_eq!(listed.len(), 1);
    let salt = crate::protocol::Salt::new([0; 16]);
    let filter = near.filter().unwrap();
    assert_eq!(filter.len(), 1);
    assert!(filter.may_contain(&public.manifest.content_id));
    for hidden in [&secret, &unsigned] {
        assert!(!filter.may_contain(&hidden.manifest.content_id));
    }
    let reconciled = near.reconcile(&ReconcileRequest {
        salt,
        elements: Vec::new(),
    });
    assert_eq!(reconciled.unwrap().envelopes, listed);
    let runs = vec![crate::protocol::Run { skip: 0, take: 4 }];
    for hidden in [&secret, &unsigned] {
        let envelope = hidden.envelope_id;
        for tree in [
            crate::protocol::TreeKind::Data,
            crate::protocol::TreeKind::Table,
        ] {
            let places = vec![crate::protocol::NodePlace::ROOT];
            let nodes = near.nodes(&PullNodeRequest {
                envelope,
                tree,
                places,
            });
            assert_eq!(nodes.unwrap_err().kind(), ErrorKind::NotFound);
            let request = PullChunkRequest {
                envelope,
                tree,
                offset: 0,
                runs: runs.clone(),
            };
            let chunks = near.chunks(&request, &|| false, &mut |_| panic!("a chunk"));
            assert_eq!(chunks.unwrap_err().kind(), ErrorKind::NotFound);
        }
        let card = near.card(&envelope).unwrap_err();
        assert_eq!(card.kind(), ErrorKind::NotFound);
    }
    // The public chunks arrive without their neighbours in the record.
    let mut records = 0;
    let request = PullChunkRequest {
        envelope: public.envelope_id,
        tree: crate::protocol::TreeKind::Data,
        offset: 0,
        runs: vec![crate::protocol::Run { skip: 0, take: 1 }],
    };
    near.chunks(&request, &|| false, &mut |record| {
        let view = crate::pack::RecordView::decode(&record).unwrap();
        assert_eq!(view.header.items.len(), 1);
        records += 1;
        true
    })
    .unwrap();
    assert_eq!(records, 1);
    // Unsigned data is visible after sharing by hand, and hidden after unsharing.
    a.registry.peers().share(&unsigned).unwrap();
    assert_eq!(near.list(&ListFilter::All).unwrap().len(), 2);
    let filter = near.filter().unwrap();
    assert!(filter.may_contain(&unsigned.manifest.content_id));
    a.registry.peers().unshare(&unsigned).unwrap();
    a.registry.peers().unshare(&public).unwrap();
    assert_eq!(near.list(&ListFilter::All).unwrap().len(), 0);
    assert_eq!(near.filter().unwrap(), Filter::default());
    let open = InProcessPeer {
        showing: Showing { unsigned: true },
        ..InProcessPeer::honest(&a.registry, 1)
    };
    // Unsharing made it private.
    assert_eq!(open.list(&ListFilter::All).unwrap().len(), 0);
}

#[test]
fn filter_covers_listed_datasets_for_every_access() {
    let a = Lab::new();
    let ids: Vec<_> = (0..12)
        .map(|n| a.index(&format!("d{n}"), &rows(20 + n, 30), n == 5))
        .filter(|dataset| !dataset.flags.private)
        .map(|dataset| dataset.manifest.content_id)
        .collect();
    let built = Filter::build(&ids);
    assert_eq!(built.len(), 11);
    for access in [Access::Open, Access::Listed] {
        let near = InProcessPeer {
            access,
            ..InProcessPeer::honest(&a.registry, 1)
        };
        assert_eq!(near.filter().unwrap(), built);
    }
    // The peer may respond with another filter than requested, and nothing in it can be compared
    // yet.
    let mut failed = 0;
    for seed in 0..500 {
        let near = InProcessPeer::faulty(&a.registry, 1, seed, 1_000);
        match near.filter() {
            Ok(filter) => assert_eq!(Filter::decode(&filter.encode()), Ok(filter)),
            Err(_) => failed += 1,
        }
    }
    assert!(failed > 300, "{failed}");
}

#[test]
fn sync_pulls_trusted_and_reports_the_rest() {
    let (a, b) = (Lab::new(), Lab::new());
    a.index("ours", &rows(8, 500), false);
    b.index("theirs", &rows(9, 500), false);
    let near = InProcessPeer::honest(&a.registry, 1);
    let sync = |options: &SyncOptions| {
        b.registry
            .peers()
            .sync(&near, options, &NoProgress)
            .unwrap()
    };
    let report = sync(&SyncOptions::default());
    assert_eq!((report.received, report.sent), (1, 1));
    // Content of an unknown publisher is not pulled without consent.
    assert_eq!((report.pulled.len(), report.left.len()), (0, 1));
    let again = sync(&SyncOptions::default());
    assert_eq!((again.received, again.sent), (0, 0));
    b.trusting(&a);
    let report = sync(&SyncOptions::default());
    assert_eq!((report.pulled.len(), report.left.len()), (1, 0));
    assert_eq!(b.bytes_of("ours"), Some(rows(8, 500)));
    // A withdrawal is forwarded and takes effect.
    let ours = a.registry.resolve(&"ours".parse().unwrap()).unwrap();
    a.registry
        .publishing()
        .withdraw(&ours, &a.key, "wrong labels")
        .unwrap();
    assert_eq!(sync(&SyncOptions::default()).received, 1);
    let trust = b.registry.trust().store().unwrap();
    let held = b.registry.list().unwrap();
    let mine = held
        .into_iter()
        .find(|d| d.manifest.name.to_string() == "ours");
    let listed = Listed::of(&trust, mine.unwrap());
    assert_eq!(listed.withdrawn.as_deref(), Some("wrong labels"));
}

#[test]
fn items_from_restricted_nodes_are_not_forwarded() {
    let (a, b) = (Lab::new(), Lab::new());
    a.index("inside", &rows(10, 500), false);
    b.trusting(&a);
    let near = InProcessPeer {
        access: Access::Listed,
        ..InProcessPeer::honest(&a.registry, 1)
    };
    b.pull("inside", &[&near]).unwrap();
    let onward = InProcessPeer::honest(&b.registry, 2);
    assert!(onward.list(&ListFilter::All).unwrap().is_empty());
    let held = b.registry.resolve(&"inside".parse().unwrap()).unwrap();
    assert!(held.flags.private);
}
