//! Pulls of a version whose parent is held: the bytes received, and the peers that may learn of the
//! parent.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::catalog::Dataset;
use crate::ident::TreeId;
use crate::manifest::TreeWalk;
use crate::progress::NoProgress;
use crate::protocol::ChunkSource;
use crate::protocol::Delta;
use crate::protocol::PeerCatalog;
use crate::protocol::Refusal;
use crate::protocol::RefusalCode;
use crate::protocol::Request;
use crate::protocol::Response;
use crate::registry::Error;
use crate::registry::GcOptions;
use crate::registry::peers::PullOptions;
use crate::registry::peers::testing::in_process_peer::AlteredPeer;
use crate::registry::peers::testing::in_process_peer::InProcessPeer;
use crate::registry::peers::testing::lab::Lab;
use crate::registry::peers::testing::lab::accepted;
use crate::registry::peers::testing::lab::rows;
use crate::store::disk::BlobReader;

/// Rows of version `n`. Every version after the first changes other rows.
fn version(n: usize) -> Vec<u8> {
    let plain = rows(1, 30_000);
    let lines = plain.split_inclusive(|b| *b == b'\n').enumerate();
    let edited = |(at, line): (usize, &[u8])| match (at % 307) < n {
        true => [&b"{\"edited\":1,"[..], &line[1..]].concat(),
        false => line.to_vec(),
    };
    lines.map(edited).collect::<Vec<_>>().concat()
}

fn pulled_bytes(b: &Lab, near: &InProcessPeer) -> u64 {
    let parent = near.answered.load(Ordering::Relaxed);
    b.pull("corpus", &[near]).unwrap();
    near.answered.load(Ordering::Relaxed) - parent
}

fn is_sound(lab: &Lab) {
    assert!(
        lab.registry
            .maintenance()
            .fsck(&NoProgress)
            .unwrap()
            .is_clean()
    );
}

/// Indexes and pulls the first version. Returns a peer for further pulls.
fn first_pulled(a: &Lab, b: &Lab) -> InProcessPeer {
    a.index("corpus", &version(0), false);
    let near = InProcessPeer::honest(&a.registry, 1);
    b.pull("corpus", &[&near]).unwrap();
    near
}

#[test]
fn pull_of_changes_gets_deltas_of_any_stored_base() {
    let (a, b) = (Lab::new(), Lab::new());
    let near = first_pulled(&a, &b);
    let raw = version(0).len() as u64;
    for n in 1..4 {
        let held: Vec<Dataset> = b.registry.list().unwrap();
        a.index("corpus", &version(n), false);
        let stored = b.registry.maintenance().stats().unwrap().store.stored_bytes;
        let bytes = pulled_bytes(&b, &near);
        assert!(bytes * 20 < raw, "{bytes} of {raw} for version {n}");
        let stored = b.registry.maintenance().stats().unwrap().store.stored_bytes - stored;
        assert!(stored * 20 < raw, "{stored} of {raw} for version {n}");
        assert_eq!(b.bytes_of("corpus"), Some(version(n)));
        is_sound(&b);
        // Only the newest version stays here. The peer stores all of it as deltas against the
        // first.
        for dataset in held {
            b.registry
                .removal()
                .unindex(&dataset.manifest.content_id)
                .unwrap();
        }
        b.registry
            .maintenance()
            .gc(&at_once(), &NoProgress)
            .unwrap();
        assert_eq!(b.bytes_of("corpus"), Some(version(n)));
    }
    // The appended rows resemble nothing. They arrive compressed at a higher level than they are
    // stored.
    let more = [version(3), rows(9, 10_000)].concat();
    let report = a.index("corpus", &more, false);
    let bytes = pulled_bytes(&b, &near);
    assert_eq!(
        b.registry
            .get(&report.manifest.content_id)
            .unwrap()
            .unwrap()
            .manifest,
        report.manifest
    );
    let plain = InProcessPeer::honest(&a.registry, 2);
    let whole = pulled_bytes(&Lab::new(), &plain);
    assert!(bytes * 3 < whole, "{bytes} of {whole}");
    is_sound(&b);
}

/// Returns the leaves of the newest version's tree, with `true` for those that are deltas.
fn leaves(lab: &Lab) -> BTreeMap<TreeId, bool> {
    let dataset = lab.registry.resolve(&"corpus".parse().unwrap()).unwrap();
    let m = &dataset.manifest;
    let reader = BlobReader::new(&lab.registry.store).unwrap();
    let mut walk = TreeWalk::new(&reader, m.chunk_tree_root, m.size_bytes, 0).unwrap();
    let mut leaves = BTreeMap::new();
    while let Some(next) = walk.next() {
        next.unwrap();
        let key = BlobKey::new(BlobKind::Node, *walk.leaf().as_bytes());
        let at = reader.locate(&[key]).unwrap()[0].unwrap();
        leaves.insert(walk.leaf(), at.is_delta);
    }
    leaves
}

