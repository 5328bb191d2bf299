//! Comparing catalogues, and versions that are told as deltas.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::attacks::lies::Verdict;
use crate::forge;
use crate::forge::Manifest;
use crate::forge::hash;
use crate::forge::noise;
use crate::host::Host;
use crate::host::Say;
use crate::program::Lab;
use crate::program::turncoat;
use crate::quic;
use crate::wire;
use crate::wire::Frame;
use crate::wire::counted;
use crate::wire::varint;

/// A manifest of a trusted publisher whose content is nowhere.
pub fn hollow(n: u64) -> Vec<u8> {
    let manifest = Manifest {
        name: format!("hollow-{n}"),
        content_id: hash(&n.to_le_bytes()),
        root: [2; 32],
        table_root: [3; 32],
        table_bytes: 50,
        num_files: 1,
        size: 1_000,
        description: String::new(),
        seq: 1,
        instead: None,
    };
    manifest.signed(&turncoat())
}

/// A home that has heard of so much that it compares by symbols.
fn well_read(lab: &Lab) -> Result<std::path::PathBuf, String> {
    let home = lab.home();
    let many: Vec<Vec<u8>> = (0..60).map(hollow).collect();
    let tell = move |request: &Frame, _: &[Frame]| match (request.kind, request.body.first()) {
        (wire::RECONCILE, Some(0)) => Say::Frames(vec![
            Frame::new(0x83, vec![0]),
            wire::batch(wire::MANIFESTS, &many),
        ]),
        (wire::RECONCILE, _) => Say::Frames(vec![wire::refusal(2, "by list only")]),
        _ => Say::Truth,
    };
    let host = Host::serve(Some(lab.honest.address), 3, Box::new(tell));
    let ran = lab.run(&home, &["registry", "sync", "--peer", &host.peer()])?;
    match ran.code {
        Some(0) => Ok(home),
        _ => Err(format!("cannot be prepared: {}", ran.err)),
    }
}

/// A range of symbols that was asked for.
pub fn range(request: &Frame) -> (u64, u64) {
    let mut c = wire::Cursor(&request.body);
    let _ = c.take(1 + 16 + 16);
    (c.varint().unwrap_or(0), c.varint().unwrap_or(0))
}

pub fn symbols(count: u64, from: u64, take: u64, seed: u64) -> Frame {
    let mut body = [varint(count), noise(seed, 16), varint(from)].concat();
    let some = noise(seed + 1, 12 * take as usize);
    for sum in some.chunks(12) {
        body.extend(sum);
        body.push(sum[0] & 0x7f);
    }
    Frame::new(0x8b, body)
}

type Lie = fn(&Frame, u64) -> Say;

/// Lies of the answering side of a comparison, by mode of the request.
pub const SYMBOL_LIES: &[(&str, u8, Lie)] = &[
    ("symbols of noise", 1, |r, _| {
        let (from, take) = range(r);
        Say::Frames(vec![symbols(1_000, from, take, 7 + from)])
    }),
    ("a set of 2^63 elements", 1, |r, _| {
        let (from, take) = range(r);
        Say::Frames(vec![symbols(1 << 63, from, take, 8)])
    }),
    ("a set that changes with every answer", 1, |r, n| {
        let (from, take) = range(r);
        Say::Frames(vec![symbols(1_000 + n, from, take, 9 + n)])
    }),
    ("fewer symbols than asked for", 1, |r, _| {
        let (from, take) = range(r);
        Say::Frames(vec![symbols(1_000, from, take / 2, 10)])
    }),
    ("more symbols than asked for", 1, |r, _| {
        let (from, take) = range(r);
        Say::Frames(vec![symbols(1_000, from, take + 50_000, 11)])
    }),
    ("a set of none with symbols", 1, |r, _| {
        let (from, take) = range(r);
        Say::Frames(vec![symbols(0, from, take, 12)])
    }),
    ("symbols without an end", 1, |r, _| {
        let (from, take) = range(r);
        Say::Endless(symbols(1_000, from, take, 13).encode())
    }),
    ("a list that misses what is not there", 0, |_, _| {
        Say::Frames(vec![Frame::new(
            0x83,
            [varint(1), varint(900_000)].concat(),
        )])
    }),
    ("a list of indexes that overflow", 0, |_, _| {
        let body = [varint(2), varint(u64::MAX), varint(u64::MAX)].concat();
        Say::Frames(vec![Frame::new(0x83, body)])
    }),
    ("a list that brings manifests without an end", 0, |_, _| {
        Say::Endless(wire::batch(wire::MANIFESTS, &[hollow(1_000)]).encode())
    }),
    ("a list that brings statements of noise", 0, |_, _| {
        let noise = wire::batch(0x88, &[noise(1, 300), noise(2, 300)]);
        Say::Frames(vec![Frame::new(0x83, vec![0]), noise])
    }),
    ("a forged revocation of a trusted key", 0, |_, _| {
        let forged = forge::revocation(&turncoat(), &quic::key(502));
        let forged = wire::batch(0x88, &[forged]);
        Say::Frames(vec![Frame::new(0x83, vec![0]), forged])
    }),
];

