//! The requests of a hostile client to a node that serves.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use tokio::task::JoinSet;

use crate::asker::Asker;
use crate::attacks::lies::Verdict;
use crate::forge;
use crate::forge::Manifest;
use crate::forge::hash;
use crate::forge::noise;
use crate::forged::Forged;
use crate::forged::Plan;
use crate::host::Host;
use crate::program::Lab;
use crate::program::Node;
use crate::program::lines;
use crate::quic;
use crate::quic::runtime;
use crate::wire;
use crate::wire::Frame;
use crate::wire::varint;

/// Runs against the honest node, and then looks whether it serves others as before.
pub fn against(lab: &Lab, attack: impl Future<Output = Verdict>) -> Verdict {
    let figures = runtime().block_on(attack)?;
    lab.serves(&lab.home())?;
    let memory = lab.honest.memory_kib() >> 10;
    Ok(format!("{figures}; the node took {memory} MiB so far"))
}

pub fn hello() -> Frame {
    wire::hello(wire::HELLO, &[0], false)
}

/// A node that serves a dataset of 8 MB whose envelope's id is known here: it was made by hand, and
/// pulled.
pub fn with_known(lab: &Lab) -> Result<(Node, [u8; 32]), String> {
    let leaf = |from: u64| (from..from + 100).map(|n| lines(300, 300 + n)).collect();
    let plan = Plan {
        leaves: vec![leaf(0), leaf(100)],
        ..Plan::true_one("known")
    };
    let forged = Arc::new(Forged::make(&plan));
    let envelope = hash(&forged.envelope);
    let host = Host::serve(None, 5, Box::new(move |request, _| forged.answer(request)));
    let home = lab.home();
    let ran = lab.pull(&home, &host.peer(), "known")?;
    match ran.code {
        Some(0) => Ok((lab.serve(&home, &["--no-mdns"]), envelope)),
        _ => Err(format!("cannot be prepared: {}", ran.err)),
    }
}

/// Bytes that are no request: each ends the connection of its sender, and nothing else.
pub fn malformed(lab: &Lab) -> Verdict {
    let envelope = [7; 32];
    let list = wire::list_all().encode();
    let raw = |kind: u8, body: Vec<u8>| Frame::new(kind, body).encode();
    let mut cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("half a frame", list[..3].to_vec()),
        ("4 GiB", [&[2][..], &[0xff; 4]].concat()),
        ("two requests", [list.as_slice(), &list].concat()),
        ("a byte too many", raw(wire::LIST, vec![0, 0])),
        (
            "2^63 places",
            raw(
                wire::NODES,
                [&envelope[..], &[0], &varint(1 << 63)].concat(),
            ),
        ),
        (
            "513 places",
            wire::nodes(&envelope, 0, &[(0, 0); 513]).encode(),
        ),
        (
            "8,193 chunks",
            wire::chunks(&envelope, 0, 0, &[(0, 8_193)]).encode(),
        ),
        (
            "chunks that overflow",
            wire::chunks(&envelope, 0, 0, &[(u64::MAX, u64::MAX)]).encode(),
        ),
        (
            "4,097 runs",
            wire::chunks(&envelope, 0, 0, &[(0, 1); 4_097]).encode(),
        ),
        (
            "a third tree",
            wire::chunks(&envelope, 2, 0, &[(0, 1)]).encode(),
        ),
        ("a card of no id", raw(wire::CARD, vec![1; 31])),
        ("a filter with a body", raw(wire::FILTER, vec![1])),
        (
            "2^40 elements",
            raw(
                wire::RECONCILE,
                [&[0][..], &[1; 16], &varint(1 << 40)].concat(),
            ),
        ),
        (
            "elements in no order",
            raw(
                wire::RECONCILE,
                [&[0][..], &[1; 16], &[2], &[2; 8], &[1; 8]].concat(),
            ),
        ),
        (
            "2^20 symbols at once",
            raw(
                wire::RECONCILE,
                [&[1][..], &[0; 33], &varint(1 << 20)].concat(),
            ),
        ),
        (
            "announcements of 2^50",
            raw(wire::ANNOUNCE, varint(1 << 50)),
        ),
        (
            "an envelope of noise",
            wire::announce(&[noise(1, 500)], &[]).encode(),
        ),
        (
            "a varint without an end",
            raw(wire::RECORD_BOUNDARIES, [&envelope[..], &[0], &[0x80; 20]].concat()),
        ),
        (
            "a varint that is longer than it need be",
            raw(wire::RECORD_BOUNDARIES, [&envelope[..], &[0, 0x80, 0, 1]].concat()),
        ),
        (
            "65 bases",
            raw(
                wire::DELTAS,
                [&[0; 32 + 1 + 1 + 64][..], &[1, 0, 1, 65, 0]].concat(),
            ),
        ),
    ];
    for seed in 0..20 {
        // Of a kind that is known, and a body as long as it says.
        let body = noise(seed, 40 + 97 * seed as usize);
        cases.push(("noise", raw(1 + (seed % 11) as u8, body)));
    }
    against(lab, async {
        let count = cases.len();
        for (n, (what, bytes)) in cases.into_iter().enumerate() {
            let asker = Asker::greeted(lab.honest.address, 10).await?;
            let answer = asker.send(&bytes).await;
            // The end may overtake the refusal. Noise may be a request by chance.
            let code = answer.ok().and_then(|a| a.first().and_then(Frame::code));
            let is_noise = what == "noise";
            match code {
                Some(2 | 3) if is_noise => {}
                Some(1) | None if is_noise => {}
                Some(1) | None => {
                    let closed = asker.closed().await.map_err(|e| format!("{what}: {e}"))?;
                    if closed != 1 {
                        return Err(format!("{what} ({n}): closed with {closed}"));
                    }
                }
                other => return Err(format!("{what} ({n}): {other:?}")),
            }
            asker.leave();
        }
        Ok(format!("{count} of them"))
    })
}

