//! Comparing catalogues, following and looking around, among nodes that lie.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::forge;
use crate::forge::Manifest;
use crate::forge::hash;
use crate::forge::noise;
use crate::forged::Forged;
use crate::forged::Plan;
use crate::host::Host;
use crate::host::Say;
use crate::host::Tell;
use crate::lies::Verdict;
use crate::mdns;
use crate::mdns::Service;
use crate::program::Lab;
use crate::program::Node;
use crate::program::turncoat;
use crate::quic;
use crate::wire;
use crate::wire::Frame;
use crate::wire::counted;
use crate::wire::varint;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn until(mut is_so: impl FnMut() -> Result<bool, String>) -> Result<f64, String> {
    let begun = Instant::now();
    loop {
        if is_so()? {
            return Ok(begun.elapsed().as_secs_f64());
        }
        if begun.elapsed() > PATIENCE {
            return Err("it does not come to pass".to_owned());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A manifest of a trusted publisher whose content is nowhere.
fn hollow(n: u64) -> Vec<u8> {
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
fn range(request: &Frame) -> (u64, u64) {
    let mut c = wire::Cursor(&request.body);
    let _ = c.take(1 + 16 + 16);
    (c.varint().unwrap_or(0), c.varint().unwrap_or(0))
}

fn symbols(count: u64, from: u64, take: u64, seed: u64) -> Frame {
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

/// Whoever compares comes to an end, shows nothing new that is not so, and goes on with others.
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

fn difference(chunks: &[u64], bases: &[u64], payload: &[u8]) -> Frame {
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

/// Differences that are none, or expand.
pub const DIFFERENCE_LIES: &[(&str, u8, Twist)] = &[
    (
        "a difference that expands to 4 GiB",
        wire::DIFFERENCES,
        |_| {
            Say::Frames(vec![difference(
                &[0],
                &[0],
                &forge::bomb(4 << 30, Some(4 << 30)),
            )])
        },
    ),
    ("one that does not say so", wire::DIFFERENCES, |_| {
        Say::Frames(vec![difference(&[0], &[0], &forge::bomb(4 << 30, None))])
    }),
    ("one of noise", wire::DIFFERENCES, |_| {
        Say::Frames(vec![difference(&[0], &[0], &noise(1, 10_000))])
    }),
    (
        "one of chunks that were not asked for",
        wire::DIFFERENCES,
        |_| Say::Frames(vec![difference(&[8_191, 1 << 60], &[0], &noise(1, 100))]),
    ),
    ("one against what was not named", wire::DIFFERENCES, |_| {
        Say::Frames(vec![difference(&[0], &[63, 1 << 60], &noise(1, 100))])
    }),
    ("one of no chunks", wire::DIFFERENCES, |_| {
        Say::Frames(vec![difference(&[], &[0], &forge::bomb(0, Some(0)))])
    }),
    ("differences without an end", wire::DIFFERENCES, |_| {
        Say::Endless(difference(&[0], &[0], &noise(1, 1_000)).encode())
    }),
    ("nodes that expand to 4 GiB", wire::NODE_DIFFERENCES, |_| {
        let payload = forge::bomb(4 << 30, Some(4 << 20));
        Say::Frames(vec![Frame::new(
            0x8d,
            [varint(4 << 20), counted(&payload)].concat(),
        )])
    }),
    ("nodes of 2^60 bytes", wire::NODE_DIFFERENCES, |_| {
        let payload = forge::bomb(1 << 20, Some(1 << 60));
        Say::Frames(vec![Frame::new(
            0x8d,
            [varint(1 << 60), counted(&payload)].concat(),
        )])
    }),
    ("nodes of noise", wire::NODE_DIFFERENCES, |_| {
        Say::Frames(vec![Frame::new(
            0x8d,
            [varint(5_000), counted(&noise(3, 500))].concat(),
        )])
    }),
    ("nodes without an end", wire::NODE_DIFFERENCES, |_| {
        let payload = forge::bomb(1_000, Some(1_000));
        Say::Endless(Frame::new(0x8d, [varint(1_000), counted(&payload)].concat()).encode())
    }),
];

/// Whoever holds an earlier version is told of differences.
pub fn differences(lab: &Lab, kind: u8, lie: Twist) -> Verdict {
    let home = lab.home();
    let first = lab.pull(&home, &lab.honest.peer(), "edited@1.0.0")?;
    if first.code != Some(0) {
        return Err(format!("the earlier version: {}", first.err));
    }
    let tell = move |request: &Frame, truth: &[Frame]| match request.kind {
        // As if it spoke of differences itself.
        wire::HELLO => Say::Frames(vec![wire::hello(0x81, &[0, 1], true)]),
        k if k == kind => lie(request),
        // The asker that it learns the truth by reads none.
        wire::DIFFERENCES | wire::NODE_DIFFERENCES if truth.is_empty() => {
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

fn pin(home: &Path, peers: &[(String, String)]) {
    let lines = peers.iter().map(|(at, id)| format!("{at} {id}\n"));
    std::fs::write(home.join("known_peers"), lines.collect::<String>()).expect("pins");
}

fn pins(hosts: &[Host], honest: &Node) -> Vec<(String, String)> {
    let liars = hosts.iter().map(|h| (h.address.to_string(), h.id()));
    let honest = (honest.address.to_string(), honest.id.clone());
    liars.chain([honest]).collect()
}

/// Liars of each kind around somebody who follows both publishers.
fn liars(lab: &Lab) -> Vec<Host> {
    let upstream = Some(lab.honest.address);
    let tells: Vec<Box<Tell>> = vec![
        // Wrong chunks.
        Box::new(|r, truth| match r.kind == wire::CHUNKS {
            true => {
                let mut frames = truth.to_vec();
                if let Some(last) = frames.first_mut().and_then(|f| f.body.last_mut()) {
                    *last ^= 1;
                }
                Say::Frames(frames)
            }
            false => Say::Truth,
        }),
        // Noise where catalogues are compared.
        Box::new(|r, _| match (r.kind, r.body.first()) {
            (wire::RECONCILE, Some(1)) => {
                let (from, take) = range(r);
                Say::Frames(vec![symbols(5_000, from, take, 30)])
            }
            (wire::RECONCILE, _) => {
                Say::Endless(wire::batch(wire::MANIFESTS, &[hollow(1)]).encode())
            }
            _ => Say::Truth,
        }),
        // Says hello and nothing else.
        Box::new(|r, _| match r.kind == wire::HELLO {
            true => Say::Truth,
            false => Say::Mute,
        }),
        // A byte a second.
        Box::new(|r, truth| match r.kind == wire::HELLO {
            true => Say::Truth,
            false => Say::Drip(wire::encoded(truth)),
        }),
        // Always something new of somebody who is followed, that is nowhere.
        Box::new({
            let next = AtomicU64::new(10_000);
            move |r, _| match (r.kind, r.body.first()) {
                (wire::RECONCILE, Some(1)) => Say::Frames(vec![wire::refusal(2, "by list only")]),
                (wire::RECONCILE, _) => {
                    let from = next.fetch_add(200, Ordering::Relaxed);
                    let some: Vec<Vec<u8>> = (from..from + 200).map(hollow).collect();
                    let list = wire::batch(wire::MANIFESTS, &some);
                    Say::Frames(vec![Frame::new(0x83, vec![0]), list])
                }
                _ => Say::Truth,
            }
        }),
    ];
    let numbered = tells.into_iter().zip(60..);
    let mut hosts: Vec<Host> = numbered
        .map(|(tell, number)| Host::serve(upstream, number, tell))
        .collect();
    // A lie that its signer signed.
    let mut plan = Plan::true_one("twisted");
    plan.leaf = |entries, _| entries.swap(0, 1);
    let forged = Arc::new(Forged::make(&plan));
    let tell = move |r: &Frame, _: &[Frame]| forged.answer(r);
    hosts.push(Host::serve(None, 70, Box::new(tell)));
    hosts
}

/// What is followed arrives from the honest one, and nothing of the liars' is to be seen.
pub fn following(lab: &Lab) -> Verdict {
    let hosts = liars(lab);
    let home = lab.home();
    pin(&home, &pins(&hosts, &lab.honest));
    let node = lab.serve(
        &home,
        &["--no-mdns", "--follow", "lab", "--follow", "turncoat", "-v"],
    );
    let has = |what: &str| {
        let listed = lab.run(&home, &["registry", "list"])?;
        Ok::<bool, String>(listed.out.contains(what))
    };
    let first = until(|| has("\"corpus\""))?;
    let kinds = hosts.iter().filter(|h| h.lies() > 0).count();
    if has("hollow")? || has("twisted")? {
        return Err("a lie is to be seen".to_owned());
    }
    // It still answers others, and takes no more than it may.
    let other = lab.home();
    let ran = lab.pull(&other, &node.peer(), "corpus")?;
    if ran.code != Some(0) {
        return Err(format!("the follower does not serve: {}", ran.err));
    }
    let memory = node.memory_kib() >> 10;
    drop(hosts);
    node.stop()?;
    lab.is_sound(&home)?;
    Ok(format!(
        "arrives after {first:.1} s among {kinds} liars; {memory} MiB"
    ))
}

/// Commands that look for peers by themselves, among pinned liars.
pub fn looking(lab: &Lab) -> Verdict {
    let hosts = liars(lab);
    let home = lab.home();
    pin(&home, &pins(&hosts, &lab.honest));
    let ran = lab.run(&home, &["registry", "list", "--peer", &hosts[1].peer()])?;
    if !matches!(ran.code, Some(0 | 6)) {
        return Err(format!("list: {:?} {}", ran.code, ran.err));
    }
    let ran = lab.run(&home, &["registry", "peers", "--wait", "0.2"])?;
    if ran.code != Some(0) || !ran.out.contains(&lab.honest.id) {
        return Err(format!("peers: {:?} {}", ran.code, ran.err));
    }
    drop(hosts);
    lab.serves(&home)?;
    Ok("answers as before".to_owned())
}

/// Services by the hundred that are not there, some in honest names, and filters that lie.
pub fn forged_services(lab: &Lab) -> Verdict {
    let home = lab.home();
    pin(&home, &pins(&[], &lab.honest));
    let node = lab.serve(&home, &["--follow", "lab"]);
    // A filter that says yes to everything, and one that is none.
    let full = [&b"f0="[..], &[1, 5, 255]].concat();
    let broken = [&b"f0="[..], &noise(1, 40)].concat();
    let texts = |n: u64| -> Vec<Vec<u8>> {
        let (filter, bytes) = match n % 3 {
            0 => (full.clone(), "fb=3"),
            1 => (broken.clone(), "fb=40"),
            _ => return Vec::new(),
        };
        let digest = format!("fh={}", forge::hex(&hash(&filter[3..])[..8]));
        vec![b"n=5".to_vec(), digest.into_bytes(), bytes.into(), filter]
    };
    let fakes: Vec<Vec<u8>> = (0..400_u64)
        .map(|n| {
            let id = forge::hex(&hash(&[&[0x5a][..], &n.to_le_bytes()].concat()));
            let service = Service {
                id,
                port: 40_000 + n as u16,
                texts: texts(n),
            };
            service.packet()
        })
        .collect();
    // The honest node, where it is not.
    let masked = Service {
        id: lab.honest.id.clone(),
        port: 9,
        texts: texts(0),
    }
    .packet();
    let heard = |node: &Node| node.said().iter().any(|l| l.contains("\"found\""));
    let mut tries = 0;
    while !heard(&node) {
        if mdns::shout(&fakes[..40]).is_err() || tries > 20 {
            return Ok("NOT RUN: this machine has no multicast on loopback".to_owned());
        }
        tries += 1;
        std::thread::sleep(Duration::from_millis(250));
    }
    for _ in 0..3 {
        mdns::shout(&fakes).map_err(|e| e.to_string())?;
        mdns::shout(std::slice::from_ref(&masked)).map_err(|e| e.to_string())?;
        std::thread::sleep(Duration::from_millis(500));
    }
    let counted = until(|| Ok(node.said().iter().any(|l| l.contains("\"left_out\""))))?;
    let lines = node.said().len();
    if lines > 120 {
        return Err(format!("{lines} lines were told"));
    }
    let listed = |what: &str| {
        let listed = lab.run(&home, &["registry", "list"])?;
        Ok::<bool, String>(listed.out.contains(what))
    };
    until(|| listed("\"corpus\""))?;
    // By hand, without a name of a peer, beside a node that knows them all.
    let ran = lab.run(&home, &["registry", "pull", "edited@1.0.0"])?;
    let warnings = ran.err.lines().filter(|l| l.contains("warning")).count();
    if ran.code != Some(0) || warnings > 2 {
        return Err(format!(
            "exit {:?}, {warnings} warnings: {}",
            ran.code, ran.err
        ));
    }
    let memory = node.memory_kib() >> 10;
    node.stop()?;
    lab.is_sound(&home)?;
    Ok(format!(
        "400 forged: {lines} lines told, a count after {counted:.0} s, {warnings} warning of a pull in {:.1} s; {memory} MiB",
        ran.seconds
    ))
}

/// Pulls from somebody who stops in the middle: a mute one, one that drips, one that was killed.
pub fn gone(lab: &Lab, how: &str) -> Verdict {
    let home = lab.home();
    let lie = move |how: &str, truth: &[Frame]| match how {
        "mute" => Say::Mute,
        _ => Say::Drip(wire::encoded(truth)),
    };
    let (owned, begun) = (how.to_owned(), Instant::now());
    if how == "killed" {
        let served = lab.home();
        let ran = lab.pull(&served, &lab.honest.peer(), "large")?;
        if ran.code != Some(0) {
            return Err(format!("not prepared: {}", ran.err));
        }
        let node = lab.serve(&served, &["--no-mdns"]);
        let words = ["registry", "pull", "large", "--peer", &node.peer()];
        let mut child = lab.begin(&home, &words);
        std::thread::sleep(Duration::from_millis(150));
        node.signal("-KILL");
        let begun = Instant::now();
        let code = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status.code(),
                _ if begun.elapsed() > PATIENCE => {
                    let _ = child.kill();
                    return Err("it waits on".to_owned());
                }
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        lab.serves(&home)?;
        let seconds = begun.elapsed().as_secs_f64();
        return match code {
            Some(6) => Ok(format!("given up after {seconds:.1} s")),
            Some(0) => Ok("the pull was faster".to_owned()),
            other => Err(format!("exit {other:?}")),
        };
    }
    let tell = move |r: &Frame, truth: &[Frame]| match r.kind {
        wire::CHUNKS if r.body.get(32) == Some(&0) => lie(&owned, truth),
        _ => Say::Truth,
    };
    let host = Host::serve(Some(lab.honest.address), 80, Box::new(tell));
    let ran = lab.pull(&home, &host.peer(), "corpus")?;
    if ran.code != Some(6) {
        return Err(format!("exit {:?}: {}", ran.code, ran.err));
    }
    lab.is_empty(&home)?;
    lab.serves(&home)?;
    Ok(format!(
        "given up after {:.0} s",
        begun.elapsed().as_secs_f64()
    ))
}
