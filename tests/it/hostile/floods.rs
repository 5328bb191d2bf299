//! More of everything than anybody needs: streams, requests, connections, keys.

use alimentar::protocol::RefusalCode;
use alimentar::protocol::Response;
use tokio::task::JoinSet;

use crate::hostile::actors::asker::Asker;
use crate::hostile::actors::asker::closed;
use crate::hostile::actors::asker::code;
use crate::hostile::actors::asker::hello;
use crate::hostile::actors::asker::read;
use crate::hostile::actors::lab::Lab;
use crate::hostile::actors::node::Node;
use crate::support::lines;

/// The most requests and the most connections that a peer may have at once.
const REQUESTS_AT_ONCE: usize = 32;
const CONNECTIONS_OF_ONE: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_refuses_requests_beyond_the_limit_and_answers_the_rest() {
    let lab = Lab::new();
    lab.index("corpus", &lines(2_000, 1), false);
    let mut node = Node::serve(lab.served(), &[]);
    let asker = Asker::greeted(node.address, 1).await;
    let request = hello().encode();
    let (first, rest) = request.split_at(7);
    let mut halves = Vec::new();
    let mut answers = JoinSet::new();
    for n in 0..REQUESTS_AT_ONCE + 8 {
        let (out, answer) = asker.begin(first).await;
        halves.push(out);
        answers.spawn(async move { (n, read(answer).await.unwrap()) });
    }
    let mut refused = Vec::new();
    for _ in 0..8 {
        let (n, answer) = answers.join_next().await.unwrap().unwrap();
        assert_eq!(code(&answer), Some(RefusalCode::TooMuch));
        refused.push(n);
    }
    // The others wait for a part of their requests, and not for long: a pull comes later.
    Asker::greeted(node.address, 2).await.leave().await;
    for (n, out) in halves.iter_mut().enumerate() {
        if !refused.contains(&n) {
            out.write_all(rest).await.unwrap();
            out.finish().unwrap();
        }
    }
    while let Some(answer) = answers.join_next().await {
        let (_, answer) = answer.unwrap();
        assert!(matches!(answer.as_slice(), [Response::Hello(_)]));
    }
    asker.greet().await;
    asker.leave().await;
    lab.pulls(&node.peer(), "corpus");
    node.is_well();
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_answers_or_refuses_each_of_thousands_of_streams() {
    const STREAMS: usize = 6_000;
    let lab = Lab::new();
    lab.index("corpus", &lines(2_000, 1), false);
    let mut node = Node::serve(lab.served(), &[]);
    let asker = Asker::greeted(node.address, 1).await;
    let request = hello().encode();
    let mut answers = JoinSet::new();
    for _ in 0..STREAMS {
        let (connection, request) = (asker.connection.clone(), request.clone());
        answers.spawn(async move {
            let (mut out, answer) = connection.open_bi().await.unwrap();
            // A refusal may come before all is said.
            let _ = out.write_all(&request).await;
            let _ = out.finish();
            read(answer).await.unwrap()
        });
    }
    lab.pulls(&node.peer(), "corpus");
    let (mut answered, mut refused) = (0, 0);
    while let Some(answer) = answers.join_next().await {
        let answer = answer.unwrap();
        match answer.as_slice() {
            [Response::Hello(_)] => answered += 1,
            _ => {
                assert_eq!(code(&answer), Some(RefusalCode::TooMuch));
                refused += 1;
            }
        }
    }
    assert_eq!(answered + refused, STREAMS);
    assert!(answered > 0);
    // Streams that are reset at once, and never said anything.
    for _ in 0..2_000 {
        let (mut out, mut answer) = asker.begin(&request[..1]).await;
        let _ = out.reset(1_u32.into());
        let _ = answer.stop(1_u32.into());
    }
    asker.leave().await;
    lab.pulls(&node.peer(), "corpus");
    node.is_well();
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_limits_connections_per_peer_and_serves_many_peers() {
    let lab = Lab::new();
    lab.index("corpus", &lines(2_000, 1), false);
    let mut node = Node::serve(lab.served(), &[]);
    let (mut all, node_at) = (Vec::new(), node.address);
    let mut at_work = Vec::new();
    for _ in 0..CONNECTIONS_OF_ONE {
        let asker = Asker::greeted(node.address, 1).await;
        // A request that does not come to its end.
        at_work.push(asker.begin(&hello().encode()[..3]).await);
        all.push(asker);
    }
    let mut more = JoinSet::new();
    for _ in 0..3 {
        more.spawn(async move {
            match Asker::silent(node_at, 1).await {
                Ok(asker) => asker.closed().await,
                Err(error) => closed(&error),
            }
        });
    }
    while let Some(code) = more.join_next().await {
        assert_eq!(code.unwrap(), 2);
    }
    // Once one of them has nothing to do, it gives way to a newer one.
    let (mut out, answer) = at_work.remove(0);
    out.write_all(&hello().encode()[3..]).await.unwrap();
    out.finish().unwrap();
    assert!(read(answer).await.is_some());
    let newer = Asker::greeted(node.address, 1).await;
    assert_eq!(all.remove(0).closed().await, 2);
    all.push(newer);
    for (mut out, answer) in at_work {
        out.write_all(&hello().encode()[3..]).await.unwrap();
        out.finish().unwrap();
        assert!(read(answer).await.is_some());
    }
    // So many that addresses are checked first.
    for number in 2..120 {
        all.push(Asker::greeted(node.address, number).await);
    }
    lab.pulls(&node.peer(), "corpus");
    for asker in &all {
        asker.greet().await;
    }
    node.is_well();
    let one = all.swap_remove(0);
    one.leave().await;
    // Its place is free as soon as the node has heard of it.
    let mut tries = 0;
    loop {
        let asker = Asker::silent(node.address, 1).await;
        let said = match &asker {
            Ok(asker) => asker.send(&hello().encode()).await,
            Err(_) => None,
        };
        if said.is_some() {
            break;
        }
        tries += 1;
        assert!(tries < 50);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    drop(all);
    lab.pulls(&node.peer(), "corpus");
    node.stop();
}
