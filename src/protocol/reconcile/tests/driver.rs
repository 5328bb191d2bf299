//! Complete comparisons over a connection: results, cost, and peers that are old or change.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::ident::NodeId;
use crate::protocol::Access;
use crate::protocol::EachResponse;
use crate::protocol::Element;
use crate::protocol::FrameReader;
use crate::protocol::PeerConnection;
use crate::protocol::PeerError;
use crate::protocol::Refusal;
use crate::protocol::RefusalCode;
use crate::protocol::Request;
use crate::protocol::Response;
use crate::protocol::Salt;
use crate::protocol::pack_batch;
use crate::protocol::reconcile::Comparison;
use crate::protocol::reconcile::ReconcileMethod;
use crate::protocol::reconcile::compare_catalogues;
use crate::protocol::reconcile::tests::response;
use crate::wire::limits::RECONCILE_WANTED_MAX;

/// A peer with numbered items. The body of an item is its number.
struct Peer {
    things: Mutex<Vec<u32>>,
    /// Knows mode 0 only.
    is_old: bool,
    /// Number of responses whose catalogue has one item more than that of the response before.
    changes: Mutex<u32>,
    asked: Mutex<Vec<&'static str>>,
}

fn element(salt: &Salt, n: u32) -> Element {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&n.to_le_bytes());
    salt.envelope(&crate::ident::EnvelopeId::new(id))
}

fn by_element(salt: &Salt, things: &[u32]) -> BTreeMap<Element, u32> {
    things.iter().map(|n| (element(salt, *n), *n)).collect()
}

impl Peer {
    fn new(things: impl Iterator<Item = u32>) -> Self {
        Self {
            things: Mutex::new(things.collect()),
            is_old: false,
            changes: Mutex::new(0),
            asked: Mutex::new(Vec::new()),
        }
    }

    fn bodies(things: impl Iterator<Item = u32>) -> Vec<Response> {
        let bodies: Vec<Vec<u8>> = things.map(|n| n.to_le_bytes().to_vec()).collect();
        let mut left = bodies.into_iter();
        std::iter::from_fn(|| pack_batch(&mut left).map(Response::Manifests)).collect()
    }

    fn responses(&self, request: &Request) -> Vec<Response> {
        let things = self.things.lock().unwrap().clone();
        match request {
            Request::Reconcile(r) => {
                let there = by_element(&r.salt, &things);
                let missing = r.elements.iter().enumerate();
                let missing = missing
                    .filter(|(_, e)| !there.contains_key(*e))
                    .map(|(n, _)| n);
                let new = there
                    .iter()
                    .filter(|(e, _)| r.elements.binary_search(e).is_err());
                let mut responses = vec![Response::Reconciled(missing.collect())];
                responses.extend(Self::bodies(new.map(|(_, n)| *n)));
                responses
            }
            Request::Symbols(_) | Request::Wanted(_) if self.is_old => {
                let refusal = Refusal::new(RefusalCode::NotUnderstood, "not understood");
                vec![Response::Refusal(refusal)]
            }
            Request::Symbols(r) => {
                let there: Vec<Element> = by_element(&r.salt, &things).into_keys().collect();
                let mut changes = self.changes.lock().unwrap();
                if *changes > 0 {
                    *changes -= 1;
                    let new = 1_000_000 + *changes;
                    self.things.lock().unwrap().push(new);
                }
                vec![Response::Symbols(response(&there, r))]
            }
            Request::Wanted(r) => {
                let there = by_element(&r.salt, &things);
                Self::bodies(r.elements.iter().filter_map(|e| there.get(e).copied()))
            }
            _ => panic!("{request:?}"),
        }
    }
}

impl PeerConnection for Peer {
    fn node_id(&self) -> NodeId {
        NodeId::new([1; 32])
    }

    fn address(&self) -> String {
        String::new()
    }

    fn access(&self) -> Access {
        Access::Open
    }

    fn call(
        &self,
        request: &Request,
        _: &dyn Fn() -> bool,
        each: &mut EachResponse<'_>,
    ) -> Result<(), PeerError> {
        let frame = FrameReader::new(Request::body_limit).read(&mut request.encode().as_slice())?;
        let request = Request::decode(&frame.unwrap())?.unwrap();
        self.asked.lock().unwrap().push(match &request {
            Request::Reconcile(_) => "list",
            Request::Symbols(_) => "symbols",
            _ => "wanted",
        });
        for response in self.responses(&request) {
            let frame =
                FrameReader::new(Response::body_limit).read(&mut response.encode().as_slice())?;
            match Response::decode(frame.unwrap())? {
                Response::Refusal(refusal) => return Err(refusal.into()),
                response => each(response)?,
            }
        }
        Ok(())
    }

