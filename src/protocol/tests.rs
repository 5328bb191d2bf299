//! Messages decode to the encoded value, frames keep their limits, and no order of events makes a
//! schedule forget a window.

use std::time::Duration;

use crate::ident::ContentId;
use crate::ident::EnvelopeId;
use crate::ident::HexPrefix;
use crate::ident::NodeId;
use crate::ident::TreeId;
use crate::protocol::messages::delta::Delta;
use crate::protocol::reconcile::*;
use crate::protocol::*;
use crate::wire::DecodeError;
use crate::wire::limits::CHUNKS_ASKED_MAX;
use crate::wire::limits::RECONCILE_SYMBOLS_ASKED_MAX;
use crate::wire::limits::RECONCILE_SYMBOLS_MAX;
use crate::wire::limits::RECONCILE_WANTED_MAX;

fn requests() -> Vec<Request> {
    let envelope = EnvelopeId::new([7; 32]);
    let salt = Salt::new([3; 16]);
    let mut elements: Vec<Element> = (0..5)
        .map(|n| salt.envelope(&EnvelopeId::new([n; 32])))
        .collect();
    elements.sort_unstable();
    vec![
        Request::Hello(Hello::own(Access::Listed)),
        Request::List(ListFilter::All),
        Request::List(ListFilter::Name("corpus".parse().unwrap())),
        Request::List(ListFilter::Content(HexPrefix::parse("3fa9c1d2").unwrap())),
        Request::Wanted(WantedRequest {
            salt,
            elements: elements.clone(),
        }),
        Request::Reconcile(ReconcileRequest { salt, elements }),
        Request::Symbols(SymbolsRequest {
            salt,
            digest: CatalogDigest::new([1; 16]),
            from: 300,
            take: 64,
        }),
        Request::PullNode(PullNodeRequest {
            envelope,
            tree: TreeKind::Table,
            places: vec![
                NodePlace::ROOT,
                NodePlace {
                    level: 1,
                    offset: 1 << 40,
                },
            ],
        }),
        Request::PullChunk(PullChunkRequest {
            envelope,
            tree: TreeKind::Data,
            offset: 300,
            runs: vec![Run { skip: 0, take: 5 }, Run { skip: 200, take: 1 }],
        }),
        Request::PullCard(envelope),
        Request::RecordBoundaries(RecordBoundariesRequest {
            envelope,
            tree: TreeKind::Data,
            offset: 1 << 33,
            chunks: 8192,
        }),
        Request::PullDelta(PullDeltaRequest {
            envelope,
            tree: TreeKind::Table,
            offset: 1 << 33,
            held: HeldVersion {
                content_id: ContentId::new([4; 32]),
                root: TreeId::new([5; 32]),
            },
            groups: vec![
                DeltaGroup {
                    skip: 0,
                    take: 8000,
                    bases: None,
                },
                DeltaGroup {
                    skip: 0,
                    take: 1,
                    bases: Some(BaseRun {
                        from: 1 << 40,
                        count: 64,
                    }),
                },
            ],
        }),
        Request::PullNodeDelta(PullNodeDeltaRequest {
            nodes: PullNodeRequest {
                envelope,
                tree: TreeKind::Data,
                places: vec![NodePlace::ROOT],
            },
            held: HeldVersion {
                content_id: ContentId::new([4; 32]),
                root: TreeId::new([5; 32]),
            },
        }),
        Request::Filter,
        Request::Announce {
            envelopes: vec![vec![1, 2], vec![]],
            statements: vec![vec![3]],
        },
    ]
}

