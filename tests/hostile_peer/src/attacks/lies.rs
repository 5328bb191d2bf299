//! The answers of a lying node to somebody who pulls from it.

use std::path::Path;

use crate::forge;
use crate::forge::Record;
use crate::forge::hash;
use crate::forge::noise;
use crate::host::Host;
use crate::host::Say;
use crate::host::Tell;
use crate::program::Lab;
use crate::program::Ran;
use crate::wire;
use crate::wire::Frame;
use crate::wire::counted;
use crate::wire::encoded;
use crate::wire::varint;

pub type Verdict = Result<String, String>;

/// Lies where requests of a kind are answered, and tells the truth otherwise.
pub fn at(kind: u8, lie: impl Fn(&Frame, &[Frame]) -> Say + Send + Sync + 'static) -> Box<Tell> {
    Box::new(move |request, truth| {
        // The file table comes first, and is not what most lies are about.
        let is_table = kind == wire::CHUNKS && request.body.get(32) == Some(&1);
        match request.kind == kind && !is_table {
            true => lie(request, truth),
            false => Say::Truth,
        }
    })
}

fn words(ran: &Ran) -> String {
    let said = ran.err.lines().last().unwrap_or_default();
    let said = crate::program::member(said, "message").unwrap_or_else(|| said.to_owned());
    let said: String = said.chars().take(90).collect();
    format!("exit {}: {said}", ran.code.unwrap_or(-1))
}

/// The pulling node detects the lie, shows nothing of it, names the liar, and gets the true data from
/// the honest node into the same home afterwards.
fn found_out(lab: &Lab, name: &str, tell: Box<Tell>) -> Verdict {
    let host = Host::serve(Some(lab.honest.address), 1, tell);
    let home = lab.home();
    let ran = lab.pull(&home, &host.peer(), name)?;
    if host.lies() == 0 {
        return Err(format!("it never lied: {}", ran.err));
    }
    refused(lab, &home, &ran, &host)
}

pub fn refused(lab: &Lab, home: &Path, ran: &Ran, host: &Host) -> Verdict {
    if !matches!(ran.code, Some(3..=6)) {
        return Err(format!("exit {:?}: {}{}", ran.code, ran.out, ran.err));
    }
    let is_named = ran.err.contains(&host.address.to_string()) || ran.err.contains("has signed");
    if !is_named {
        return Err(format!("nobody is named: {}", ran.err));
    }
    if ran.err.contains(['\u{1b}', '\u{7}', '\u{202e}']) {
        return Err("what the peer says reaches the terminal as it is".to_owned());
    }
    lab.is_empty(home)?;
    lab.serves(home)?;
    Ok(format!("{}, {} MiB", words(ran), ran.memory_kib >> 10))
}

fn records(truth: &[Frame]) -> Vec<Record> {
    let all = truth.iter().filter(|f| f.kind == 0x85);
    all.filter_map(|f| Record::decode(&f.body)).collect()
}

/// The first record of the truth, changed; the others as they are.
fn changed(truth: &[Frame], change: impl Fn(&mut Record)) -> Say {
    let mut all = records(truth);
    if let Some(first) = all.first_mut() {
        change(first);
    }
    let frame = |r: &Record| Frame::new(0x85, r.encode());
    Say::Frames(all.iter().map(frame).collect())
}

type Lie = fn(&Frame, &[Frame]) -> Say;

