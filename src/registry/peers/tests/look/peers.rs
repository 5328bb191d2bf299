//! Looks at peers: their requests, lies and losses.

use crate::error_kind::ErrorKind;
use crate::progress::NoProgress;
use crate::protocol::ChunkSource;
use crate::protocol::PeerError;
use crate::protocol::Request;
use crate::protocol::Response;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::peers::LookOptions;
use crate::registry::peers::LookPeers;
use crate::registry::peers::testing::in_process_peer::InProcessPeer;
use crate::registry::peers::testing::lab::Lab;
use crate::registry::peers::testing::lab::accepted;
use crate::registry::peers::tests::look::Nobody;
use crate::registry::peers::tests::look::file;
use crate::registry::peers::tests::look::labs;
use crate::registry::peers::tests::look::look_again;
use crate::registry::peers::tests::look::look_with;
use crate::registry::peers::tests::look::offer;
use crate::registry::peers::tests::look::pull;
use crate::registry::peers::tests::look::range;
use crate::registry::peers::tests::look::shared;
use crate::store::disk::GcOptions;
use std::sync::Arc;
use std::sync::Mutex;

#[test]
fn look_in_order_grows_to_windows_of_a_pull() {
    let (there, here, bytes) = labs(27, 120_000);
    let asked: Arc<Mutex<Vec<u64>>> = Arc::default();
    let peer = Watched {
        near: InProcessPeer::honest(&there.registry, 1),
        chunks: Arc::clone(&asked),
    };
    let big = Lab {
        registry: LocalRegistry::open(&here.dir.path().join("big")).unwrap(),
        dir: tempfile::tempdir().unwrap(),
        key: here.key.clone(),
    };
    let look = look_with(&big, vec![Arc::new(peer)], LookOptions::default()).unwrap();
    assert_eq!(range(&file(&look), 0, bytes.len()).unwrap(), bytes);
    let asked = asked.lock().unwrap();
    // 5 MB: the front, and few windows that double.
    assert!(asked.len() < 8, "{asked:?}");
}

/// An honest peer whose requests for chunks are noted.
struct Watched {
    near: InProcessPeer,
    chunks: Arc<Mutex<Vec<u64>>>,
}

impl crate::protocol::PeerConnection for Watched {
    fn node_id(&self) -> crate::ident::NodeId {
        crate::protocol::PeerConnection::node_id(&self.near)
    }

    fn address(&self) -> String {
        crate::protocol::PeerConnection::address(&self.near)
    }

    fn access(&self) -> crate::protocol::Access {
        crate::protocol::PeerConnection::access(&self.near)
    }

    fn reconnect(&self, is_needless: &dyn Fn() -> bool) -> Result<(), PeerError> {
        crate::protocol::PeerConnection::reconnect(&self.near, is_needless)
    }

    fn call(
        &self,
        request: &Request,
        is_needless: &dyn Fn() -> bool,
        each: &mut crate::protocol::EachResponse<'_>,
    ) -> Result<(), PeerError> {
        if let Request::PullChunk(pull) = request {
            self.chunks.lock().unwrap().push(pull.offset);
        }
        self.near.call(request, is_needless, each)
    }
}

