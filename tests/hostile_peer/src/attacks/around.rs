//! Following and looking around among nodes that lie, and peers that are gone.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::attacks::comparing::hollow;
use crate::attacks::comparing::range;
use crate::attacks::comparing::symbols;
use crate::attacks::lies::Verdict;
use crate::forge;
use crate::forge::hash;
use crate::forge::noise;
use crate::forged::Forged;
use crate::forged::Plan;
use crate::host::Host;
use crate::host::Say;
use crate::host::Tell;
use crate::mdns;
use crate::mdns::Service;
use crate::program::Lab;
use crate::program::Node;
use crate::wire;
use crate::wire::Frame;

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

/// Checks that followed datasets arrive from the honest node, and that no lie is listed.
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
            return Err(
                "this machine has no multicast on loopback, so the case cannot run".to_owned(),
            );
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
