//! What a client may say to a node that serves, and the limits for one peer, each met.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use quinn::TransportConfig;
use quinn::VarInt;
use tokio::task::JoinSet;

use crate::asker::Asker;
use crate::asker::read;
use crate::forge;
use crate::forge::Manifest;
use crate::forge::hash;
use crate::forge::noise;
use crate::forged::Forged;
use crate::forged::Plan;
use crate::host::Host;
use crate::lies::Verdict;
use crate::program::Lab;
use crate::program::Node;
use crate::program::lines;
use crate::quic;
use crate::quic::runtime;
use crate::wire;
use crate::wire::Frame;
use crate::wire::varint;

/// Runs against the honest node, and then looks whether it serves others as before.
fn against(lab: &Lab, attack: impl Future<Output = Verdict>) -> Verdict {
    let figures = runtime().block_on(attack)?;
    lab.serves(&lab.home())?;
    let memory = lab.honest.memory_kib() >> 10;
    Ok(format!("{figures}; the node took {memory} MiB so far"))
}

fn hello() -> Frame {
    wire::hello(wire::HELLO, &[0], false)
}

/// A node that serves a dataset of 8 MB whose envelope's id is known here: it was made by hand, and
/// pulled.
fn with_known(lab: &Lab) -> Result<(Node, [u8; 32]), String> {
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
            raw(wire::SEAMS, [&envelope[..], &[0], &[0x80; 20]].concat()),
        ),
        (
            "a varint that is longer than it need be",
            raw(wire::SEAMS, [&envelope[..], &[0, 0x80, 0, 1]].concat()),
        ),
        (
            "65 bases",
            raw(
                wire::DIFFERENCES,
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

/// More requests at once than a peer may have.
pub fn requests_at_once(lab: &Lab) -> Verdict {
    against(lab, async {
        let asker = Asker::greeted(lab.honest.address, 13).await?;
        let bytes = hello().encode();
        let (mut halves, mut answers) = (Vec::new(), JoinSet::new());
        for _ in 0..40 {
            let (out, answer) = asker.begin(&bytes[..4]).await?;
            halves.push(out);
            answers.spawn(read(answer));
        }
        let mut refused = 0;
        let wait = Duration::from_millis(1_500);
        while let Ok(Some(Ok(answer))) = tokio::time::timeout(wait, answers.join_next()).await {
            match answer?.first().and_then(Frame::code) {
                Some(5) => refused += 1,
                other => return Err(format!("{other:?}")),
            }
        }
        asker.leave();
        match refused {
            8 => Ok("32 under way, 8 refused with code 5".to_owned()),
            n => Err(format!("{n} of 40 were refused")),
        }
    })
}

/// Streams beyond what the transport allows do not open.
pub fn streams(lab: &Lab) -> Verdict {
    against(lab, async {
        let asker = Asker::greeted(lab.honest.address, 14).await?;
        let mut open = Vec::new();
        // Never read, so that they do not end.
        while let Ok(Ok(pair)) =
            tokio::time::timeout(Duration::from_millis(500), asker.connection.open_bi()).await
        {
            open.push(pair);
            if open.len() > 200 {
                return Err("more than 200 streams open".to_owned());
            }
        }
        let one_way = asker.connection.open_uni();
        if tokio::time::timeout(Duration::from_millis(300), one_way)
            .await
            .is_ok()
        {
            return Err("a stream that goes one way opens".to_owned());
        }
        asker.leave();
        Ok(format!("{} open at once, none one way", open.len()))
    })
}

/// More requests a second than a peer may have; cheap ones, and those that cost as much as 51.
pub fn rate(lab: &Lab) -> Verdict {
    against(lab, async {
        let mut figures = Vec::new();
        // A bucket of 4,000, and 1,000 more a second.
        for (request, cost, many) in [(hello(), 1, 12_000), (wire::list_all(), 51, 400)] {
            let asker = Asker::greeted(lab.honest.address, 15 + cost).await?;
            let begun = Instant::now();
            let (mut answered, mut refused) = (0_u64, 0_u64);
            let mut under_way = JoinSet::new();
            for _ in 0..many {
                if under_way.len() >= 24
                    && let Some(Ok(answer)) = under_way.join_next().await
                {
                    count(answer, &mut answered, &mut refused)?;
                }
                let (asker, request) = (asker.clone(), request.clone());
                under_way.spawn(async move { asker.ask(&request).await });
            }
            while let Some(Ok(answer)) = under_way.join_next().await {
                count(answer, &mut answered, &mut refused)?;
            }
            let seconds = begun.elapsed().as_secs_f64();
            let most = (4_000.0 + 1_000.0 * (seconds + 1.0)) / cost as f64;
            asker.leave();
            if answered as f64 > most + 1.0 {
                return Err(format!("{answered} answered in {seconds:.1} s"));
            }
            if cost > 1 && refused == 0 {
                return Err(format!("all {answered} were answered"));
            }
            figures.push(format!(
                "{answered} answered, {refused} refused in {seconds:.1} s"
            ));
        }
        Ok(figures.join("; "))
    })
}

fn count(
    answer: Result<Vec<Frame>, String>,
    answered: &mut u64,
    refused: &mut u64,
) -> Result<(), String> {
    match answer?.first().and_then(Frame::code) {
        None => *answered += 1,
        Some(5) => *refused += 1,
        Some(other) => return Err(format!("refused with code {other}")),
    }
    Ok(())
}

/// Nine connections of one peer, all of them at work.
pub fn connections(lab: &Lab) -> Verdict {
    against(lab, async {
        let (mut all, mut halves) = (Vec::new(), Vec::new());
        let bytes = hello().encode();
        for _ in 0..8 {
            let asker = Asker::greeted(lab.honest.address, 20).await?;
            halves.push(asker.begin(&bytes[..3]).await?);
            all.push(asker);
        }
        let code = match Asker::silent(lab.honest.address, 20).await {
            Ok(ninth) => ninth.closed().await?,
            Err(error) => return Err(format!("the ninth: {error}")),
        };
        let open = all.iter().filter(|a| a.is_open()).count();
        if code != 2 || open != 8 {
            return Err(format!("the ninth closed with {code}, and {open} are open"));
        }
        // Another peer is not concerned.
        let other = Asker::greeted(lab.honest.address, 21).await?;
        other.greet().await?;
        // Those that end their requests give way, one for each.
        for (mut out, answer) in halves {
            let _ = out.write_all(&bytes[3..]).await;
            let _ = out.finish();
            read(answer).await?;
        }
        let mut newer = Vec::new();
        for _ in 0..8 {
            newer.push(Asker::greeted(lab.honest.address, 20).await?);
        }
        for old in &all {
            if old.closed().await? != 2 {
                return Err("an old one was closed otherwise".to_owned());
            }
        }
        newer
            .iter()
            .for_each(|a| a.connection.close(0_u32.into(), b""));
        Ok("the ninth waited and was refused; idle ones gave way".to_owned())
    })
}

/// Two hundred peers, each with a connection.
pub fn crowd(lab: &Lab) -> Verdict {
    against(lab, async {
        let mut all = Vec::new();
        for number in 1_000..1_200 {
            all.push(Asker::greeted(lab.honest.address, number).await?);
        }
        lab.serves(&lab.home())?;
        for asker in &all {
            asker.greet().await?;
        }
        let count = all.len();
        all.into_iter().for_each(Asker::leave);
        Ok(format!("{count} at once are all answered"))
    })
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

/// Reads nearly nothing of what it asks for.
fn deaf() -> TransportConfig {
    let mut transport = quic::transport();
    transport.stream_receive_window(VarInt::from_u32(1 << 10));
    transport.receive_window(VarInt::from_u32(64 << 10));
    transport
}

/// Thirty-one answers of data for each of 16 connections, none of them ever read.
pub fn unread(lab: &Lab) -> Verdict {
    let (node, envelope) = with_known(lab)?;
    let request = wire::chunks(&envelope, 0, 0, &[(0, 190)]).encode();
    runtime().block_on(async {
        // Of one connection, so many are begun at once.
        let one = Asker::with(node.address, 26, deaf()).await?;
        one.greet().await?;
        let begun = answered(&one, &request).await?;
        if begun != 4 {
            return Err(format!("{begun} answers of data were begun at once"));
        }
        let mut deaf_ones = vec![one];
        let mut streams = Vec::new();
        for n in 0..15 {
            let asker = Asker::with(node.address, 24 + n % 2, deaf()).await?;
            asker.greet().await?;
            for _ in 0..31 {
                let (mut out, answer) = asker.begin(&request).await?;
                let _ = out.finish();
                streams.push((out, answer));
            }
            deaf_ones.push(asker);
        }
        lab.serves(&lab.home())?;
        let home = lab.home();
        let ran = lab.pull(&home, &node.peer(), "known")?;
        if ran.code != Some(0) {
            return Err(format!("an honest peer gets nothing: {}", ran.err));
        }
        deaf_ones.into_iter().for_each(Asker::leave);
        Ok(())
    })?;
    let memory = node.memory_kib() >> 10;
    node.stop()?;
    Ok(format!(
        "4 begun at once of 12, 477 never read; {memory} MiB"
    ))
}

/// How many of 12 answers begin while none is read.
async fn answered(asker: &Asker, request: &[u8]) -> Result<usize, String> {
    let mut streams = Vec::new();
    for _ in 0..12 {
        let (mut out, answer) = asker.begin(request).await?;
        let _ = out.finish();
        streams.push(answer);
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    let mut begun = 0;
    for stream in &mut streams {
        let mut first = [0; 1];
        let read = stream.read_exact(&mut first);
        let read = tokio::time::timeout(Duration::from_millis(20), read).await;
        begun += usize::from(matches!(read, Ok(Ok(()))));
    }
    Ok(begun)
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
