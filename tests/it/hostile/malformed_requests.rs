//! Bytes that are no request, and requests at the wrong moment.

use alimentar::protocol::Frame;
use alimentar::protocol::ListFilter;
use alimentar::protocol::RefusalCode;
use alimentar::protocol::Request;

use crate::hostile::actors::asker::Asker;
use crate::hostile::actors::asker::closed;
use crate::hostile::actors::asker::code;
use crate::hostile::actors::asker::hello;
use crate::hostile::actors::asker::key;
use crate::hostile::actors::asker::read;
use crate::hostile::actors::lab::Lab;
use crate::hostile::actors::lab::pull;
use crate::hostile::actors::node::Node;
use crate::support::answer;
use crate::support::lines;
use crate::support::random::Random;
use crate::support::random::random_bytes;

fn list() -> Request {
    Request::List(ListFilter::All)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_request_ends_only_its_own_connection() {
    let lab = Lab::new();
    lab.index("corpus", &lines(2_000, 1), false);
    let mut node = Node::serve(lab.served(), &[]);
    // It says half a word and then nothing, while others are served.
    let stalled = Asker::silent(node.address, 1).await.unwrap();
    let half = stalled.begin(&hello().encode()[..4]).await;
    lab.pulls(&node.peer(), "corpus");
    let (mut out, answer) = half;
    out.write_all(&hello().encode()[4..]).await.unwrap();
    out.finish().unwrap();
    assert!(read(answer).await.is_some());
    stalled.greet().await;

    let mut random = Random::new(7);
    let mut cases: Vec<(String, Vec<u8>)> = (0..12)
        .map(|n| {
            let count = 1 + random.below(3_000) as usize;
            // A kind that is known, so that it is not a later version's.
            let bytes = [&[1 + n as u8 % 7][..], &random_bytes(&mut random, count)].concat();
            (format!("garbage {n}"), bytes)
        })
        .collect();
    let list = list().encode();
    let mut more = |what: &str, bytes: Vec<u8>| cases.push((what.to_owned(), bytes));
    more("nothing", Vec::new());
    more("half a request", list[..3].to_vec());
    more("too much", [&[2][..], &[0xff; 4]].concat());
    more(
        "too much of a kind",
        [&[2, 1, 16, 0, 0][..], &[0; 4097]].concat(),
    );
    more("two requests", [list.as_slice(), &list].concat());
    more("a request and a byte", [list.as_slice(), &[0]].concat());
    let body = [&[2][..], &[0; 16], &[2], &[2; 8], &[1; 8]].concat();
    more("wanted in no order", Frame { kind: 3, body }.encode());
    let body = [&[1][..], &[0; 32], &[0, 0x81, 0x80, 8]].concat();
    more("too many symbols", Frame { kind: 3, body }.encode());
    let group = |group: &[u8]| [&[0; 32 + 1 + 1 + 64][..], &[1], group].concat();
    for (what, said) in [
        ("a group of nothing", &[0, 0, 0][..]),
        ("bases without a place", &[0, 1, 1]),
        ("too many bases", &[0, 1, 65, 0]),
        ("a group of too many", &[0x81, 0x80, 8, 1, 0]),
    ] {
        let body = group(said);
        more(what, Frame { kind: 10, body }.encode());
    }
    let body = vec![0; 32 + 1 + 1 + 63];
    more("no root", Frame { kind: 11, body }.encode());
    for (what, bytes) in cases {
        let asker = Asker::greeted(node.address, 2).await;
        let answers = asker.send(&bytes).await;
        // The refusal may be overtaken by the end.
        let refused = answers.is_none_or(|a| code(&a) == Some(RefusalCode::Malformed));
        assert!(refused, "{what}");
        assert_eq!(asker.closed().await, 1, "{what}");
    }
    lab.pulls(&node.peer(), "corpus");
    stalled.greet().await;
    stalled.leave().await;
    node.is_well();
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_refuses_unknown_requests_and_requests_before_hello() {
    let lab = Lab::new();
    lab.index("corpus", &lines(2_000, 1), false);
    let node = Node::serve(lab.served(), &[]);
    let asker = Asker::greeted(node.address, 1).await;
    for kind in [0, 12, 0x33, 0x7f, 0x81, 0xff] {
        let body = vec![9; 100 * usize::from(kind)];
        let answers = asker.send(&Frame { kind, body }.encode()).await.unwrap();
        assert_eq!(code(&answers), Some(RefusalCode::NotUnderstood), "{kind}");
    }
    // A way of comparing catalogues that came later.
    let body = [&[3][..], &[0; 17]].concat();
    let answers = asker.send(&Frame { kind: 3, body }.encode()).await;
    assert_eq!(code(&answers.unwrap()), Some(RefusalCode::NotUnderstood));
    // Hello again is no mistake.
    asker.greet().await;
    asker.leave().await;

    for request in [
        list(),
        Request::PullCard(alimentar::ident::EnvelopeId::new([1; 32])),
        Request::Announce {
            envelopes: Vec::new(),
            statements: Vec::new(),
        },
    ] {
        let asker = Asker::silent(node.address, 1).await.unwrap();
        let answers = asker.send(&request.encode()).await;
        let refused = answers.is_none_or(|a| code(&a) == Some(RefusalCode::Malformed));
        assert!(refused, "{request:?}");
        assert_eq!(asker.closed().await, 1);
    }
    lab.pulls(&node.peer(), "corpus");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_list_admits_only_listed_nodes() {
    let lab = Lab::new();
    lab.index("corpus", &lines(2_000, 1), false);
    let node = Node::serve(lab.served(), &["--access", "listed"]);
    let id = alimentar::ident::to_hex(key(1).verifying_key().as_bytes());
    let shown_out = async || {
        match Asker::silent(node.address, 1).await {
            Ok(asker) => {
                // A request at once gets no further.
                let (mut out, answer) = match asker.connection.open_bi().await {
                    Ok(pair) => pair,
                    Err(error) => return closed(&error),
                };
                let _ = out.write_all(&hello().encode()).await;
                let _ = out.finish();
                assert!(read(answer).await.is_none());
                asker.closed().await
            }
            Err(error) => closed(&error),
        }
    };
    assert_eq!(shown_out().await, 3);
    let access = |what| {
        let words = ["registry", "access", what, &id];
        answer(lab.served(), &words)
    };
    access("add");
    Asker::greeted(node.address, 1).await.leave().await;
    let refused = pull(&lab.home(), &[&node.peer()], "corpus");
    assert_eq!(refused.status.code(), Some(6));
    access("remove");
    assert_eq!(shown_out().await, 3);
    node.stop();
}
