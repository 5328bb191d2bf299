//! Every lie that a node can tell is found by the program that pulls from it, and named.

use std::path::Path;
use std::process::Output;

use alimentar::manifest::Envelope;
use alimentar::manifest::Manifest;
use alimentar::pack::Item;
use alimentar::pack::Record;
use alimentar::pack::RecordView;
use alimentar::protocol::Refusal;
use alimentar::protocol::RefusalCode;
use alimentar::protocol::Request;
use alimentar::protocol::Response;
use alimentar::protocol::TreeKind;

use crate::hostile::actors::lab::Lab;
use crate::hostile::actors::lab::pull;
use crate::hostile::actors::liar::Liar;
use crate::hostile::actors::liar::Tell;
use crate::hostile::actors::liar::Told;
use crate::hostile::actors::liar::asking;
use crate::hostile::actors::liar::encoded;
use crate::hostile::actors::node::Node;
use crate::support::is_sound;
use crate::support::lines;
use crate::support::listed;
use crate::support::random::Random;
use crate::support::random::random_bytes;
use crate::support::run_on;
use crate::support::stderr;

/// A liar beside an honest node that serves the same.
struct Court {
    lab: Lab,
    honest: Node,
}

/// The kind of request that a lie answers.
#[derive(Clone, Copy, PartialEq)]
enum About {
    Hello,
    List,
    Nodes,
    Chunks,
    Card,
}

fn is_about(request: &Request, about: About) -> bool {
    match request {
        Request::Hello(_) => about == About::Hello,
        Request::List(_) => about == About::List,
        Request::PullNode(_) => about == About::Nodes,
        Request::PullChunk(r) => about == About::Chunks && r.tree == TreeKind::Data,
        Request::PullCard(_) => about == About::Card,
        _ => false,
    }
}

