//! Syncs of registries that are large enough for symbols: what goes both ways, what stays hidden.

use crate::catalog::Dataset;
use crate::progress::NoProgress;
use crate::protocol::PeerCatalog;
use crate::protocol::Salt;
use crate::protocol::reconcile::CatalogDigest;
use crate::protocol::reconcile::Keys;
use crate::protocol::reconcile::SymbolsRequest;
use crate::protocol::reconcile::WantedRequest;
use crate::protocol::reconcile::Way;
use crate::registry::peers::Showing;
use crate::registry::peers::SyncOptions;
use crate::registry::peers::SyncReport;
use crate::registry::peers::catalogue::reconcile::takes_room;
use crate::registry::peers::testing::in_process_peer::Near;
use crate::registry::peers::testing::lab::Lab;

/// A dataset of one row.
fn index(lab: &Lab, name: &str, private: bool) -> Dataset {
    let row = format!("{{\"name\":\"{name}\"}}\n");
    lab.index(name, row.as_bytes(), private)
}

fn sync(lab: &Lab, peer: &Lab) -> SyncReport {
    let near = Near::honest(&peer.registry, 1);
    let options = SyncOptions::default();
    lab.registry.sync(&near, &options, &NoProgress).unwrap()
}

/// What a registry compares with a peer, by elements.
fn elements(lab: &Lab, salt: &Salt) -> Vec<crate::protocol::Element> {
    let peer = crate::ident::NodeId::new([1; 32]);
    let own = lab.registry.elements_with(salt, &peer, Showing::default());
    own.unwrap().into_iter().map(|own| own.element).collect()
}

#[test]
fn a_sync_by_symbols_ends_with_equal_catalogues() {
    let (a, b) = (Lab::new(), Lab::new());
    for n in 0..24 {
        index(&a, &format!("of-a-{n}"), false);
    }
    // Nothing here: a list of nothing brings it all.
    let report = sync(&b, &a);
    assert_eq!((report.received, report.sent), (24, 0));
    assert_eq!(report.comparing.way, Way::List);
    let report = sync(&b, &a);
    assert_eq!((report.received, report.sent), (0, 0));
    assert_eq!(report.comparing.way, Way::Digest);
    let bytes = report.comparing.sent_bytes + report.comparing.received_bytes;
    assert!(bytes < 200, "{bytes}");
    index(&a, "new-there", false);
    let theirs = a.registry.resolve(&"of-a-3".parse().unwrap()).unwrap();
    a.registry.withdraw(&theirs, &a.key, "wrong").unwrap();
    index(&b, "new-here-0", false);
    let mut report = sync(&b, &a);
    // A salt that happens to fit badly leads to the list, about once in a few hundred times.
    for round in 1..5 {
        if report.comparing.way == Way::Symbols {
            break;
        }
        index(&a, &format!("new-there-{round}"), false);
        index(&b, &format!("new-here-{round}"), false);
        report = sync(&b, &a);
    }
    assert_eq!(report.comparing.way, Way::Symbols);
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
fn neither_symbols_nor_what_is_wanted_show_what_is_private() {
    let a = Lab::new();
    for n in 0..20 {
        index(&a, &format!("open-{n}"), false);
    }
    let secret = index(&a, "secret", true);
    let near = Near::honest(&a.registry, 1);
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
    let told = crate::protocol::reconcile::peel(&keys, &answer.symbols);
    assert_eq!(told.as_ref(), Some(&shown));
    let hidden = salt.envelope(&secret.envelope_id);
    assert!(shown.binary_search(&hidden).is_err());
    let wanted = |elements: Vec<_>| near.wanted(&WantedRequest { salt, elements }).unwrap();
    assert_eq!(wanted(vec![hidden]).envelopes.len(), 0);
    let mut all = [shown.as_slice(), &[hidden]].concat();
    all.sort_unstable();
    let came = wanted(all);
    assert_eq!((came.envelopes.len(), came.statements.len()), (20, 0));
    // Beyond the limit nobody computes anything; nor for who has the same.
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
            peer: near.id(),
            hello: crate::protocol::Hello::own(near.access),
            showing: Showing::default(),
            access: near.access,
        };
        let answer = a.registry.symbols(&request, &answer);
        assert!(answer.is_ok_and(|a| a.symbols.is_empty()));
    }
}

#[test]
fn an_answer_ends_where_there_is_no_more_room() {
    let items = |bytes: &[usize]| -> Vec<Vec<u8>> { bytes.iter().map(|n| vec![0; *n]).collect() };
    let mut room = 1_000;
    assert!(takes_room(&mut room, &items(&[100, 200])));
    assert_eq!(room, 1_000 - 300 - 2 * 64);
    assert!(!takes_room(&mut room, &items(&[600])));
    // Nothing smaller slips in behind.
    assert!(!takes_room(&mut room, &items(&[1])));
}
