//! Syncs of registries that are large enough for symbols: what goes both ways, what stays hidden.

use crate::catalog::Dataset;
use crate::progress::NoProgress;
use crate::registry::IndexOptions;
use crate::registry::LocalRegistry;
use crate::registry::peers::Showing;
use crate::registry::peers::SyncOptions;
use crate::registry::peers::SyncReport;
use crate::registry::peers::comparing::takes_room;
use crate::registry::peers::near::Near;
use crate::sync::PeerCatalog;
use crate::sync::Salt;
use crate::sync::reconcile::CatalogDigest;
use crate::sync::reconcile::Keys;
use crate::sync::reconcile::SymbolsRequest;
use crate::sync::reconcile::WantedRequest;
use crate::sync::reconcile::Way;
use crate::trust::KeyPair;

struct Home {
    dir: tempfile::TempDir,
    registry: LocalRegistry,
    key: KeyPair,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = LocalRegistry::open(&dir.path().join("home")).unwrap();
        let key = KeyPair::generate().unwrap();
        Self { dir, registry, key }
    }

    fn index(&self, name: &str, private: bool) -> Dataset {
        let path = self.dir.path().join(format!("{name}.jsonl"));
        std::fs::write(&path, format!("{{\"name\":\"{name}\"}}\n")).unwrap();
        let options = IndexOptions {
            private,
            sign_with: Some(self.key.clone()),
            ..IndexOptions::default()
        };
        let report = self.registry.index(&path, &options, &NoProgress).unwrap();
        let id = report.manifest.content_id;
        self.registry.get(&id).unwrap().unwrap()
    }

    fn sync(&self, peer: &Self) -> SyncReport {
        let near = Near::honest(&peer.registry, 1);
        let options = SyncOptions::default();
        self.registry.sync(&near, &options, &NoProgress).unwrap()
    }

    /// Its elements, as it shows them.
    fn elements(&self, salt: &Salt) -> Vec<crate::sync::Element> {
        let own = self.registry.own(salt, Showing::default()).unwrap();
        own.into_iter().map(|(element, _)| element).collect()
    }
}

#[test]
fn a_sync_by_symbols_ends_with_equal_catalogues() {
    let (a, b) = (Home::new(), Home::new());
    for n in 0..24 {
        a.index(&format!("of-a-{n}"), false);
    }
    // Nothing here: a list of nothing brings it all.
    let report = b.sync(&a);
    assert_eq!((report.received, report.sent), (24, 0));
    assert_eq!(report.comparing.way, Way::List);
    let report = b.sync(&a);
    assert_eq!((report.received, report.sent), (0, 0));
    assert_eq!(report.comparing.way, Way::Digest);
    let bytes = report.comparing.sent_bytes + report.comparing.received_bytes;
    assert!(bytes < 200, "{bytes}");
    a.index("new-there", false);
    let theirs = a.registry.resolve(&"of-a-3".parse().unwrap()).unwrap();
    a.registry.withdraw(&theirs, &a.key, "wrong").unwrap();
    b.index("new-here", false);
    let report = b.sync(&a);
    assert_eq!(report.comparing.way, Way::Symbols);
    assert_eq!(report.sent, 1);
    assert!(report.received >= 1, "{report:?}");
    assert_eq!(report.comparing.round_trips, 2);
    let salt = Salt::new([1; 16]);
    let known = b.elements(&salt);
    let new = a.registry.resolve(&"new-there".parse().unwrap()).unwrap();
    let new = salt.envelope(&new.envelope_id);
    assert!(known.binary_search(&new).is_ok());
}

#[test]
fn neither_symbols_nor_what_is_wanted_show_what_is_private() {
    let a = Home::new();
    for n in 0..20 {
        a.index(&format!("open-{n}"), false);
    }
    let secret = a.index("secret", true);
    let near = Near::honest(&a.registry, 1);
    let salt = Salt::new([2; 16]);
    let shown = a.elements(&salt);
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
    let told = crate::sync::reconcile::peel(&keys, &answer.symbols);
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
        let answer = crate::registry::peers::Asking {
            peer: near.id(),
            hello: crate::sync::Hello::own(near.access),
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