/// Kinds that nobody knows, and requests before hello.
pub fn unknown(lab: &Lab) -> Verdict {
    against(lab, async {
        let asker = Asker::greeted(lab.honest.address, 11).await?;
        for kind in [0, 0x0c, 0x33, 0x7f, 0x81, 0xff] {
            let answer = asker.ask(&Frame::new(kind, vec![1; 300])).await?;
            if answer.first().and_then(Frame::code) != Some(2) {
                return Err(format!("kind {kind}: {answer:?}"));
            }
        }
        asker.leave();
        for request in [wire::list_all(), wire::announce(&[], &[])] {
            let asker = Asker::silent(lab.honest.address, 11).await?;
            let _ = asker.ask(&request).await;
            if asker.closed().await? != 1 {
                return Err("a request before hello".to_owned());
            }
        }
        Ok("refused with code 2, and closed with code 1".to_owned())
    })
}

/// Places where nothing is, of manifests that are there and that are not, get one answer.
pub fn prying(lab: &Lab) -> Verdict {
    let (node, there) = with_known(lab)?;
    let figures = runtime().block_on(async {
        let asker = Asker::greeted(node.address, 12).await?;
        let mut asked = 0;
        for seed in 0..40_u64 {
            let offset = u64::from_le_bytes(noise(seed, 8).try_into().map_err(|_| "8 bytes")?);
            for envelope in [there, [9; 32]] {
                let requests = [
                    wire::nodes(&envelope, 0, &[(seed as u8, offset)]),
                    wire::chunks(&envelope, 1, offset, &[(0, 1)]),
                    wire::chunks(&envelope, 0, 1 + (offset >> 44), &[(0, 192)]),
                ];
                for request in requests {
                    let answer = asker.ask(&request).await?;
                    if answer.first().and_then(Frame::code) != Some(3) {
                        return Err(format!("{request:?}: {:?}", answer.first()));
                    }
                    asked += 1;
                }
            }
        }
        // It is there, and its first chunk begins at 0.
        let answer = asker.ask(&wire::chunks(&there, 0, 0, &[(0, 1)])).await?;
        asker.leave();
        match answer.as_slice() {
            [record] if record.kind == 0x85 => Ok(format!("{asked} refused with code 3")),
            other => Err(format!("what is there: {other:?}")),
        }
    })?;
    node.stop()?;
    Ok(figures)
}

/// A request longer than any may be is not waited for to its end.
pub fn long_request(lab: &Lab) -> Verdict {
    against(lab, async {
        let asker = Asker::greeted(lab.honest.address, 22).await?;
        let bytes = Frame::new(wire::ANNOUNCE, vec![0; (9 << 20) + (1 << 20)]).encode();
        let answer = asker.send(&bytes).await;
        let code = answer.ok().and_then(|a| a.first().and_then(Frame::code));
        let closed = asker.closed().await?;
        match (code, closed) {
            (Some(1) | None, 1) => Ok("10 MiB: refused as malformed".to_owned()),
            other => Err(format!("{other:?}")),
        }
    })
}