fn responses() -> Vec<Response> {
    vec![
        Response::Hello(Hello::own(Access::Open)),
        Response::Manifests(vec![vec![5; 2000], vec![6]]),
        Response::Reconciled(vec![0, 1, 4, 400]),
        Response::Nodes(vec![vec![1; 70], vec![]]),
        Response::RecordBoundaries(vec![1, 2, 300]),
        Response::Chunks(vec![9; 10]),
        Response::Delta(Delta {
            chunks: vec![8000, 1],
            bases: vec![3, 4, 5],
            payload: vec![7; 9],
        }),
        Response::NodesDelta {
            raw_bytes: 300,
            payload: vec![3; 40],
        },
        Response::Card(b"# card".to_vec()),
        Response::Filter(Filter::build(&[ContentId::new([1; 32])]).encode()),
        Response::Announced(3),
        Response::Statements(vec![vec![5; 20]]),
        Response::Symbols(Symbols {
            count: u64::MAX,
            digest: CatalogDigest::new([1; 16]),
            from: 3,
            symbols: vec![
                Symbol {
                    sum: 1 << 63,
                    check: 7,
                    count: -1,
                };
                3
            ],
        }),
        Response::Refusal(Refusal::new(RefusalCode::NotFound, "no such dataset")),
    ]
}

/// A peer that answers every request with the same frames, or with their first refusal.
struct Parrot(Vec<Response>);

impl PeerConnection for Parrot {
    fn node_id(&self) -> NodeId {
        NodeId::new([1; 32])
    }

    fn address(&self) -> String {
        "parrot".to_owned()
    }

    fn access(&self) -> Access {
        Access::Open
    }

    fn call(
        &self,
        _: &Request,
        _: &dyn Fn() -> bool,
        each: &mut EachResponse<'_>,
    ) -> Result<(), PeerError> {
        self.0.iter().cloned().try_for_each(each)
    }

    fn reconnect(&self, _: &dyn Fn() -> bool) -> Result<(), PeerError> {
        Ok(())
    }
}

#[test]
fn filter_response_must_be_one_valid_frame() {
    let filter = Filter::build(&[ContentId::new([1; 32])]);
    let good = Response::Filter(filter.encode());
    let asked = |responses: &[&Response]| {
        let parrot = Parrot(responses.iter().map(|a| (*a).clone()).collect());
        parrot.filter().map_err(|e| e.is_misconduct())
    };
    assert_eq!(asked(&[&good]), Ok(filter));
    let bad = Response::Filter(vec![1, 1]);
    let other = Response::Card(Vec::new());
    for responses in [
        &[][..],
        &[&good, &good],
        &[&bad],
        &[&other],
        &[&good, &other],
    ] {
        assert_eq!(asked(responses), Err(true), "{responses:?}");
    }
}

fn whole_frame(bytes: &[u8], limit: fn(u8) -> usize) -> Frame {
    let mut reader = FrameReader::new(limit);
    let (last, before) = bytes.split_last().unwrap();
    for byte in before {
        assert_eq!(reader.read(&mut [*byte].as_slice()).unwrap(), None);
        assert!(matches!(reader.end(), Err(DecodeError::Truncated)));
    }
    // The following bytes are left for the next frame.
    let end = [*last, 77];
    let mut piece = end.as_slice();
    let frame = reader.read(&mut piece).unwrap().unwrap();
    assert_eq!(piece, [77]);
    reader.end().unwrap();
    frame
}

#[test]
fn messages_decode_to_the_encoded_value() {
    for request in requests() {
        let frame = whole_frame(&request.encode(), Request::body_limit);
        assert_eq!(Request::decode(&frame).unwrap(), Some(request));
    }
    for response in responses() {
        let frame = whole_frame(&response.encode(), Response::body_limit);
        assert_eq!(Response::decode(frame).unwrap(), response);
    }
}

#[test]
fn messages_cut_short_or_too_long_are_refused() {
    let each = requests().into_iter().map(|r| r.encode());
    for bytes in each.chain(responses().into_iter().map(|a| a.encode())) {
        let kind = bytes[0];
        let body = &bytes[FRAME_HEADER_BYTES..];
        // Lists of nodes and of symbols may end after any entry; the requester counts.
        let opaque = matches!(kind, 0x84..=0x86 | 0x8a | 0x8b);
        for cut in 0..body.len() {
            let body = body[..cut].to_vec();
            let frame = Frame { kind, body };
            let refused = Request::decode(&frame).is_err() || Response::decode(frame).is_err();
            assert!(refused || opaque, "{kind:#x} cut at {cut}");
        }
        let frame = Frame {
            kind,
            body: [body, &[0]].concat(),
        };
        // A later version's hello is longer.
        let may_grow = opaque || matches!(kind, 0x01 | 0x81 | 0x82 | 0x84 | 0x88);
        let decoded = if kind < 0x70 {
            Request::decode(&frame).is_ok()
        } else {
            Response::decode(frame).is_ok()
        };
        assert!(!decoded || may_grow, "{kind:#x}");
    }
}

