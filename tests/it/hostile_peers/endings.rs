//! Pulls that are cut off: by a kill of either side, and by a node that is told to stop.

use std::process::Child;
use std::process::Stdio;
use std::time::Duration;

use alimentar::protocol::PullChunkRequest;
use alimentar::protocol::RefusalCode;
use alimentar::protocol::Request;
use alimentar::protocol::Run;
use alimentar::protocol::TreeKind;
use quinn::TransportConfig;
use quinn::VarInt;

use crate::hostile_peers::asker::Asker;
use crate::hostile_peers::asker::code;
use crate::hostile_peers::asker::endpoint;
use crate::hostile_peers::asker::hello;
use crate::hostile_peers::asker::read;
use crate::hostile_peers::lab::Lab;
use crate::hostile_peers::lab::Random;
use crate::hostile_peers::lab::is_sound;
use crate::hostile_peers::lab::signal;
use crate::hostile_peers::liar::encoded;
use crate::hostile_peers::node::Node;
use crate::hostile_peers::relay::Relay;
use crate::support::lines;
use crate::support::program;

fn begin_pull(home: &std::path::Path, node: &Node) -> Child {
    let mut command = program(home);
    let words = ["registry", "pull", "corpus", "--peer", &node.peer()];
    let command = command.args(["--quiet"]).args(words);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn a_kill_of_either_side_at_any_instant_loses_nothing() {
    let lab = Lab::new();
    lab.index("corpus", &lines(200_000, 3), false);
    let mut random = Random::new(11);
    let mut node = Node::serve(lab.served(), &[]);
    let mut home = lab.home();
    let mut cut = 0;
    for round in 0..12 {
        let mut pulling = begin_pull(&home, &node);
        std::thread::sleep(Duration::from_millis(40 + random.below(500)));
        if round % 3 != 0 {
            node.kill();
        }
        if round % 3 != 1 {
            let _ = pulling.kill();
        } else {
            // Nobody answers any more, and that takes a while to be sure of.
            std::thread::sleep(Duration::from_millis(random.below(300)));
            let _ = pulling.kill();
        }
        cut += u32::from(!pulling.wait().unwrap().success());
        if round % 3 != 0 {
            node = Node::serve(lab.served(), &[]);
        }
        if round % 4 == 3 {
            lab.pulls_into(&home, &[&node.peer()], "corpus");
            home = lab.home();
        } else {
            is_sound(&home);
        }
    }
    assert!(cut > 0, "every pull was faster");
    node.stop();
}

/// Asks for most of a dataset, and what came when the node was told to stop in the middle.
async fn stopped_in_the_middle(transport: TransportConfig, pause: Duration) {
    let lab = Lab::new();
    let shown = lab.index("corpus", &lines(60_000, 3), false);
    let mut node = Node::serve(lab.served(), &[]);
    let relay = Relay::to(node.address);
    let asker = Asker::with(relay.address, endpoint(1, Some(transport)));
    let asker = asker.await.unwrap();
    asker.greet().await;
    let request = Request::PullChunk(PullChunkRequest {
        envelope: shown.envelope_id,
        tree: TreeKind::Data,
        offset: 0,
        runs: vec![Run { skip: 0, take: 50 }],
    });
    let whole = asker.ask(&request).await;
    let (mut out, mut answer) = asker.begin(&request.encode()).await;
    out.finish().unwrap();
    let mut first = [0; 5];
    answer.read_exact(&mut first).await.unwrap();
    relay.hold(true);
    signal("-TERM", &node.pid());
    tokio::time::sleep(pause).await;
    relay.hold(false);
    // Meanwhile nothing new is begun.
    let (mut out, late) = asker.begin(&hello().encode()).await;
    let _ = out.finish();
    let rest = answer.read_to_end(64 << 20).await.unwrap();
    assert!([first.as_slice(), &rest].concat() == encoded(&whole));
    let late = read(late).await;
    assert!(late.is_none_or(|a| code(&a) == Some(RefusalCode::ShuttingDown)));
    asker.connection.close(0_u32.into(), b"done");
    assert!(node.wait().success());
    is_sound(lab.served());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_told_to_stop_ends_what_it_is_still_writing() {
    let mut transport = TransportConfig::default();
    transport.stream_receive_window(VarInt::from_u32(64 << 10));
    stopped_in_the_middle(transport, Duration::from_millis(700)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_told_to_stop_waits_for_what_it_has_written() {
    let mut transport = TransportConfig::default();
    transport
        .stream_receive_window(VarInt::from_u32(16 << 20))
        .receive_window(VarInt::from_u32(16 << 20));
    stopped_in_the_middle(transport, Duration::from_millis(900)).await;
}

#[test]
fn a_pull_outlives_the_order_to_stop() {
    let lab = Lab::new();
    // As much as is asked for at once.
    lab.index("corpus", &lines(110_000, 3), false);
    let mut node = Node::serve(lab.served(), &[]);
    let home = lab.home();
    let mut pulling = begin_pull(&home, &node);
    // Until both windows of it are under way, or it was faster.
    while pulling.try_wait().unwrap().is_none() {
        let state = alimentar::net::running_node(lab.served()).unwrap().unwrap();
        if state.0["requests_under_way"].as_u64() >= Some(2) {
            break;
        }
    }
    signal("-TERM", &node.pid());
    assert!(node.wait().success());
    assert!(pulling.wait().unwrap().success());
    lab.compare(&home, "corpus");
}