    fn reconnect(&self, _: &dyn Fn() -> bool) -> Result<(), PeerError> {
        Ok(())
    }
}

/// Compares and returns the missing and the received items, ascending.
fn compare(own: &[u32], peer: &Peer) -> (Comparison, Vec<u32>, Vec<u32>) {
    let (mut salts, mut here) = (0, Vec::new());
    let compared = compare_catalogues(peer, &mut || {
        salts += 1;
        let salt = Salt::new([salts; 16]);
        let elements = by_element(&salt, own);
        here = elements.values().copied().collect();
        Ok::<_, PeerError>((salt, elements.into_keys().collect()))
    })
    .unwrap();
    assert!(salts <= 2);
    let mut missing: Vec<u32> = compared.found.missing.iter().map(|n| here[*n]).collect();
    missing.sort_unstable();
    let number = |bytes: &Vec<u8>| u32::from_le_bytes(*bytes.first_chunk().unwrap());
    let mut came: Vec<u32> = compared.found.envelopes.iter().map(number).collect();
    came.sort_unstable();
    (compared, missing, came)
}

fn numbers(range: std::ops::Range<u32>) -> Vec<u32> {
    range.collect()
}

#[test]
fn reconcile_every_method_finds_the_same() {
    let old = |things| Peer {
        is_old: true,
        ..Peer::new(things)
    };
    for (size, step) in [
        (2_000, 20),
        (2_000, 1_500),
        (10, 3),
        (400, 1),
        (400, 0),
        (400, 400),
    ] {
        let own = numbers(0..size);
        let (new, past) = (Peer::new(step..size + step), old(step..size + step));
        let (by_symbols, by_list) = (compare(&own, &new), compare(&own, &past));
        assert_eq!(by_symbols.1, numbers(0..step));
        assert_eq!(by_symbols.2, numbers(size..size + step));
        assert_eq!((&by_symbols.1, &by_symbols.2), (&by_list.1, &by_list.2));
        assert_eq!(by_list.0.cost.way, ReconcileMethod::List);
        let way = match (size, step) {
            (_, 0) => ReconcileMethod::Digest,
            (_, 20 | 1) => ReconcileMethod::Symbols,
            _ => ReconcileMethod::List,
        };
        assert_eq!(by_symbols.0.cost.way, way, "{size} {step}");
        let asked = new.asked.lock().unwrap().len();
        assert_eq!(by_symbols.0.cost.round_trips as usize, asked);
    }
}

#[test]
fn reconcile_with_an_old_peer_uses_the_list() {
    let peer = Peer {
        is_old: true,
        ..Peer::new(5..505)
    };
    let (compared, ..) = compare(&numbers(0..500), &peer);
    assert_eq!(*peer.asked.lock().unwrap(), ["symbols", "list"]);
    assert_eq!(compared.cost.way, ReconcileMethod::List);
    assert_eq!(compared.cost.round_trips, 2);
}

#[test]
fn reconcile_with_changing_peer_restarts_once_then_uses_the_list() {
    let own = numbers(0..2_000);
    let peer = Peer::new(100..2_100);
    *peer.changes.lock().unwrap() = 1;
    let (compared, _, came) = compare(&own, &peer);
    assert_eq!(compared.cost.way, ReconcileMethod::Symbols);
    assert_eq!(came.len(), 101);
    let peer = Peer::new(100..2_100);
    *peer.changes.lock().unwrap() = 1_000;
    let (compared, missing, came) = compare(&own, &peer);
    assert_eq!(compared.cost.way, ReconcileMethod::List);
    assert_eq!((missing.len(), came.len()), (100, 104));
}

#[test]
fn reconcile_requests_many_wanted_items_in_pieces() {
    let (size, new) = (100_000, RECONCILE_WANTED_MAX as u32 + 100);
    let peer = Peer::new(0..size + new);
    let (compared, missing, came) = compare(&numbers(0..size), &peer);
    assert_eq!(compared.cost.way, ReconcileMethod::Symbols);
    assert!(missing.is_empty());
    assert_eq!(came, numbers(size..size + new));
    assert_eq!(compared.left, 0);
    let asked = peer.asked.lock().unwrap();
    assert_eq!(asked.iter().filter(|what| **what == "wanted").count(), 2);
}
