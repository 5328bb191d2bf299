//! Pulling from peers in the same process that lie, break off and stall, by a seed: every
//! schedule ends with the dataset whole, or with an error and nothing to be seen.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use crate::catalog::Dataset;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::progress::NoProgress;
use crate::registry::IndexOptions;
use crate::registry::LocalRegistry;
use crate::registry::peers::Asking;
use crate::registry::peers::PullOptions;
use crate::registry::peers::Showing;
use crate::registry::peers::SyncOptions;
use crate::sync::Access;
use crate::sync::Answer;
use crate::sync::ChunkSource;
use crate::sync::EachRecord;
use crate::sync::FrameReader;
use crate::sync::Hello;
use crate::sync::ListFilter;
use crate::sync::PeerCatalog;
use crate::sync::PeerError;
use crate::sync::PullChunkRequest;
use crate::sync::PullNodeRequest;
use crate::sync::ReconcileRequest;
use crate::sync::Reconciled;
use crate::sync::Request;
use crate::sync::SeamRequest;
use crate::trust::KeyPair;

/// Small and seeded (Marsaglia 2003).
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// How often, in a thousand frames, something goes wrong.
struct Faults {
    random: Random,
    per_mille: u64,
}

/// A registry that is asked in the same process, over the bytes that would be sent.
struct Near {
    registry: LocalRegistry,
    id: u8,
    access: Access,
    showing: Showing,
    faults: Mutex<Faults>,
}

impl Near {
    fn honest(registry: &LocalRegistry, id: u8) -> Self {
        Self::faulty(registry, id, 0, 0)
    }

    fn faulty(registry: &LocalRegistry, id: u8, seed: u64, per_mille: u64) -> Self {
        Self {
            registry: registry.clone(),
            id,
            access: Access::Open,
            showing: Showing::default(),
            faults: Mutex::new(Faults {
                random: Random::new(seed),
                per_mille,
            }),
        }
    }

    /// Asks, and hands over what comes, as far as it comes.
    fn ask(
        &self,
        request: &Request,
        each: &mut dyn FnMut(Answer) -> bool,
    ) -> Result<(), PeerError> {
        let mut requests = FrameReader::new(Request::body_limit);
        let frame = requests.read(&mut request.encode().as_slice())?.unwrap();
        let request = Request::decode(&frame)?.unwrap();
        let asking = Asking {
            peer: NodeId::new([99; 32]),
            hello: Hello::own(Access::Open),
            showing: self.showing,
            access: self.access,
        };
        let mut reader = FrameReader::new(Answer::body_limit);
        let mut answering = self.registry.answer(&request, &asking);
        for answer in answering.by_ref() {
            let mut bytes = answer.into_pieces().concat();
            self.disturb(&mut bytes)?;
            let mut piece = bytes.as_slice();
            while let Some(frame) = reader.read(&mut piece)? {
                match Answer::decode(frame)? {
                    Answer::Refusal(refusal) => return Err(refusal.into()),
                    answer => {
                        if !each(answer) {
                            return Err(PeerError::Stopped);
                        }
                    }
                }
            }
        }
        assert!(answering.failed().is_none());
        Ok(reader.end()?)
    }

    fn disturb(&self, bytes: &mut Vec<u8>) -> Result<(), PeerError> {
        let mut faults = self.faults.lock().unwrap();
        if faults.random.below(1000) >= faults.per_mille {
            return Ok(());
        }
        let at = faults.random.below(bytes.len() as u64) as usize;
        match faults.random.below(6) {
            0 => return Err(PeerError::Lost("the connection broke".to_owned())),
            1 => return Err(PeerError::Stalled(Duration::from_secs(20))),
            2 => bytes.truncate(at),
            3 => bytes.clear(),
            4 => bytes.extend(bytes.clone()),
            _ => bytes[at] ^= 1 << faults.random.below(8),
        }
        Ok(())
    }
}

impl PeerCatalog for Near {
    fn id(&self) -> NodeId {
        NodeId::new([self.id; 32])
    }

    fn address(&self) -> String {
        format!("near-{}", self.id)
    }

    fn access(&self) -> Access {
        self.access
    }

