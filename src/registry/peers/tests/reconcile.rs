//! Syncs of registries that are large enough for symbols: items in both directions, and hidden
//! items.

use crate::catalog::Dataset;
use crate::progress::NoProgress;
use crate::protocol::PeerCatalog;
use crate::protocol::Salt;
use crate::protocol::reconcile::CatalogDigest;
use crate::protocol::reconcile::Keys;
use crate::protocol::reconcile::ReconcileMethod;
use crate::protocol::reconcile::SymbolsRequest;
use crate::protocol::reconcile::WantedRequest;
use crate::registry::peers::Showing;
use crate::registry::peers::SyncOptions;
use crate::registry::peers::SyncReport;
use crate::registry::peers::catalogue::reconcile::take_room;
use crate::registry::peers::testing::in_process_peer::InProcessPeer;
use crate::registry::peers::testing::lab::Lab;

/// Indexes a dataset of one row.
fn index(lab: &Lab, name: &str, private: bool) -> Dataset {
    let row = format!("{{\"name\":\"{name}\"}}\n");
    lab.index(name, row.as_bytes(), private)
}

fn sync(lab: &Lab, peer: &Lab) -> SyncReport {
    let near = InProcessPeer::honest(&peer.registry, 1);
    let options = SyncOptions::default();
    lab.registry
        .peers()
        .sync(&near, &options, &NoProgress)
        .unwrap()
}

/// Returns the elements that a registry compares with a peer.
fn elements(lab: &Lab, salt: &Salt) -> Vec<crate::protocol::Element> {
    let peer = crate::ident::NodeId::new([1; 32]);
    let own = lab
        .registry
        .peers()
        .elements_with(salt, &peer, Showing::default());
    own.unwrap().into_iter().map(|own| own.element).collect()
}

#[test]
fn sync_by_symbols_ends_with_equal_catalogues() {
    let (a, b) = (Lab::new(), Lab::new());
    for n in 0..24 {
        index(&a, &format!("of-a-{n}"), false);
    }
    // The local set is empty, so a list brings everything.
    let report = sync(&b, &a);
    assert_eq!((report.received, report.sent), (24, 0));
    assert_eq!(report.comparing.way, ReconcileMethod::List);
    let report = sync(&b, &a);
    assert_eq!((report.received, report.sent), (0, 0));
    assert_eq!(report.comparing.way, ReconcileMethod::Digest);
    let bytes = report.comparing.sent_bytes + report.comparing.received_bytes;
    assert!(bytes < 200, "{bytes}");
    index(&a, "new-there", false);
    let theirs = a.registry.resolve(&"of-a-3".parse().unwrap()).unwrap();
    a.registry
        .publishing()
        .withdraw(&theirs, &a.key, "wrong")
        .unwrap();
    index(&b, "new-here-0", false);
    let mut report = sync(&b, &a);
    // An unlucky salt leads to the list, about once in a few hundred times.
    for round in 1..5 {
        if report.comparing.way == ReconcileMethod::Symbols {
            break;
        }
        index(&a, &format!("new-there-{round}"), false);
        index(&b, &format!("new-here-{round}"), false);
        report = sync(&b, &a);
    }
    assert_eq!(report.comparing.way, ReconcileMethod::Symbols);
    assert_eq!(report.sent, 1);
    assert!(report.received >= 1, "{report:?}");
    assert_eq!(report.comparing.round_trips, 2);
    let salt = Salt::new([1; 16]);
    let known = elements(&b, &salt);
    let new = a.registry.resolve(&"new-there".parse().unwrap()).unwrap();
    let new = salt.envelope(&new.envelope_id);
    assert!(known.binary_search(&new).is_ok());
}

#[test]
fn symbols_and_wanted_items_hide_private_datasets() {
    let a = Lab::new();
    for n in 0..20 {
        index(&a, &format!("open-{n}"), false);
    }
    let secret = index(&a, "secret", true);
    let near = InProcessPeer::honest(&a.registry, 1);
    let salt = Salt::new([2; 16]);
    let shown = elements(&a, &salt);
    let answer = near
        .symbols(&SymbolsRequest {
            salt,
            digest: CatalogDigest::new([0; 16]),
            from: 0,
            take: 64,
        })
        .unwrap();
    assert_eq!((answer.count, answer.symbols.len()), (20, 64));
    let keys = Keys::of(&salt);
    let peeled = crate::protocol::reconcile::peel(&keys, &answer.symbols);
    assert_eq!(peeled.as_ref(), Some(&shown));
    let hidden = salt.envelope(&secret.envelope_id);
    assert!(shown.binary_search(&hidden).is_err());
    let wanted = |elements: Vec<_>| near.wanted(&WantedRequest { salt, elements }).unwrap();
    assert_eq!(wanted(vec![hidden]).envelopes.len(), 0);
    let mut all = [shown.as_slice(), &[hidden]].concat();
    all.sort_unstable();
    let came = wanted(all);
    assert_eq!((came.envelopes.len(), came.statements.len()), (20, 0));
    // Beyond the limit the peer computes no symbols, and neither for an equal set.
    for (from, digest) in [
        (u64::MAX, CatalogDigest::new([0; 16])),
        (0, keys.digest(&shown)),
    ] {
        let request = SymbolsRequest {
            salt,
            digest,
            from,
            take: 64,
        };
        let answer = crate::registry::peers::RequestContext {
            peer: near.node_id(),
            hello: crate::protocol::Hello::own(near.access),
            showing: Showing::default(),
            access: near.access,
        };
        let answer = a.registry.peers().symbols(&request, &answer);
        assert!(answer.is_ok_and(|a| a.symbols.is_empty()));
    }
}

#[test]
fn response_ends_at_the_size_limit() {
    let items = |bytes: &[usize]| -> Vec<Vec<u8>> { bytes.iter().map(|n| vec![0; *n]).collect() };
    let mut room = 1_000;
    assert!(take_room(&mut room, &items(&[100, 200])));
    assert_eq!(room, 1_000 - 300 - 2 * 64);
    assert!(!take_room(&mut room, &items(&[600])));
    // No smaller batch follows one that did not fit.
    assert!(!take_room(&mut room, &items(&[1])));
}
