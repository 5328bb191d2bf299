//! The bytes of every message are those of `spec/vectors/protocol.txt`.

use alimentar::ident::ContentId;
use alimentar::ident::EnvelopeId;
use alimentar::ident::HexPrefix;
use alimentar::ident::StatementId;
use alimentar::ident::TreeId;
use alimentar::ident::to_hex;
use alimentar::protocol::Access;
use alimentar::protocol::BaseRun;
use alimentar::protocol::Delta;
use alimentar::protocol::DeltaGroup;
use alimentar::protocol::Element;
use alimentar::protocol::Filter;
use alimentar::protocol::FrameReader;
use alimentar::protocol::HeldVersion;
use alimentar::protocol::Hello;
use alimentar::protocol::ListFilter;
use alimentar::protocol::NodePlace;
use alimentar::protocol::PullChunkRequest;
use alimentar::protocol::PullDeltaRequest;
use alimentar::protocol::PullNodeDeltaRequest;
use alimentar::protocol::PullNodeRequest;
use alimentar::protocol::ReconcileRequest;
use alimentar::protocol::RecordBoundariesRequest;
use alimentar::protocol::Refusal;
use alimentar::protocol::RefusalCode;
use alimentar::protocol::Request;
use alimentar::protocol::Response;
use alimentar::protocol::Run;
use alimentar::protocol::Salt;
use alimentar::protocol::TreeKind;

const VECTORS: &str = include_str!("../../../spec/vectors/protocol.txt");

/// The bytes behind a name.
pub fn vector(name: &str) -> Vec<u8> {
    let line = VECTORS
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let hex = line.unwrap_or_else(|| panic!("no vector {name}"));
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// Every name, of requests or of answers.
pub fn names(of: &str) -> Vec<&'static str> {
    let lines = VECTORS.lines().filter(|line| line.starts_with(of));
    lines.map(|line| line.split(' ').next().unwrap()).collect()
}

fn requests() -> Vec<(&'static str, Request)> {
    let envelope = EnvelopeId::new([7; 32]);
    let salt = Salt::new([3; 16]);
    let mut elements: Vec<Element> = vec![
        salt.envelope(&EnvelopeId::new([1; 32])),
        salt.envelope(&EnvelopeId::new([2; 32])),
        salt.statement(&StatementId::new([1; 32])),
    ];
    elements.sort_unstable();
    let hello = Hello {
        agent: "alimentar/0.1.0".to_owned(),
        ..Hello::own(Access::Open)
    };
    // The Hello of the first programs.
    let first_hello = Hello {
        bases: Vec::new(),
        ..hello.clone()
    };
    vec![
        ("request-hello", Request::Hello(first_hello)),
        ("request-list-all", Request::List(ListFilter::All)),
        (
            "request-list-name",
            Request::List(ListFilter::Name("corpus".parse().unwrap())),
        ),
        (
            "request-list-content",
            Request::List(ListFilter::Content(HexPrefix::parse("3fa9c1d2").unwrap())),
        ),
        (
            "request-reconcile",
            Request::Reconcile(ReconcileRequest { salt, elements }),
        ),
        (
            "request-nodes",
            Request::PullNode(PullNodeRequest {
                envelope,
                tree: TreeKind::Table,
                places: vec![
                    NodePlace::ROOT,
                    NodePlace {
                        level: 1,
                        offset: 300_000,
                    },
                ],
            }),
        ),
        (
            "request-chunks",
            Request::PullChunk(PullChunkRequest {
                envelope,
                tree: TreeKind::Data,
                offset: 300,
                runs: vec![Run { skip: 0, take: 5 }, Run { skip: 200, take: 1 }],
            }),
        ),
        ("request-card", Request::PullCard(envelope)),
        (
            "request-seams",
            Request::RecordBoundaries(RecordBoundariesRequest {
                envelope,
                tree: TreeKind::Data,
                offset: 300,
                chunks: 8192,
            }),
        ),
        ("request-filter", Request::Filter),
        (
            "request-announce",
            Request::Announce {
                envelopes: vec![vec![1, 2], vec![]],
                statements: vec![vec![3]],
            },
        ),
        ("request-hello-2", Request::Hello(hello)),
        (
            "request-differences",
            Request::PullDelta(PullDeltaRequest {
                envelope,
                tree: TreeKind::Data,
                offset: 300,
                held: HeldVersion {
                    content_id: ContentId::from_bytes(b"a"),
                    root: TreeId::new([8; 32]),
                },
                groups: vec![
                    DeltaGroup {
                        skip: 0,
                        take: 5,
                        bases: Some(BaseRun {
                            from: 40_000,
                            count: 7,
                        }),
                    },
                    DeltaGroup {
                        skip: 200,
                        take: 1,
                        bases: None,
                    },
                ],
            }),
        ),
        (
            "request-node-differences",
            Request::PullNodeDelta(PullNodeDeltaRequest {
                nodes: PullNodeRequest {
                    envelope,
                    tree: TreeKind::Data,
                    places: vec![NodePlace {
                        level: 0,
                        offset: 300,
                    }],
                },
                held: HeldVersion {
                    content_id: ContentId::from_bytes(b"a"),
                    root: TreeId::new([8; 32]),
                },
            }),
        ),
    ]
}

