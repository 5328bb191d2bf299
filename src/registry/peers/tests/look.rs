//! Looks into datasets of which only a part is here.

use std::sync::Arc;
use std::sync::Mutex;

use crate::error_kind::ErrorKind;
use crate::inspect::ReadOptions;
use crate::inspect::table::Batch;
use crate::inspect::table::NextBatch;
use crate::inspect::table::Selection;
use crate::progress::NoProgress;
use crate::protocol::ChunkSource;
use crate::protocol::ListFilter;
use crate::protocol::PeerError;
use crate::protocol::Random;
use crate::protocol::Request;
use crate::protocol::Response;
use crate::read_at::ReadAt;
use crate::registry::DatasetError;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::NodeError;
use crate::registry::Target;
use crate::registry::integrity::rebuild;
use crate::registry::peers::Look;
use crate::registry::peers::LookOptions;
use crate::registry::peers::LookPeers;
use crate::registry::peers::NotKept;
use crate::registry::peers::PeerFinder;
use crate::registry::peers::client::offers::Offer;
use crate::registry::peers::look::file::LookFile;
use crate::registry::peers::testing::in_process_peer::InProcessPeer;
use crate::registry::peers::testing::lab::Lab;
use crate::registry::peers::testing::lab::accepted;
use crate::registry::peers::testing::lab::rows;
use crate::registry::targets::stored_file::StoredFile;
use crate::store::disk::DiskStore;
use crate::store::disk::GcOptions;
use crate::store::disk::io::sim::SimDisk;

/// Two labs: one with a dataset `corpus` of random rows, and one that trusts it.
fn labs(seed: u64, count: usize) -> (Lab, Lab, Vec<u8>) {
    let (there, here) = (Lab::new(), Lab::new());
    let bytes = rows(seed, count);
    there.index("corpus", &bytes, false);
    here.trusting(&there);
    (there, here, bytes)
}

fn offer(here: &LocalRegistry, peer: &dyn ChunkSource) -> Offer {
    let offers = here.peers().list_remote(peer, &ListFilter::All).unwrap();
    offers[0].clone()
}

fn shared(peer: InProcessPeer) -> Arc<dyn ChunkSource> {
    Arc::new(peer)
}

fn look_with(
    here: &Lab,
    peers: Vec<Arc<dyn ChunkSource>>,
    options: LookOptions,
) -> Result<Arc<Look>, Error> {
    let offer = offer(&here.registry, &*peers[0]);
    let peers = LookPeers::Connected(peers);
    let accepted = accepted(&offer)?;
    let look = here
        .registry
        .peers()
        .look(&accepted, peers, options, &NoProgress)?;
    Ok(Arc::new(look))
}

fn look(here: &Lab, there: &Lab) -> Arc<Look> {
    let peer = shared(InProcessPeer::honest(&there.registry, 1));
    look_with(here, vec![peer], LookOptions::default()).unwrap()
}

fn file(look: &Arc<Look>) -> LookFile {
    let (start, entry) = look.table().with_offsets().next().unwrap();
    LookFile::new(Arc::clone(look), start, entry.clone())
}

