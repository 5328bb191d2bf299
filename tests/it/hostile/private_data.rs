//! Requests for private data, for absent data, and for places at which nothing begins.

use alimentar::catalog::Dataset;
use alimentar::ident::EnvelopeId;
use alimentar::ident::HexPrefix;
use alimentar::protocol::Filter;
use alimentar::protocol::ListFilter;
use alimentar::protocol::NodePlace;
use alimentar::protocol::PullChunkRequest;
use alimentar::protocol::PullNodeRequest;
use alimentar::protocol::RefusalCode;
use alimentar::protocol::Request;
use alimentar::protocol::Response;
use alimentar::protocol::Run;
use alimentar::protocol::TreeKind;

use crate::hostile::actors::asker::Asker;
use crate::hostile::actors::asker::code;
use crate::hostile::actors::lab::Lab;
use crate::hostile::actors::node::Node;
use crate::support::answer;
use crate::support::lines;
use crate::support::random::Random;
use crate::support::random::random_bytes;

const ALL: Run = Run { skip: 0, take: 1 };

fn nodes(envelope: EnvelopeId, tree: TreeKind, level: u8, offset: u64) -> Request {
    Request::PullNode(PullNodeRequest {
        envelope,
        tree,
        places: vec![NodePlace { level, offset }],
    })
}

fn chunks(envelope: EnvelopeId, tree: TreeKind, offset: u64, run: Run) -> Request {
    Request::PullChunk(PullChunkRequest {
        envelope,
        tree,
        offset,
        runs: vec![run],
    })
}

/// Everything that can be asked of one manifest.
fn about(envelope: EnvelopeId) -> Vec<Request> {
    let mut all = vec![Request::PullCard(envelope)];
    for tree in [TreeKind::Data, TreeKind::Table] {
        all.push(nodes(envelope, tree, 255, 0));
        all.push(chunks(envelope, tree, 0, ALL));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_dataset_answers_as_a_missing_one() {
    let lab = Lab::new();
    let shown = lab.index("corpus", &lines(3_000, 1), false);
    let hidden = lab.index("secret", &lines(3_000, 2), true);
    let node = Node::serve(lab.served(), &[]);
    let asker = Asker::greeted(node.address, 1).await;
    for request in about(shown.envelope_id) {
        let answers = asker.ask(&request).await;
        assert_eq!(code(&answers), None, "{request:?}");
    }
    let mut random = Random::new(3);
    let absent = EnvelopeId::new(random_bytes(&mut random, 32).try_into().unwrap());
    for (here, nowhere) in about(hidden.envelope_id).iter().zip(about(absent)) {
        let answers = asker.ask(here).await;
        assert_eq!(code(&answers), Some(RefusalCode::NotFound), "{here:?}");
        assert_eq!(answers, asker.ask(&nowhere).await);
    }
    // Nor by any name.
    let content = HexPrefix::parse(&hidden.manifest.content_id.to_hex()[..12]).unwrap();
    for filter in [
        ListFilter::Name("secret".parse().unwrap()),
        ListFilter::Content(content),
    ] {
        let answers = asker.ask(&Request::List(filter)).await;
        assert_eq!(answers, Vec::new());
    }
    let answers = asker.ask(&Request::List(ListFilter::All)).await;
    let [Response::Manifests(all)] = answers.as_slice() else {
        panic!("{answers:?}");
    };
    assert_eq!(all.len(), 1);
    let [Response::Filter(bytes)] = &asker.ask(&Request::Filter).await[..] else {
        panic!("no filter");
    };
    let filter = Filter::build(&[shown.manifest.content_id]);
    assert!(!filter.may_contain(&hidden.manifest.content_id));
    assert_eq!(*bytes, filter.encode());
    // Unsharing takes effect at once, also between requests.
    answer(lab.served(), &["registry", "unshare", "corpus"]);
    for request in about(shown.envelope_id) {
        assert_eq!(asker.refused(&request).await, RefusalCode::NotFound);
    }
    answer(lab.served(), &["registry", "share", "corpus"]);
    asker.leave().await;
    lab.pulls(&node.peer(), "corpus");
    node.stop();
}

/// Offsets where no chunk and no node begins.
fn nowhere(dataset: &Dataset, random: &mut Random) -> Vec<u64> {
    let size = dataset.manifest.size_bytes;
    let mut all = vec![1, size - 1, size, size + 1, u64::MAX / 2, u64::MAX];
    all.extend((0..20).map(|_| 1 + random.below(size - 1)));
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_refuses_offsets_where_no_chunk_begins() {
    let lab = Lab::new();
    let shown = lab.index("corpus", &lines(6_000, 1), false);
    let id = shown.envelope_id;
    let mut node = Node::serve(lab.served(), &[]);
    let mut asker = Asker::greeted(node.address, 1).await;
    let mut random = Random::new(5);
    let mut wrong = Vec::new();
    for tree in [TreeKind::Data, TreeKind::Table] {
        for offset in nowhere(&shown, &mut random) {
            wrong.push(chunks(id, tree, offset, ALL));
            wrong.push(nodes(id, tree, 0, offset));
            wrong.push(nodes(id, tree, 255, offset));
        }
        for level in [12, 200, 254] {
            wrong.push(nodes(id, tree, level, 0));
        }
        let many = Run {
            skip: 0,
            take: 8192,
        };
        wrong.push(chunks(id, tree, 0, many));
        let far = Run {
            skip: 8191,
            take: 1,
        };
        wrong.push(chunks(id, tree, 0, far));
    }
    for request in wrong {
        let answers = asker.send(&request.encode()).await;
        let refused = answers.is_none_or(|a| code(&a) == Some(RefusalCode::NotFound));
        assert!(refused, "{request:?}");
        if asker.connection.close_reason().is_some() {
            asker = Asker::greeted(node.address, 1).await;
        }
    }
    // No tree has this number, and no run this length.
    let no_tree = [&[4][..], &35_u32.to_le_bytes(), id.as_bytes(), &[7, 0, 0]].concat();
    let too_long = chunks(
        id,
        TreeKind::Data,
        0,
        Run {
            skip: u64::MAX,
            take: u64::MAX,
        },
    );
    let nothing = chunks(id, TreeKind::Data, 0, Run { skip: 3, take: 0 });
    for bytes in [no_tree, too_long.encode(), nothing.encode()] {
        let asker = Asker::greeted(node.address, 2).await;
        let answers = asker.send(&bytes).await;
        assert!(answers.is_none_or(|a| code(&a) == Some(RefusalCode::Malformed)));
        assert_eq!(asker.closed().await, 1);
    }
    asker.leave().await;
    lab.pulls(&node.peer(), "corpus");
    node.is_well();
    node.stop();
}