#[test]
fn pulled_leaves_are_stored_as_deltas() {
    let (a, b) = (Lab::new(), Lab::new());
    let near = first_pulled(&a, &b);
    let first = leaves(&b);
    assert!(first.values().all(|is| !is));
    let mut known: BTreeSet<TreeId> = first.into_keys().collect();
    for n in 1..4 {
        // Most chunks stay, and every leaf has one that changed.
        let lines = version(0);
        let lines = lines.split_inclusive(|b| *b == b'\n').enumerate();
        let edited = |(at, line): (usize, &[u8])| match at % 3001 {
            0 => format!("{{\"edited\":{n},\"at\":{at}}}\n").into_bytes(),
            _ => line.to_vec(),
        };
        let data = lines.map(edited).collect::<Vec<_>>().concat();
        a.index("corpus", &data, false);
        b.pull("corpus", &[&near]).unwrap();
        let now = leaves(&b);
        let new = now.iter().filter(|(id, _)| !known.contains(id));
        assert!(
            new.clone().count() > 0 && new.clone().all(|(_, is)| *is),
            "{now:?}"
        );
        known.extend(now.keys());
        assert_eq!(
            leaves(&a).keys().collect::<Vec<_>>(),
            now.keys().collect::<Vec<_>>()
        );
        assert_eq!(b.bytes_of("corpus"), Some(data));
        is_sound(&b);
    }
}

fn pull(b: &Lab, source: &AlteredPeer<'_>) -> Result<(), Error> {
    let catalogs: [&dyn PeerCatalog; 1] = [source];
    let reference = "corpus".parse().unwrap();
    let (offer, _, _) = b.registry.peers().resolve_remote(&reference, &catalogs)?;
    let sources: [&dyn ChunkSource; 1] = [source];
    let options = PullOptions::default();
    b.registry
        .peers()
        .pull(&accepted(&offer)?, &sources, options, &NoProgress)?;
    Ok(())
}

/// Changes the content of a delta in a response.
fn changed(answer: Response, change: impl Fn(&mut Delta)) -> Response {
    match answer {
        Response::Delta(mut delta) => {
            change(&mut delta);
            Response::Delta(delta)
        }
        other => other,
    }
}

#[test]
fn pull_from_peer_without_deltas_requests_chunks() {
    let (a, b) = (Lab::new(), Lab::new());
    let near = first_pulled(&a, &b);
    a.index("corpus", &version(1), false);
    let alter = |request: &Request, answer| match request {
        Request::PullDelta(_) | Request::PullNodeDelta(_) => {
            Err(Refusal::new(RefusalCode::NotUnderstood, "no such request").into())
        }
        _ => Ok(answer),
    };
    pull(
        &b,
        &AlteredPeer {
            near: &near,
            asked: &|_| {},
            alter: &alter,
        },
    )
    .unwrap();
    assert_eq!(b.bytes_of("corpus"), Some(version(1)));
    is_sound(&b);
}

#[test]
fn pull_with_wrong_deltas_gets_plain_chunks() {
    let (a, b) = (Lab::new(), Lab::new());
    let near = first_pulled(&a, &b);
    let lies: [&(dyn Fn(&mut Delta) + Sync); 4] = [
        &|made| made.bases.reverse(),
        &|made| made.payload.truncate(9),
        // One block that repeats one byte 128 KiB times, and a declared length of 2^40.
        &|made| made.payload = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0x58, 0x03, 0, 0x10, b'a'],
        &|made| {
            made.payload = vec![
                0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0,
            ];
        },
    ];
    for (n, lie) in (1..).zip(lies) {
        a.index("corpus", &version(n), false);
        let alter = |_: &Request, answer| Ok(changed(answer, lie));
        pull(
            &b,
            &AlteredPeer {
                near: &near,
                asked: &|_| {},
                alter: &alter,
            },
        )
        .unwrap();
        assert_eq!(b.bytes_of("corpus"), Some(version(n)));
        is_sound(&b);
    }
}

/// Changes the length and the payload of a delta of nodes.
type Lie = dyn Fn(&mut usize, &mut Vec<u8>) + Sync;

#[test]
fn pull_with_wrong_node_deltas_gets_plain_nodes() {
    let (a, b) = (Lab::new(), Lab::new());
    let near = first_pulled(&a, &b);
    let lies: [&Lie; 3] = [
        &|raw_bytes, _| *raw_bytes += 1,
        &|_, payload| payload.truncate(9),
        &|raw_bytes, payload| {
            *raw_bytes = 1 << 20;
            *payload = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0x58, 0x03, 0, 0x10, b'a'];
        },
    ];
    for (n, lie) in (1..).zip(lies) {
        // Most chunks stay. If all were new, a node would have nothing in common with its base.
        let data = [b"{\"n\":0}\n".repeat(n), version(0)].concat();
        a.index("corpus", &data, false);
        let altered = AtomicU64::new(0);
        let alter = |_: &Request, answer| match answer {
            Response::NodesDelta {
                mut raw_bytes,
                mut payload,
            } => {
                altered.fetch_add(1, Ordering::Relaxed);
                lie(&mut raw_bytes, &mut payload);
                Ok(Response::NodesDelta { raw_bytes, payload })
            }
            other => Ok(other),
        };
        let source = AlteredPeer {
            near: &near,
            asked: &|_| {},
            alter: &alter,
        };
        pull(&b, &source).unwrap();
        assert!(altered.into_inner() > 0);
        assert_eq!(b.bytes_of("corpus"), Some(data));
        is_sound(&b);
    }
}

