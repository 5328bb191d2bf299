//! Askers who never read what they asked for.

use alimentar::protocol::PullChunkRequest;
use alimentar::protocol::Request;
use alimentar::protocol::Run;
use alimentar::protocol::TreeKind;
use quinn::RecvStream;
use quinn::SendStream;
use quinn::TransportConfig;
use quinn::VarInt;

use crate::hostile_peers::asker::Asker;
use crate::hostile_peers::asker::endpoint;
use crate::hostile_peers::lab::Lab;
use crate::hostile_peers::node::Node;
use crate::support::lines;

/// Says that nearly nothing may be sent ahead of it.
fn narrow() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .stream_receive_window(VarInt::from_u32(1 << 10))
        .receive_window(VarInt::from_u32(64 << 10));
    transport
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_reads_takes_neither_the_memory_nor_the_turn_of_others() {
    let lab = Lab::new();
    let shown = lab.index("corpus", &lines(130_000, 1), false);
    let mut node = Node::serve(lab.served(), &[]);
    // A window's worth of chunks, as often as one may ask.
    let request = Request::PullChunk(PullChunkRequest {
        envelope: shown.envelope_id,
        tree: TreeKind::Data,
        offset: 0,
        runs: vec![Run { skip: 0, take: 80 }],
    })
    .encode();
    let mut deaf: Vec<Asker> = Vec::new();
    let mut unread: Vec<(SendStream, RecvStream)> = Vec::new();
    for n in 0..16 {
        // Two peers with eight connections each.
        let endpoint = endpoint(n % 2, Some(narrow()));
        let asker = Asker::with(node.address, endpoint).await.unwrap();
        asker.greet().await;
        for _ in 0..31 {
            let (mut out, answer) = asker.begin(&request).await;
            out.finish().unwrap();
            unread.push((out, answer));
        }
        deaf.push(asker);
    }
    lab.pulls(&node.peer(), "corpus");
    node.is_well();
    for asker in &deaf {
        asker.connection.close(0_u32.into(), b"done");
    }
    lab.pulls(&node.peer(), "corpus");
    node.is_well();
    node.stop();
}
