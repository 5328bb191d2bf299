mod background;
mod stored;

use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::inspect::line_index::Counted;
use crate::inspect::line_index::FileStamp;
use crate::inspect::line_index::GROUP_BLOCKS;
use crate::inspect::line_index::Growing;
use crate::inspect::line_index::LineIndex;
use crate::inspect::line_index::LinesError;
use crate::inspect::line_index::Part;
use crate::inspect::line_index::Place;
use crate::inspect::line_index::StoredIndex;
use crate::inspect::line_index::each_line;
use crate::inspect::line_index::start_in;
use crate::progress::NoProgress;
use crate::progress::Progress;
use crate::read_at::ReadAt;
use crate::wire::limits::LINE_INDEX_BLOCKS_MAX;

/// Xorshift: seeded numbers without end.
struct Noise(u64);

impl Noise {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// Lines of all kinds: blank, short, longer than blocks and buffers, with every end.
    fn text(&mut self, bytes: usize) -> Vec<u8> {
        let mut text = Vec::new();
        while text.len() < bytes {
            let length = match self.below(200) {
                0 => self.below(200_000),
                1..100 => self.below(4),
                _ => self.below(300),
            };
            let alphabet = *b"ab\0\r\xff{}\"";
            text.extend((0..length).map(|_| alphabet[self.below(8) as usize]));
            text.extend_from_slice(
                [b"\n".as_slice(), b"\r\n", b"\r\r\n", b"\r"][self.below(4) as usize],
            );
        }
        text.truncate(bytes);
        text
    }
}

/// Gives a few bytes at a time.
struct Drops<'a>(&'a [u8]);

impl ReadAt for Drops<'_> {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let some = buf.len().min(1 + (offset % 5000) as usize);
        self.0.read_at(&mut buf[..some], offset)
    }
}

/// Zeros, with newlines at some places.
struct Zeros {
    bytes: u64,
    newlines: Vec<u64>,
}

impl ReadAt for Zeros {
    fn len(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let n = (self.bytes.saturating_sub(offset)).min(buf.len() as u64);
        buf[..n as usize].fill(0);
        for newline in &self.newlines {
            if (offset..offset + n).contains(newline) {
                buf[(newline - offset) as usize] = b'\n';
            }
        }
        Ok(n as usize)
    }
}

fn built(source: &dyn ReadAt, threads: usize) -> LineIndex {
    extended(LineIndex::new(source.len()).unwrap(), source, threads)
}

fn extended(index: LineIndex, source: &dyn ReadAt, threads: usize) -> LineIndex {
    let growing = Growing::new(index);
    growing.run(source, None, threads, &NoProgress).unwrap();
    let index = growing.into_index();
    assert!(index.is_complete());
    index
}

/// Offset and text of each line, the plain way.
fn naive(text: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut at = 0;
    text.split_inclusive(|b| *b == b'\n')
        .map(|line| {
            let offset = at;
            at += line.len() as u64;
            let text = line.strip_suffix(b"\n");
            let text = text.map_or(line, |l| l.strip_suffix(b"\r").unwrap_or(l));
            (offset, text.to_vec())
        })
        .collect()
}

/// Lines as they are read with an index.
fn read(source: &dyn ReadAt, index: &LineIndex, first: u64, count: u64) -> Vec<(u64, Vec<u8>)> {
    let Place::In(block) = index.locate(first) else {
        return Vec::new();
    };
    let start = start_in(source, &block).unwrap();
    let (mut found, mut text) = (Vec::new(), Vec::new());
    let sink = &mut |part: Part<'_>| {
        match part {
            Part::Text(piece) => {
                assert!(!piece.is_empty());
                text.extend_from_slice(piece);
            }
            Part::End(line) => {
                assert_eq!(line.number, first + found.len() as u64);
                assert_eq!(line.bytes, text.len() as u64);
                found.push((line.offset, std::mem::take(&mut text)));
            }
        }
        Ok::<_, LinesError>(())
    };
    each_line(source, index.size(), (first, start), count, sink).unwrap();
    found
}

fn stamp(size: u64) -> FileStamp {
    FileStamp {
        device: 2049,
        inode: 300,
        size,
        modified: (1_790_000_000, 5),
        changed: (1_790_000_001, 999_999_999),
    }
}

