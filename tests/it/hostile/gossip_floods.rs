//! Attacks on a node that gossips by itself.
//! They are floods of announcements and of strangers' manifests, peers that always have something
//! new, and callers that are not there.

use std::net::SocketAddr;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use alimentar::ident::ContentId;
use alimentar::manifest::Envelope;
use alimentar::manifest::Manifest;
use alimentar::protocol::Access;
use alimentar::protocol::Hello;
use alimentar::protocol::Refusal;
use alimentar::protocol::RefusalCode;
use alimentar::protocol::Request;
use alimentar::protocol::Response;
use alimentar::trust::KeyPair;
use alimentar::wire::limits::CALLERS_PER_HOST_MAX;
use alimentar::wire::limits::KNOWN_MAX;
use alimentar::wire::limits::KNOWN_PER_PEER_MAX;
use alimentar::wire::limits::KNOWN_PER_STRANGER_MAX;
use serde_json::Value;

use crate::hostile::actors::asker::Asker;
use crate::hostile::actors::asker::code;
use crate::hostile::actors::lab::Lab;
use crate::hostile::actors::liar::Liar;
use crate::hostile::actors::liar::Told;
use crate::hostile::actors::node::Node;
use crate::support::answer;
use crate::support::lines;
use crate::support::listed;
use crate::support::wait::until;

/// The `n`th dataset of a stranger, as far as a manifest says.
fn invented(truth: &Manifest, by: &KeyPair, n: u64) -> Envelope {
    let mut manifest = truth.clone();
    manifest.name = format!("invented-{n}").parse().unwrap();
    manifest.content_id = ContentId::new(*blake3::hash(&n.to_le_bytes()).as_bytes());
    (manifest.seq, manifest.prev) = (n + 1, Vec::new());
    manifest.clock = std::collections::BTreeMap::new();
    by.sign(&mut manifest).unwrap()
}

fn announcement(envelopes: Vec<Vec<u8>>) -> Request {
    Request::Announce {
        envelopes,
        statements: Vec::new(),
    }
}

/// The counts of the outcomes of a flood.
#[derive(Default)]
struct Tally {
    taken: AtomicU64,
    refused: AtomicU64,
    closed: AtomicU64,
}