#[test]
fn frames_of_unknown_kind_are_skipped_and_too_long_ones_refused() {
    let frame = Frame {
        kind: 0x33,
        body: vec![1, 2, 3],
    };
    assert_eq!(Request::decode(&frame).unwrap(), None);
    let mut reader = FrameReader::new(Request::body_limit);
    let mut header = [2, 0, 0, 0, 0x7f].as_slice();
    assert!(matches!(
        reader.read(&mut header),
        Err(DecodeError::Limit { .. })
    ));
    let run = |skip, take| {
        let runs = vec![Run { skip, take }];
        let request = Request::PullChunk(PullChunkRequest {
            envelope: EnvelopeId::new([0; 32]),
            tree: TreeKind::Data,
            offset: 0,
            runs,
        });
        Request::decode(&whole_frame(&request.encode(), Request::body_limit))
    };
    assert!(run(0, CHUNKS_ASKED_MAX).is_ok());
    assert!(matches!(
        run(1, CHUNKS_ASKED_MAX),
        Err(DecodeError::Limit { .. })
    ));
    assert!(matches!(run(u64::MAX, 1), Err(DecodeError::Limit { .. })));
    assert!(matches!(run(3, 0), Err(DecodeError::Invalid { .. })));
}

#[test]
fn wanted_elements_ascend_and_symbols_match_their_count() {
    let read =
        |request: &Request| Request::decode(&whole_frame(&request.encode(), Request::body_limit));
    let salt = Salt::new([3; 16]);
    let (low, high) = (Element([1; 8]), Element([2; 8]));
    let wanted = |elements: &[Element]| {
        read(&Request::Wanted(WantedRequest {
            salt,
            elements: elements.to_vec(),
        }))
    };
    assert!(wanted(&[low, high]).is_ok());
    assert!(matches!(
        wanted(&[low, low]),
        Err(DecodeError::Invalid { .. })
    ));
    assert!(matches!(
        wanted(&[high, low]),
        Err(DecodeError::Invalid { .. })
    ));
    let many = |count: u64| {
        let each = (0..count).map(|n| Element(n.swap_bytes().to_le_bytes()));
        wanted(&each.collect::<Vec<_>>())
    };
    assert!(many(RECONCILE_WANTED_MAX as u64).is_ok());
    assert!(matches!(
        many(RECONCILE_WANTED_MAX as u64 + 1),
        Err(DecodeError::Limit { .. })
    ));
    let asked = |from, take| {
        let digest = CatalogDigest::new([1; 16]);
        let request = SymbolsRequest {
            salt,
            digest,
            from,
            take,
        };
        (read(&Request::Symbols(request)), request.is_in_bounds())
    };
    assert!(matches!(
        asked(0, RECONCILE_SYMBOLS_ASKED_MAX),
        (Ok(_), true)
    ));
    assert!(matches!(
        asked(0, RECONCILE_SYMBOLS_ASKED_MAX + 1).0,
        Err(DecodeError::Limit { .. })
    ));
    assert!(matches!(asked(u64::MAX, 1), (Ok(_), false)));
    assert!(!asked(RECONCILE_SYMBOLS_MAX as u64, 1).1);
    // A mode of a later version.
    let frame = Frame {
        kind: 3,
        body: vec![3, 0],
    };
    assert_eq!(Request::decode(&frame).unwrap(), None);
}