#[test]
fn small_files_have_their_lines() {
    let cases: [(&[u8], &[&[u8]]); 12] = [
        (b"", &[]),
        (b"\n", &[b""]),
        (b"a", &[b"a"]),
        (b"a\n", &[b"a"]),
        (b"\r\n", &[b""]),
        (b"a\r", &[b"a\r"]),
        (b"\r", &[b"\r"]),
        (b"a\r\r\nb", &[b"a\r", b"b"]),
        (b"\n\n", &[b"", b""]),
        (b"a\rb\r\nc\n", &[b"a\rb", b"c"]),
        (b"\0\n\0", &[b"\0", b"\0"]),
        (b"\n\ra", &[b"", b"\ra"]),
    ];
    for (text, lines) in cases {
        let index = built(&text, 1);
        assert_eq!(index.lines(), lines.len() as u64, "{text:?}");
        let found = read(&text, &index, 0, u64::MAX);
        let found: Vec<&[u8]> = found.iter().map(|(_, line)| line.as_slice()).collect();
        assert_eq!(found, lines, "{text:?}");
        assert_eq!(index.locate(lines.len() as u64), Place::Past, "{text:?}");
        assert_eq!(index.locate(u64::MAX), Place::Past);
    }
}

#[test]
fn lines_are_those_of_a_naive_split() {
    for seed in 1..25 {
        let mut noise = Noise(seed * 0x9e37_79b9);
        let bytes = [0, 1, 65_535, 65_536, 65_537, 1_000_000, 9_000_000][seed as usize % 7];
        let text = noise.text(bytes);
        let wanted = naive(&text);
        let index = built(&Drops(&text), 1 + seed as usize % 4);
        assert_eq!(index, built(&text.as_slice(), 1), "seed {seed}");
        assert_eq!(index.lines(), wanted.len() as u64, "seed {seed}");
        assert_eq!(index.locate(index.lines()), Place::Past);
        for _ in 0..40 {
            let first = noise.below(wanted.len() as u64 + 1) as usize;
            let count = noise.below(30) as usize;
            let found = read(&Drops(&text), &index, first as u64, count as u64);
            let end = (first + count).min(wanted.len());
            assert!(found == wanted[first..end], "seed {seed}, {first}..{end}");
        }
    }
}

#[test]
fn a_return_at_the_end_of_a_buffer_belongs_to_the_newline_behind_it() {
    for length in (64 << 10) - 3..(64 << 10) + 3 {
        for end in [b"\r\nb".as_slice(), b"\rb\n", b"\r\r\n", b"\r"] {
            let text = [vec![b'a'; length].as_slice(), end].concat();
            assert!(read(&text, &built(&text, 1), 0, 9) == naive(&text));
        }
    }
}

#[test]
fn what_grows_in_steps_is_what_is_made_at_once() {
    for seed in 1..15 {
        let mut noise = Noise(seed * 77_777);
        let text = noise.text(700_000);
        let mut index = LineIndex::new(0).unwrap();
        let mut end = 0;
        while end < text.len() {
            end = (end + noise.below(90_000) as usize).min(text.len());
            index.grow(end as u64).unwrap();
            index = extended(index, &&text[..end], 2);
            assert_eq!(index, built(&&text[..end], 1), "seed {seed}, {end}");
        }
        assert!(matches!(index.grow(3), Err(LinesError::Shrunk)));
    }
}

#[test]
fn a_part_answers_for_the_lines_in_it() {
    let text = Noise(4).text(30_000_000);
    let wanted = naive(&text);
    let line = wanted.len() as u64 / 3;
    let growing = Growing::new(LineIndex::new(text.len() as u64).unwrap());
    growing.run(&text, Some(line), 1, &NoProgress).unwrap();
    let index = growing.into_index();
    assert!(!index.is_complete() && index.lines() > line);
    assert_eq!(index.locate(wanted.len() as u64), Place::NotYet);
    assert!(read(&text, &index, line, 5) == wanted[line as usize..][..5]);
    let stored = StoredIndex::new(index, stamp(text.len() as u64), true, &text).unwrap();
    let again = StoredIndex::decode(&stored.encode()).unwrap();
    assert_eq!(again, stored);
    assert_eq!(extended(again.into_index(), &text, 3), built(&text, 1));
    // Without having counted anything, it is known where the first line is.
    let nothing = LineIndex::new(text.len() as u64).unwrap();
    assert!(read(&text, &nothing, 0, 3) == wanted[..3]);
}

#[test]
fn others_can_ask_while_it_grows() {
    let text = Noise(9).text(40_000_000);
    let wanted = naive(&text);
    let growing = Growing::new(LineIndex::new(text.len() as u64).unwrap());
    std::thread::scope(|scope| {
        let done = scope.spawn(|| growing.run(&text, None, 3, &NoProgress));
        let (mut noise, mut covered) = (Noise(10), 0);
        loop {
            let is_last = done.is_finished();
            assert!(growing.covered() >= covered);
            covered = growing.covered();
            let line = noise.below(wanted.len() as u64);
            match growing.locate(line) {
                Place::In(block) => {
                    assert_eq!(start_in(&text, &block).unwrap(), wanted[line as usize].0);
                }
                Place::NotYet => assert!(wanted[line as usize].0 >= covered),
                Place::Past => panic!("{line}"),
            }
            if is_last {
                break;
            }
        }
        done.join().unwrap().unwrap();
    });
    assert_eq!(growing.into_index(), built(&text, 1));
}

