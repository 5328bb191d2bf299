//! `inspect lines` from outside, and the bytes of line indexes as in `spec/vectors/line-index.txt`.

use alimentar::registry::TargetError;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Output;

use alimentar::inspect::line_index::FileStamp;
use alimentar::inspect::line_index::GrowingLineIndex;
use alimentar::inspect::line_index::LineIndex;
use alimentar::inspect::line_index::StoredIndex;
use alimentar::progress::NoProgress;
use alimentar::registry::TextFile;
use serde_json::Value;

use crate::support::assert_vectors;
use crate::support::lab::Lab;
use crate::support::lines;
use crate::support::program;
use crate::support::run;
use crate::support::wait::settle;

const VECTORS: &str = include_str!("../../../spec/vectors/line-index.txt");

/// The files of the vectors, by name.
fn files() -> [(&'static str, Vec<u8>); 5] {
    let numbers: String = (0..30_000).map(|n| format!("{n}\r\n")).collect();
    let wide = [vec![b'a'; 300_000], b"\nb".to_vec()].concat();
    [
        ("empty", Vec::new()),
        ("open", b"a".to_vec()),
        ("closed", b"a\n\n".to_vec()),
        ("numbers", numbers.into_bytes()),
        ("wide", wide),
    ]
}

fn stored(text: &[u8]) -> StoredIndex {
    let size = text.len() as u64;
    let growing = GrowingLineIndex::new(LineIndex::new(size).unwrap());
    growing.run(&text, None, 1, &NoProgress).unwrap();
    let stamp = FileStamp {
        device: 2049,
        inode: 300,
        size,
        modified: (1_790_000_000, 0),
        changed: (-1, 999_999_999),
    };
    StoredIndex::new(growing.into_index(), stamp, size != 1, &text).unwrap()
}

/// Every encoding among the vectors, with its check and without.
pub fn encodings() -> Vec<Vec<u8>> {
    let all = files().map(|(_, text)| stored(&text).encode());
    let without = all.clone().map(|bytes| bytes[..bytes.len() - 32].to_vec());
    all.into_iter().chain(without).collect()
}

#[test]
fn line_indexes_match_the_vectors() {
    let mut found = String::new();
    for (name, text) in files() {
        let bytes = stored(&text).encode();
        found += &format!("{name} {}\n", alimentar::ident::to_hex(&bytes));
    }
    assert_vectors(&found, VECTORS);
}

impl Lab {
    fn show(&self, path: &Path, start: u64, count: u64) -> Output {
        let (start, count) = (start.to_string(), count.to_string());
        let words = ["inspect", "lines", path.to_str().unwrap()];
        run(
            &self.home(),
            &[&words[..], &["--start", &start, "--count", &count]].concat(),
        )
    }

    fn texts(&self, path: &Path, start: u64, count: u64) -> Vec<String> {
        let out = self.show(path, start, count);
        assert!(out.status.success() && out.stderr.is_empty(), "{out:?}");
        let objects = out.stdout.split(|b| *b == b'\n').filter(|l| !l.is_empty());
        let one = |(n, line): (u64, &[u8])| {
            let object: Value = serde_json::from_slice(line).unwrap();
            assert_eq!(object["n"], start + n);
            object["text"].as_str().unwrap().to_owned()
        };
        (0..).zip(objects).map(one).collect()
    }

    /// Files that are kept of indexes.
    fn kept_lines(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.home().join("cache/lines"));
        let entries = entries.into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// Bytes that an opening finds indexed already.
    fn found(&self, path: &Path) -> u64 {
        TextFile::open(path, &self.home())
            .unwrap()
            .index()
            .covered()
    }
}

#[test]
fn inspect_lines_prints_rows_by_number() {
    let lab = Lab::new();
    let file = lab.file("a.txt", b"zero\r\n\n\"two\"\t\xff\0\nlast");
    let out = lab.show(&file, 0, 9);
    assert_eq!(
        String::from_utf8(out.stdout).unwrap(),
        "{\"n\":0,\"text\":\"zero\",\"offset\":0,\"bytes\":4,\"lossy\":false}\n\
         {\"n\":1,\"text\":\"\",\"offset\":6,\"bytes\":0,\"lossy\":false}\n\
         {\"n\":2,\"text\":\"\\\"two\\\"\\t\u{fffd}\\u0000\",\"offset\":7,\"bytes\":8,\"lossy\":true}\n\
         {\"n\":3,\"text\":\"last\",\"offset\":16,\"bytes\":4,\"lossy\":false}\n"
    );
    assert_eq!(lab.texts(&file, 3, 5), ["last"]);
    assert!(lab.texts(&file, 4, 5).is_empty() && lab.texts(&file, 1, 0).is_empty());
    let empty = lab.file("empty", b"");
    assert!(lab.texts(&empty, 0, 5).is_empty());

    let mut plain = program(&lab.home());
    let plain = plain.args(["inspect", "lines", "--start=1"]).arg(&file);
    assert_eq!(plain.output().unwrap().stdout, b"\n\"two\"\t\xff\0\nlast\n");
}

#[test]
fn inspect_lines_of_binary_data_is_refused() {
    let lab = Lab::new();
    for (path, code, kind) in [
        (lab.dir.path().join("none"), 3, "not_found"),
        (lab.dir.path().to_owned(), 1, "unsupported"),
        (PathBuf::from("/dev/null"), 2, "invalid"),
        (lab.file("x.gz", b"\x1f\x8b\x08"), 1, "unsupported"),
    ] {
        let out = lab.show(&path, 0, 1);
        assert_eq!(out.status.code(), Some(code), "{out:?}");
        let error: Value = serde_json::from_slice(&out.stderr).unwrap();
        assert_eq!(error["error"]["kind"], kind);
    }
}

#[test]
fn first_line_begins_after_a_byte_order_mark() {
    let lab = Lab::new();
    let marked = lab.file("marked.txt", b"\xef\xbb\xbfone\n\xef\xbb\xbftwo\n");
    assert_eq!(lab.texts(&marked, 0, 2), ["one", "\u{feff}two"]);
    let out = lab.show(&marked, 0, 1);
    let line: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((&line["offset"], &line["bytes"]), (&3.into(), &3.into()));
}

#[test]
fn line_index_is_kept_continued_and_rebuilt() {
    let lab = Lab::new();
    let mut text = lines(100_000, 1);
    let file = lab.file("f.jsonl", &text);
    settle();
    let line = |text: &[u8], n: usize| {
        let line = text.split(|b| *b == b'\n').nth(n).unwrap();
        String::from_utf8(line.to_vec()).unwrap()
    };
    // The first lines need none.
    assert_eq!(lab.texts(&file, 0, 1), [line(&text, 0)]);
    assert!(lab.kept_lines().is_empty());
    // As much as is needed.
    assert_eq!(lab.texts(&file, 5000, 1), [line(&text, 5000)]);
    assert!(lab.found(&file) > 0);
    assert_eq!(lab.texts(&file, 99_999, 2), [line(&text, 99_999)]);
    assert_eq!(lab.found(&file), text.len() as u64);

    // Appended to, it is continued.
    let more = lines(1000, 2);
    let mut open = fs::OpenOptions::new().append(true).open(&file).unwrap();
    open.write_all(&more).unwrap();
    drop(open);
    assert_eq!(lab.found(&file), text.len() as u64);
    text.extend(more);
    assert_eq!(lab.texts(&file, 100_999, 2), [line(&text, 100_999)]);
    settle();

    // Of the same length and with the same time, it is another.
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    text[2000] = b'\n';
    fs::write(&file, &text).unwrap();
    let open = fs::OpenOptions::new().write(true).open(&file).unwrap();
    open.set_modified(time).unwrap();
    assert_eq!(lab.found(&file), 0);
    assert_eq!(lab.texts(&file, 101_000, 2), [line(&text, 101_000)]);

    // Shorter, it is another too.
    fs::write(&file, b"a\nb\n").unwrap();
    assert_eq!(lab.texts(&file, 1, 2), ["b"]);
    assert_eq!(lab.kept_lines().len(), 1);

    // A damaged index is none.
    fs::write(&file, &text).unwrap();
    settle();
    assert_eq!(lab.texts(&file, 9000, 1), [line(&text, 9000)]);
    assert!(lab.found(&file) > 0);
    let kept = lab.kept_lines().remove(0);
    let mut bytes = fs::read(&kept).unwrap();
    bytes[50] ^= 1;
    fs::write(&kept, bytes).unwrap();
    assert_eq!(lab.found(&file), 0);
    assert_eq!(lab.texts(&file, 9000, 1), [line(&text, 9000)]);
}

#[test]
fn line_index_of_a_rewritten_and_grown_file_is_rebuilt() {
    let lab = Lab::new();
    let mut text = lines(3000, 1);
    let file = lab.file("f.jsonl", &text);
    settle();
    lab.texts(&file, 2999, 1);
    // Rewritten in the middle and appended to: head, tail and length do not tell.
    let (from, to) = (100_000, 300_000);
    text[from..to].fill(b'\n');
    text.extend_from_slice(b"end\n");
    fs::write(&file, &text).unwrap();
    assert_eq!(lab.found(&file), 0);
    let n = text.split(|b| *b == b'\n').count() as u64 - 2;
    assert_eq!(lab.texts(&file, 100_000, 1), [""]);
    assert_eq!(lab.texts(&file, n, 5), ["end"]);
}

#[test]
fn line_index_in_a_read_only_home_is_not_kept() {
    let lab = Lab::new();
    fs::write(lab.home(), b"a file").unwrap();
    let file = lab.file("f.jsonl", &lines(1000, 1));
    assert_eq!(lab.texts(&file, 999, 1).len(), 1);
}

/// Checks whether an error says that a file became shorter while it was open.
fn is_shrunk(error: &alimentar::registry::Error) -> bool {
    use alimentar::inspect::line_index::LinesError;
    let alimentar::registry::Error::Target(TargetError::Lines { source, .. }) = error else {
        return false;
    };
    matches!(source, LinesError::Shrunk)
}

#[test]
fn line_index_of_a_shrinking_file_is_an_error() {
    let lab = Lab::new();
    let file = lab.file("f.jsonl", &lines(100_000, 1));
    let mut open = TextFile::open(&file, &lab.home()).unwrap();
    fs::write(&file, b"a\n").unwrap();
    assert!(is_shrunk(&open.count(&NoProgress).unwrap_err()));
    assert!(lab.kept_lines().is_empty());
    assert!(is_shrunk(
        &open.lines((0, 0), 9, &mut |_| Ok(())).unwrap_err()
    ));
}

#[test]
fn background_line_count_is_correct_and_kept() {
    let lab = Lab::new();
    let text = lines(100_000, 1);
    let starts: Vec<u64> = std::iter::once(0)
        .chain(newlines(&text).map(|n| n as u64 + 1))
        .collect();
    let file = lab.file("f.jsonl", &text);
    settle();
    let open = |path: &Path| TextFile::open(path, &lab.home()).unwrap().in_background();
    let mut all = open(&file);
    for line in [0, 99_999, 5000, 50_000] {
        let start = all.start_of(line, &NoProgress).unwrap();
        assert_eq!(start, Some(starts[line as usize]));
    }
    assert_eq!(all.start_of(100_000, &NoProgress).unwrap(), None);
    assert_eq!(all.count(&NoProgress).unwrap(), 100_000);
    assert!(lab.kept_lines().is_empty());
    drop(all);
    assert_eq!(lab.found(&file), text.len() as u64);

    // Nobody waits for the rest, and what was counted by then is kept.
    let other = lab.file("g.jsonl", &text);
    settle();
    let mut some = open(&other);
    let start = some.start_of(20_000, &NoProgress).unwrap();
    assert_eq!(start, Some(starts[20_000]));
    drop(some);
    let found = lab.found(&other);
    assert!((starts[20_000]..=text.len() as u64).contains(&found));
    assert_eq!(open(&other).count(&NoProgress).unwrap(), 100_000);
    assert_eq!(lab.found(&other), text.len() as u64);

    // Of a file that shrinks nothing is.
    let third = lab.file("h.jsonl", &text);
    let mut shrinks = open(&third);
    fs::write(&third, b"a\n").unwrap();
    assert!(is_shrunk(&shrinks.count(&NoProgress).unwrap_err()));
    drop(shrinks);
    assert_eq!(lab.kept_lines().len(), 2);
}

/// Returns the positions of the newlines.
fn newlines(text: &[u8]) -> impl Iterator<Item = usize> {
    let bytes = text.iter().enumerate();
    bytes.filter(|(_, b)| **b == b'\n').map(|(n, _)| n)
}