    fn list(&self, filter: &ListFilter) -> Result<Vec<Vec<u8>>, PeerError> {
        let mut all = Vec::new();
        self.ask(&Request::List(filter.clone()), &mut |answer| {
            if let Answer::Manifests(some) = answer {
                all.extend(some);
            }
            true
        })?;
        Ok(all)
    }

    fn reconcile(&self, request: &ReconcileRequest) -> Result<Reconciled, PeerError> {
        let mut found = Reconciled::default();
        self.ask(&Request::Reconcile(request.clone()), &mut |answer| {
            match answer {
                Answer::Reconciled(missing) => found.missing = missing,
                Answer::Manifests(some) => found.envelopes.extend(some),
                Answer::Statements(some) => found.statements.extend(some),
                _ => return false,
            }
            true
        })?;
        Ok(found)
    }

    fn announce(
        &self,
        envelopes: Vec<Vec<u8>>,
        statements: Vec<Vec<u8>>,
    ) -> Result<u64, PeerError> {
        let mut taken = 0;
        let request = Request::Announce {
            envelopes,
            statements,
        };
        self.ask(&request, &mut |answer| {
            if let Answer::Announced(n) = answer {
                taken = n;
            }
            true
        })?;
        Ok(taken)
    }

    fn card(&self, envelope: &EnvelopeId) -> Result<Vec<u8>, PeerError> {
        let mut card = Vec::new();
        self.ask(&Request::PullCard(*envelope), &mut |answer| {
            if let Answer::Card(bytes) = answer {
                card = bytes;
            }
            true
        })?;
        Ok(card)
    }
}

impl ChunkSource for Near {
    fn nodes(&self, request: &PullNodeRequest) -> Result<Vec<Vec<u8>>, PeerError> {
        let mut nodes = Vec::new();
        self.ask(&Request::PullNode(request.clone()), &mut |answer| {
            if let Answer::Nodes(some) = answer {
                nodes.extend(some);
            }
            true
        })?;
        Ok(nodes)
    }

    fn seams(&self, request: &SeamRequest) -> Result<Vec<usize>, PeerError> {
        let mut seams = Vec::new();
        self.ask(&Request::Seams(*request), &mut |answer| {
            if let Answer::Seams(ends) = answer {
                seams = ends;
            }
            true
        })?;
        Ok(seams)
    }

    fn chunks(
        &self,
        request: &PullChunkRequest,
        each: &mut EachRecord<'_>,
    ) -> Result<(), PeerError> {
        self.ask(
            &Request::PullChunk(request.clone()),
            &mut |answer| match answer {
                Answer::Chunks(record) => each(record),
                _ => false,
            },
        )
    }
}

struct Lab {
    dir: tempfile::TempDir,
    registry: LocalRegistry,
    key: KeyPair,
}

impl Lab {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = LocalRegistry::open(&dir.path().join("home")).unwrap();
        let key = KeyPair::generate().unwrap();
        Self { dir, registry, key }
    }

    fn trusting(&self, other: &Self) {
        let publisher = crate::trust::Publisher::new(
            "other".parse().unwrap(),
            other.key.public_key(),
            crate::trust::Level::Full,
        );
        let put = self.registry.change_trust(|file| Ok(file.put(publisher)?));
        put.unwrap();
    }

    fn index(&self, name: &str, bytes: &[u8], private: bool) -> Dataset {
        let path = self.dir.path().join(format!("{name}.jsonl"));
        std::fs::write(&path, bytes).unwrap();
        self.index_path(&path, private, true)
    }

    fn index_path(&self, path: &Path, private: bool, sign: bool) -> Dataset {
        let options = IndexOptions {
            private,
            sign_with: sign.then(|| self.key.clone()),
            ..IndexOptions::default()
        };
        let report = self.registry.index(path, &options, &NoProgress).unwrap();
        let id = report.manifest.content_id;
        self.registry.get(&id).unwrap().unwrap()
    }

    fn pull(&self, name: &str, peers: &[&Near]) -> Result<u64, crate::registry::Error> {
        let catalogs: Vec<&dyn PeerCatalog> = peers.iter().map(|p| *p as _).collect();
        let reference = name.parse().unwrap();
        let (offer, who) = self.registry.resolve_remote(&reference, &catalogs)?;
        let sources: Vec<&dyn ChunkSource> = who.iter().map(|n| peers[*n] as _).collect();
        let pulled = self
            .registry
            .pull(&offer, &sources, PullOptions::default(), &NoProgress)?;
        Ok(pulled.chunks_fetched)
    }

    fn bytes_of(&self, name: &str) -> Option<Vec<u8>> {
        let dataset = self.registry.resolve(&name.parse().unwrap()).ok()?;
        let mut bytes = Vec::new();
        let read = self.registry.cat(&dataset, None, &mut bytes, &NoProgress);
        read.unwrap();
        Some(bytes)
    }
}