#[test]
fn a_single_line_of_2_gb_takes_no_memory() {
    let source = Zeros {
        bytes: 2_000_000_000,
        newlines: Vec::new(),
    };
    let index = built(&source, 2);
    assert_eq!(index.lines(), 1);
    assert!(index.memory_bytes() < 1 << 20);
    let stored = StoredIndex::new(index.clone(), stamp(source.bytes), true, &source).unwrap();
    assert!(stored.encode().len() < 200);
    assert_eq!(StoredIndex::decode(&stored.encode()).unwrap(), stored);
    let mut longest = 0;
    let sink = &mut |part: Part<'_>| {
        match part {
            Part::Text(piece) => longest = longest.max(piece.len()),
            Part::End(line) => assert_eq!(line.bytes, 2_000_000_000),
        }
        Ok::<_, LinesError>(())
    };
    each_line(&source, source.bytes, (0, 0), 5, sink).unwrap();
    assert!((1..=64 << 10).contains(&longest));
}

#[test]
fn the_largest_files_have_larger_blocks() {
    // 16 GiB in the most blocks there may be, each with one newline at its end.
    let blocks = LINE_INDEX_BLOCKS_MAX as u64;
    let mut index = LineIndex::new(blocks << 16).unwrap();
    index.append(&Counted {
        bytes: blocks << 16,
        counts: vec![1; blocks as usize],
        ends_open: false,
    });
    let line = 222_222;
    let source = Zeros {
        bytes: (blocks << 16) + 5,
        newlines: (line - 3..line + 3).map(|n| ((n + 1) << 16) - 1).collect(),
    };
    assert_eq!(read(&source, &index, line, 1)[0].0, line << 16);
    index.grow(source.bytes).unwrap();
    assert_eq!((index.shift, index.counts.len() as u64), (17, blocks / 2));
    assert_eq!(index.sums.len(), index.counts.len() / GROUP_BLOCKS);
    assert_eq!(read(&source, &index, line, 1)[0].0, line << 16);
    assert!(index.memory_bytes() < 2 << 20);
    let index = extended(index, &source, 2);
    assert_eq!(index.lines(), blocks + 1);
    let stored = StoredIndex::new(index, stamp(source.bytes), true, &source).unwrap();
    assert_eq!(StoredIndex::decode(&stored.encode()), Ok(stored));
    assert_eq!(LineIndex::new(1 << 49).unwrap().shift, 31);
    assert!(LineIndex::new((1 << 49) + 1).is_none() && LineIndex::new(u64::MAX).is_none());
}

#[test]
fn a_file_that_shrinks_is_an_error() {
    let text = Noise(3).text(20_000_000);
    let growing = Growing::new(LineIndex::new(text.len() as u64).unwrap());
    let short = &text[..9_000_000];
    let failed = growing.run(&short, None, 3, &NoProgress);
    assert!(matches!(failed, Err(LinesError::Shrunk)));
    assert!(growing.covered() <= 9_000_000);
    let index = built(&text, 2);
    let Place::In(block) = index.locate(index.lines() - 1) else {
        panic!()
    };
    assert!(matches!(start_in(&short, &block), Err(LinesError::Shrunk)));
    let from = (0, 8_999_999);
    let all = each_line::<LinesError>(&short, text.len() as u64, from, u64::MAX, &mut |_| Ok(()));
    assert!(matches!(all, Err(LinesError::Shrunk)));
}

#[test]
fn other_lines_than_were_counted_are_an_error() {
    let mut text = Noise(6).text(3_000_000);
    let index = built(&text, 2);
    let Place::In(block) = index.locate(index.lines() / 2) else {
        panic!()
    };
    assert!(start_in(&text, &block).is_ok());
    let middle = block.start as usize..(block.start + block.bytes) as usize;
    let newline = memchr::memrchr(b'\n', &text[middle.clone()]).unwrap();
    text[middle][newline] = b' ';
    assert!(matches!(start_in(&text, &block), Err(LinesError::Changed)));
}

/// Asks to stop after a while.
struct Impatient(AtomicU64);

impl Progress for Impatient {
    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) == 0
    }
}

#[test]
fn who_is_interrupted_goes_on_later() {
    let text = Noise(8).text(40_000_000);
    let growing = Growing::new(LineIndex::new(text.len() as u64).unwrap());
    let stopped = growing.run(&text, None, 2, &Impatient(AtomicU64::new(4)));
    assert!(matches!(stopped, Err(LinesError::Interrupted)));
    assert!(!growing.into_index().is_complete());
    let growing = Growing::new(LineIndex::new(text.len() as u64).unwrap());
    let stopped = growing.run(&text, None, 2, &Impatient(AtomicU64::new(4)));
    assert!(stopped.is_err());
    growing.run(&text, None, 2, &NoProgress).unwrap();
    assert_eq!(growing.into_index(), built(&text, 1));
}