#[test]
fn look_with_faulty_peers_reads_right_bytes_or_fails() {
    let (there, _, bytes) = labs(28, 8_000);
    let (mut whole, mut broken) = (0, 0);
    for seed in 0..60 {
        let here = Lab::new();
        here.trusting(&there);
        let per_mille = [20, 100, 400][seed as usize % 3];
        let liar = |n: u64| {
            shared(InProcessPeer::faulty(
                &there.registry,
                2 + n as u8,
                seed * 8 + n,
                per_mille,
            ))
        };
        let honest = shared(InProcessPeer::honest(&there.registry, 1));
        let offer = offer(&here.registry, &*honest);
        let accepted = accepted(&offer).unwrap();
        let mut peers: Vec<_> = (0..1 + seed % 3).map(liar).collect();
        let with_honest = seed % 2 == 0;
        peers.extend(with_honest.then_some(honest));
        let options = LookOptions::default();
        let peers = LookPeers::Connected(peers);
        let looked = here
            .registry
            .peers()
            .look(&accepted, peers, options, &NoProgress);
        let read = looked.map(Arc::new).and_then(|look| {
            let read = range(&file(&look), 0, bytes.len());
            read.map_err(|e| Error::machine("read", e))
        });
        match read {
            Ok(read) => {
                whole += 1;
                assert_eq!(read, bytes, "seed {seed}");
            }
            Err(error) => {
                broken += 1;
                assert!(!with_honest, "seed {seed}: {error:?}");
            }
        }
        // All stored bytes are right.
        let fsck = here.registry.maintenance().fsck(&NoProgress).unwrap();
        assert!(fsck.corrupt.is_empty(), "seed {seed}");
        pull(&here, &there);
        assert_eq!(here.bytes_of("corpus").unwrap(), bytes, "seed {seed}");
    }
    assert!(whole > 30 && broken > 3, "{whole} whole, {broken} broken");
}

#[test]
fn look_names_and_drops_a_peer_that_lies() {
    let (there, here, bytes) = labs(29, 30_000);
    let liar = Lying(InProcessPeer::honest(&there.registry, 7));
    let honest = InProcessPeer::honest(&there.registry, 1);
    let peers = vec![Arc::new(liar) as Arc<dyn ChunkSource>, shared(honest)];
    let look = look_with(&here, peers, LookOptions::default()).unwrap();
    assert_eq!(range(&file(&look), 0, bytes.len()).unwrap(), bytes);
    let report = look.report();
    let [liar, honest] = report.sources.as_slice() else {
        panic!("{report:?}")
    };
    assert_eq!(liar.address, "near-7");
    assert!(
        liar.gave_up.as_ref().unwrap().contains("it sent"),
        "{liar:?}"
    );
    assert_eq!(honest.gave_up, None);
}

/// A peer that changes a byte of every chunk.
struct Lying(InProcessPeer);

impl crate::protocol::PeerConnection for Lying {
    fn node_id(&self) -> crate::ident::NodeId {
        crate::protocol::PeerConnection::node_id(&self.0)
    }

    fn address(&self) -> String {
        crate::protocol::PeerConnection::address(&self.0)
    }

    fn access(&self) -> crate::protocol::Access {
        crate::protocol::PeerConnection::access(&self.0)
    }

    fn reconnect(&self, is_needless: &dyn Fn() -> bool) -> Result<(), PeerError> {
        crate::protocol::PeerConnection::reconnect(&self.0, is_needless)
    }

    fn call(
        &self,
        request: &Request,
        is_needless: &dyn Fn() -> bool,
        each: &mut crate::protocol::EachResponse<'_>,
    ) -> Result<(), PeerError> {
        self.0.call(request, is_needless, &mut |response| {
            let is_data = matches!(request, Request::PullChunk(r) if r.tree == crate::protocol::TreeKind::Data);
            each(match response {
                Response::Chunks(mut record) if is_data => {
                    if let Some(last) = record.last_mut() {
                        *last ^= 1;
                    }
                    Response::Chunks(record)
                }
                other => other,
            })
        })
    }
}

#[test]
fn interrupted_pull_is_a_partial_holding_that_can_be_read() {
    let (there, here, bytes) = labs(37, 60_000);
    let chunks = Arc::new(Mutex::new(Vec::new()));
    let near = InProcessPeer::honest(&there.registry, 1);
    let leaving = Leaving(Watched { near, chunks }, 12);
    let offer = offer(&here.registry, &leaving);
    let accepted = accepted(&offer).unwrap();
    let options = crate::registry::peers::PullOptions::default();
    let pulled = here
        .registry
        .peers()
        .pull(&accepted, &[&leaving], options, &NoProgress);
    assert!(pulled.is_err());
    here.registry
        .maintenance()
        .gc(&GcOptions::default(), &NoProgress)
        .unwrap();
    let again = look_again(&here, Nobody);
    let held = again.held_bytes().unwrap();
    assert!(held > 0 && held < bytes.len() as u64, "{held}");
    assert_eq!(range(&file(&again), 0, 9_000).unwrap(), &bytes[..9_000]);
}