/// Requests that come a byte a second, and connections that never say hello.
pub fn drips(lab: &Lab) -> Verdict {
    against(lab, async {
        let mut all = JoinSet::new();
        for n in 0..8 {
            let at = lab.honest.address;
            all.spawn(async move {
                let asker = match n {
                    0..4 => Asker::greeted(at, 30).await?,
                    _ => Asker::silent(at, 31).await?,
                };
                if n < 6 {
                    let asking = asker.clone();
                    tokio::spawn(async move {
                        let (mut out, _answer) = asking.begin(&[]).await?;
                        let request = wire::announce(&[vec![0; 200]], &[]).encode();
                        for byte in request {
                            if out.write_all(&[byte]).await.is_err() {
                                break;
                            }
                            tokio::time::sleep(Duration::from_secs(1)).await;
                        }
                        Ok::<(), String>(())
                    });
                }
                let begun = Instant::now();
                let code = asker.closed().await?;
                Ok::<_, String>((n, code, begun.elapsed()))
            });
        }
        let mut longest = Duration::ZERO;
        while let Some(ended) = all.join_next().await {
            let (n, code, after) = ended.map_err(|e| e.to_string())??;
            if code != 5 {
                return Err(format!("connection {n} was closed with {code}"));
            }
            longest = longest.max(after);
        }
        Ok(format!(
            "8 connections closed after at most {:.0} s",
            longest.as_secs_f64()
        ))
    })
}

/// The `n`th manifest of a stranger.
fn invented(n: u64) -> Manifest {
    Manifest {
        name: format!("invented-{n}"),
        content_id: hash(&n.to_le_bytes()),
        root: [2; 32],
        table_root: [3; 32],
        table_bytes: 50,
        num_files: 1,
        size: 1_000,
        description: String::new(),
        seq: 1,
        instead: None,
    }
}

/// Announcements by the thousand: what a stranger signed truly, and forgeries.
pub fn announcements(lab: &Lab) -> Verdict {
    let home = lab.home();
    let node = lab.serve(&home, &["--no-mdns"]);
    let stranger = quic::key(501);
    let all: Vec<Vec<u8>> = (0..5_000).map(|n| invented(n).signed(&stranger)).collect();
    let mut forged = all[0].clone();
    *forged.last_mut().ok_or("an envelope")? ^= 1;
    let figures = runtime().block_on(async {
        let (mut taken, mut refused) = (0, 0);
        for (n, some) in all.chunks(500).enumerate() {
            let asker = Asker::greeted(node.address, 40 + n as u64).await?;
            let answer = asker.ask(&wire::announce(some, &[])).await?;
            match answer.first() {
                Some(frame) if frame.kind == 0x87 => {
                    taken += wire::Cursor(&frame.body).varint().unwrap_or(0);
                }
                other => return Err(format!("{other:?}")),
            }
            // One forgery refuses them all.
            let mut mixed = some.to_vec();
            mixed.push(forged.clone());
            let answer = asker.ask(&wire::announce(&mixed, &[])).await?;
            refused += u32::from(answer.first().and_then(Frame::code) == Some(4));
            // More at once than anybody may ask is too much.
            let many = vec![forged.clone(); 5_000];
            let answer = asker.ask(&wire::announce(&many, &[])).await?;
            if answer.first().and_then(Frame::code) != Some(5) {
                return Err(format!("5,000 at once: {answer:?}"));
            }
            // Revocations of somebody else's key.
            let trusted = crate::program::turncoat();
            let revoked = forge::revocation(&trusted, &stranger);
            let answer = asker.ask(&wire::announce(&[], &[revoked])).await?;
            if answer.iter().any(|f| f.kind == 0x87 && f.body != [0]) {
                return Err("a forged revocation was taken".to_owned());
            }
            asker.leave();
        }
        Ok(format!(
            "{taken} said to be noted of 5,000, {refused} forgeries refused"
        ))
    })?;
    let listed = lab.run(&home, &["registry", "list", "--all"])?;
    if listed.out.contains("invented") {
        return Err("a stranger's word is to be seen".to_owned());
    }
    // It serves on, and pulls.
    lab.serves(&home)?;
    let memory = node.memory_kib() >> 10;
    node.stop()?;
    lab.is_sound(&home)?;
    Ok(format!("{figures}; {memory} MiB"))
}