/// Says the same on a connection of its own, again and again, until it is enough.
async fn flood(at: SocketAddr, number: u64, bytes: Arc<Vec<u8>>, so_far: Arc<(AtomicBool, Tally)>) {
    let (is_enough, tally) = &*so_far;
    while !is_enough.load(Ordering::Relaxed) {
        let Ok(asker) = Asker::silent(at, number).await else {
            continue;
        };
        let _ = asker
            .send(&crate::hostile::actors::asker::hello().encode())
            .await;
        while !is_enough.load(Ordering::Relaxed) {
            let Some(answers) = asker.send(&bytes).await else {
                tally.closed.fetch_add(1, Ordering::Relaxed);
                break;
            };
            match answers.as_slice() {
                [Response::Announced(_)] => tally.taken.fetch_add(1, Ordering::Relaxed),
                other => {
                    assert!(code(other).is_some(), "{other:?}");
                    tally.refused.fetch_add(1, Ordering::Relaxed)
                }
            };
            if code(&answers) == Some(RefusalCode::Malformed) {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announcement_flood_delays_nobody() {
    announcing(Duration::from_secs(3)).await;
}

/// By hand, with `--release`: what gets through in a minute, to be extrapolated.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute, and is for its figures"]
async fn announcements_for_a_minute_by_hand() {
    announcing(Duration::from_secs(60)).await;
}

#[allow(clippy::print_stderr, reason = "figures of a run by hand")]
async fn announcing(long: Duration) {
    let lab = Lab::new();
    let shown = lab.index("corpus", &lines(2_000, 1), false);
    let mut node = Node::serve(lab.served(), &[]);
    let stranger = KeyPair::generate().unwrap();
    let good = invented(&shown.manifest, &stranger, 0).encode();
    let mut forged = good.clone();
    *forged.last_mut().unwrap() ^= 1;
    let same: Vec<Vec<u8>> = (0..500)
        .map(|n| invented(&shown.manifest, &stranger, n).encode())
        .collect();
    // Forgeries at the end, so that all before them is looked at; the most a request may hold;
    // the same again and again; garbage.
    let mut many = same.clone();
    many.push(forged.clone());
    let floods = [
        announcement(many).encode(),
        announcement(vec![forged.clone(); 16_000]).encode(),
        announcement(same).encode(),
        announcement(vec![forged]).encode(),
        announcement(vec![vec![7; 500]]).encode(),
        announcement(vec![good]).encode(),
    ];
    let so_far = Arc::new((AtomicBool::new(false), Tally::default()));
    let mut all = tokio::task::JoinSet::new();
    for (n, bytes) in floods.into_iter().enumerate() {
        let bytes = Arc::new(bytes);
        // One peer with several connections of each kind.
        for _ in 0..3 {
            let (bytes, so_far) = (bytes.clone(), so_far.clone());
            all.spawn(flood(node.address, n as u64 / 2, bytes, so_far));
        }
    }
    let begun = Instant::now();
    let mut longest = Duration::ZERO;
    while begun.elapsed() < long {
        let asked = Instant::now();
        lab.pulls(&node.peer(), "corpus");
        longest = longest.max(asked.elapsed());
    }
    so_far.0.store(true, Ordering::Relaxed);
    while let Some(ended) = all.join_next().await {
        ended.unwrap();
    }
    let tally = &so_far.1;
    let figure = |n: &AtomicU64| n.load(Ordering::Relaxed);
    let (taken, refused, closed) = (&tally.taken, &tally.refused, &tally.closed);
    eprintln!(
        "{:.1} s: {} announcements taken, {} refused, {} connections closed, pull at most {longest:?}, {}",
        begun.elapsed().as_secs_f64(),
        figure(taken),
        figure(refused),
        figure(closed),
        node.figures(),
    );
    assert!(figure(taken) > 0 && figure(refused) > 0);
    // Of a stranger, and no more than were true.
    assert!(lab.heard() <= 500, "{}", lab.heard());
    assert_eq!(listed(lab.served()), 1);
    let home = lab.home();
    answer(&home, &["registry", "list", "--peer", &node.peer()]);
    node.is_well();
    node.stop();
}

/// Serves what does not end: each comparison finds other manifests of yet another key.
fn endless(lab: &Lab, truth: &Manifest, (keys, each): (usize, u64)) -> (Liar, Arc<AtomicU64>) {
    let keys: Vec<KeyPair> = (0..keys).map(|_| KeyPair::generate().unwrap()).collect();
    let (truth, next) = (truth.clone(), AtomicU64::new(0));
    let compared = Arc::new(AtomicU64::new(0));
    let counted = compared.clone();
    let tell = move |request: &Request, _: &[Response]| match request {
        // So that it is asked for the list.
        Request::Symbols(_) => Told::Answers(vec![Response::Refusal(Refusal::new(
            RefusalCode::NotUnderstood,
            "never heard of it",
        ))]),
        Request::Announce { .. } => Told::Answers(vec![Response::Announced(1 << 40)]),
        Request::Reconcile(_) => {
            counted.fetch_add(1, Ordering::Relaxed);
            let from = next.fetch_add(each, Ordering::Relaxed);
            let one = |n| invented(&truth, &keys[n as usize % keys.len()], n).encode();
            let mut answers = vec![Response::Reconciled(Vec::new())];
            let all: Vec<Vec<u8>> = (from..from + each).map(one).collect();
            answers.extend(
                all.chunks(500)
                    .map(|some| Response::Manifests(some.to_vec())),
            );
            Told::Answers(answers)
        }
        _ => Told::Truth,
    };
    (Liar::serve(&lab.registry, Box::new(tell)), compared)
}

fn pin(home: &std::path::Path, peers: &[(SocketAddr, String)]) {
    std::fs::create_dir_all(home).unwrap();
    let lines = peers.iter().map(|(at, id)| format!("{at} {id}\n"));
    std::fs::write(home.join("known_peers"), lines.collect::<String>()).unwrap();
}

fn heard(home: &std::path::Path) -> Vec<(bool, String)> {
    let registry = alimentar::LocalRegistry::open(home).unwrap();
    let heard = registry.peers().remote_manifests().unwrap().into_iter();
    heard
        .map(|l| (l.alias.is_some(), l.dataset.summary.name.to_string()))
        .collect()
}

#[test]
fn gossip_backs_off_from_a_peer_that_always_has_news() {
    strangers((20, 400), Duration::from_secs(8), 8);
}

/// By hand, with `--release`: some hundred thousand validly signed manifests.
#[test]
#[ignore = "takes minutes, and is for its figures"]
fn strangers_by_the_hundred_thousand_by_hand() {
    strangers((400, 16_000), Duration::from_secs(120), 15);
}

#[allow(clippy::print_stderr, reason = "figures of a run by hand")]
fn strangers(many: (usize, u64), long: Duration, most: u64) {
    let lab = Lab::new();
    let shown = lab.index("corpus", &lines(2_000, 1), false);
    let honest = Node::serve(lab.served(), &[]);
    let (liar, compared) = endless(&lab, &shown.manifest, many);
    let home = lab.home();
    let honest_at = (honest.address, honest.id.clone());
    pin(&home, &[honest_at, (liar.address, liar.id.to_string())]);
    let mut node = Node::serve(&home, &[]);
    let is_there = || heard(&home).contains(&(true, "corpus".to_owned()));
    until("the trusted one is heard of", is_there);
    std::thread::sleep(long);
    let rounds = compared.load(Ordering::Relaxed);
    let heard = heard(&home);
    eprintln!(
        "{rounds} comparisons brought {} manifests, {} are kept, {}",
        rounds * many.1,
        heard.len(),
        node.figures()
    );
    // Chance decides the turn.
    assert!((1..=most).contains(&rounds), "{rounds}");
    let most = KNOWN_PER_STRANGER_MAX * many.0;
    let most = most.min(KNOWN_PER_PEER_MAX + 1).min(KNOWN_MAX);
    assert!(heard.len() <= most, "{}", heard.len());
    assert!(is_there());
    // It goes on with the others: what is new there comes.
    lab.index("later", &lines(100, 2), false);
    let has_come = || self::heard(&home).contains(&(true, "later".to_owned()));
    until("what is new at the honest node", has_come);
    lab.pulls(&honest.peer(), "corpus");
    node.is_well();
    node.stop();
    honest.stop();
}

/// A caller that says that it serves at a port.
fn serving_at(port: u16) -> Request {
    Request::Hello(Hello {
        port: Some(port),
        ..Hello::own(Access::Open)
    })
}

/// Datagrams that come to a service which is none of the protocol's.
fn victim() -> (u16, Arc<AtomicU64>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let count = Arc::new(AtomicU64::new(0));
    let counted = count.clone();
    std::thread::spawn(move || {
        let mut bytes = [0; 2048];
        while socket.recv(&mut bytes).is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    (port, count)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caller_with_many_names_directs_no_traffic_at_victims() {
    let lab = Lab::new();
    lab.index("corpus", &lines(200, 1), false);
    let mut node = Node::serve(lab.served(), &[]);
    let (port, datagrams) = victim();
    let began = Instant::now();
    let mut askers = Vec::new();
    for number in 0..100 {
        let asker = Asker::silent(node.address, number).await.unwrap();
        for at in [port, 1] {
            let answers = asker.ask(&serving_at(at)).await;
            assert!(matches!(answers.as_slice(), [Response::Hello(_)]));
        }
        // The same name once more, over another connection, and gone again.
        let again = Asker::silent(node.address, number).await.unwrap();
        again.ask(&serving_at(port)).await;
        again.leave().await;
        askers.push(asker);
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let peers = answer(lab.served(), &["registry", "peers"]);
    let known = peers["peers"].as_array().unwrap().len();
    assert!(known <= CALLERS_PER_HOST_MAX, "{known}");
    // A few handshakes at a time, and each is given up after some packets: at most 60 in four
    // seconds, and as many more as a slow machine took longer.
    let came = datagrams.load(Ordering::Relaxed);
    let most = 15 * began.elapsed().as_secs().max(4);
    assert!((1..=most).contains(&came), "{came} of at most {most}");
    // The real node is found among the invented ones.
    let other = Lab::new();
    let at = (node.address, node.id.clone());
    pin(other.served(), &[at]);
    let honest = Node::serve(other.served(), &[]);
    until("the honest node is compared with", || other.heard() == 1);
    drop(askers);
    honest.stop();
    node.is_well();
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_with_listed_access_calls_back_only_listed_nodes() {
    let lab = Lab::new();
    lab.index("corpus", &lines(200, 1), false);
    let friend = Asker::id(1);
    answer(lab.served(), &["registry", "access", "add", &friend]);
    let mut node = Node::serve(lab.served(), &["--access", "listed"]);
    let (port, datagrams) = victim();
    for number in 2..12 {
        if let Ok(asker) = Asker::silent(node.address, number).await {
            let _ = asker.send(&serving_at(port).encode()).await;
        }
    }
    let (listed_port, listed_datagrams) = victim();
    let asker = Asker::silent(node.address, 1).await.unwrap();
    asker.ask(&serving_at(listed_port)).await;
    until("the listed one is called", || {
        listed_datagrams.load(Ordering::Relaxed) > 0
    });
    // The others asked before it.
    assert_eq!(datagrams.load(Ordering::Relaxed), 0);
    let peers: Value = answer(lab.served(), &["registry", "peers"]);
    assert_eq!(peers["peers"].as_array().unwrap().len(), 1, "{peers}");
    node.is_well();
    node.stop();
}

/// Several peers may respond to a comparison with endless manifests at the same time.
#[test]
fn gossip_with_oversized_responses_stays_within_memory() {
    let lab = Lab::new();
    let shown = lab.index("corpus", &lines(2_000, 1), false);
    let honest = Node::serve(lab.served(), &[]);
    let stranger = KeyPair::generate().unwrap();
    let many = (0..500).map(|n| invented(&shown.manifest, &stranger, n).encode());
    let batch = Response::Manifests(many.collect()).encode();
    let liars: Vec<Liar> = (0..6)
        .map(|number| {
            let (batch, is_first) = (batch.clone(), AtomicBool::new(true));
            let tell = move |request: &Request, _: &[Response]| match request {
                Request::Reconcile(_) if is_first.swap(false, Ordering::Relaxed) => {
                    let begin = Response::Reconciled(Vec::new()).encode();
                    Told::Bytes([begin, batch.repeat(400)].concat())
                }
                Request::Reconcile(_) => Told::Endless(batch.clone()),
                _ => Told::Truth,
            };
            Liar::serve_at(&lab.registry, 0, 50 + number, Box::new(tell))
        })
        .collect();
    let home = lab.home();
    let mut places: Vec<(SocketAddr, String)> = Vec::new();
    places.extend(liars.iter().map(|l| (l.address, l.id.to_string())));
    places.push((honest.address, honest.id.clone()));
    pin(&home, &places);
    let mut node = Node::serve(&home, &[]);
    let is_there = || heard(&home).contains(&(true, "corpus".to_owned()));
    until("the trusted one is heard of", is_there);
    let all_lied = || liars.iter().all(|l| l.lies.load(Ordering::Relaxed) > 0);
    until("all have lied", all_lied);
    std::thread::sleep(Duration::from_secs(2));
    // Nothing of what did not come to an honest end is kept.
    assert_eq!(heard(&home).len(), 1);
    node.is_well();
    node.stop();
    honest.stop();
}