fn answers() -> Vec<(&'static str, Response)> {
    let hello = Hello {
        agent: "alimentar/0.1.0".to_owned(),
        bases: Vec::new(),
        ..Hello::own(Access::Listed)
    };
    let filter = Filter::build(&[ContentId::from_bytes(b""), ContentId::from_bytes(b"a")]);
    vec![
        ("answer-hello", Response::Hello(hello)),
        (
            "answer-manifests",
            Response::Manifests(vec![vec![5, 6], vec![]]),
        ),
        (
            "answer-reconciled",
            Response::Reconciled(vec![0, 1, 4, 400]),
        ),
        ("answer-nodes", Response::Nodes(vec![vec![1, 1], vec![2]])),
        ("answer-chunks", Response::Chunks(vec![9, 9])),
        ("answer-seams", Response::RecordBoundaries(vec![1, 2, 300])),
        ("answer-card", Response::Card(b"# card".to_vec())),
        ("answer-filter", Response::Filter(filter.encode())),
        ("answer-announced", Response::Announced(300)),
        ("answer-statements", Response::Statements(vec![vec![5]])),
        (
            "answer-refusal",
            Response::Refusal(Refusal::new(RefusalCode::NotFound, "no such dataset")),
        ),
        (
            "answer-difference",
            Response::Delta(Delta {
                chunks: vec![0, 1, 300],
                bases: vec![2, 3],
                payload: vec![9, 9],
            }),
        ),
        (
            "answer-node-differences",
            Response::NodesDelta {
                raw_bytes: 300,
                payload: vec![9, 9, 9],
            },
        ),
    ]
}

#[test]
fn protocol_messages_match_the_vectors() {
    let requests = requests().into_iter().map(|(name, r)| (name, r.encode()));
    let answers = answers().into_iter().map(|(name, a)| (name, a.encode()));
    let lines = requests.chain(answers);
    let found: String = lines
        .map(|(name, bytes)| format!("{name} {}\n", to_hex(&bytes)))
        .collect();
    assert_eq!(found, VECTORS, "\n{found}");
}

#[test]
fn golden_vectors_decode_as_described() {
    for (name, request) in requests() {
        let mut reader = FrameReader::new(Request::body_limit);
        let frame = reader.read(&mut vector(name).as_slice()).unwrap().unwrap();
        assert_eq!(Request::decode(&frame).unwrap(), Some(request), "{name}");
    }
    for (name, answer) in answers() {
        let mut reader = FrameReader::new(Response::body_limit);
        let frame = reader.read(&mut vector(name).as_slice()).unwrap().unwrap();
        assert_eq!(Response::decode(frame).unwrap(), answer, "{name}");
    }
}
