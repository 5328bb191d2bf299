//! Frames and messages by hand, from `spec/protocol.md`.

/// Kinds of requests and answers.
pub const HELLO: u8 = 0x01;
pub const LIST: u8 = 0x02;
pub const RECONCILE: u8 = 0x03;
pub const NODES: u8 = 0x04;
pub const CHUNKS: u8 = 0x05;
pub const CARD: u8 = 0x06;
pub const ANNOUNCE: u8 = 0x07;
pub const RECORD_BOUNDARIES: u8 = 0x08;
pub const FILTER: u8 = 0x09;
pub const DELTAS: u8 = 0x0a;
pub const NODE_DELTAS: u8 = 0x0b;
pub const MANIFESTS: u8 = 0x82;
pub const REFUSAL: u8 = 0x7f;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub body: Vec<u8>,
}

impl Frame {
    pub fn new(kind: u8, body: Vec<u8>) -> Self {
        Self { kind, body }
    }

    pub fn encode(&self) -> Vec<u8> {
        let length = (self.body.len() as u32).to_le_bytes();
        [&[self.kind][..], &length, &self.body].concat()
    }

    /// The code of a refusal.
    pub fn code(&self) -> Option<u8> {
        match self.kind {
            REFUSAL => self.body.first().copied(),
            _ => None,
        }
    }
}

pub fn encoded(frames: &[Frame]) -> Vec<u8> {
    frames.iter().flat_map(Frame::encode).collect()
}

/// The frames of a whole answer; `None` where it ends in the middle of one.
pub fn frames(mut bytes: &[u8]) -> Option<Vec<Frame>> {
    let mut all = Vec::new();
    while let [kind, a, b, c, d, rest @ ..] = bytes {
        let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        let (body, rest) = rest.split_at_checked(length)?;
        all.push(Frame::new(*kind, body.to_vec()));
        bytes = rest;
    }
    bytes.is_empty().then_some(all)
}

/// LEB128 in its shortest form.
pub fn varint(mut n: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while n >= 0x80 {
        bytes.push(n as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
    bytes
}

pub fn counted(bytes: &[u8]) -> Vec<u8> {
    [varint(bytes.len() as u64), bytes.to_vec()].concat()
}

/// Reads what was written by the program under test.
pub struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn varint(&mut self) -> Option<u64> {
        let mut n = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(n);
            }
        }
        None
    }

    pub fn counted(&mut self) -> Option<&'a [u8]> {
        let count = self.varint()?;
        self.take(count as usize)
    }
}

/// A hello that reads these codecs of records and, where `deltas`, codec 2.
pub fn hello(kind: u8, codecs: &[u8], deltas: bool) -> Frame {
    let bases: &[u8] = if deltas { &[1, 2] } else { &[0] };
    let body = [
        &varint(1)[..],
        &counted(codecs),
        bases,
        &[0],
        &counted(b"hostile/1"),
    ];
    Frame::new(kind, body.concat())
}

/// Everything that is shown.
pub fn list_all() -> Frame {
    Frame::new(LIST, vec![0])
}

/// Nodes by their places: level and offset.
pub fn nodes(envelope: &[u8; 32], tree: u8, places: &[(u8, u64)]) -> Frame {
    let mut body = [&envelope[..], &[tree], &varint(places.len() as u64)].concat();
    for (level, offset) in places {
        body.push(*level);
        body.extend(varint(*offset));
    }
    Frame::new(NODES, body)
}

/// Chunks by runs of how many to leave out and how many to send.
pub fn chunks(envelope: &[u8; 32], tree: u8, offset: u64, runs: &[(u64, u64)]) -> Frame {
    let mut body = [&envelope[..], &[tree], &varint(offset)].concat();
    body.extend(varint(runs.len() as u64));
    for (skip, take) in runs {
        body.extend(varint(*skip));
        body.extend(varint(*take));
    }
    Frame::new(CHUNKS, body)
}

pub fn announce(envelopes: &[Vec<u8>], statements: &[Vec<u8>]) -> Frame {
    let mut body = Vec::new();
    for some in [envelopes, statements] {
        body.extend(varint(some.len() as u64));
        some.iter().for_each(|one| body.extend(counted(one)));
    }
    Frame::new(ANNOUNCE, body)
}

/// A batch of manifests, not compressed.
pub fn batch(kind: u8, items: &[Vec<u8>]) -> Frame {
    let payload: Vec<u8> = items.iter().flat_map(|item| counted(item)).collect();
    packed_batch(kind, 0, payload.len() as u64, &payload)
}

/// A batch that says what it likes of its payload.
pub fn packed_batch(kind: u8, codec: u8, raw: u64, payload: &[u8]) -> Frame {
    Frame::new(kind, [&[codec][..], &varint(raw), payload].concat())
}

pub fn refusal(code: u8, text: &str) -> Frame {
    Frame::new(REFUSAL, [&[code][..], &counted(text.as_bytes())].concat())
}

/// The nodes or chunks that a request asks for.
pub struct Asked {
    pub tree: u8,
    /// Of nodes: level and offset.
    pub places: Vec<(u8, u64)>,
    /// Of chunks: where the first begins, and runs.
    pub offset: u64,
    pub runs: Vec<(u64, u64)>,
}

/// Reads a request for nodes (also as a delta) or chunks.
pub fn asked(request: &Frame) -> Option<Asked> {
    let mut c = Cursor(&request.body);
    let _envelope = c.take(32)?;
    let tree = *c.take(1)?.first()?;
    let (mut places, mut runs, mut offset) = (Vec::new(), Vec::new(), 0);
    match request.kind {
        NODES | NODE_DELTAS => {
            for _ in 0..c.varint()? {
                let level = *c.take(1)?.first()?;
                places.push((level, c.varint()?));
            }
        }
        CHUNKS => {
            offset = c.varint()?;
            for _ in 0..c.varint()? {
                runs.push((c.varint()?, c.varint()?));
            }
        }
        _ => return None,
    }
    Some(Asked {
        tree,
        places,
        offset,
        runs,
    })
}