/// The comparing node ends, shows nothing false, and continues with other peers.
pub fn comparing(lab: &Lab, mode: u8, lie: Lie) -> Verdict {
    let home = well_read(lab)?;
    let before = lab.run(&home, &["registry", "trust", "list"])?.out;
    let next = AtomicU64::new(0);
    let tell = move |request: &Frame, _: &[Frame]| match (request.kind, request.body.first()) {
        (wire::RECONCILE, Some(m)) if *m == mode => {
            lie(request, next.fetch_add(1, Ordering::Relaxed))
        }
        // So that it is asked for what the lie is about.
        (wire::RECONCILE, Some(1)) => Say::Frames(vec![wire::refusal(2, "by list only")]),
        _ => Say::Truth,
    };
    let host = Host::serve(Some(lab.honest.address), 1, Box::new(tell));
    let ran = lab.run(&home, &["registry", "sync", "--peer", &host.peer()])?;
    if host.lies() == 0 {
        return Err(format!("it never lied: {}", ran.err));
    }
    if !matches!(ran.code, Some(0 | 4..=7)) {
        return Err(format!("exit {:?}: {}", ran.code, ran.err));
    }
    if lab.run(&home, &["registry", "trust", "list"])?.out != before {
        return Err("trust is another afterwards".to_owned());
    }
    let listed = lab.run(&home, &["registry", "list"])?;
    if listed.out.contains("hollow") {
        return Err("what is nowhere is to be seen".to_owned());
    }
    lab.serves(&home)?;
    let code = ran.code.unwrap_or(-1);
    Ok(format!(
        "exit {code} after {:.1} s, {} MiB",
        ran.seconds,
        ran.memory_kib >> 10
    ))
}

type Twist = fn(&Frame) -> Say;

fn delta(chunks: &[u64], bases: &[u64], payload: &[u8]) -> Frame {
    let numbers = |all: &[u64]| {
        let some = all.iter().flat_map(|n| varint(*n));
        varint(all.len() as u64)
            .into_iter()
            .chain(some)
            .collect::<Vec<u8>>()
    };
    let body = [numbers(chunks), numbers(bases), counted(payload)];
    Frame::new(0x8c, body.concat())
}

/// Deltas that are none, or expand.
pub const DELTA_LIES: &[(&str, u8, Twist)] = &[
    ("a delta that expands to 4 GiB", wire::DELTAS, |_| {
        Say::Frames(vec![delta(
            &[0],
            &[0],
            &forge::bomb(4 << 30, Some(4 << 30)),
        )])
    }),
    ("one that does not say so", wire::DELTAS, |_| {
        Say::Frames(vec![delta(&[0], &[0], &forge::bomb(4 << 30, None))])
    }),
    ("one of noise", wire::DELTAS, |_| {
        Say::Frames(vec![delta(&[0], &[0], &noise(1, 10_000))])
    }),
    (
        "one of chunks that were not asked for",
        wire::DELTAS,
        |_| Say::Frames(vec![delta(&[8_191, 1 << 60], &[0], &noise(1, 100))]),
    ),
    ("one against what was not named", wire::DELTAS, |_| {
        Say::Frames(vec![delta(&[0], &[63, 1 << 60], &noise(1, 100))])
    }),
    ("one of no chunks", wire::DELTAS, |_| {
        Say::Frames(vec![delta(&[], &[0], &forge::bomb(0, Some(0)))])
    }),
    ("deltas without an end", wire::DELTAS, |_| {
        Say::Endless(delta(&[0], &[0], &noise(1, 1_000)).encode())
    }),
    ("nodes that expand to 4 GiB", wire::NODE_DELTAS, |_| {
        let payload = forge::bomb(4 << 30, Some(4 << 20));
        Say::Frames(vec![Frame::new(
            0x8d,
            [varint(4 << 20), counted(&payload)].concat(),
        )])
    }),
    ("nodes of 2^60 bytes", wire::NODE_DELTAS, |_| {
        let payload = forge::bomb(1 << 20, Some(1 << 60));
        Say::Frames(vec![Frame::new(
            0x8d,
            [varint(1 << 60), counted(&payload)].concat(),
        )])
    }),
    ("nodes of noise", wire::NODE_DELTAS, |_| {
        Say::Frames(vec![Frame::new(
            0x8d,
            [varint(5_000), counted(&noise(3, 500))].concat(),
        )])
    }),
    ("nodes without an end", wire::NODE_DELTAS, |_| {
        let payload = forge::bomb(1_000, Some(1_000));
        Say::Endless(Frame::new(0x8d, [varint(1_000), counted(&payload)].concat()).encode())
    }),
];

/// A node that holds an earlier version receives deltas.
pub fn deltas(lab: &Lab, kind: u8, lie: Twist) -> Verdict {
    let home = lab.home();
    let first = lab.pull(&home, &lab.honest.peer(), "edited@1.0.0")?;
    if first.code != Some(0) {
        return Err(format!("the earlier version: {}", first.err));
    }
    let tell = move |request: &Frame, truth: &[Frame]| match request.kind {
        // As if it spoke of deltas itself.
        wire::HELLO => Say::Frames(vec![wire::hello(0x81, &[0, 1], true)]),
        k if k == kind => lie(request),
        // The asker that it learns the truth by reads none.
        wire::DELTAS | wire::NODE_DELTAS if truth.is_empty() => {
            Say::Frames(vec![wire::refusal(2, "never heard of it")])
        }
        _ => Say::Truth,
    };
    let host = Host::serve(Some(lab.honest.address), 1, Box::new(tell));
    let ran = lab.pull(&home, &host.peer(), "edited@1.1.0")?;
    // Its hello is one.
    if host.lies() < 2 {
        return Err(format!("it never lied: {}", ran.err));
    }
    let copy = home.join("edited");
    let to = copy.to_string_lossy().into_owned();
    let got = lab.run(&home, &["registry", "checkout", "edited@1.1.0", &to])?;
    let is_true = std::fs::read(&copy).ok().as_ref() == Some(&lab.edited);
    match (ran.code, got.code, is_true) {
        (Some(0), Some(0), true) => {}
        (Some(6), Some(3), false) => {}
        other => return Err(format!("{other:?}: {}", ran.err)),
    }
    lab.serves(&home)?;
    let code = ran.code.unwrap_or(-1);
    Ok(format!("exit {code}, {} MiB", ran.memory_kib >> 10))
}