/// Rows that compress a little and repeat a little.
fn rows(seed: u64, rows: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut text = String::new();
    for n in 0..rows {
        let repeated = n % 97 < 20;
        let word = if repeated { 7 } else { random.next() };
        text += &format!(
            "{{\"n\":{n},\"text\":\"{word:x}{:x}\"}}\n",
            word.rotate_left(9)
        );
    }
    text.into_bytes()
}

#[test]
fn a_pull_brings_what_was_indexed_and_then_only_what_changed() {
    let (a, b) = (Lab::new(), Lab::new());
    let first = rows(1, 60_000);
    a.index("corpus", &first, false);
    let near = Near::honest(&a.registry, 1);
    let chunks = b.pull("corpus", &[&near]).unwrap();
    assert!(chunks > 50, "{chunks}");
    assert_eq!(b.bytes_of("corpus"), Some(first.clone()));
    let second = [first.as_slice(), &rows(2, 300)].concat();
    a.index("corpus", &second, false);
    let more = b.pull("corpus", &[&near]).unwrap();
    assert!((1..10).contains(&more), "{more} chunks");
    assert_eq!(b.bytes_of("corpus"), Some(second));
    assert_eq!(b.pull("corpus", &[&near]).unwrap(), 0);
    let fsck = b.registry.fsck(&NoProgress).unwrap();
    assert!(fsck.corrupt.is_empty() && fsck.missing.is_empty());
}

#[test]
fn every_schedule_of_faults_ends_whole_or_with_nothing_to_be_seen() {
    let a = Lab::new();
    let data = rows(3, 4_000);
    a.index("corpus", &data, false);
    let (mut whole, mut broken) = (0, 0);
    for seed in 0..400 {
        let b = Lab::new();
        // From one in fifty frames to every other one.
        let per_mille = [20, 100, 500][seed as usize % 3];
        let liars: Vec<Near> = (0..1 + seed % 3)
            .map(|n| Near::faulty(&a.registry, 2 + n as u8, seed * 8 + n, per_mille))
            .collect();
        let peers: Vec<&Near> = liars.iter().collect();
        match b.pull("corpus", &peers) {
            Ok(_) => whole += 1,
            Err(_) => {
                broken += 1;
                assert_eq!(b.bytes_of("corpus"), None, "seed {seed}");
                // The same liars and one who is not.
                let honest = Near::honest(&a.registry, 1);
                let peers: Vec<&Near> = liars.iter().chain([&honest]).collect();
                b.pull("corpus", &peers).unwrap();
            }
        }
        assert_eq!(b.bytes_of("corpus").as_ref(), Some(&data), "seed {seed}");
        let fsck = b.registry.fsck(&NoProgress).unwrap();
        assert!(
            fsck.corrupt.is_empty() && fsck.missing.is_empty(),
            "seed {seed}"
        );
    }
    assert!(whole > 20 && broken > 20, "{whole} whole, {broken} broken");
}