/// A lie by its name.
type Case = (&'static str, fn(&[Response]) -> Told);

/// Lies about one thing.
fn only(about: About, tell: impl Fn(&[Response]) -> Told + Send + Sync + 'static) -> Box<Tell> {
    Box::new(move |request, truth| match is_about(request, about) {
        true => tell(truth),
        false => Told::Truth,
    })
}

fn refusal(code: RefusalCode, text: &str) -> Response {
    Response::Refusal(Refusal::new(code, text))
}

impl Court {
    fn new() -> Self {
        let lab = Lab::new();
        lab.index("corpus", &lines(6_000, 1), false);
        let honest = Node::serve(lab.served(), &[]);
        Self { lab, honest }
    }

    /// A liar is found out with an exit code, and named; nothing of it is to be seen.
    fn tries(&self, what: &str, code: i32, tell: Box<Tell>) {
        let lab = &self.lab;
        let liar = Liar::serve(&lab.registry, tell);
        let address = liar.address.to_string();
        let home = lab.home();
        let out = pull(&home, &[&liar.peer()], "corpus");
        let said = stderr(&out);
        assert_eq!(out.status.code(), Some(code), "{what}: {said}");
        assert!(said.contains(&address), "{what}: {said}");
        assert!(!out.stderr.contains(&0x1b), "{what}");
        assert!(liar.lies().0 > 0, "{what}: it never lied");
        assert_eq!(listed(&home), 0, "{what}");
        is_sound(&home);
        lab.pulls_into(&home, &[&self.honest.peer()], "corpus");

        let peers = [liar.peer(), self.honest.peer()];
        let peers = [peers[0].as_str(), &peers[1]];
        let said = lab.pulls_into(&lab.home(), &peers, "corpus");
        let named = said.contains("warning") && said.contains(&address);
        let (lies, breaks) = liar.lies();
        assert!(named || lies == breaks, "{what}: {said}");
        self.looks(what, code, &liar);
    }

    /// A look finds the same lie, unless it needs no such answer.
    fn looks(&self, what: &str, code: i32, liar: &Liar) {
        let (home, before) = (self.lab.home(), liar.lies().0);
        let out = look(&home, &[&liar.peer()]);
        let said = stderr(&out);
        if liar.lies().0 > before {
            assert_eq!(out.status.code(), Some(code), "{what}: {said}");
            assert!(said.contains(&liar.address.to_string()), "{what}: {said}");
        } else {
            assert!(out.status.success(), "{what}: {said}");
        }
        assert_eq!(listed(&home), 0, "{what}");
        is_sound(&home);
        let out = look(&self.lab.home(), &[&liar.peer(), &self.honest.peer()]);
        let said = stderr(&out);
        assert!(out.status.success(), "{what}: {said}");
        let found: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(found["matches"], 6_000, "{what}");
    }
}

/// Searches all rows of a dataset at peers.
fn look(home: &Path, peers: &[&str]) -> Output {
    let mut words = vec!["--json", "inspect", "search", "corpus", ".", "--count"];
    peers.iter().for_each(|peer| words.extend(["--peer", peer]));
    run_on(home, &words)
}

fn flipped(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = random.below(bytes.len() as u64) as usize;
    bytes[at] ^= 1 << random.below(8);
    bytes
}

fn records(truth: &[Response]) -> Vec<Vec<u8>> {
    let record = |answer: &Response| match answer {
        Response::Chunks(bytes) => bytes.clone(),
        other => panic!("{other:?}"),
    };
    truth.iter().map(record).collect()
}

/// The same payload under other items.
fn relabelled(bytes: &[u8], change: impl Fn(&mut Vec<Item>)) -> Response {
    let view = RecordView::decode(bytes).unwrap();
    let payload = bytes[view.header.header_bytes()..].to_vec();
    let mut items = view.header.items.clone();
    change(&mut items);
    let record = Record {
        kind: view.header.kind.unwrap(),
        codec: view.header.codec.unwrap(),
        flags: view.header.flags,
        sequence: 0,
        items,
        bases: Vec::new(),
        payload,
    };
    Response::Chunks(record.encode())
}

#[test]
fn pull_finds_lies_about_chunks() {
    let court = Court::new();
    for seed in 0..6 {
        let flip = only(About::Chunks, move |truth| {
            let mut random = Random::new(seed);
            let mut all = records(truth);
            let which = random.below(all.len() as u64) as usize;
            all[which] = flipped(&all[which], &mut random);
            Told::Answers(all.into_iter().map(Response::Chunks).collect())
        });
        court.tries("a flipped bit", 6, flip);
    }
    let cases: Vec<Case> = vec![
        ("fewer records", |truth| Told::Answers(truth[1..].to_vec())),
        ("no record", |_| Told::Answers(Vec::new())),
        ("each record twice", |truth| {
            let twice = truth.iter().flat_map(|a| [a.clone(), a.clone()]);
            Told::Answers(twice.collect())
        }),
        ("a chunk under the id of another", |truth| {
            let change = |items: &mut Vec<Item>| {
                let (first, last) = (items[0].id, items[items.len() - 1].id);
                items[0].id = last;
                items.last_mut().unwrap().id = first;
            };
            Told::Answers(vec![relabelled(&records(truth)[0], change)])
        }),
        ("chunks of other lengths", |truth| {
            let change = |items: &mut Vec<Item>| {
                items[0].raw_bytes += 1;
                items[1].raw_bytes -= 1;
            };
            Told::Answers(vec![relabelled(&records(truth)[0], change)])
        }),
        ("a length that is not true", |truth| {
            let change = |items: &mut Vec<Item>| items[0].raw_bytes += 1;
            Told::Answers(vec![relabelled(&records(truth)[0], change)])
        }),
        ("an answer cut in the middle", |truth| {
            let bytes = encoded(truth);
            Told::Bytes(bytes[..bytes.len() / 2].to_vec())
        }),
        ("an answer that is reset", |truth| {
            let bytes = encoded(truth);
            Told::Reset(bytes[..bytes.len() / 2].to_vec())
        }),
        ("a connection closed in the middle", |truth| {
            let bytes = encoded(truth);
            Told::Close(bytes[..bytes.len() / 2].to_vec())
        }),
        ("garbage", |_| {
            Told::Bytes(random_bytes(&mut Random::new(1), 5_000))
        }),
        ("a frame of an unknown kind", |_| {
            Told::Bytes(vec![0x99, 1, 0, 0, 0, 7])
        }),
        ("more than a frame may have", |_| {
            Told::Bytes(vec![0x85, 0xff, 0xff, 0xff, 0xff])
        }),
        ("an answer to something else", |_| {
            Told::Answers(vec![Response::Card(vec![1; 100])])
        }),
        ("records of nothing without an end", |truth| {
            let nothing = relabelled(&records(truth)[0], Vec::clear);
            Told::Endless(nothing.encode())
        }),
        ("truly empty records without an end", |truth| {
            let whole = relabelled(&records(truth)[0], Vec::clear);
            let Response::Chunks(bytes) = whole else {
                panic!();
            };
            let header = RecordView::decode(&bytes).unwrap().header;
            let record = Record {
                kind: header.kind.unwrap(),
                codec: alimentar::chunk::Codec::Raw,
                flags: header.flags,
                sequence: 0,
                items: Vec::new(),
                bases: Vec::new(),
                payload: Vec::new(),
            };
            Told::Endless(Response::Chunks(record.encode()).encode())
        }),
    ];
    for (what, tell) in cases {
        court.tries(what, 6, only(About::Chunks, tell));
    }
    court.honest.stop();
}

#[test]
fn pull_finds_lies_about_nodes_cards_and_hellos() {
    let court = Court::new();
    let nodes = |truth: &[Response]| match truth {
        [Response::Nodes(nodes)] => nodes.clone(),
        other => panic!("{other:?}"),
    };
    let told = move |change: fn(&mut Vec<Vec<u8>>)| {
        only(About::Nodes, move |truth| {
            let mut nodes = nodes(truth);
            change(&mut nodes);
            Told::Answers(vec![Response::Nodes(nodes)])
        })
    };
    court.tries("a flipped bit", 6, told(|n| n[0][9] ^= 1));
    court.tries("no nodes", 6, told(Vec::clear));
    court.tries("more nodes", 6, told(|n| n.push(n[0].clone())));
    court.tries("another node", 6, told(|n| n[0] = vec![0; 60]));
    let empty = Response::Nodes(Vec::new()).encode();
    let endless = only(About::Nodes, move |_| Told::Endless(empty.clone()));
    court.tries("no nodes without an end", 6, endless);

    let card = only(About::Card, |_| {
        Told::Answers(vec![Response::Card(b"# x".to_vec())])
    });
    court.tries("another card", 6, card);
    let cards = Response::Card(vec![7; 1 << 20]).encode();
    let endless = only(About::Card, move |_| Told::Endless(cards.clone()));
    court.tries("cards without an end", 6, endless);

    let garbage = only(About::Hello, |_| Told::Bytes(vec![0x81, 2, 0, 0, 0, 0, 0]));
    court.tries("a hello of no version", 6, garbage);
    let none = only(About::Hello, |_| Told::Answers(Vec::new()));
    court.tries("no hello", 6, none);
    let endless = only(About::Hello, |truth| Told::Endless(encoded(truth)));
    court.tries("hellos without an end", 6, endless);
    let silence = only(About::Hello, |_| Told::Silence);
    court.tries("silence", 6, silence);
    let silence = only(About::Chunks, |_| Told::Silence);
    court.tries("silence where chunks should be", 6, silence);
    let close = only(About::Hello, |_| Told::Close(Vec::new()));
    court.tries("a closed door", 6, close);
    court.honest.stop();
}

#[test]
fn pull_finds_lies_about_the_catalogue() {
    let court = Court::new();
    let envelopes = |truth: &[Response]| match truth {
        [Response::Manifests(all)] => all.clone(),
        other => panic!("{other:?}"),
    };
    for from_end in [1, 64, 65, 96, 200] {
        let broken = only(About::List, move |truth| {
            let mut all = envelopes(truth);
            let at = all[0].len() - from_end;
            all[0][at] ^= 1;
            Told::Answers(vec![Response::Manifests(all)])
        });
        court.tries("a broken signature", 6, broken);
    }
    let garbage = only(About::List, |_| {
        Told::Answers(vec![Response::Manifests(vec![vec![1, 2, 3]])])
    });
    court.tries("no manifest", 6, garbage);
    let other = only(About::List, |_| Told::Answers(vec![Response::Announced(1)]));
    court.tries("another answer", 6, other);
    let empty = Response::Manifests(Vec::new()).encode();
    let endless = only(About::List, move |_| Told::Endless(empty.clone()));
    court.tries("no manifests without an end", 6, endless);
    let endless = only(About::List, |truth| Told::Endless(encoded(truth)));
    court.tries("manifests without an end", 6, endless);
    let void = Response::Manifests(vec![Vec::new()]).encode();
    let endless = only(About::List, move |_| Told::Endless(void.clone()));
    court.tries("empty manifests without an end", 6, endless);
    let bare = |change: fn(&mut Manifest)| -> Box<Tell> {
        let key = court.lab.key.clone();
        only(About::List, move |truth| {
            let envelope = Envelope::decode(&envelopes(truth)[0]).unwrap();
            let mut manifest = Manifest::decode(&envelope.manifest).unwrap();
            change(&mut manifest);
            // Beyond its signer's hand.
            let mut signed = key.sign(&mut manifest).unwrap();
            signed.signature = envelope.signature;
            Told::Answers(vec![Response::Manifests(vec![signed.encode()])])
        })
    };
    court.tries("another size", 6, bare(|m| m.size_bytes += 1));
    court.tries("a later revision", 6, bare(|m| m.seq += 1));
    court.honest.stop();
}

#[test]
fn pull_counts_a_peer_once_for_repeated_manifests() {
    let court = Court::new();
    let many = only(About::List, |truth| {
        let one = truth[0].clone();
        Told::Answers(vec![one; 4_000])
    });
    let liar = Liar::serve(&court.lab.registry, many);
    let out = pull(&court.lab.home(), &[&liar.peer()], "corpus");
    assert!(out.status.success(), "{}", stderr(&out));
    let told: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(told["sources"].as_array().unwrap().len(), 1);
}

#[test]
fn old_manifest_from_a_peer_changes_nothing() {
    let court = Court::new();
    let lab = &court.lab;
    let request = Request::List(alimentar::protocol::ListFilter::All);
    let old: Vec<Response> = lab.registry.peers().answer(&request, &asking()).collect();
    let (file, key) = (lab.path("trust.key"), lab.path("phrase"));
    std::fs::write(&key, "a phrase\n").unwrap();
    let exists = alimentar::keyring::IfExists::Refuse;
    lab.key.save(&file, "a phrase", exists).unwrap();
    let words = [
        "--passphrase-file",
        key.to_str().unwrap(),
        "registry",
        "tag",
        "corpus",
        "--add",
        "later",
        "--key",
        file.to_str().unwrap(),
    ];
    let tagged = run_on(lab.served(), &words);
    assert!(tagged.status.success(), "{}", stderr(&tagged));
    let home = lab.home();
    lab.pulls_into(&home, &[&court.honest.peer()], "corpus");
    let before = crate::support::answer(&home, &["registry", "info", "corpus"]);
    assert_eq!(before["tags"][0], "later");

    let replay = only(About::List, move |_| Told::Answers(old.clone()));
    let liar = Liar::serve(&lab.registry, replay);
    lab.pulls_into(&home, &[&liar.peer()], "corpus");
    let synced = run_on(
        &home,
        &["--json", "registry", "sync", "--peer", &liar.peer()],
    );
    assert!(synced.status.success(), "{}", stderr(&synced));
    let after = crate::support::answer(&home, &["registry", "info", "corpus"]);
    assert_eq!(before, after);
    assert_eq!(listed(&home), 1);
}

#[test]
fn refusals_reach_the_terminal_without_escapes() {
    let court = Court::new();
    let home = court.lab.home();
    for (code, exit) in [
        (RefusalCode::Malformed, 6),
        (RefusalCode::NotFound, 3),
        (RefusalCode::NotAllowed, 5),
        (RefusalCode::Failed, 6),
        (RefusalCode::ShuttingDown, 6),
    ] {
        let text = "no\x1b[31m\x07\u{202e}\r\n\u{9b}2J";
        let refuse = only(About::List, move |_| {
            Told::Answers(vec![refusal(code, text)])
        });
        court.tries("a refusal", exit, refuse);
        let refuse = only(About::Chunks, move |_| {
            Told::Answers(vec![refusal(code, text)])
        });
        let liar = Liar::serve(&court.lab.registry, refuse);
        for words in [
            &["registry", "pull", "corpus", "--peer", &liar.peer()][..],
            &["registry", "sync", "--peer", &liar.peer()],
        ] {
            let out = run_on(&home, words);
            assert_eq!(out.status.code(), Some(exit), "{}", stderr(&out));
            let said = [out.stdout, out.stderr].concat();
            let bad = [0x1b, 0x07, b'\r'];
            assert!(!said.iter().any(|b| bad.contains(b)));
            let said = String::from_utf8(said).unwrap();
            assert!(!said.contains(['\u{202e}', '\u{9b}']), "{said}");
            assert!(said.contains(&liar.address.to_string()), "{said}");
        }
    }
    let busy = || Told::Answers(vec![refusal(RefusalCode::TooMuch, "busy")]);
    court.tries("busy for ever", 6, only(About::Nodes, move |_| busy()));
    assert_eq!(listed(&home), 0);
}

#[test]
fn known_address_with_another_key_shows_both_until_forgotten() {
    let court = Court::new();
    let lab = &court.lab;
    let honest = || -> Box<Tell> { Box::new(|_, _| Told::Truth) };
    let first = Liar::serve(&lab.registry, honest());
    let home = lab.home();
    let (address, first_id) = (first.address.to_string(), first.id.to_hex());
    // Not who he is said to be.
    let claimed = format!("{}@{address}", court.honest.id);
    let denied = |peer: &str, expected: &str, found: &str| {
        for words in [
            &["registry", "pull", "corpus", "--peer", peer][..],
            &["registry", "sync", "--peer", peer],
            &["registry", "list", "--peer", peer],
        ] {
            let out = run_on(&home, words);
            let said = stderr(&out);
            assert_eq!(out.status.code(), Some(5), "{said}");
            for word in [expected, found, &address] {
                assert!(said.contains(word), "{said}");
            }
        }
        assert_eq!(listed(&home), 0);
    };
    denied(&claimed, &court.honest.id, &first_id);
    // Met there, and then somebody else is.
    let met = run_on(&home, &["registry", "list", "--peer", &address]);
    assert!(met.status.success(), "{}", stderr(&met));
    let port = first.address.port();
    drop(first);
    let second = Liar::serve_at(&lab.registry, port, 2_000, honest());
    denied(&address, &first_id, &second.id.to_hex());
    let forget = ["registry", "peers", "forget", &address];
    assert!(run_on(&home, &forget).status.success());
    lab.pulls_into(&home, &[&address], "corpus");
}