/// Wrong chunks in right frames, and frames that are not right.
pub const CHUNK_LIES: &[(&str, Lie)] = &[
    (
        "a chunk with one other bit, in a record whose checksums hold",
        |_, truth| changed(truth, |r| r.payload[100] ^= 1),
    ),
    ("another chunk, under its own id", |_, truth| {
        changed(truth, |r| {
            let chunk = noise(1, r.items[0].1 as usize);
            r.items[0].0 = hash(&chunk);
            r.payload[..chunk.len()].copy_from_slice(&chunk);
        })
    }),
    ("two chunks under each other's ids", |_, truth| {
        changed(truth, |r| {
            let last = r.items.len() - 1;
            let id = r.items[0].0;
            r.items[0].0 = r.items[last].0;
            r.items[last].0 = id;
        })
    }),
    ("lengths that move a border", |_, truth| {
        changed(truth, |r| {
            r.items[0].1 += 1;
            r.items[1].1 -= 1;
        })
    }),
    ("a length of 4 GiB", |_, truth| {
        changed(truth, |r| r.items[0].1 = u32::MAX)
    }),
    ("four billion items", |_, truth| {
        let mut bytes = records(truth)[0].encode();
        bytes[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        Say::Frames(vec![Frame::new(0x85, bytes)])
    }),
    ("fewer chunks than asked for", |_, truth| {
        Say::Frames(truth[1..].to_vec())
    }),
    ("every record twice", |_, truth| {
        Say::Frames([truth, truth].concat())
    }),
    (
        "a frame that expands to 4 GiB, said to be what was asked for",
        |_, truth| {
            changed(truth, |r| {
                r.codec = 1;
                r.payload = forge::bomb(4 << 30, Some(u64::from(r.raw)));
            })
        },
    ),
    ("the same, and it says so", |_, truth| {
        changed(truth, |r| {
            r.codec = 1;
            r.payload = forge::bomb(4 << 30, Some(4 << 30));
        })
    }),
    ("a frame of no length that expands", |_, truth| {
        changed(truth, |r| {
            r.codec = 1;
            r.payload = forge::bomb(4 << 30, None);
        })
    }),
    ("a codec that nobody knows", |_, truth| {
        changed(truth, |r| r.codec = 9)
    }),
    ("a tree node as a record of chunks", |_, truth| {
        changed(truth, |r| r.kind = 2)
    }),
    ("a delta that nobody asked for", |_, _| {
        let body = [
            &[1, 0, 1, 0][..],
            &counted(&forge::bomb(1 << 30, Some(1 << 20))),
        ]
        .concat();
        Say::Frames(vec![Frame::new(0x8c, body)])
    }),
    ("records of nothing without an end", |_, _| {
        let mut nothing = Record::of(&[]);
        nothing.raw = 0;
        Say::Endless(Frame::new(0x85, nothing.encode()).encode())
    }),
    ("the same true records without an end", |_, truth| {
        Say::Endless(encoded(truth))
    }),
    ("chunks that nobody asked for without an end", |_, _| {
        let chunk = noise(3, 60_000);
        Say::Endless(Frame::new(0x85, Record::of(&[&chunk]).encode()).encode())
    }),
    ("a frame of 4 GiB", |_, _| {
        Say::Bytes(vec![0x85, 0xff, 0xff, 0xff, 0xff])
    }),
    ("half an answer", |_, truth| {
        let bytes = encoded(truth);
        Say::Bytes(bytes[..bytes.len() / 2].to_vec())
    }),
    ("noise", |_, _| Say::Bytes(noise(2, 50_000))),
    ("a refusal that writes to the terminal", |_, _| {
        Say::Frames(vec![wire::refusal(6, "no\u{1b}[2J\u{7}\u{202e}")])
    }),
    ("too much at once, for ever", |_, _| {
        Say::Frames(vec![wire::refusal(5, "busy")])
    }),
];

fn batch_of(raw: u64, payload: &[u8]) -> Say {
    Say::Frames(vec![wire::packed_batch(wire::MANIFESTS, 1, raw, payload)])
}

/// Lies of other kinds, each where a request of its kind is answered.
pub const OTHER_LIES: &[(&str, u8, Lie)] = &[
    ("hello: a version of 0", wire::HELLO, |_, _| {
        Say::Frames(vec![Frame::new(0x81, vec![0, 0, 0, 0, 0])])
    }),
    ("hello: 2^63 codecs", wire::HELLO, |_, _| {
        Say::Frames(vec![Frame::new(
            0x81,
            [&[1][..], &varint(1 << 63)].concat(),
        )])
    }),
    ("hello: hellos without an end", wire::HELLO, |_, truth| {
        Say::Endless(encoded(truth))
    }),
    (
        "hello: nothing",
        wire::HELLO,
        |_, _| Say::Frames(Vec::new()),
    ),
    ("list: manifests without an end", wire::LIST, |_, truth| {
        Say::Endless(encoded(truth))
    }),
    ("list: empty batches without an end", wire::LIST, |_, _| {
        Say::Endless(wire::batch(wire::MANIFESTS, &[]).encode())
    }),
    (
        "list: empty manifests without an end",
        wire::LIST,
        |_, _| {
            let nothing = vec![Vec::new(); 10_000];
            Say::Endless(wire::batch(wire::MANIFESTS, &nothing).encode())
        },
    ),
    ("list: a batch that expands to 4 GiB", wire::LIST, |_, _| {
        batch_of(4 << 20, &forge::bomb(4 << 30, Some(4 << 20)))
    }),
    ("list: a batch of 2^60 bytes", wire::LIST, |_, _| {
        batch_of(1 << 60, &forge::bomb(1 << 20, Some(1 << 60)))
    }),
    ("list: a batch of noise", wire::LIST, |_, _| {
        batch_of(1 << 20, &noise(4, 5_000))
    }),
    (
        "list: an envelope without its end",
        wire::LIST,
        |_, truth| {
            let mut c = wire::Cursor(&truth[0].body);
            let _ = (c.take(1), c.varint());
            let envelope = c.counted().unwrap_or_default();
            let half = envelope[..envelope.len() / 2].to_vec();
            Say::Frames(vec![wire::batch(wire::MANIFESTS, &[half])])
        },
    ),
    ("list: one bit of a manifest", wire::LIST, |_, truth| {
        let mut frames = truth.to_vec();
        frames[0].body[200] ^= 1;
        Say::Frames(frames)
    }),
    ("list: an answer to something else", wire::LIST, |_, _| {
        Say::Frames(vec![Frame::new(0x87, vec![1])])
    }),
    ("nodes: one bit", wire::NODES, |_, truth| {
        let mut frames = truth.to_vec();
        let last = frames[0].body.len() - 1;
        frames[0].body[last] ^= 1;
        Say::Frames(frames)
    }),
    ("nodes: none", wire::NODES, |_, _| {
        Say::Frames(vec![Frame::new(0x84, Vec::new())])
    }),
    ("nodes: more than asked for", wire::NODES, |_, truth| {
        Say::Frames([truth, truth].concat())
    }),
    ("nodes: without an end", wire::NODES, |_, truth| {
        Say::Endless(encoded(truth))
    }),
    ("nodes: one of 2^62 bytes", wire::NODES, |_, _| {
        Say::Frames(vec![Frame::new(0x84, varint(1 << 62))])
    }),
    ("nodes: one longer than any may be", wire::NODES, |_, _| {
        Say::Frames(vec![Frame::new(0x84, counted(&noise(5, 70_000)))])
    }),
    ("seams: without an end", wire::RECORD_BOUNDARIES, |_, truth| {
        Say::Endless(encoded(truth))
    }),
    ("seams: 2^63 of them", wire::RECORD_BOUNDARIES, |_, _| {
        Say::Frames(vec![Frame::new(0x89, varint(1 << 63))])
    }),
];

/// Also beside an honest node: then all of it comes from there.
pub fn about_chunks(lab: &Lab, lie: Lie) -> Verdict {
    let alone = found_out(lab, "corpus", at(wire::CHUNKS, lie))?;
    let host = Host::serve(Some(lab.honest.address), 1, at(wire::CHUNKS, lie));
    let home = lab.home();
    let (liar, honest) = (host.peer(), lab.honest.peer());
    let words = [
        "registry", "pull", "corpus", "--peer", &liar, "--peer", &honest,
    ];
    let ran = lab.run(&home, &words)?;
    if ran.code != Some(0) {
        return Err(format!("beside an honest node: {}", ran.err));
    }
    lab.serves(&home)?;
    Ok(alone)
}

pub fn about(lab: &Lab, kind: u8, lie: Lie) -> Verdict {
    if kind == wire::RECORD_BOUNDARIES {
        return record_boundaries(lab, lie);
    }
    found_out(lab, "corpus", at(kind, lie))
}

/// Record boundaries are a hint: a peer that lies about them is passed over, or found out, and does no harm.
fn record_boundaries(lab: &Lab, lie: Lie) -> Verdict {
    let host = Host::serve(Some(lab.honest.address), 1, at(wire::RECORD_BOUNDARIES, lie));
    let home = lab.home();
    let ran = lab.pull(&home, &host.peer(), "windows")?;
    if host.lies() == 0 {
        return Err(format!("it never lied: {}", ran.err));
    }
    lab.serves(&home)?;
    Ok(words(&ran))
}

/// At an address where another node is known to be, and at first contact under another's name.
pub fn impostor(lab: &Lab) -> Verdict {
    let honest = || -> Box<Tell> { Box::new(|_, _| Say::Truth) };
    let upstream = Some(lab.honest.address);
    let first = Host::serve(upstream, 1, honest());
    let (home, port) = (lab.home(), first.address.port());
    let address = first.address.to_string();
    // Claimed to be somebody else at the first contact.
    let claimed = format!("{}@{address}", lab.honest.id);
    let ran = lab.pull(&home, &claimed, "corpus")?;
    if ran.code != Some(5) || !ran.err.contains(&first.id()) {
        return Err(format!("the first contact: {:?} {}", ran.code, ran.err));
    }
    // Met, and then another one there.
    let met = lab.run(&home, &["registry", "list", "--peer", &address])?;
    if met.code != Some(0) {
        return Err(format!("not met: {}", met.err));
    }
    drop(first);
    let mut second = None;
    for _ in 0..100 {
        if std::net::UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            second = Some(Host::serve_at(port, upstream, 2, honest()));
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let second = second.ok_or("the port stays taken")?;
    for words in [&["registry", "pull", "corpus"][..], &["registry", "sync"]] {
        let ran = lab.run(&home, &[words, &["--peer", &address]].concat())?;
        let shows_both = ran.err.contains(&second.id()) && ran.err.contains(&crate::quic::id(1));
        if ran.code != Some(5) || !shows_both {
            return Err(format!("{words:?}: {:?} {}", ran.code, ran.err));
        }
    }
    lab.is_empty(&home)?;
    lab.serves(&home)?;
    Ok("refused, both ids shown".to_owned())
}
