//! Peers that are gone without a word: whoever waits for one can be told to stop at any time, and
//! what a dead one left behind keeps nobody out.

use std::net::UdpSocket;
use std::path::Path;
use std::process::Child;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use alimentar::protocol::Request;
use alimentar::protocol::Response;
use alimentar::protocol::TreeKind;

use crate::hostile::actors::asker::Asker;
use crate::hostile::actors::lab::Lab;
use crate::hostile::actors::lab::signal;
use crate::hostile::actors::liar::Liar;
use crate::hostile::actors::liar::Told;
use crate::hostile::actors::node::Node;
use crate::support::is_sound;
use crate::support::lines;
use crate::support::program;
use crate::support::wait::until;

/// The most time that a program may take to end after a signal.
/// It ends within two seconds, but a busy machine may take longer.
const PATIENCE: Duration = Duration::from_secs(8);

fn begin(home: &Path, words: &[&str]) -> Child {
    let mut command = program(home);
    command.args(words).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Sends a signal; how the program ends.
fn ended(mut child: Child, which: &str, what: &str) -> Option<i32> {
    signal(which, &child.id().to_string());
    let told = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if told.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{what}: it goes on");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Checks whether a node has sent more than 4 MiB, which is some of a dataset's data.
fn sends(node_home: &Path) -> bool {
    let state = alimentar::net::running_node(node_home).unwrap().unwrap();
    state.0["sent_bytes"].as_u64() > Some(4 << 20)
}

#[test]
fn pull_told_to_stop_in_any_phase_ends_with_a_mute_peer() {
    let lab = Lab::new();
    lab.index("corpus", &lines(3_000, 1), false);
    // More than one window: where records end is asked.
    lab.index("large", &lines(75_000, 2), false);
    let is_phase = |phase: &str, request: &Request| match request {
        Request::Hello(_) => phase == "hello",
        Request::List(_) => phase == "list",
        Request::PullCard(_) => phase == "card",
        Request::PullNode(_) => phase == "nodes",
        Request::RecordBoundaries(_) => phase == "seams",
        Request::PullChunk(r) if r.tree == TreeKind::Table => phase == "table",
        Request::PullChunk(_) => phase == "chunks",
        Request::Reconcile(_) | Request::Symbols(_) => phase == "comparing",
        Request::Announce { .. } => phase == "telling",
        _ => false,
    };
    let pull = ["registry", "pull", "corpus"];
    let pull_large = ["registry", "pull", "large"];
    let sync = ["registry", "sync"];
    let phases: [(&str, &[&str]); 8] = [
        ("hello", &pull),
        ("list", &pull),
        ("card", &pull),
        ("nodes", &pull),
        ("seams", &pull_large),
        ("table", &pull),
        ("chunks", &pull),
        ("comparing", &sync),
    ];
    for (phase, words) in phases {
        let tell = move |request: &Request, _: &[Response]| match is_phase(phase, request) {
            true => Told::Mute,
            false => Told::Truth,
        };
        let liar = Liar::serve(&lab.registry, Box::new(tell));
        let (home, peer) = (lab.home(), liar.peer());
        let child = begin(&home, &[words, &["--peer", &peer]].concat());
        let mut lies = 0;
        until(phase, || {
            lies += liar.lies().0;
            lies > 0
        });
        assert_eq!(ended(child, "-INT", phase), Some(130), "{phase}");
        is_sound(&home);
    }
    // Nobody answers, and nobody says that nobody is there.
    let deaf = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = deaf.local_addr().unwrap().to_string();
    let home = lab.home();
    let child = begin(&home, &[&pull[..], &["--peer", &at]].concat());
    deaf.recv(&mut [0; 2048]).unwrap();
    assert_eq!(ended(child, "-TERM", "connecting"), Some(143));
    let child = begin(&home, &["registry", "peers", "--wait", "60"]);
    std::thread::sleep(Duration::from_millis(500));
    // Where multicast cannot be used, it has ended already.
    let code = ended(child, "-INT", "looking around");
    assert!(matches!(code, Some(130 | 0)), "{code:?}");
}

#[test]
fn pull_told_to_stop_ends_with_a_stopped_or_killed_peer() {
    let lab = Lab::new();
    lab.index("corpus", &lines(150_000, 1), false);
    for (how, after) in [("-STOP", 200), ("-KILL", 200), ("-KILL", 3_000)] {
        // On a busy machine a pull may have everything before its node is stopped, and succeeds; another one is begun then.
        let is_stopped = |_| {
            let mut node = Node::serve(lab.served(), &[]);
            let home = lab.home();
            let words = ["registry", "pull", "corpus", "--peer", &node.peer()];
            let mut child = begin(&home, &words);
            until("the pull is under way", || sends(lab.served()));
            signal(how, &node.pid());
            // In the middle of the second case the connection is being made anew.
            std::thread::sleep(Duration::from_millis(after));
            let code = match child.try_wait().unwrap() {
                Some(status) => status.code(),
                None => ended(child, "-INT", how),
            };
            assert!(matches!(code, Some(130 | 0)), "{how}: {code:?}");
            is_sound(&home);
            node.kill();
            code == Some(130)
        };
        assert!((0..10).any(is_stopped), "{how}: each pull was faster");
    }
}

#[test]
fn connection_to_a_silent_address_times_out() {
    let lab = Lab::new();
    // Bound for a moment, and free again.
    let free = UdpSocket::bind("127.0.0.1:0").and_then(|s| s.local_addr());
    let at = free.unwrap().to_string();
    let out = crate::hostile::actors::lab::pull(&lab.home(), &[&at], "corpus");
    assert_eq!(out.status.code(), Some(6));
    let said = crate::support::stderr(&out);
    assert!(said.contains("nobody listens there"), "{said}");
}

#[test]
fn node_serves_again_after_all_its_pulls_were_killed() {
    let lab = Lab::new();
    lab.index("corpus", &lines(60_000, 1), false);
    let node = Node::serve(lab.served(), &[]);
    let home = lab.home();
    let words = ["registry", "pull", "corpus", "--peer", &node.peer()];
    // As many as one node may have connections.
    let mut pulling = Vec::new();
    for _ in 0..8 {
        let mut child = begin(&home, &words);
        until("another pull is under way", || {
            let state = alimentar::net::running_node(lab.served()).unwrap().unwrap();
            state.0["connections"].as_u64() > Some(pulling.len() as u64)
        });
        let _ = child.kill();
        let _ = child.wait();
        pulling.push(child);
    }
    lab.pulls_into(&home, &[&node.peer()], "corpus");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_told_to_stop_does_not_wait_for_lost_peers() {
    let lab = Lab::new();
    lab.index("corpus", &lines(150_000, 1), false);
    let node = Node::serve(lab.served(), &[]);
    let home = lab.home();
    let mut pulling = begin(
        &home,
        &["registry", "pull", "corpus", "--peer", &node.peer()],
    );
    until("the pull is under way", || sends(lab.served()));
    let pid = pulling.id().to_string();
    signal("-STOP", &pid);
    // Nobody reads this answer either, and its asker is there all the same.
    let asker = Asker::greeted(node.address, 1).await;
    signal("-TERM", &node.pid());
    let begun = Instant::now();
    let mut node = node;
    until("the node ends", || node.has_ended());
    assert!(begun.elapsed() < PATIENCE);
    drop(asker);
    pulling.kill().unwrap();
    pulling.wait().unwrap();
    is_sound(lab.served());
}