#[test]
fn elements_depend_on_salt_and_kind() {
    let id = [8; 32];
    let salt = Salt::new([1; 16]);
    let envelope = salt.envelope(&EnvelopeId::new(id));
    assert_ne!(
        envelope,
        salt.statement(&crate::ident::StatementId::new(id))
    );
    assert_ne!(envelope, Salt::new([2; 16]).envelope(&EnvelopeId::new(id)));
}

#[test]
fn rate_limiter_admits_the_rate_and_no_more() {
    let budget = RateLimit {
        concurrent: 2,
        per_second: 10,
        burst: 3,
    };
    let at = Duration::from_millis;
    let mut limiter = RateLimiter::new(budget, at(0));
    assert!(limiter.begin(at(0)) && limiter.begin(at(0)));
    // Two are under way.
    assert!(!limiter.begin(at(0)));
    limiter.end();
    limiter.end();
    assert!(limiter.begin(at(0)));
    limiter.end();
    // The burst is used up; a tenth of a second later there is one more.
    assert!(!limiter.begin(at(50)));
    assert!(limiter.begin(at(150)));
    limiter.end();
    let begun = (0..10_000)
        .filter(|n| {
            let begun = limiter.begin(at(1000 + n));
            limiter.end();
            begun
        })
        .count();
    assert!((95..=110).contains(&begun), "{begun} in ten seconds");
    // An expensive request takes the tokens of several cheap ones.
    assert!(limiter.begin(at(20_000)));
    limiter.end();
    assert!(!limiter.charge(3) && limiter.charge(2) && !limiter.charge(1));
    // A clock that goes back adds no token.
    assert!(!limiter.begin(at(0)));
}

#[test]
fn schedule_in_any_order_of_events_forgets_no_window() {
    for seed in 1..3_000_u64 {
        let mut random = Random::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let peers = 1 + random.below(4) as usize;
        let windows = random.below(20);
        let mut plan = FetchSchedule::new(peers);
        let mut offered = 0;
        let mut first = vec![0; windows as usize];
        let mut at_work: Vec<(PeerSlot, u64)> = Vec::new();
        let mut now = Duration::ZERO;
        for _ in 0..2_000 {
            now += Duration::from_millis(random.below(900));
            let peer = PeerSlot(random.below(peers as u64) as usize);
            match random.below(6) {
                0 if offered < windows => {
                    plan.offer(offered);
                    offered += 1;
                }
                0 | 1 if offered == windows => plan.close(),
                2 | 3 => {
                    if let NextFetch::Fetch(window) = plan.next(peer, now) {
                        assert!(!at_work.contains(&(peer, window)), "seed {seed}");
                        at_work.push((peer, window));
                    }
                }
                4 if !at_work.is_empty() => {
                    let n = random.below(at_work.len() as u64) as usize;
                    let (_, window) = at_work.swap_remove(n);
                    if plan.finish(window) == FetchOutcome::First {
                        first[window as usize] += 1;
                    }
                }
                // The first peer never fails.
                5 if peer != PeerSlot(0) && random.below(4) == 0 => {
                    plan.drop_peer(peer);
                    at_work.retain(|(l, window)| {
                        if *l == peer {
                            plan.give_back(peer, *window);
                        }
                        *l != peer
                    });
                }
                _ => {}
            }
            if plan.is_done() {
                break;
            }
        }
        assert!(plan.is_done(), "seed {seed}");
        assert!(first.iter().all(|n| *n == 1), "seed {seed}: {first:?}");
        assert_eq!(plan.next(PeerSlot(0), now), NextFetch::End);
    }
}

#[test]
fn pace_makes_fast_bytes_wait_and_pauses_earn_nothing() {
    let mut pace = crate::protocol::Pace::new(1_000);
    let at = Duration::from_millis;
    assert_eq!(pace.wait_after(at(0), 500), at(500));
    assert_eq!(pace.wait_after(at(500), 500), at(500));
    // Two at once pay one after the other.
    assert_eq!(pace.wait_after(at(500), 1_000), at(1_500));
    assert_eq!(pace.wait_after(at(60_000), 100), at(100));
    assert_eq!(
        crate::protocol::Pace::new(0).wait_after(at(0), 2),
        at(2_000)
    );
}