#[test]
fn delta_of_unnamed_base_ends_the_connection() {
    let (a, b) = (Lab::new(), Lab::new());
    let near = first_pulled(&a, &b);
    a.index("corpus", &version(1), false);
    let parent = b.bytes_of("corpus");
    let lies: [&(dyn Fn(&mut Delta) + Sync); 2] =
        [&|made| made.bases.push(8191), &|made| made.chunks[0] = 8191];
    for lie in lies {
        let alter = |_: &Request, answer| Ok(changed(answer, lie));
        let altered = AlteredPeer {
            near: &near,
            asked: &|_| {},
            alter: &alter,
        };
        let error = pull(&b, &altered).unwrap_err();
        let said = match &error {
            Error::Peer { source, .. } => source.to_string(),
            other => other.to_string(),
        };
        assert!(said.contains("not named"), "{said}");
        assert_eq!(b.bytes_of("corpus"), parent);
    }
    is_sound(&b);
}

#[test]
fn delta_base_hidden_from_peer_is_not_used() {
    let (a, b) = (Lab::new(), Lab::new());
    let near = first_pulled(&a, &b);
    let first = a.registry.resolve(&"corpus".parse().unwrap()).unwrap();
    a.index("corpus", &version(1), false);
    a.registry.peers().unshare(&first).unwrap();
    let are_plain = |_: &Request, answer| Ok(changed(answer, |_| panic!("a delta")));
    pull(
        &b,
        &AlteredPeer {
            near: &near,
            asked: &|_| {},
            alter: &are_plain,
        },
    )
    .unwrap();
    assert_eq!(b.bytes_of("corpus"), Some(version(1)));
    // The same for a version that the peer never had.
    let (c, d) = (Lab::new(), Lab::new());
    let near = first_pulled(&c, &d);
    let first = c.registry.resolve(&"corpus".parse().unwrap()).unwrap();
    c.index("corpus", &version(1), false);
    c.registry
        .removal()
        .unindex(&first.manifest.content_id)
        .unwrap();
    c.registry
        .maintenance()
        .gc(&at_once(), &NoProgress)
        .unwrap();
    pull(
        &d,
        &AlteredPeer {
            near: &near,
            asked: &|_| {},
            alter: &are_plain,
        },
    )
    .unwrap();
    assert_eq!(d.bytes_of("corpus"), Some(version(1)));
    is_sound(&d);
}

#[test]
fn pull_with_damaged_base_gets_plain_chunks() {
    let (a, b) = (Lab::new(), Lab::new());
    let near = first_pulled(&a, &b);
    let pack = b.dir.path().join("home/packs/00000001.pack");
    let mut bytes = std::fs::read(&pack).unwrap();
    bytes[4000] ^= 1;
    std::fs::write(&pack, &bytes).unwrap();
    a.index("corpus", &version(150), false);
    b.pull("corpus", &[&near]).unwrap();
    assert_eq!(b.bytes_of("corpus"), Some(version(150)));
}

#[test]
fn pull_from_faulty_peers_ends_whole_or_fails() {
    let a = Lab::new();
    a.index("corpus", &version(0), false);
    let honest = InProcessPeer::honest(&a.registry, 1);
    let bs: Vec<Lab> = (0..24).map(|_| Lab::new()).collect();
    for b in &bs {
        b.pull("corpus", &[&honest]).unwrap();
    }
    a.index("corpus", &version(1), false);
    for (seed, b) in (0..).zip(&bs) {
        let per_mille = [20, 100, 300][seed as usize % 3];
        let liars: Vec<InProcessPeer> = (0..1 + seed % 3)
            .map(|n| InProcessPeer::faulty(&a.registry, 2 + n as u8, seed * 8 + n, per_mille))
            .collect();
        let peers: Vec<&InProcessPeer> = liars.iter().collect();
        if b.pull("corpus", &peers).is_err() {
            assert_eq!(b.bytes_of("corpus"), Some(version(0)), "seed {seed}");
            let peers: Vec<&InProcessPeer> = liars.iter().chain([&honest]).collect();
            b.pull("corpus", &peers).unwrap();
        }
        assert_eq!(b.bytes_of("corpus"), Some(version(1)), "seed {seed}");
        is_sound(b);
    }
}

fn at_once() -> GcOptions {
    GcOptions {
        keep_days: 0,
        ..GcOptions::default()
    }
}