#[test]
fn no_door_leads_to_what_is_private() {
    let a = Lab::new();
    let secret = a.index("secret", &rows(5, 3_000), true);
    // Half of it is public under another name: its chunks lie in the private dataset's records.
    let public = a.index("public", &rows(5, 1_500), false);
    let mut unsigned = a.dir.path().to_owned();
    unsigned.push("local.jsonl");
    std::fs::write(&unsigned, rows(6, 1_000)).unwrap();
    let unsigned = a.index_path(&unsigned, false, false);
    let near = Near::honest(&a.registry, 1);
    let listed = near.list(&ListFilter::All).unwrap();
    assert_eq!(listed.len(), 1);
    let salt = crate::sync::Salt::new([0; 16]);
    let reconciled = near.reconcile(&ReconcileRequest {
        salt,
        elements: Vec::new(),
    });
    assert_eq!(reconciled.unwrap().envelopes, listed);
    let runs = vec![crate::sync::Run { skip: 0, take: 4 }];
    for hidden in [&secret, &unsigned] {
        let envelope = hidden.envelope_id;
        for tree in [crate::sync::TreeKind::Data, crate::sync::TreeKind::Table] {
            let places = vec![crate::sync::NodePlace::ROOT];
            let nodes = near.nodes(&PullNodeRequest {
                envelope,
                tree,
                places,
            });
            assert_eq!(nodes.unwrap_err().kind(), ErrorKind::NotFound);
            let request = PullChunkRequest {
                envelope,
                tree,
                offset: 0,
                runs: runs.clone(),
            };
            let chunks = near.chunks(&request, &mut |_| panic!("a chunk"));
            assert_eq!(chunks.unwrap_err().kind(), ErrorKind::NotFound);
        }
        let card = near.card(&envelope).unwrap_err();
        assert_eq!(card.kind(), ErrorKind::NotFound);
    }
    // What is public comes without its neighbours.
    let mut records = 0;
    let request = PullChunkRequest {
        envelope: public.envelope_id,
        tree: crate::sync::TreeKind::Data,
        offset: 0,
        runs: vec![crate::sync::Run { skip: 0, take: 1 }],
    };
    near.chunks(&request, &mut |record| {
        let view = crate::pack::RecordView::decode(&record).unwrap();
        assert_eq!(view.header.items.len(), 1);
        records += 1;
        true
    })
    .unwrap();
    assert_eq!(records, 1);
    // Shared by hand, unsigned data is there; unshared, it is gone.
    a.registry.share(&unsigned).unwrap();
    assert_eq!(near.list(&ListFilter::All).unwrap().len(), 2);
    a.registry.unshare(&unsigned).unwrap();
    a.registry.unshare(&public).unwrap();
    assert_eq!(near.list(&ListFilter::All).unwrap().len(), 0);
    let open = Near {
        showing: Showing { unsigned: true },
        ..Near::honest(&a.registry, 1)
    };
    // Unsharing made it private.
    assert_eq!(open.list(&ListFilter::All).unwrap().len(), 0);
}

#[test]
fn a_sync_brings_what_is_trusted_and_tells_of_the_rest() {
    let (a, b) = (Lab::new(), Lab::new());
    a.index("ours", &rows(8, 500), false);
    b.index("theirs", &rows(9, 500), false);
    let near = Near::honest(&a.registry, 1);
    let sync = |options: &SyncOptions| b.registry.sync(&near, options, &NoProgress).unwrap();
    let report = sync(&SyncOptions::default());
    assert_eq!((report.received, report.sent), (1, 1));
    // A stranger's content does not come unasked.
    assert_eq!((report.pulled.len(), report.left.len()), (0, 1));
    let again = sync(&SyncOptions::default());
    assert_eq!((again.received, again.sent), (0, 0));
    b.trusting(&a);
    let report = sync(&SyncOptions::default());
    assert_eq!((report.pulled.len(), report.left.len()), (1, 0));
    assert_eq!(b.bytes_of("ours"), Some(rows(8, 500)));
    // A withdrawal travels, and counts.
    let ours = a.registry.resolve(&"ours".parse().unwrap()).unwrap();
    a.registry.withdraw(&ours, &a.key, "wrong labels").unwrap();
    assert_eq!(sync(&SyncOptions::default()).received, 1);
    let trust = b.registry.trust().unwrap();
    let held = b.registry.list().unwrap();
    let mine = held
        .into_iter()
        .find(|d| d.manifest.name.to_string() == "ours");
    let listed = LocalRegistry::listed(&trust, mine.unwrap());
    assert_eq!(listed.withdrawn.as_deref(), Some("wrong labels"));
}

#[test]
fn what_comes_from_a_closed_circle_stays_in_it() {
    let (a, b) = (Lab::new(), Lab::new());
    a.index("inside", &rows(10, 500), false);
    b.trusting(&a);
    let near = Near {
        access: Access::Listed,
        ..Near::honest(&a.registry, 1)
    };
    b.pull("inside", &[&near]).unwrap();
    let onward = Near::honest(&b.registry, 2);
    assert!(onward.list(&ListFilter::All).unwrap().is_empty());
    let held = b.registry.resolve(&"inside".parse().unwrap()).unwrap();
    assert!(held.flags.private);
}