/// A peer that leaves after this many requests for chunks.
struct Leaving(Watched, usize);

impl crate::protocol::PeerConnection for Leaving {
    fn node_id(&self) -> crate::ident::NodeId {
        crate::protocol::PeerConnection::node_id(&self.0)
    }

    fn address(&self) -> String {
        crate::protocol::PeerConnection::address(&self.0)
    }

    fn access(&self) -> crate::protocol::Access {
        crate::protocol::PeerConnection::access(&self.0)
    }

    fn reconnect(&self, _: &dyn Fn() -> bool) -> Result<(), PeerError> {
        Err(PeerError::Lost("it has left".to_owned()))
    }

    fn call(
        &self,
        request: &Request,
        is_needless: &dyn Fn() -> bool,
        each: &mut crate::protocol::EachResponse<'_>,
    ) -> Result<(), PeerError> {
        if self.0.chunks.lock().unwrap().len() >= self.1 {
            return Err(PeerError::Lost("it has left".to_owned()));
        }
        self.0.call(request, is_needless, each)
    }
}

#[test]
fn look_from_a_peer_that_leaves_goes_on_with_the_others() {
    let (there, here, bytes) = labs(38, 60_000);
    let chunks = Arc::new(Mutex::new(Vec::new()));
    let near = InProcessPeer::honest(&there.registry, 5);
    let leaving = Leaving(Watched { near, chunks }, 3);
    let honest = shared(InProcessPeer::honest(&there.registry, 1));
    let peers = vec![Arc::new(leaving) as Arc<dyn ChunkSource>, honest];
    let look = look_with(&here, peers, LookOptions::default()).unwrap();
    assert_eq!(range(&file(&look), 0, bytes.len()).unwrap(), bytes);
    let report = look.report();
    let left = report.sources[0].gave_up.as_ref();
    assert!(left.unwrap().contains("it has left"), "{report:?}");
}

#[test]
fn look_private_peer_makes_the_dataset_private() {
    let (there, here, _) = labs(39, 2_000);
    let mut listed = InProcessPeer::honest(&there.registry, 1);
    listed.access = crate::protocol::Access::Listed;
    let look = look_with(&here, vec![shared(listed)], LookOptions::default()).unwrap();
    range(&file(&look), 0, 100).unwrap();
    drop(look);
    // The rest comes from a node that serves everybody.
    pull(&here, &there);
    let held = here.registry.list().unwrap();
    assert!(held[0].flags.private);
}

#[test]
fn look_tree_that_repeats_ends_like_a_pull_of_it() {
    let (there, here) = (Lab::new(), Lab::new());
    let line = b"{\"text\":\"the same again and again\"}\n";
    let bytes = line.repeat((24 << 20) / line.len());
    there.index("corpus", &bytes, false);
    here.trusting(&there);
    let peer = || shared(InProcessPeer::honest(&there.registry, 1));
    let careful = look_with(&here, vec![peer()], LookOptions::default()).unwrap();
    // Its front is like that of any dataset.
    assert_eq!(range(&file(&careful), 0, 9_000).unwrap(), &bytes[..9_000]);
    let refused = range(&file(&careful), 0, bytes.len()).unwrap_err();
    assert_eq!(ErrorKind::of_io(&refused), ErrorKind::Denied, "{refused}");
    let options = LookOptions {
        allow_large: true,
        ..LookOptions::default()
    };
    let willing = look_with(&here, vec![peer()], options).unwrap();
    assert!(range(&file(&willing), 0, bytes.len()).unwrap() == bytes);
}