/// Reads a range; errors end it.
fn range(file: &dyn ReadAt, at: usize, length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut bytes[filled..], (at + filled) as u64)? {
            0 => break,
            n => filled += n,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Pulls `corpus`, and returns the chunks that were fetched.
fn pull(here: &Lab, there: &Lab) -> u64 {
    let peer = InProcessPeer::honest(&there.registry, 1);
    here.pull("corpus", &[&peer]).unwrap()
}

#[test]
fn look_ranges_are_those_of_the_dataset() {
    let (there, here, bytes) = labs(21, 60_000);
    let look = look(&here, &there);
    let file = file(&look);
    assert_eq!(file.len(), bytes.len() as u64);
    let mut random = Random::new(5);
    for n in 0..200 {
        let at = random.below(bytes.len() as u64) as usize;
        let length = random.below([40, 5_000, 300_000][n % 3]) as usize;
        let expected = &bytes[at..(at + length).min(bytes.len())];
        assert_eq!(range(&file, at, length).unwrap(), expected, "{at} {length}");
    }
    assert_eq!(range(&file, 0, bytes.len()).unwrap(), bytes);
    assert_eq!(range(&file, bytes.len(), 9).unwrap(), b"");
    assert_eq!(file.read_at(&mut [0; 4], u64::MAX).unwrap(), 0);
}

#[test]
fn look_lines_are_found_without_an_index() {
    let (there, here, bytes) = labs(22, 40_000);
    let look = look(&here, &there);
    let file = file(&look);
    let starts: Vec<usize> = std::iter::once(0)
        .chain(memchr::memchr_iter(b'\n', &bytes).map(|n| n + 1))
        .collect();
    for line in [0, 1, 2, 77, 12_345, 39_998, 39_999] {
        let start = file.start_of_line(line as u64).unwrap();
        assert_eq!(start, Some(starts[line] as u64), "line {line}");
    }
    assert_eq!(file.start_of_line(40_000).unwrap(), None);
    assert_eq!(file.start_of_line(u64::MAX).unwrap(), None);
    assert_eq!(file.lines().unwrap(), 40_000);
}

#[test]
fn look_keeps_what_it_read_and_pull_fetches_the_rest() {
    let (there, here, bytes) = labs(23, 60_000);
    let whole = {
        let other = Lab::new();
        pull(&other, &there)
    };
    let first = look(&here, &there);
    let read = file(&first);
    assert_eq!(range(&read, 0, 100_000).unwrap(), &bytes[..100_000]);
    drop((read, first));
    let partial = here
        .registry
        .peers()
        .resolve_partial(&"corpus".parse().unwrap());
    let (offer, is_by_person) = partial.unwrap().unwrap();
    assert!(!is_by_person);
    assert_eq!(offer.manifest().size_bytes, bytes.len() as u64);
    // It is not held.
    assert!(here.registry.list().unwrap().is_empty());
    assert!(here.registry.resolve(&"corpus".parse().unwrap()).is_err());
    let fetched = pull(&here, &there);
    assert!(fetched > 0 && fetched < whole, "{fetched} of {whole}");
    assert_eq!(here.bytes_of("corpus").unwrap(), bytes);
    let partial = here
        .registry
        .peers()
        .resolve_partial(&"corpus".parse().unwrap());
    assert!(partial.unwrap().is_none(), "it is a dataset now");
}

#[test]
fn look_at_everything_leaves_nothing_to_pull() {
    let (there, here, bytes) = labs(24, 60_000);
    let look = look(&here, &there);
    assert_eq!(range(&file(&look), 0, bytes.len()).unwrap(), bytes);
    assert_eq!(look.held_bytes().unwrap(), bytes.len() as u64);
    drop(look);
    assert_eq!(pull(&here, &there), 0);
    assert_eq!(here.bytes_of("corpus").unwrap(), bytes);
    let fsck = here.registry.fsck(&NoProgress).unwrap();
    assert!(fsck.corrupt.is_empty() && fsck.missing.is_empty());
}

/// Fails the test if a look asks for peers.
struct Nobody;

impl PeerFinder for Nobody {
    fn find(&self, _: &crate::manifest::Manifest) -> Result<Vec<Arc<dyn ChunkSource>>, Error> {
        Err(NodeError::NoPeer.into())
    }
}

/// Finds one honest peer, and counts how often.
struct Somebody(LocalRegistry, Arc<Mutex<u32>>);

impl PeerFinder for Somebody {
    fn find(&self, _: &crate::manifest::Manifest) -> Result<Vec<Arc<dyn ChunkSource>>, Error> {
        *self.1.lock().unwrap() += 1;
        Ok(vec![shared(InProcessPeer::honest(&self.0, 1))])
    }
}

fn look_again(here: &Lab, finder: impl PeerFinder + 'static) -> Arc<Look> {
    let partial = here
        .registry
        .peers()
        .resolve_partial(&"corpus".parse().unwrap());
    let (offer, _) = partial.unwrap().unwrap();
    let accepted = accepted(&offer).unwrap();
    let peers = LookPeers::Found(Box::new(finder));
    let options = LookOptions::default();
    let look = here
        .registry
        .peers()
        .look(&accepted, peers, options, &NoProgress);
    Arc::new(look.unwrap())
}

#[test]
fn look_at_what_is_here_needs_no_peer_and_the_rest_does() {
    let (there, here, bytes) = labs(25, 60_000);
    let first = look(&here, &there);
    assert_eq!(range(&file(&first), 0, 50_000).unwrap(), &bytes[..50_000]);
    drop(first);
    let again = look_again(&here, Nobody);
    assert_eq!(range(&file(&again), 0, 50_000).unwrap(), &bytes[..50_000]);
    let rest = range(&file(&again), bytes.len() - 100, 100).unwrap_err();
    assert_eq!(ErrorKind::of_io(&rest), ErrorKind::Network, "{rest}");
    drop(again);
    let asked = Arc::new(Mutex::new(0));
    let again = look_again(&here, Somebody(there.registry.clone(), Arc::clone(&asked)));
    assert_eq!(range(&file(&again), 0, 50_000).unwrap(), &bytes[..50_000]);
    assert_eq!(*asked.lock().unwrap(), 0);
    assert_eq!(range(&file(&again), 0, bytes.len()).unwrap(), bytes);
    assert_eq!(*asked.lock().unwrap(), 1);
}

#[test]
fn look_survives_a_collection_and_its_row_alone_keeps_it() {
    let (there, here, bytes) = labs(26, 60_000);
    let first = look(&here, &there);
    assert_eq!(range(&file(&first), 0, 200_000).unwrap(), &bytes[..200_000]);
    let held = first.held_bytes().unwrap();
    drop(first);
    let gc = GcOptions::default();
    here.registry.gc(&gc, &NoProgress).unwrap();
    let again = look_again(&here, Nobody);
    assert_eq!(range(&file(&again), 0, 200_000).unwrap(), &bytes[..200_000]);
    assert_eq!(again.held_bytes().unwrap(), held);
    drop(again);
    here.registry
        .peers()
        .forget_partial(&"corpus".parse().unwrap())
        .unwrap();
    let freed = here.registry.gc(&gc, &NoProgress).unwrap();
    assert!(freed.freed_bytes > 0);
    assert_eq!(here.registry.stats().unwrap().store.chunks, 0);
}

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
        // Whatever was kept is right.
        let fsck = here.registry.fsck(&NoProgress).unwrap();
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
fn look_over_its_limit_reads_on_and_keeps_no_more() {
    let (there, here, bytes) = labs(30, 60_000);
    let peer = shared(InProcessPeer::honest(&there.registry, 1));
    let options = LookOptions {
        partial_limit: 100_000,
        ..LookOptions::default()
    };
    let look = look_with(&here, vec![peer], options).unwrap();
    let file = file(&look);
    assert_eq!(range(&file, 0, 300_000).unwrap(), &bytes[..300_000]);
    look.save();
    assert_eq!(look.report().not_kept, Some(NotKept::OverLimit));
    let held = look.held_bytes().unwrap();
    assert_eq!(range(&file, 0, bytes.len()).unwrap(), bytes);
    look.save();
    assert_eq!(look.held_bytes().unwrap(), held);
}

#[test]
fn look_least_recently_used_holding_makes_room() {
    let (there, here, bytes) = labs(31, 20_000);
    there.index("second", &rows(32, 20_000), false);
    let peer = shared(InProcessPeer::honest(&there.registry, 1));
    let offers = here
        .registry
        .peers()
        .list_remote(&*peer, &ListFilter::All)
        .unwrap();
    for offer in &offers {
        let options = LookOptions {
            partial_limit: bytes.len() as u64 * 3 / 2,
            ..LookOptions::default()
        };
        let peers = LookPeers::Connected(vec![Arc::clone(&peer)]);
        let accepted = accepted(offer).unwrap();
        let look = here
            .registry
            .peers()
            .look(&accepted, peers, options, &NoProgress);
        let look = Arc::new(look.unwrap());
        range(&file(&look), 0, bytes.len()).unwrap();
    }
    let is_here = |name: &str| {
        let found = here
            .registry
            .peers()
            .resolve_partial(&name.parse().unwrap());
        found.unwrap().is_some()
    };
    assert_eq!((is_here("corpus"), is_here("second")), (false, true));
}

#[test]
fn look_two_at_once_share_one_holding() {
    let (there, here, bytes) = labs(33, 60_000);
    let looks = [look(&here, &there), look(&here, &there)];
    std::thread::scope(|scope| {
        for (n, look) in looks.iter().enumerate() {
            let bytes = &bytes;
            scope.spawn(move || {
                let from = n * bytes.len() / 3;
                let length = bytes.len() * 2 / 3;
                let read = range(&file(look), from, length).unwrap();
                assert_eq!(read, &bytes[from..from + length]);
            });
        }
    });
    drop(looks);
    assert_eq!(pull(&here, &there), 0);
    assert_eq!(here.bytes_of("corpus").unwrap(), bytes);
}

#[test]
fn look_beside_a_collection_loses_nothing() {
    let (there, here, bytes) = labs(34, 60_000);
    let reading = look(&here, &there);
    std::thread::scope(|scope| {
        let collecting = scope.spawn(|| {
            for _ in 0..8 {
                let gc = GcOptions {
                    patience: std::time::Duration::from_millis(20),
                    ..GcOptions::default()
                };
                here.registry.gc(&gc, &NoProgress).unwrap();
            }
        });
        let file = file(&reading);
        for at in (0..bytes.len()).step_by(70_000) {
            let end = (at + 70_000).min(bytes.len());
            assert_eq!(range(&file, at, end - at).unwrap(), &bytes[at..end]);
            reading.save();
        }
        collecting.join().unwrap();
    });
    drop(reading);
    here.registry
        .gc(&GcOptions::default(), &NoProgress)
        .unwrap();
    assert_eq!(pull(&here, &there), 0);
}

#[test]
fn look_rows_are_those_of_the_dataset() {
    let (there, here, bytes) = labs(35, 20_000);
    let look = look(&here, &there);
    let home = here.registry.home().to_owned();
    let reading = ReadOptions::default();
    let target = Target::of_look("corpus", &look, None, (&home, reading)).unwrap();
    assert_eq!(target.rows(&NoProgress).unwrap(), 20_000);
    let selection = Selection {
        from: 15_000,
        ..Selection::default()
    };
    let batches = target.batches(&selection).unwrap();
    let mut batch = Batch::default();
    assert!(matches!(
        batches.next(&mut batch).unwrap(),
        NextBatch::Batch(_)
    ));
    let row = batch.rows_and_blanks().next().unwrap();
    let expected = bytes.split(|b| *b == b'\n').nth(15_000).unwrap();
    assert_eq!(row.text, expected);
    let wrong = Target::of_look("corpus", &look, Some("none"), (&home, reading));
    assert!(matches!(
        wrong,
        Err(Error::Dataset(DatasetError::NoSuchFile { .. }))
    ));
}

#[test]
fn look_pull_while_it_is_read_sees_what_arrived() {
    let (there, here, bytes) = labs(36, 60_000);
    let reading = look(&here, &there);
    let file = file(&reading);
    assert_eq!(range(&file, 0, 10_000).unwrap(), &bytes[..10_000]);
    pull(&here, &there);
    assert_eq!(range(&file, 0, bytes.len()).unwrap(), bytes);
    drop((file, reading));
    let partial = here
        .registry
        .peers()
        .resolve_partial(&"corpus".parse().unwrap());
    assert!(partial.unwrap().is_none(), "the row does not come back");
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

/// Looks at all of `corpus` with a registry on a disk that takes nothing more after `spoil`. Returns
/// the reason why nothing is kept.
fn look_on(spoil: &dyn Fn(&SimDisk)) -> Option<NotKept> {
    let (there, _, bytes) = labs(40, 60_000);
    let disk = SimDisk::default();
    let store = DiskStore::on(Arc::new(disk.clone()), &rebuild::refill).unwrap();
    let here = LocalRegistry::over(store);
    let peer = shared(InProcessPeer::honest(&there.registry, 1));
    let offer = offer(&here, &*peer);
    let accepted = accepted(&offer).unwrap();
    spoil(&disk);
    let peers = LookPeers::Connected(vec![peer]);
    let options = LookOptions::default();
    let look = here.peers().look(&accepted, peers, options, &NoProgress);
    let look = Arc::new(look.unwrap());
    assert_eq!(range(&file(&look), 0, bytes.len()).unwrap(), bytes);
    look.save();
    look.report().not_kept
}

#[test]
fn look_on_a_full_disk_reads_on_and_keeps_no_more() {
    for room in [0, 1 << 10, 300 << 10] {
        let why = look_on(&|disk| disk.limit(Some(disk.used_bytes() + room)));
        assert!(matches!(why, Some(NotKept::Store(_))), "{room}: {why:?}");
    }
}

#[test]
fn look_where_nothing_can_be_written_reads_on() {
    let why = look_on(&|disk| disk.make_read_only(true));
    assert!(matches!(why, Some(NotKept::Store(_))), "{why:?}");
}
